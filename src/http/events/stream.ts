import type { FeedFilter, FeedPage } from '../../db/eventFeed.ts';
import { toEventView } from '../../views/events.ts';
import { type Chunk, shareOf } from './chunk.ts';
import {
  type Frame,
  isTheEnd,
  isWanted,
  type NumberedFrame,
  type StreamFilter,
  toFrame,
  toHeartbeat,
  toOpening,
  withEnd,
} from './frames.ts';
import type { Outlet } from './outlet.ts';
import type { Turns } from './turns.ts';

/** Why a stream is over; `unchecked` when nobody could say for long whether its token is still good. */
export type StreamEnd = 'client' | 'token' | 'unchecked' | 'drain' | 'stalled' | 'deleted' | 'expired';

/** Events that are read at once for a reader that is behind: many, or few when it takes only few of them. */
const PAGE = 50;
const SLOW_PAGE = 10;
/** A reader that takes nothing for so long is gone, or will ask again from where it was. */
export const STALLED_MS = 60_000;

export interface StreamOptions {
  userId: string;
  filter: StreamFilter;
  /** The number after which it tells. */
  after: number;
  outlet: Outlet;
  read: (userId: string, filter: FeedFilter) => Promise<FeedPage>;
  /** Waits for its turn among those that are behind: only so many of them have a page in memory. */
  inTurn: Turns;
  /** Takes it among those that are told what comes; false when that has been told further than this stream is. */
  join: (stream: EventStream) => boolean;
  /** Told why it ends, unless it is its reader who leaves. */
  noteEnd: (reason: StreamEnd) => void;
  noteTrouble: (error: unknown) => void;
  /** A reader that takes nothing for so long is cut. */
  stalledMs?: number | undefined;
}

/**
 * One reader's stream: behind, and reading on from the database by its own number, or live, and told what comes. It is
 * written to only as fast as it is read.
 */
export class EventStream {
  readonly filter: StreamFilter;
  /** Of the last event that was written to it or passed over. */
  position: number;
  /** Whether it was never told how far things are. */
  isFresh = true;
  endedBy: StreamEnd | null = null;
  readonly #options: StreamOptions;
  readonly #outlet: Outlet;
  /** The last number that its reader knows of. */
  #toldPosition: number;
  #isCatchingUp = false;
  #isLive = false;
  #isSlow = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#outlet = options.outlet;
    this.filter = options.filter;
    this.position = options.after;
    this.#toldPosition = options.after;
    this.#outlet.onTaken = () => this.goOn();
  }

  begin(): void {
    this.#outlet.write(toOpening(this.position));
    this.goOn();
  }

  /** Goes on with a stream that is behind, once its reader has taken what there was. */
  goOn(): void {
    if (this.#isLive || this.#isCatchingUp || this.endedBy || this.#outlet.isFull) return;
    this.#isCatchingUp = true;
    this.#catchUp()
      // Whoever looks after the streams calls again.
      .catch(this.#options.noteTrouble)
      .finally(() => {
        this.#isCatchingUp = false;
      });
  }

  async #catchUp(): Promise<void> {
    while (!this.endedBy && !this.#join()) {
      this.#isSlow = !(await this.#options.inTurn(this.#options.userId, () => this.#tellPage()));
      if (this.#isSlow) return;
    }
  }

  /** @returns false when the reader does not take it; the rest is not kept */
  async #tellPage(): Promise<boolean> {
    if (this.endedBy) return true;
    const { position: afterSequence } = this;
    const filter = withEnd(this.filter);
    const limit = this.#isSlow ? SLOW_PAGE : PAGE;
    const page = await this.#options.read(this.#options.userId, { ...filter, afterSequence, limit });
    if (page.expiredSequence > afterSequence) this.end('expired');
    for (const event of page.events) {
      if (this.#outlet.isFull && !(await this.#makeRoom())) return false;
      if (this.endedBy) return true;
      this.#tellEvent(toFrame(toEventView(event), event.videoId ?? null));
    }
    this.position = page.lookedToSequence;
    return true;
  }

  #tellEvent(frame: NumberedFrame): void {
    this.position = frame.sequence;
    if (isWanted(frame, this.filter)) {
      this.#outlet.write(frame.bytes);
      this.#toldPosition = frame.sequence;
    }
    if (isTheEnd(frame, this.filter)) this.end('deleted');
  }

  /** A reader that is known to be slow is not waited for: others wait for their turn. */
  async #makeRoom(): Promise<boolean> {
    return !this.#isSlow && this.#outlet.makeRoom();
  }

  #join(): boolean {
    this.#isLive = this.#options.join(this);
    return this.#isLive;
  }

  /** Tells a live stream what has come. @returns whether it is still live */
  tell(chunk: Chunk): boolean {
    if (this.endedBy) return false;
    if (this.position >= chunk.to) return true;
    if (this.#outlet.isFull) {
      this.#isLive = false;
      return false;
    }
    const { bytes, lastSequence, isEnd } = shareOf(chunk, this.filter, this.position);
    if (bytes) {
      this.#outlet.write(bytes);
      this.#toldPosition = lastSequence;
    }
    this.position = chunk.to;
    if (isEnd) this.end('deleted');
    return true;
  }

  /** Tells a live stream how far things are; whom it is new to everything, the others what has changed. */
  tellProgress(all: readonly Frame[], changed: ReadonlySet<Frame>): void {
    if (this.endedBy || !this.#outlet.isIdle) return;
    const wanted = all.filter(
      (frame) => (this.isFresh || changed.has(frame)) && isWanted(frame, this.filter),
    );
    this.isFresh = false;
    for (const { bytes } of wanted) this.#outlet.write(bytes);
  }

  /** Lets the reader know that somebody is there; nobody else is to know who reads nothing. */
  beat(): void {
    if (this.endedBy || !this.#outlet.isIdle) return;
    this.#outlet.write(toHeartbeat(this.position === this.#toldPosition ? null : this.position));
    this.#toldPosition = this.position;
  }

  /** Cuts a stream whose reader takes nothing, and goes on with one that was left behind. */
  lookAfter(): void {
    if (this.#outlet.stalledMs > (this.#options.stalledMs ?? STALLED_MS)) {
      this.#note('stalled');
      this.#outlet.cut();
    } else this.goOn();
  }

  end(reason: StreamEnd): void {
    if (this.endedBy) return;
    this.#note(reason);
    this.#outlet.end();
  }

  #note(reason: StreamEnd): void {
    this.endedBy ??= reason;
    this.#options.noteEnd(this.endedBy);
  }
}
