import type { Client } from '@temporalio/client';
import * as contract from '../../workflows/contract.ts';

/** Starts the workflow of a bot unless it runs, and tells it that there is something to tell. */
export function sendNotices(client: Client, input: contract.SendNoticesInput) {
  return client.workflow.signalWithStart(contract.WORKFLOWS.sendNotices, {
    workflowId: contract.sendNoticesId(input.bot),
    taskQueue: 'workflows',
    args: [input],
    signal: contract.SIGNALS.news,
    // It ends whenever there is nothing left to tell.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: 'Send notices by Telegram',
    priority: { priorityKey: contract.PRIORITY.laterStep },
  });
}
