import type { Client } from '@temporalio/client';
import * as contract from '../../workflows/contract.ts';
import { cancelRun, describeRun, listClosedBadly, listOpen, ONCE, parseIds, type RunState } from './runs.ts';

export type RunOfEdit = contract.EditVideoInput;

/** One run of an edit, by what its id says. */
export type EditRun = Pick<RunOfEdit, 'editId' | 'run'>;

/** What the reconciler asks and tells about edits; these throw when the engine is away. */
export interface EditEngine {
  cancelEditRun(run: EditRun): Promise<'told' | 'missing'>;
  describeEditRun(run: EditRun): Promise<RunState>;
  /** Runs of editVideo that closed otherwise than well since a time. */
  listEditsClosedBadly(since: Date): AsyncIterable<EditRun>;
  listOpenEditRuns(): AsyncIterable<EditRun>;
}

const idOf = ({ editId, run }: EditRun): string => contract.editVideoId(editId, run);

export const editEngineOf = (client: Client): EditEngine => ({
  cancelEditRun: (run) => cancelRun(client, idOf(run)),
  describeEditRun: (run) => describeRun(client, idOf(run)),
  listEditsClosedBadly: (since) =>
    parseIds(listClosedBadly(client, contract.WORKFLOWS.editVideo, since), contract.parseEditVideoId),
  listOpenEditRuns: () => parseIds(listOpen(client, contract.WORKFLOWS.editVideo), contract.parseEditVideoId),
});

/** Starts one run of an edit, once. */
export function startEdit(client: Client, input: RunOfEdit) {
  const { editId, userId, run } = input;
  return client.workflow.start(contract.WORKFLOWS.editVideo, {
    ...ONCE,
    workflowId: idOf(input),
    taskQueue: 'workflows',
    args: [input],
    staticSummary: run === 1 ? `Make edit ${editId}` : `Make edit ${editId}, run ${run}`,
    typedSearchAttributes: [
      { key: contract.SEARCH_ATTRIBUTES.user, value: userId },
      { key: contract.SEARCH_ATTRIBUTES.stage, value: 'accepted' },
    ],
    priority: { priorityKey: contract.PRIORITY.newVideo, fairnessKey: userId },
  });
}
