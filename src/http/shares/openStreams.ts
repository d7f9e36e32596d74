import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import type { Log } from '../../log.ts';
import { toNetwork } from '../network.ts';
import { HttpProblem } from '../problem.ts';

/** A revocation must reach running players within 5 s, whichever process was told of it. */
const CHECK_EVERY_MS = 2000;
/**
 * So long running answers go on without a word from the database. A restart of it must not stop every player, and nobody can
 * take back a link meanwhile; but a process that alone is cut off from it would never hear that a link is dead.
 */
const UNCHECKED_MS = 30_000;

/**
 * So many answers may give out one link's bytes to one network at a time: some for each of a house full of players. A link is in
 * anybody's hands, and each answer holds a file, a connection and its buffers for as long as its reader likes.
 */
const MAX_OPEN = 32;
/** When one of them may have ended. */
const FULL_FOR_SEC = 10;

/** The answers that give out bytes of shares right now. */
export interface OpenStreams {
  /**
   * Cuts the answer as soon as its share is good no more; lets go of it when it ends.
   *
   * @throws HttpProblem `rate_limited` when the share has too many answers for the sender's network
   */
  watch(shareId: string, ctx: Context): void;
}

export interface OpenStreamsOptions {
  /** Which of the shares given are still good, in one question. */
  findLive: (shareIds: string[]) => Promise<ReadonlySet<string>>;
  log: Log;
  checkEveryMs?: number;
  uncheckedMs?: number;
  maxOpen?: number;
}

interface OpenStream {
  shareId: string;
  network: string;
  cut: () => void;
  /** When the share was last known to be good. */
  checkedAt: number;
}

const tooManyOpen = (): HttpProblem =>
  new HttpProblem('rate_limited', 'Too much is being loaded by this link at the same time', {
    headers: { 'Retry-After': String(FULL_FOR_SEC) },
  });

/** Watches the running answers of one process; asks nothing while there are none. */
export function createOpenStreams(options: OpenStreamsOptions): OpenStreams {
  const { findLive, checkEveryMs = CHECK_EVERY_MS, uncheckedMs = UNCHECKED_MS, maxOpen = MAX_OPEN } = options;
  const log = options.log.child({ module: 'shares' });
  const open = new Map<ServerResponse, OpenStream>();
  let timer: NodeJS.Timeout | undefined;
  let isAsking = false;

  async function check(): Promise<void> {
    cutAll(
      (stream) => performance.now() - stream.checkedAt > uncheckedMs,
      'running answers could not be checked',
    );
    if (isAsking || open.size === 0) return;
    isAsking = true;
    const askedAt = performance.now();
    const asked = new Set(open.values());
    try {
      const live = await findLive([...new Set([...asked].map(({ shareId }) => shareId))]);
      for (const stream of asked) if (live.has(stream.shareId)) stream.checkedAt = askedAt;
      cutAll((stream) => asked.has(stream) && !live.has(stream.shareId), 'running answers were cut');
    } catch (error) {
      log.warn({ err: error, open: open.size }, 'running answers cannot be checked right now');
    } finally {
      isAsking = false;
    }
  }

  function cutAll(isOver: (stream: OpenStream) => boolean, message: string): void {
    const ended = [...open].filter(([, stream]) => isOver(stream));
    for (const [response, { cut }] of ended) {
      release(response);
      cut();
    }
    if (ended.length > 0) log.info({ cut: ended.length }, message);
  }

  function release(response: ServerResponse): void {
    open.delete(response);
    if (open.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    watch: (shareId, { ip, req, res }) => {
      if (res.closed) return;
      const network = toNetwork(ip);
      const alike = [...open.values()].filter((one) => one.shareId === shareId && one.network === network);
      if (alike.length >= maxOpen) throw tooManyOpen();
      // A reset, for what lies in the system's buffers would still be sent before an orderly end.
      const cut = () => req.socket.resetAndDestroy();
      open.set(res, { shareId, network, cut, checkedAt: performance.now() });
      res.once('close', () => release(res));
      timer ??= setInterval(() => void check(), checkEveryMs).unref();
    },
  };
}
