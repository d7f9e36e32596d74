import type { Client } from '@temporalio/client';
import type { Queue } from '../domain/queues.ts';

/** Pollers count as present for as long as the server remembers them, about five minutes. */
const POLLER_FRESH_MS = 90_000;

const [WORKFLOW_TASKS, ACTIVITY_TASKS] = [1, 2];

/** How many workers were seen lately on a queue; on that of the workflows, for both kinds of its tasks. */
export async function countPollers(client: Client, queue: Queue): Promise<number> {
  const { namespace } = client.options;
  const kinds = queue === 'workflows' ? [WORKFLOW_TASKS, ACTIVITY_TASKS] : [ACTIVITY_TASKS];
  const answers = await Promise.all(
    kinds.map((taskQueueType) =>
      client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType }),
    ),
  );
  return Math.min(...answers.map((answer) => answer.pollers.filter(isFresh).length));
}

function isFresh(poller: { lastAccessTime?: { seconds?: unknown } | null }): boolean {
  return Date.now() - Number(poller.lastAccessTime?.seconds ?? 0) * 1000 < POLLER_FRESH_MS;
}
