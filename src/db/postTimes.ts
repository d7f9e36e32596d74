import type { EntityManager } from '@mikro-orm/postgresql';
import type { Platform } from '../domain/platform.ts';
import type { PostTiming } from '../domain/post.ts';
import type { PostWarning } from '../domain/postParams.ts';
import type { SlotTime } from '../domain/slotTimes.ts';
import { toLocalText } from '../domain/zoneCalendar.ts';
import { createZoneCalendar, TZ_VERSION } from '../timeZones.ts';
import type { Account } from './entities/account.ts';
import { AutopostingDisabledError, NoSlotError, PostRefusedError } from './postRefusals.ts';
import { findFreeSlots, type SlotLimits } from './slots.ts';
import { warnOfTimes } from './timeWarnings.ts';

/**
 * When a post is wanted: at once, at a time of its caller's, or in the next free slot of its account. The zone of a time
 * is the one that it was read in, where that was before the account was held; its wall time, where it came without offset.
 */
export type WantedTime =
  | { timing: 'now' }
  | { timing: 'at'; dueAt: Date; timeZone?: string; wallTime?: string | null }
  | { timing: 'auto' };

/** Of which account a post is, where it goes, and when it is wanted. */
export interface TimeQuestion {
  account: Account;
  platforms: readonly Platform[];
  wanted: WantedTime;
  /** The post that is to be moved. */
  exceptPostId?: string;
}

/** The time of a post, as its row has it. */
interface TimeColumns {
  timing: PostTiming;
  dueAt: Date;
  slotAt: Date | null;
  wallTime: string | null;
  tzVersion: string;
}

/** The same, with what its caller should know of it. */
export interface ChosenTime extends TimeColumns {
  warnings: readonly PostWarning[];
}

/**
 * Chooses the times of posts, each of another account, in the order of these; or says why an account has none for its.
 * Only for accounts that are held it stays so.
 */
export async function chooseTimes(
  em: EntityManager,
  questions: readonly TimeQuestion[],
  limits: SlotLimits,
): Promise<(ChosenTime | PostRefusedError)[]> {
  const nowMs = Date.now();
  const slots = await findSlotsFor(em, questions, { limits, nowMs });
  const times = questions.map((question, at) => timeOf(question, slots[at] ?? null, { limits, nowMs }));
  const fixed = questions.flatMap(({ wanted, ...where }, at) => {
    const time = times[at];
    // Slots are chosen so that there is nothing to warn of.
    if (!time || time instanceof PostRefusedError || time.timing === 'auto') return [];
    return [{ ...where, ...time, at }];
  });
  const warnings = await warnOfTimes(em, fixed, nowMs);
  const warningsAt = new Map(fixed.map(({ at }, place) => [at, warnings[place]]));
  return times.map((time, at) =>
    time instanceof PostRefusedError ? time : { ...time, warnings: warningsAt.get(at) ?? [] },
  );
}

/**
 * Chooses the time of one post.
 *
 * @throws AutopostingDisabledError, NoSlotError
 */
export async function chooseTime(
  em: EntityManager,
  question: TimeQuestion,
  limits: SlotLimits,
): Promise<ChosenTime> {
  const [time] = await chooseTimes(em, [question], limits);
  if (!time || time instanceof PostRefusedError) throw time;
  return time;
}

interface Looking {
  limits: SlotLimits;
  nowMs: number;
}

/** Gives the slots of those who want one and may have one, at the places of their questions. */
async function findSlotsFor(
  em: EntityManager,
  questions: readonly TimeQuestion[],
  looking: Looking,
): Promise<(SlotTime | undefined)[]> {
  const isAsked = ({ account, wanted }: TimeQuestion) => wanted.timing === 'auto' && account.isAutoposting;
  const asked = questions.filter(isAsked).map((question) => ({ ...question, count: 1 }));
  const found = await findFreeSlots(em, asked, looking);
  const left = found.values();
  return questions.map((question) => (isAsked(question) ? left.next().value?.slots[0] : undefined));
}

const NO_TIMES =
  'The account has no times of its own: set `autoposting.enabled: true` on the account, or give the post a time';

function timeOf(
  { account, wanted }: TimeQuestion,
  slot: SlotTime | null,
  { limits, nowMs }: Looking,
): TimeColumns | PostRefusedError {
  const none = { slotAt: null, wallTime: null, tzVersion: TZ_VERSION };
  if (wanted.timing === 'now') return { ...none, timing: 'now', dueAt: new Date(nowMs) };
  if (wanted.timing === 'at')
    return { ...none, timing: 'at', dueAt: wanted.dueAt, wallTime: wanted.wallTime ?? null };
  if (!account.isAutoposting) return new AutopostingDisabledError(NO_TIMES);
  if (!slot) return new NoSlotError(`The account has no free slot in the next ${limits.horizonDays} days`);
  const slotAt = new Date(slot.atMs);
  const wallTime = toLocalText(slot.movedFrom ?? createZoneCalendar(account.timeZone).wallTimeAt(slot.atMs));
  return { timing: 'auto', dueAt: slotAt, slotAt, wallTime, tzVersion: TZ_VERSION };
}
