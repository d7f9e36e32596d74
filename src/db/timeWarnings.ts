import type { EntityManager } from '@mikro-orm/postgresql';
import type { Platform } from '../domain/platform.ts';
import type { PostTiming } from '../domain/post.ts';
import type { PostWarning } from '../domain/postParams.ts';
import type { RollingCap } from '../domain/rollingCap.ts';
import { findFullCaps, type TakenTime } from '../domain/slots.ts';
import type { Account } from './entities/account.ts';
import { capsOf, reachMsOf } from './slots.ts';
import { loadTakenTimes } from './takenTimes.ts';

/** The time of a post that nobody moves any more. */
export interface FixedTime {
  account: Account;
  platforms: readonly Platform[];
  timing: PostTiming;
  dueAt: Date;
  /** The post itself, where it is there already. */
  exceptPostId?: string;
}

const CLOSE = 'close_to_other_post';
const FULL = 'platform_limit';

/** Says whether a warning is one of the time. */
export const isOfTime = ({ code }: PostWarning): boolean => code === CLOSE || code === FULL;

/**
 * Gives the warnings of times, in the order of these: that a post is nearer to another than the account's own times are,
 * where its caller chose so, and that a platform gets more than it takes. Only for accounts that are held it stays so.
 */
export async function warnOfTimes(
  em: EntityManager,
  times: readonly FixedTime[],
  nowMs: number,
): Promise<PostWarning[][]> {
  const asked = times.map(({ account, platforms, dueAt, exceptPostId = null }) => {
    // What is late goes out now.
    const atMs = Math.max(dueAt.getTime(), nowMs);
    const reachMs = reachMsOf(account, capsOf(platforms));
    return { account, exceptPostId, atMs, fromMs: atMs - reachMs, untilMs: atMs + reachMs };
  });
  const taken = await loadTakenTimes(em, asked, nowMs);
  return times.map((time, at) => warningsOf(time, asked[at]?.atMs ?? nowMs, taken[at] ?? []));
}

function warningsOf({ account, platforms, timing }: FixedTime, atMs: number, taken: TakenTime[]) {
  const { intervalMinutes, isAutoposting } = account;
  const isClose = taken.some((post) => Math.abs(post.atMs - atMs) < intervalMinutes * 60_000);
  const close: PostWarning = {
    ...{ code: CLOSE, platform: null },
    message: `Another post of the account is nearer to it than ${intervalMinutes} minutes`,
  };
  return [
    ...(isClose && isAutoposting && timing !== 'auto' ? [close] : []),
    ...findFullCaps(capsOf(platforms), taken, atMs).map(explainFull),
  ];
}

const explainFull = ({ platform, max, windowSec }: RollingCap): PostWarning => ({
  ...{ code: FULL, platform },
  message: `It takes ${max} posts in ${tellDuration(windowSec)} at most, and would get more`,
});

const tellDuration = (sec: number): string =>
  sec % 3600 === 0 ? `${sec / 3600} hours` : `${Math.round(sec / 60)} minutes`;
