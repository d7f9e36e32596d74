import type { EntityManager } from '@mikro-orm/postgresql';
import type { Platform } from '../domain/platform.ts';
import type { PostWarning } from '../domain/postParams.ts';
import type { SlotLimits } from './accountTimes.ts';
import type { Account } from './entities/account.ts';
import { type ChosenTime, chooseTime, type WantedTime, warnOfClose } from './postTimes.ts';

/** When a post would go out. */
export interface PreviewedTime extends ChosenTime {
  warnings: readonly PostWarning[];
}

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
    options: { platforms: readonly Platform[]; limits: SlotLimits },
  ): Promise<PreviewedTime> {
    return this.#em.transactional(
      async (tx) => {
        const time = await chooseTime(tx, account, wanted, options);
        return { ...time, warnings: await warnOfClose(tx, account, time) };
      },
      // The database itself sees to it that nothing is written.
      { readOnly: true },
    );
  }
}
