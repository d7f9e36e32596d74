import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { isFinalEdit } from '../domain/edit.ts';
import type { EditOfRun } from './editRecords.ts';
import { requeueEdit } from './edits.ts';
import { Edit } from './entities/edit.ts';
import { tellEdit } from './events.ts';

export interface EditRunRow extends EditOfRun {
  userId: string;
}

const PAGE = 200;

/** Written as the partial index on unfinished edits has it. What is rendered is the business of its video. */
const OPEN = `e.status in ('queued', 'running') and e.rendered_at is null`;

/** What the reconciler asks of the edits of all users. */
export class EditReconciliationQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Runs that were accepted and that the engine is not known to have begun, in pages by id. */
  listUnstarted(afterId: string | null): Promise<EditRunRow[]> {
    return this.#list('e.started_run < e.run', afterId);
  }

  /** Begun runs that still have to be cancelled, in pages by id. */
  listToCancel(afterId: string | null): Promise<EditRunRow[]> {
    return this.#list('e.started_run >= e.run and e.cancel_requested_at is not null', afterId);
  }

  /** Begun runs that have not ended, in pages by id. */
  listUnfinished(afterId: string | null): Promise<EditRunRow[]> {
    return this.#list('e.started_run >= e.run', afterId);
  }

  #list(condition: string, afterId: string | null): Promise<EditRunRow[]> {
    return this.#em.execute<EditRunRow[]>(
      `select e.id as "editId", e.user_id as "userId", e.run from edits e
       where ${OPEN} and ${condition} and (?::uuid is null or e.id > ?::uuid) order by e.id limit ${PAGE}`,
      [afterId, afterId],
    );
  }

  /** Whether a run has not ended in its row. */
  async isOpen({ editId, run }: EditOfRun): Promise<boolean> {
    const where = { id: editId, run, status: { $in: ['queued', 'running'] as const }, renderedAt: null };
    return (await this.#em.count(Edit, where)) > 0;
  }

  /**
   * Gives the work of a lost run to the next one.
   *
   * @returns the next run's number; null when there is nothing to give
   */
  passOn({ editId, run }: EditOfRun): Promise<number | null> {
    return this.#em.transactional(async (tx) => {
      const edit = await tx.findOne(Edit, { id: editId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!edit || edit.run !== run || edit.renderedAt || isFinalEdit(edit.status)) return null;
      const { cancelRequestedAt, status, nextAttemptAt } = edit;
      requeueEdit(edit);
      // The wish outlives the run that was to hear of it.
      edit.cancelRequestedAt = cancelRequestedAt;
      edit.run += 1;
      if (status !== 'queued' || nextAttemptAt) await tellEdit(tx, editId);
      return edit.run;
    });
  }
}
