import type { EntityManager } from '@mikro-orm/postgresql';
import type { Platform } from '../domain/platform.ts';
import { type PostTiming, TIME_HOLDING_POST_STATUSES } from '../domain/post.ts';
import type { PostWarning } from '../domain/postParams.ts';
import type { Account } from './entities/account.ts';
import { AutopostingDisabledError, NoSlotError } from './postRefusals.ts';
import { allocateSlot, type SlotLimits } from './slots.ts';

/**
 * When a post is wanted: at once, at a time of its caller's, or in the next free slot of its account. The zone of a time
 * is the one that it was read in, where that was before the account was held.
 */
export type WantedTime =
  | { timing: 'now' }
  | { timing: 'at'; dueAt: Date; timeZone?: string }
  | { timing: 'auto' };

/** The time of a post, as its row has it. */
export interface ChosenTime {
  timing: PostTiming;
  dueAt: Date;
  slotAt: Date | null;
}

export const CLOSE = 'close_to_other_post';

const HOLDING = TIME_HOLDING_POST_STATUSES.map((status) => `'${status}'`).join(', ');

/**
 * Chooses the time of a post of an account that is held.
 *
 * @throws AutopostingDisabledError, NoSlotError
 */
export async function chooseTime(
  tx: EntityManager,
  account: Account,
  wanted: WantedTime,
  options: { platforms: readonly Platform[]; exceptPostId?: string; limits: SlotLimits },
): Promise<ChosenTime> {
  if (wanted.timing === 'now') return { timing: 'now', dueAt: new Date(), slotAt: null };
  if (wanted.timing === 'at') return { timing: 'at', dueAt: wanted.dueAt, slotAt: null };
  if (!account.isAutoposting) throw new AutopostingDisabledError('The account has no times of its own');
  const slotAt = await allocateSlot(tx, account, options);
  if (!slotAt) {
    const { horizonDays } = options.limits;
    throw new NoSlotError(`The account has no free slot in the next ${horizonDays} days`);
  }
  return { timing: 'auto', dueAt: slotAt, slotAt };
}

/**
 * Gives the warning of a time that its caller chose nearer to another post than the account's own times would be; none
 * where the account has no such times. The account is held.
 */
export async function warnOfClose(
  tx: EntityManager,
  account: Account,
  { timing, dueAt }: Pick<ChosenTime, 'timing' | 'dueAt'>,
  exceptPostId: string | null = null,
): Promise<PostWarning[]> {
  if (timing === 'auto' || !account.isAutoposting) return [];
  const intervalMs = account.intervalMinutes * 60_000;
  const [from, to] = [-intervalMs, intervalMs].map((ms) => new Date(dueAt.getTime() + ms));
  const others = await tx.execute<unknown[]>(
    `select from posts where account_id = ? and status in (${HOLDING}) and id is distinct from ? and (
       (due_at > ? and due_at < ? and (posted_at is null or status not in ('posted', 'partial')))
       or (posted_at > ? and posted_at < ? and status in ('posted', 'partial'))) limit 1`,
    [account.id, exceptPostId, from, to, from, to],
  );
  if (others.length === 0) return [];
  const message = `Another post of the account is nearer to it than ${account.intervalMinutes} minutes`;
  return [{ code: CLOSE, message, platform: null }];
}
