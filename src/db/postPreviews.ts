import type { EntityManager } from '@mikro-orm/postgresql';
import type { Platform } from '../domain/platform.ts';
import type { Account } from './entities/account.ts';
import { type ChosenTime, chooseTime, type WantedTime } from './postTimes.ts';
import type { SlotLimits } from './slots.ts';

/** What would become of posts; nothing of them is written, and nobody is kept waiting. */
export class PostPreviewQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Chooses the time that a post of an account would get if it were accepted now. Nobody keeps it: another post may be
   * given the same slot before.
   *
   * @throws AutopostingDisabledError, NoSlotError
   */
  chooseTime(
    account: Account,
    wanted: WantedTime,
    { platforms, limits }: { platforms: readonly Platform[]; limits: SlotLimits },
  ): Promise<ChosenTime> {
    return this.#em.transactional(
      (tx) => chooseTime(tx, { account, platforms, wanted }, limits),
      // The database itself sees to it that nothing is written.
      { readOnly: true },
    );
  }
}
