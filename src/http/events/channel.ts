import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FeedFilter, FeedPage } from '../../db/eventFeed.ts';
import { toEventView } from '../../views/events.ts';
import { toChunks } from './chunk.ts';
import { type Frame, toFrame } from './frames.ts';
import type { EventStream } from './stream.ts';

/** Events that are read at once for everybody. */
const PAGE = 100;
/** Less than makes a stream full, so that one chunk alone leaves nobody behind. */
const CHUNK_BYTES = 12 * 1024;

export interface ChannelOptions {
  userId: string;
  /** Number after which it tells. */
  position: number;
  read: (userId: string, filter: FeedFilter) => Promise<FeedPage>;
  noteTrouble: (error: unknown) => void;
}

/** One user's events on their way to all of the user's streams: read once, written to everybody who is not behind. */
export class Channel {
  readonly userId: string;
  /** Up to here everything was told to those that are live. */
  position: number;
  readonly streams = new Set<EventStream>();
  readonly #live = new Set<EventStream>();
  readonly #options: ChannelOptions;
  #isReading = false;
  #hasNews = false;

  constructor(options: ChannelOptions) {
    this.userId = options.userId;
    this.position = options.position;
    this.#options = options;
  }

  /** Takes a stream among those that are told what comes; false when it has first to be told what came. */
  join(stream: EventStream): boolean {
    if (stream.position < this.position) return false;
    this.#live.add(stream);
    return true;
  }

  leave(stream: EventStream): void {
    this.streams.delete(stream);
    this.#live.delete(stream);
  }

  /** There is news, or may be. */
  wake(): void {
    this.#hasNews = true;
    if (this.#isReading) return;
    this.#isReading = true;
    this.#readOn()
      // The number says later that there is news.
      .catch(this.#options.noteTrouble)
      .finally(() => {
        this.#isReading = false;
        if (this.#hasNews && this.streams.size > 0) this.wake();
      });
  }

  async #readOn(): Promise<void> {
    while (this.#hasNews && this.streams.size > 0) {
      this.#hasNews = false;
      const filter = { afterSequence: this.position, types: [], videoId: null, limit: PAGE };
      const page = await this.#options.read(this.userId, filter);
      await this.#deliver(page);
      this.#hasNews ||= this.position < page.lastSequence;
    }
  }

  async #deliver(page: FeedPage): Promise<void> {
    // Nobody has been asleep for so long, unless the database was away for the whole time that events are kept.
    if (page.expiredSequence > this.position) for (const stream of this.#live) stream.end('expired');
    const frames = page.events.map((event) => toFrame(toEventView(event), event.videoId ?? null));
    for (const chunk of toChunks(frames, this.position, CHUNK_BYTES)) {
      for (const stream of this.#live) if (!stream.tell(chunk)) this.#live.delete(stream);
      this.position = chunk.to;
      // What was written goes out at the end of the turn; only then it shows who keeps up.
      await nextTurn();
    }
    this.position = Math.max(this.position, page.lookedToSequence);
  }

  /**
   * Tells how far things are, unless something has happened since that was read: a step that has ended is not at work any
   * more. The next time comes soon.
   */
  tellProgress(all: readonly Frame[], changed: ReadonlySet<Frame>, lastSequence: number): boolean {
    if (this.position !== lastSequence) return false;
    for (const stream of this.#live) {
      if (stream.position === lastSequence) stream.tellProgress(all, changed);
    }
    return true;
  }
}
