import type { EntityManager } from '@mikro-orm/postgresql';
import type { Platform } from '../domain/platform.ts';
import { PLATFORM_LIMITS } from '../domain/platformLimits.ts';
import type { RollingCap } from '../domain/rollingCap.ts';
import { type FoundSlots, findSlots } from '../domain/slots.ts';
import { isTimeZone } from '../domain/timeZone.ts';
import { createZoneCalendar } from '../timeZones.ts';
import type { Account } from './entities/account.ts';
import { loadTakenTimes } from './takenTimes.ts';

/** How soon a slot may be, and how far ahead one is looked for. */
export interface SlotLimits {
  leadSec: number;
  horizonDays: number;
}

/** Of which account slots are wanted, and for posts that go where. */
export interface WantedSlots {
  account: Account;
  platforms: readonly Platform[];
  count: number;
  /** The post that is to be moved: where it is now is free for it. */
  exceptPostId?: string;
}

interface Looking {
  limits: SlotLimits;
  nowMs?: number;
}

/** Most slots are near; all that is planned for a quarter of a year need not be read for them. */
const NEAR_DAYS = [2, 7];

/** Where no clock is known that would show its times. */
const NOTHING: FoundSlots = { slots: [], skipped: [], skippedCount: 0 };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** How many posts the platforms take. */
export const capsOf = (platforms: readonly Platform[]): RollingCap[] =>
  platforms.flatMap((platform) =>
    PLATFORM_LIMITS[platform].postCaps.map(({ max, windowSec }) => ({ platform, max, windowSec })),
  );

/** How far from a time other posts of an account matter to it. */
export const reachMsOf = ({ intervalMinutes }: Account, caps: readonly RollingCap[]): number =>
  Math.max(intervalMinutes * MINUTE_MS, ...caps.map(({ windowSec }) => windowSec * 1000));

/**
 * Gives the next free slots of each of several accounts, whether they post by themselves or not, in the order in which
 * they were asked about; none where the account's zone is not known (any more). Only for those whose account is held it
 * stays so.
 */
export async function findFreeSlots(
  em: EntityManager,
  wanted: readonly WantedSlots[],
  { limits, nowMs = Date.now() }: Looking,
): Promise<FoundSlots[]> {
  const found = new Map<WantedSlots, FoundSlots>();
  const isShort = (one: WantedSlots) => (found.get(one)?.slots.length ?? 0) < one.count;
  const looks = [...NEAR_DAYS.filter((days) => days < limits.horizonDays), limits.horizonDays];
  for (const horizonDays of looks) {
    const short = wanted.filter(isShort);
    const looked = await findWithin(em, short, { nowMs, limits: { ...limits, horizonDays } });
    for (const [at, one] of short.entries()) found.set(one, looked[at] ?? NOTHING);
  }
  return wanted.map((one) => found.get(one) ?? NOTHING);
}

async function findWithin(
  em: EntityManager,
  wanted: readonly WantedSlots[],
  { limits, nowMs }: Required<Looking>,
): Promise<FoundSlots[]> {
  const untilMs = nowMs + limits.horizonDays * DAY_MS;
  const questions = wanted.map(({ account, platforms, count, exceptPostId }) => {
    const caps = capsOf(platforms);
    const reachMs = reachMsOf(account, caps);
    const range = { account, fromMs: nowMs - reachMs, untilMs: untilMs + reachMs };
    return { account, platforms, caps, count, range: { ...range, exceptPostId: exceptPostId ?? null } };
  });
  const taken = await loadTakenTimes(
    em,
    questions.map(({ range }) => range),
    nowMs,
  );
  return questions.map(({ account, platforms, caps, count }, at) => {
    if (!isTimeZone(account.timeZone)) return NOTHING;
    return findSlots({
      grid: account,
      calendar: createZoneCalendar(account.timeZone),
      taken: taken[at] ?? [],
      ...{ platforms, caps, nowMs, ...limits, count },
    });
  });
}

/** The slots of accounts, for those who only want to see them. */
export class SlotQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Gives the slots that the next `count` posts of an account to all its platforms would get, and what was skipped on
   * the way. By the rule of those who take them, also where the account does not post by itself.
   */
  async preview(account: Account, { count }: { count: number }, limits: SlotLimits): Promise<FoundSlots> {
    const [found] = await findFreeSlots(this.#em, [{ account, platforms: account.platforms, count }], {
      limits,
    });
    return found as FoundSlots;
  }
}
