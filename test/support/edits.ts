import type { NewEdit } from '../../src/db/edits.ts';
import type { Edit } from '../../src/db/entities/edit.ts';
import { isFinalEdit } from '../../src/domain/edit.ts';
import { editVideoId } from '../../workflows/contract.ts';
import type { TestEngine } from './engine.ts';
import { waitFor } from './stack.ts';

export interface EditToAdd extends Partial<NewEdit> {
  parents: string[];
  /** Whether the engine is told, as it is by the API. */
  start?: boolean;
}

/** A trim unless told otherwise, as it is asked for. */
export const newEdit = ({ start: _, ...edit }: EditToAdd, userId: string): NewEdit => {
  const isTrim = (edit.kind ?? 'trim') === 'trim';
  return {
    userId,
    kind: 'trim',
    title: 'An edit',
    startSec: isTrim ? 0.5 : null,
    endSec: isTrim ? 1.5 : null,
    mode: isTrim ? 'exact' : null,
    fit: isTrim ? null : 'contain',
    ...edit,
  };
};

/** Plays the API for edits. */
export function editsOf(engine: TestEngine) {
  const { db, flows, userId, client } = engine;
  const find = async (id: string): Promise<Edit> => {
    const edit = await db.edits.find(userId, id);
    if (!edit) throw new Error(`no edit ${id}`);
    return edit;
  };
  const until = (id: string, is: (edit: Edit) => boolean, what: string, timeoutMs = 60_000): Promise<Edit> =>
    waitFor(
      async () => {
        const edit = await find(id);
        return is(edit) ? edit : null;
      },
      { what: `edit ${id} to be ${what}`, timeoutMs },
    );
  return {
    find,
    until,
    async add(edit: EditToAdd): Promise<string> {
      const { id } = await db.transaction(({ edits }) => edits.insert(newEdit(edit, userId)));
      if (edit.start !== false) await flows.startEdit({ editId: id, userId, run: 1 });
      return id;
    },
    untilEnded: (id: string, timeoutMs?: number) =>
      until(id, ({ status }) => isFinalEdit(status), 'ended', timeoutMs),
    async cancel(id: string): Promise<void> {
      const intent = await db.edits.requestCancel(userId, id);
      if (intent.outcome !== 'accepted') throw new Error(`the cancel was ${intent.outcome}`);
      await flows.cancelEdit(id, intent.runs);
      if (intent.result) await flows.startRemoval(intent.result.videoId, userId);
    },
    async retry(id: string): Promise<void> {
      const intent = await db.edits.requestRetry(userId, id);
      if (intent.outcome !== 'accepted') throw new Error(`the retry was ${intent.outcome}`);
      for (const run of intent.runs) await flows.startEdit({ editId: id, userId, run });
      for (const run of intent.result?.runs ?? [])
        await flows.startProcessing({ videoId: intent.result?.videoId ?? '', userId, run });
    },
    handle: (id: string, run = 1) => client.workflow.getHandle(editVideoId(id, run)),
  };
}
