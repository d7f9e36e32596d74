import type { Context } from 'koa';
import type { Config } from '../../config.ts';
import type { FeedFilter, FeedPage, FeedPosition } from '../../db/eventFeed.ts';
import type { Db } from '../../db/index.ts';
import type { Listener } from '../../db/listener.ts';
import { isDatabaseOutage } from '../../db/outage.ts';
import type { Log } from '../../log.ts';
import { createLiveChecks, type LiveChecks } from '../liveChecks.ts';
import { HttpProblem } from '../problem.ts';
import { Channel } from './channel.ts';
import type { StreamFilter } from './frames.ts';
import { Outlet } from './outlet.ts';
import { createPlaces, noPlace, type Places } from './places.ts';
import { createProgressTelling, wantsProgress } from './progress.ts';
import { EventStream } from './stream.ts';
import { calmly, createTimers, type Timers } from './timers.ts';
import { createTurns } from './turns.ts';

/** A notification is a hint; by the numbers nothing is missed for longer than this. */
const READ_ON_EVERY_MS = 2000;
const PROGRESS_EVERY_MS = 1000;
/** Reads of news for all streams of a user that go on at a time: requests need the connections, too. */
const READS_AT_ONCE = 3;
/** The same for single streams that are behind; apart, so that news does not wait for slow readers. */
const BEHIND_AT_ONCE = 3;

/** Kept by nobody, and passed on by proxies as it comes. */
export const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
};

/** Whose events a stream is to tell, and from where on. */
export interface StreamStart {
  userId: string;
  filter: StreamFilter;
  /** Tells what came after it; null for what is new from now on or, of one video, for everything. */
  after: number | null;
}

export interface StreamRequest extends StreamStart {
  ctx: Context;
  tokenId: string;
}

export interface EventHubOptions {
  db: Pick<Db, 'events' | 'tokens' | 'listenForEvents'>;
  config: Pick<Config, 'EVENT_STREAMS_MAX' | 'EVENT_HEARTBEAT_SEC'>;
  log: Log;
  /** A reader that takes nothing for so long is cut. */
  stalledMs?: number;
}

/** All event streams of one process. While there are none it asks nothing, and it connects to listen when the first one comes. */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #places: Places;
  readonly #checks: LiveChecks;
  readonly #timers: Timers;
  readonly #readOn: () => Promise<void>;
  readonly #noteTrouble: (error: unknown) => void;
  readonly #readNews: (userId: string, filter: FeedFilter) => Promise<FeedPage>;
  readonly #inTurn = createTurns(BEHIND_AT_ONCE);
  #listening: Promise<Listener> | undefined;
  #isClosed = false;

  constructor(options: EventHubOptions) {
    const { db, config } = options;
    const log = options.log.child({ module: 'events' });
    const inTurn = createTurns(READS_AT_ONCE);
    this.#options = options;
    this.#noteTrouble = (error) => {
      const level = isDatabaseOutage(error) ? 'debug' : 'error';
      log[level]({ err: error }, 'events could not be told');
    };
    this.#places = createPlaces(config.EVENT_STREAMS_MAX);
    this.#checks = createLiveChecks({ findLive: (ids) => db.tokens.findReaders(ids), log });
    this.#readNews = (userId, filter) => inTurn(userId, () => db.events.list(userId, filter));
    this.#readOn = calmly(log, () => this.#lookForNews());
    const telling = createProgressTelling();
    this.#timers = createTimers([
      [READ_ON_EVERY_MS, this.#readOn],
      [PROGRESS_EVERY_MS, calmly(log, () => this.#lookForProgress(telling))],
      [config.EVENT_HEARTBEAT_SEC * 1000, () => this.#streams().forEach((stream) => void stream.beat())],
    ]);
  }

  /** How many are open. */
  get openCount(): number {
    return this.#places.taken;
  }

  /**
   * Answers with a stream.
   *
   * @throws HttpProblem `events_expired`, `too_many_streams`, `streams_unavailable`
   */
  async open(request: StreamRequest): Promise<void> {
    const leave = this.#takePlace(request.userId);
    try {
      await this.#listen();
      const start = await this.#findStart(request);
      if (this.#isClosed) throw noPlace();
      if (request.ctx.res.closed) leave();
      else this.#begin(request, start, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Opens none, and throws what opening it would throw. */
  async tryOpen(request: StreamStart): Promise<void> {
    const leave = this.#takePlace(request.userId);
    await this.#findStart(request).finally(leave);
  }

  /** Ends all streams, so that their readers go on elsewhere, and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timers.stop();
    for (const stream of this.#streams()) stream.end('drain');
    await (await this.#listening)?.close();
  }

  /** @throws HttpProblem `too_many_streams`, `streams_unavailable` */
  #takePlace(userId: string): () => void {
    // Before anything else: whoever listens after the end would never let go of the database.
    if (this.#isClosed) throw noPlace();
    return this.#places.take(userId);
  }

  async #findStart(request: StreamStart): Promise<Start> {
    const positions = await this.#options.db.events.findPositions([request.userId]);
    return findStart(request, positions.get(request.userId));
  }

  #streams(): EventStream[] {
    return [...this.#channels.values()].flatMap(({ streams }) => [...streams]);
  }

  #listen(): Promise<Listener> {
    this.#listening ??= this.#options.db.listenForEvents((userId) => {
      if (userId === null) void this.#readOn();
      else this.#channels.get(userId)?.wake();
    });
    return this.#listening;
  }

  /** Nothing is waited for in here: no news may come between the number that was found and the place that is taken. */
  #begin({ ctx, userId, tokenId, filter }: StreamRequest, { after, last }: Start, leave: () => void): void {
    const noteTrouble = this.#noteTrouble;
    const channel =
      this.#channels.get(userId) ??
      new Channel({ userId, position: last, read: this.#readNews, noteTrouble });
    const isNew = !this.#channels.has(userId);
    this.#channels.set(userId, channel);
    const stream = new EventStream({
      userId,
      filter,
      after,
      outlet: new Outlet(ctx.res),
      read: (...args) => this.#options.db.events.list(...args),
      inTurn: this.#inTurn,
      join: (one) => channel.join(one),
      noteEnd: beginAnswer(ctx),
      noteTrouble,
      stalledMs: this.#options.stalledMs,
    });
    channel.streams.add(stream);
    const release = this.#checks.watch(tokenId, (why) => stream.end(why === 'over' ? 'token' : why));
    ctx.res.once('close', () => {
      stream.endedBy ??= 'client';
      release();
      leave();
      channel.leave(stream);
      if (channel.streams.size === 0) this.#channels.delete(userId);
      if (this.#channels.size === 0) this.#timers.stop();
    });
    this.#timers.start();
    stream.begin();
    // Of what came since the number was found nobody has told a channel that was not there.
    if (isNew || last > channel.position) channel.wake();
  }

  async #lookForNews(): Promise<void> {
    for (const stream of this.#streams()) stream.lookAfter();
    const positions = await this.#options.db.events.findPositions([...this.#channels.keys()]);
    for (const channel of this.#channels.values()) {
      const last = positions.get(channel.userId)?.lastSequence ?? 0;
      if (last > channel.position) channel.wake();
    }
  }

  async #lookForProgress(tell: ReturnType<typeof createProgressTelling>): Promise<void> {
    const isAsked = ({ streams }: Channel) => [...streams].some(({ filter }) => wantsProgress(filter.types));
    const userIds = [...this.#channels.values()].filter(isAsked).map(({ userId }) => userId);
    if (userIds.length > 0) tell(this.#channels, await this.#options.db.events.findProgress(userIds));
  }
}

interface Start {
  /** The number after which a stream tells. */
  after: number;
  /** The user's last. */
  last: number;
}

/** @throws HttpProblem `events_expired` */
function findStart({ after, filter }: StreamStart, position: FeedPosition | undefined): Start {
  const { lastSequence: last, expiredSequence } = position ?? { lastSequence: 0, expiredSequence: 0 };
  if (after !== null && after < expiredSequence) throw new HttpProblem('events_expired');
  const first = filter.videoId === null ? last : expiredSequence;
  // A number from the future is none of ours, or of a database that was put back: what is new is what comes.
  return { after: Math.min(after ?? first, last), last };
}

/** The body is written by the stream alone: nothing of Koa's is to come after it. @returns what notes its end */
function beginAnswer(ctx: Context): (endedBy: string) => void {
  ctx.respond = false;
  ctx.status = 200;
  ctx.set(STREAM_HEADERS);
  return ctx.state.noteStream();
}
