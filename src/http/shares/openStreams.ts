import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { createLiveChecks, type LiveCheckOptions } from '../liveChecks.ts';
import { toNetwork } from '../network.ts';
import { HttpProblem } from '../problem.ts';

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

export interface OpenStreamsOptions extends LiveCheckOptions {
  maxOpen?: number;
}

const tooManyOpen = (): HttpProblem =>
  new HttpProblem('rate_limited', 'Too much is being loaded by this link at the same time', {
    headers: { 'Retry-After': String(FULL_FOR_SEC) },
  });

/** Watches the running answers of one process. */
export function createOpenStreams(options: OpenStreamsOptions): OpenStreams {
  const { maxOpen = MAX_OPEN, ...checkOptions } = options;
  const checks = createLiveChecks({ ...checkOptions, log: options.log.child({ module: 'shares' }) });
  const open = new Map<ServerResponse, { shareId: string; network: string }>();
  return {
    watch: (shareId, { ip, req, res }) => {
      if (res.closed) return;
      const network = toNetwork(ip);
      const alike = [...open.values()].filter((one) => one.shareId === shareId && one.network === network);
      if (alike.length >= maxOpen) throw tooManyOpen();
      open.set(res, { shareId, network });
      // A reset, for what lies in the system's buffers would still be sent before an orderly end.
      const release = checks.watch(shareId, () => req.socket.resetAndDestroy());
      res.once('close', () => {
        open.delete(res);
        release();
      });
    },
  };
}
