import type { Client } from '@temporalio/client';
import * as contract from '../../workflows/contract.ts';

/** Starts the workflow of an upload unless it runs, and tells it to look at the row. */
export function receiveUpload(client: Client, input: contract.ReceiveUploadInput) {
  return client.workflow.signalWithStart(contract.WORKFLOWS.receiveUpload, {
    workflowId: contract.receiveUploadId(input.uploadId),
    taskQueue: 'workflows',
    args: [input],
    signal: contract.SIGNALS.uploadChanged,
    // The row knows whether anything is left to do: a run that ended too early is begun again.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Receive upload ${input.uploadId}`,
    typedSearchAttributes: [
      { key: contract.SEARCH_ATTRIBUTES.user, value: input.userId },
      ...(input.videoId === null ? [] : [{ key: contract.SEARCH_ATTRIBUTES.video, value: input.videoId }]),
    ],
    priority: { priorityKey: contract.PRIORITY.newVideo, fairnessKey: input.userId },
  });
}

/** The ids of uploads whose workflow is open. */
export async function* listOpenUploads(client: Client): AsyncIterable<string> {
  const query = `WorkflowType = '${contract.WORKFLOWS.receiveUpload}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) {
    const uploadId = contract.parseReceiveUploadId(workflowId);
    if (uploadId) yield uploadId;
  }
}
