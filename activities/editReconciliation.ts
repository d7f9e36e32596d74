import { Context } from '@temporalio/activity';
import type { EditRunRow } from '../src/db/editReconciliation.ts';
import type { EditRun } from '../src/flows.ts';
import { ERROR_BY_END } from './closedRuns.ts';
import type { ActivityDeps } from './index.ts';
import { pages } from './longWork.ts';

/** What keeps edits and their runs true to each other; from the moment that a result is there its video is what counts. */
export function createEditReconciler({ db, flows }: Pick<ActivityDeps, 'db' | 'flows'>) {
  async function* each(read: (afterId: string | null) => Promise<EditRunRow[]>): AsyncIterable<EditRunRow> {
    for await (const page of pages(read, ({ editId }) => editId))
      for (const row of page) {
        yield row;
        Context.current().heartbeat();
      }
  }

  /** Settles what a closed run left open in its row; most runs left nothing, which costs one question. */
  async function settle(run: EditRun): Promise<void> {
    if (!(await db.editReconciliation.isOpen(run))) return;
    // As it is now: a Reset leaves a closed run behind while a new one under the same id goes on.
    const state = await flows.describeEditRun(run);
    if (state === 'open' || state === 'missing' || state === 'completed') return;
    const error = ERROR_BY_END[state];
    await db.editRecords.settle(run, error ? { status: 'failed', error } : { status: 'cancelled' });
  }

  async function restartIfLost({ userId, ...run }: EditRunRow): Promise<void> {
    const state = await flows.describeEditRun(run);
    if (state === 'open') return;
    if (state !== 'missing' && state !== 'completed') return settle(run);
    const next = await db.editReconciliation.passOn(run);
    if (next !== null) await flows.startEdit({ editId: run.editId, userId, run: next });
  }

  return {
    /** Starts and cancels what the rows ask for and the engine was perhaps never told. */
    async repeatIntents(): Promise<void> {
      for await (const row of each((after) => db.editReconciliation.listUnstarted(after)))
        await flows.startEdit(row);
      for await (const { editId, run } of each((after) => db.editReconciliation.listToCancel(after))) {
        const answer = await flows.cancelEditRun({ editId, run });
        if (answer === 'missing') await db.editRecords.settle({ editId, run }, { status: 'cancelled' });
      }
    },

    /** Settles the rows of runs that closed since a time. */
    async settleClosed(since: Date): Promise<void> {
      for await (const closed of flows.listEditsClosedBadly(since)) {
        await settle(closed);
        Context.current().heartbeat();
      }
    },

    /** Compares all rows with all open runs; what the engine lost goes on as the next run. */
    async restartLost(): Promise<void> {
      const open = new Set<string>();
      for await (const { editId, run } of flows.listOpenEditRuns()) {
        open.add(`${editId}/${run}`);
        Context.current().heartbeat();
      }
      for await (const row of each((after) => db.editReconciliation.listUnfinished(after)))
        if (!open.has(`${row.editId}/${row.run}`)) await restartIfLost(row);
    },
  };
}
