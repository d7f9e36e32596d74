import type { Client } from '@temporalio/client';
import * as contract from '../../workflows/contract.ts';
import { doShortWork, type Patience, type ShortWorkEnd } from './shortWork.ts';

export type WantedPing = contract.PingWebhookInput;

/** Starts the workflow of a webhook unless it runs, and tells it that there is something to deliver. */
export function deliverWebhook(client: Client, input: contract.DeliverWebhookInput) {
  return client.workflow.signalWithStart(contract.WORKFLOWS.deliverWebhook, {
    workflowId: contract.deliverWebhookId(input.webhookId),
    taskQueue: 'workflows',
    args: [input],
    signal: contract.SIGNALS.news,
    // It ends whenever there is nothing left to deliver.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Deliver to webhook ${input.webhookId}`,
    typedSearchAttributes: [{ key: contract.SEARCH_ATTRIBUTES.user, value: input.userId }],
    priority: { priorityKey: contract.PRIORITY.laterStep, fairnessKey: input.userId },
  });
}

/** Has a ping sent, once, and waits for that; its row says what came of it. @throws as `doShortWork` */
export function pingWebhook(
  client: Client,
  input: WantedPing,
  patience?: Patience,
): Promise<ShortWorkEnd<void>> {
  const { webhookId, deliveryId, userId } = input;
  const work = {
    workflow: 'pingWebhook',
    workflowId: contract.pingWebhookId(webhookId, deliveryId),
    input,
    queue: 'notify',
    summary: `Ping webhook ${webhookId}`,
    userId,
    priorityKey: contract.PRIORITY.interactive,
  } as const;
  return doShortWork<void>(client, work, patience);
}
