import type { Behaviour } from './behaviours.ts';

/** How a receiver of webhooks answers; one that is well says 204. */
export type HookBehaviour =
  | Exclude<Behaviour, { kind: 'alter' }>
  /** Says back everything that it was sent, with the headers: as careless debugging does. */
  | { kind: 'echo'; status: number }
  /** That much, as fast as it is taken. */
  | { kind: 'giant'; status: number; sizeBytes: number }
  /** Never ends, as fast as it is taken. */
  | { kind: 'endless'; status: number }
  /** Never ends either, and says a byte now and then, so that it never looks silent. */
  | { kind: 'drip'; status: number; everyMs: number }
  /** Head after head with a 1xx, and never an answer. */
  | { kind: 'informing'; everyMs: number };

export const answering = (
  status: number,
  headers: Record<string, string> = {},
  body = '',
): HookBehaviour & { kind: 'answer' } => ({ kind: 'answer', status, headers, body });

export const gone = (): HookBehaviour => answering(410, {}, 'This hook is not here any more');

export const leadingTo = (location: string, status = 302): HookBehaviour => answering(status, { location });

/** `retryAfter` as it stands in the header: seconds, or a date. */
export const comeBackAfter = (retryAfter: string, status = 429): HookBehaviour =>
  answering(status, { 'retry-after': retryAfter });

export const broken = (): HookBehaviour => answering(500, {}, 'Something went wrong on our side');

/** Those that can be asked for by hand: `POST /fakes/behave/hooks/<path>`. */
export const HOOK_TROUBLE: Record<string, HookBehaviour> = {
  well: { kind: 'well' },
  slow: { kind: 'slow', ms: 5000 },
  hang: { kind: 'hang' },
  upgrading: { kind: 'upgrading', isKept: true },
  drop: { kind: 'drop' },
  cut: { kind: 'cut' },
  stall: { kind: 'stall' },
  gone: gone(),
  redirect: leadingTo('http://127.0.0.1:1/elsewhere'),
  bad_request: answering(400, {}, 'I do not understand this'),
  server_error: broken(),
  rate_limited: comeBackAfter('5'),
  slow_down: comeBackAfter('2', 503),
  echo: { kind: 'echo', status: 500 },
  giant: { kind: 'giant', status: 500, sizeBytes: 100 * 1024 * 1024 },
  endless: { kind: 'endless', status: 200 },
  drip: { kind: 'drip', status: 200, everyMs: 200 },
};
