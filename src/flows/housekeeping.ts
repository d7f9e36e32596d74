import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import * as contract from '../../workflows/contract.ts';
import { EngineUnavailableError } from '../errors.ts';

export type HousekeepingReport = contract.HousekeepingReport;

/** Where one housekeeping stands; `ended` means without a report, since an operator ended it. */
export type HousekeepingState =
  | { state: 'running' | 'ended' | 'missing' }
  | { state: 'done'; report: HousekeepingReport };

const DEADLINE_MS = 5000;
const SUMMARY = 'Removes what nobody needs any more';

/** Starts one housekeeping under an id of the caller's. @throws EngineUnavailableError */
export function startHousekeeping(client: Client, id: string, input: contract.HousekeepInput): Promise<void> {
  return asked(client, async () => {
    await client.workflow.start(contract.WORKFLOWS.housekeep, {
      workflowId: contract.housekeepId(id),
      taskQueue: 'workflows',
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      staticSummary: `${SUMMARY}${input.dryRun ? ': a dry run' : ''}${input.force ? ', however much it is' : ''}`,
      priority: { priorityKey: contract.PRIORITY.housekeeping },
    });
  });
}

/** @throws EngineUnavailableError */
export function findHousekeeping(client: Client, id: string): Promise<HousekeepingState> {
  const handle = client.workflow.getHandle(contract.housekeepId(id));
  return asked(client, async () => {
    try {
      const { status } = await handle.describe();
      if (status.name === 'RUNNING' || status.name === 'PAUSED') return { state: 'running' };
      if (status.name !== 'COMPLETED') return { state: 'ended' };
      return { state: 'done', report: (await handle.result()) as HousekeepingReport };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { state: 'missing' };
      throw error;
    }
  });
}

async function asked<Answer>(client: Client, question: () => Promise<Answer>): Promise<Answer> {
  try {
    return await client.withDeadline(Date.now() + DEADLINE_MS, question);
  } catch (error) {
    throw new EngineUnavailableError('The workflow engine does not answer right now', { cause: error });
  }
}

/**
 * Makes the schedule, or gives the one that is there the interval of the configuration. Whether it is paused
 * stays the operator's business.
 */
export async function ensureHousekeeping(client: Client, intervalSec: number): Promise<void> {
  const schedule = describeSchedule(intervalSec);
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(contract.HOUSEKEEPING_SCHEDULE_ID);
    const { spec } = await handle.describe();
    if (spec.intervals?.length === 1 && spec.intervals[0]?.every === intervalSec * 1000) return;
    await handle.update((known) => ({ ...schedule, state: known.state }));
  }
}

const describeSchedule = (intervalSec: number): ScheduleOptions => ({
  scheduleId: contract.HOUSEKEEPING_SCHEDULE_ID,
  spec: { intervals: [{ every: intervalSec * 1000 }] },
  action: {
    type: 'startWorkflow',
    workflowType: contract.WORKFLOWS.housekeep,
    workflowId: contract.housekeepId('scheduled'),
    taskQueue: 'workflows',
    args: [{} satisfies contract.HousekeepInput],
    staticSummary: SUMMARY,
    staticDetails: [
      'Ends uploads whose time is over, removes stored objects that no row speaks of and rows that ran out.',
      'Its result says what it did. It stops before it removes many objects: then it wants `force`.',
    ].join('\n'),
  },
  // What was missed while the engine was away, the next one does.
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  state: { note: `${SUMMARY}; every worker makes sure that it is there` },
});
