import { isStale, SessionError } from './session.js';

/** So often in a row, at one place of the video, a new address is worth a try. */
const MAX_ATTEMPTS = 3;
const MAX_PAUSE_MS = 20_000;
/** So often a playing page looks whether the share is still good: what is loaded would play on without a request. */
const LOOK_PAUSE_MS = 12_000;

/** So long nothing comes before the connection is looked at: browsers themselves wait for half a minute. */
const SILENCE_MS = 4000;

/** Waits, but no longer than until the connection is back. @param {number} ms */
const pause = (ms) =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener('online', end);
      resolve(undefined);
    };
    const timer = setTimeout(end, ms);
    addEventListener('online', end);
  });

/** @param {TimeRanges} buffered @param {number} sec */
function isLoaded(buffered, sec) {
  for (let at = 0; at < buffered.length; at += 1)
    if (buffered.start(at) <= sec && sec < buffered.end(at) - 0.2) return true;
  return false;
}

/**
 * @typedef {import('./session.js').Address} Address
 * @typedef {object} SourceParts
 * @property {HTMLVideoElement} video
 * @property {ReturnType<typeof import('./session.js').createSession>} session
 * @property {ReturnType<typeof import('./still.js').createStill>} still
 * @property {(trouble: 'lost' | 'unplayable' | 'waiting' | null) => void} tell null: all is well again
 * @property {(code: string) => void} end the share is over
 */

/**
 * Keeps the video supplied with addresses of its bytes, however long it is open. What an old address has loaded, or still loads, is
 * played on; a new one is put in its place where the old one fails, or is about to: the time and whether it plays stay the same.
 */
export class Source {
  #parts;
  /** @type {Address | null} */
  #inUse = null;
  /** @type {Promise<void> | null} */
  #moving = null;
  #isOver = false;
  /** As somebody wants it: a browser that gives up says that it pauses. */
  #isPlaying = false;
  #attempts = 0;
  #failedAtSec = -1;
  #lookedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;

  /** @param {SourceParts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { video } = parts;
    for (const event of ['seeking', 'play', 'waiting', 'stalled'])
      video.addEventListener(event, () => this.#refresh());
    for (const event of ['seeking', 'waiting']) video.addEventListener(event, () => this.#awaitBytes());
    for (const event of ['seeked', 'playing', 'canplay', 'emptied'])
      video.addEventListener(event, () => clearTimeout(this.#silence));
    video.addEventListener('error', () => this.#recover());
    video.addEventListener('timeupdate', () => this.#look());
    video.addEventListener('play', () => {
      this.#isPlaying = true;
    });
    video.addEventListener('pause', () => {
      this.#isPlaying = video.error !== null && this.#isPlaying;
    });
  }

  /** Gets the first address. Nothing is loaded before somebody wants to see it: the first bytes are a view. */
  async begin() {
    const address = await this.#insist(this.#parts.session.address);
    if (address) this.#put(address);
  }

  /** @param {number} sec */
  seek(sec) {
    const { video, still } = this.#parts;
    // Until somebody wants something, nothing is loaded.
    if (video.readyState === video.HAVE_NOTHING) video.preload = 'auto';
    if (!isLoaded(video.buffered, sec)) still.keep();
    video.currentTime = sec;
  }

  /** Starts anew, where it was given up. */
  retry() {
    this.#attempts = 0;
    this.#parts.tell(null);
    return this.#move(this.#parts.session.renew);
  }

  /** Before the browser asks for more, which an old address would not get. */
  #refresh() {
    const { video, session, still } = this.#parts;
    if (
      this.#inUse === null ||
      this.#isOver ||
      !isStale(this.#inUse) ||
      isLoaded(video.buffered, video.currentTime)
    )
      return;
    still.show();
    this.#move(session.address);
  }

  /** While nothing comes: is the way to the server still there, and the share? A slow way is left to the browser. */
  #awaitBytes() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(async () => {
      const { session } = this.#parts;
      if (this.#isOver || this.#moving !== null) return;
      try {
        await session.renew();
        this.#awaitBytes();
      } catch {
        this.#move(session.renew);
      }
    }, SILENCE_MS);
  }

  /** After the browser has given up. */
  #recover() {
    const { video, session, still, tell } = this.#parts;
    if (this.#isOver || this.#inUse === null) return;
    if (Math.abs(video.currentTime - this.#failedAtSec) > 1) this.#attempts = 0;
    this.#failedAtSec = video.currentTime;
    this.#attempts += 1;
    if (this.#attempts > MAX_ATTEMPTS) {
      still.hide();
      tell('unplayable');
      return;
    }
    still.show();
    this.#move(async () => {
      if (this.#attempts > 1) await pause(this.#attempts * 500);
      return session.renew();
    });
  }

  /** While it plays: sees the end of the share, and so has the next address at hand before it is needed. */
  #look() {
    const { video, session } = this.#parts;
    const now = Date.now();
    // Either way: the clock may be set back.
    if (this.#isOver || video.paused || Math.abs(now - this.#lookedAt) < LOOK_PAUSE_MS) return;
    this.#lookedAt = now;
    session.renew().catch((/** @type {unknown} */ error) => {
      if (error instanceof SessionError && error.kind === 'ended') this.#stop(error.code);
    });
  }

  /** @param {() => Promise<Address>} ask */
  #move(ask) {
    this.#moving ??= this.#insist(ask)
      .then((address) => {
        if (address) this.#put(address);
      })
      .finally(() => {
        this.#moving = null;
      });
    return this.#moving;
  }

  /** Asks until there is an answer. Gives null when the share is over. @param {() => Promise<Address>} ask */
  async #insist(ask) {
    const { tell } = this.#parts;
    for (let waitMs = 1000; !this.#isOver; waitMs = Math.min(2 * waitMs, MAX_PAUSE_MS)) {
      try {
        const address = await ask();
        tell(null);
        return address;
      } catch (error) {
        if (!(error instanceof SessionError)) throw error;
        if (error.kind === 'ended') this.#stop(error.code);
        else {
          tell(error.kind === 'waiting' ? 'waiting' : 'lost');
          await pause(waitMs);
        }
      }
    }
    return null;
  }

  /** Puts an address in the place of another, or of none. @param {Address} address */
  #put(address) {
    const { video, still } = this.#parts;
    // As they are now, not when the address was asked for: meanwhile somebody may have moved on.
    const { currentTime: timeSec, playbackRate } = video;
    const isPlaying = this.#isPlaying || !video.paused;
    still.show();
    if (this.#inUse !== null) video.preload = 'auto';
    this.#inUse = address;
    this.#lookedAt = Date.now();
    video.defaultPlaybackRate = playbackRate;
    video.src = address.url;
    video.currentTime = timeSec;
    // Not every browser keeps a time that is set before it knows the video; one that was set meanwhile counts.
    const restore = () => {
      if (video.currentTime < 0.1) video.currentTime = timeSec;
    };
    if (timeSec > 0) video.addEventListener('loadedmetadata', restore, { once: true });
    still.hideAtNextPicture();
    // What prevents it comes as an event, too.
    if (isPlaying) video.play().catch(() => {});
  }

  /** @param {string} code */
  #stop(code) {
    const { video, still, end } = this.#parts;
    this.#isOver = true;
    video.pause();
    video.removeAttribute('src');
    video.load();
    still.hide();
    end(code);
  }
}
