import type { Client } from '@temporalio/client';
import { RECONCILE_ID } from '../../workflows/contract.ts';

/** How many passes the reconciler began between two moments. */
export async function passesBetween(client: Client, fromMs: number, toMs: number): Promise<number> {
  const { events } = await client.workflow.getHandle(RECONCILE_ID).fetchHistory();
  const times = (events ?? [])
    .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'repeatIntents')
    .map((event) => Number(event.eventTime?.seconds) * 1000 + Number(event.eventTime?.nanos) / 1e6);
  return times.filter((time) => time >= fromMs && time <= toMs).length;
}
