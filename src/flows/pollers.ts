import type { Client } from '@temporalio/client';
import { presenceQueue, type Queue } from '../domain/queues.ts';

/** Pollers count as present for as long as the server remembers them, about five minutes. */
const POLLER_FRESH_MS = 90_000;

const [WORKFLOW_TASKS, ACTIVITY_TASKS] = [1, 2];

/** How many workers were seen lately that serve a queue, busy ones too; workflows have slots enough to be asked themselves. */
export async function countPollers(client: Client, queue: Queue): Promise<number> {
  const { namespace } = client.options;
  const asked = [{ name: presenceQueue(queue), taskQueueType: ACTIVITY_TASKS }];
  if (queue === 'workflows') asked.push({ name: queue, taskQueueType: WORKFLOW_TASKS });
  const answers = await Promise.all(
    asked.map(({ name, taskQueueType }) =>
      client.workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType }),
    ),
  );
  return Math.min(...answers.map((answer) => answer.pollers.filter(isFresh).length));
}

function isFresh(poller: { lastAccessTime?: { seconds?: unknown } | null }): boolean {
  return Date.now() - Number(poller.lastAccessTime?.seconds ?? 0) * 1000 < POLLER_FRESH_MS;
}
