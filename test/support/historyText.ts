import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

/** Everything a person could read in the history of a run: every text, and every payload decoded. */
export async function historyText(client: Client, workflowId: string, runId?: string): Promise<string> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const texts: string[] = [];
  collect(history, texts);
  return texts.join('\n');
}

/**
 * Everything that an operator could export of a namespace: the listing and the history of every run that it has, and what it
 * is at, as JSON and as a person reads it.
 *
 * @returns the texts by workflow id and run
 */
export async function allHistories(client: Client): Promise<Map<string, string>> {
  const exported = new Map<string, string>();
  for await (const run of client.workflow.list()) {
    const { workflowId, runId } = run;
    const handle = client.workflow.getHandle(workflowId, runId);
    const history = await handle.fetchHistory();
    const texts: string[] = [historyToJSON(history)];
    // Of what is tried again the last failure is shown there alone.
    const pending = run.status.name === 'RUNNING' ? (await handle.describe()).raw.pendingActivities : [];
    collect({ raw: run.raw, history, pending }, texts);
    exported.set(`${workflowId} ${runId}`, texts.join('\n'));
  }
  return exported;
}

function collect(value: unknown, texts: string[]): void {
  if (typeof value === 'string') texts.push(value);
  else if (value instanceof Uint8Array) texts.push(Buffer.from(value).toString('utf8'));
  else if (Array.isArray(value)) for (const item of value) collect(item, texts);
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) collect(item, texts);
}
