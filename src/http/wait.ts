import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'koa';
import type { Log } from '../log.ts';
import type { Reply } from './route.ts';

const MAX_WAIT_SEC = 60;
/** From quick, for work that is nearly done, to calm, for work that takes its time. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;

/** Gives the seconds of `Prefer: wait=N`, at most 60, or null. What cannot be understood is no preference (RFC 7240). */
export function readWait(ctx: Context): number | null {
  const given = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:[,;]|$)/i.exec(ctx.get('Prefer'))?.[1];
  return given === undefined ? null : Math.min(Number(given), MAX_WAIT_SEC);
}

interface Waiting<End> {
  waitSec: number;
  poll: () => Promise<End | null>;
  log: Log;
}

/**
 * Waits for the final answer about an accepted piece of work and gives it; or, as the first answer, how it stands when the
 * time is over, the client is gone or the end cannot be asked for: what is accepted stays accepted, and
 * a refusal now would make the client send it all again.
 */
export async function waitForEnd(ctx: Context, accepted: Reply, waiting: Waiting<Reply>): Promise<Reply> {
  const headers = { 'Preference-Applied': `wait=${waiting.waitSec}` };
  const replayed = accepted.headers?.['Idempotency-Replayed'];
  let latest = accepted;
  const poll = async () => {
    const reply = await waiting.poll();
    if (reply?.status !== 202) return reply;
    latest = { ...accepted, body: reply.body };
    return null;
  };
  const final = await pollForEnd(ctx, { waitSec: waiting.waitSec, poll }).catch((error: unknown) => {
    waiting.log.info({ err: error }, 'the end of accepted work could not be waited for');
    return null;
  });
  if (!final) return { ...latest, headers: { ...latest.headers, ...headers } };
  const kept = replayed ? { 'Idempotency-Replayed': replayed } : {};
  return { ...final, headers: { ...final.headers, ...kept, ...headers } };
}

/** Asks ever more calmly until there is an end, and gives it; null when the time is over or the client gone. */
export async function pollForEnd<End>(
  ctx: Context,
  { waitSec, poll }: Pick<Waiting<End>, 'waitSec' | 'poll'>,
): Promise<End | null> {
  const deadline = Date.now() + waitSec * 1000;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const final = await poll();
    if (final) return final;
    const leftMs = deadline - Date.now();
    if (leftMs <= 0 || ctx.req.socket.destroyed) return null;
    await delay(Math.min(pauseMs, leftMs));
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
  }
}

/** Ends the waiting when the client leaves; the work goes on, for the next who asks. */
export async function whileAsked<Answer>(
  ctx: Context,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const [gone, answered] = [new AbortController(), new AbortController()];
  once(ctx.res, 'close', { signal: answered.signal }).then(
    () => gone.abort(),
    () => undefined,
  );
  try {
    return await ask(gone.signal);
  } finally {
    answered.abort();
  }
}
