import type { Config } from '../config.ts';
import { createAddressPolicy } from './addresses.ts';
import { type DownloadRequest, type DownloadTimes, download } from './download.ts';
import type { WayOut } from './follow.ts';
import { askSystem } from './resolver.ts';
import { type SendRequest, type SentAnswer, send } from './send.ts';

export type { SendRequest, SentAnswer } from './send.ts';

/** The one way out to an address that a user gave. */
export interface Egress {
  /** Fetches a file into a sink; see `download`. */
  download(request: DownloadRequest): Promise<{ sizeBytes: number }>;
  /** Posts something, whatever the answer is; see `send`. */
  send(request: SendRequest): Promise<SentAnswer>;
}

const HEAD_MS = 30_000;
const TIMES: DownloadTimes = { windowMs: 60_000, idleMs: 30_000, pauseMs: 500 };

/** What tests put in the place of the outside. */
export type EgressParts = Partial<Pick<WayOut, 'resolve' | 'ca' | 'headMs'> & DownloadTimes>;

/** Makes the way out, by what the configuration allows. */
export function createEgress({
  config,
  resolve = askSystem,
  ca,
  headMs = HEAD_MS,
  ...times
}: EgressParts & { config: Pick<Config, 'EGRESS_ALLOW_CIDRS'> }): Egress {
  const policy = createAddressPolicy(config.EGRESS_ALLOW_CIDRS);
  const way = { policy, resolve, headMs, ca };
  return {
    download: (request) => download(request, { way, times: { ...TIMES, ...times } }),
    send: (request) => send(request, way),
  };
}
