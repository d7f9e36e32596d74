import { type Client, type WorkflowExecutionStatusName, WorkflowNotFoundError } from '@temporalio/client';

/** Where a run stands for the engine; `missing` when it knows of none under that id. */
export type RunState = 'open' | 'completed' | 'cancelled' | 'terminated' | 'failed' | 'missing';

const RUN_STATES: Partial<Record<WorkflowExecutionStatusName, RunState>> = {
  RUNNING: 'open',
  PAUSED: 'open',
  COMPLETED: 'completed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  FAILED: 'failed',
  TIMED_OUT: 'failed',
};

/** Tells one run to cancel itself. */
export async function cancelRun(client: Client, workflowId: string): Promise<'told' | 'missing'> {
  try {
    await client.workflow.getHandle(workflowId).cancel();
    return 'told';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'missing';
    throw error;
  }
}

export async function describeRun(client: Client, workflowId: string): Promise<RunState> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return RUN_STATES[status.name] ?? 'open';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'missing';
    throw error;
  }
}

/** The ids of runs of one workflow that closed otherwise than well since a time. */
export function listClosedBadly(client: Client, workflowType: string, since: Date): AsyncIterable<string> {
  const statuses = ['Canceled', 'Terminated', 'Failed', 'TimedOut'].map((name) => `'${name}'`).join(', ');
  return listIds(
    client,
    `WorkflowType = '${workflowType}' AND ExecutionStatus IN (${statuses}) AND CloseTime > '${since.toISOString()}'`,
  );
}

/** The ids of open runs of one workflow. */
export const listOpen = (client: Client, workflowType: string): AsyncIterable<string> =>
  listIds(client, `WorkflowType = '${workflowType}' AND ExecutionStatus = 'Running'`);

async function* listIds(client: Client, query: string): AsyncIterable<string> {
  for await (const { workflowId } of client.workflow.list({ query })) yield workflowId;
}

/** Gives what is to be read in ids, and leaves out those that are none of ours. */
export async function* parseIds<Run>(
  ids: AsyncIterable<string>,
  parse: (workflowId: string) => Run | null,
): AsyncIterable<Run> {
  for await (const id of ids) {
    const run = parse(id);
    if (run) yield run;
  }
}

/** One id, one run: a repeated start of the same run is harmless, whether it is open or closed. */
export const ONCE = {
  workflowIdConflictPolicy: 'USE_EXISTING',
  workflowIdReusePolicy: 'REJECT_DUPLICATE',
} as const;
