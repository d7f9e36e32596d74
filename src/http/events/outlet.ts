import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** With so much waiting for its reader a stream is full: what comes then is read again from the database when it is due. */
const FULL_BYTES = 16 * 1024;
/** A reader that keeps up has taken everything by then. */
const MOMENT_MS = 50;
/** After an orderly end, what was written before may take so long to go out. */
const LAST_BYTES_MS = 1000;

/** The way to one reader. Knows what it has not taken yet; keeps little of it. */
export class Outlet {
  readonly #res: ServerResponse;
  #untaken = 0;
  #takenAt = performance.now();
  /** Called whenever the reader has taken everything. */
  onTaken: () => void = () => {};

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  get isFull(): boolean {
    return this.#res.writableLength >= FULL_BYTES;
  }

  /** Whether everything was taken. */
  get isIdle(): boolean {
    return this.#untaken === 0;
  }

  /** How long the reader has not taken what is there for it; 0 when nothing is. */
  get stalledMs(): number {
    return this.isIdle ? 0 : performance.now() - this.#takenAt;
  }

  write(bytes: Buffer | string): void {
    if (this.#res.writableEnded || this.#res.destroyed) return;
    if (this.isIdle) this.#takenAt = performance.now();
    this.#untaken += 1;
    this.#res.write(bytes, () => this.#take());
  }

  #take(): void {
    this.#untaken -= 1;
    this.#takenAt = performance.now();
    if (this.isIdle && !this.#res.destroyed) this.onTaken();
  }

  /** Waits a moment for a reader that is only a little behind. @returns whether there is room for more */
  async makeRoom(): Promise<boolean> {
    const late = Date.now() + MOMENT_MS;
    while (this.isFull && !this.#res.destroyed && Date.now() < late) await delay(1);
    return !this.isFull;
  }

  /** Ends in order. Who does not read does not hold up the end for long. */
  end(): void {
    if (this.#res.destroyed) return;
    this.#res.end();
    const timer = setTimeout(() => this.cut(), LAST_BYTES_MS).unref();
    this.#res.once('close', () => clearTimeout(timer));
  }

  cut(): void {
    this.#res.destroy();
  }
}
