import {
  condition,
  continueAsNew,
  defineSignal,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type ReconcileInput, SIGNALS } from './contract.ts';
import { engine, inWords, sweeping } from './policies.ts';

const { repeatIntents } = proxyActivities<Activities>(inWords(engine, 'Repeat what was asked for'));
const { settleClosedRuns } = proxyActivities<Activities>(inWords(engine, 'Settle the rows of ended runs'));
const { restartLostRuns } = proxyActivities<Activities>(inWords(engine, 'Compare all rows with all runs'));

const HOUR_MS = 3600 * 1000;

/** Runs from before did what `housekeep` does; one that is still open must be replayed as it was. */
const HOUSEKEEPING_IS_SCHEDULED = 'housekeeping-is-scheduled';

/**
 * Keeps rows and runs true to each other, for ever: starts what was accepted but not started, settles
 * rows whose run ended otherwise, and, at its first pass and hourly, starts again what the engine lost.
 * One such workflow runs; every worker makes sure that it does.
 */
export async function reconcile(state: ReconcileInput): Promise<void> {
  let isAsked = false;
  setHandler(defineSignal(SIGNALS.reconcileNow), () => {
    isAsked = true;
  });
  let { settledUntil, comparedAt } = state;
  while (!workflowInfo().continueAsNewSuggested) {
    isAsked = false;
    const { nextPassSec } = await repeatIntents();
    settledUntil = await settleClosedRuns({ since: settledUntil });
    if (comparedAt === null || Date.now() - Date.parse(comparedAt) >= HOUR_MS) {
      await restartLostRuns();
      if (!patched(HOUSEKEEPING_IS_SCHEDULED)) void sweep();
      comparedAt = new Date().toISOString();
    }
    setCurrentDetails(`Runs settled until ${settledUntil}, all rows compared at ${comparedAt}`);
    await condition(() => isAsked, nextPassSec * 1000, { summary: 'Until the next pass' });
  }
  await continueAsNew<typeof reconcile>({ settledUntil, comparedAt });
}

const formerly = proxyActivities<{ sweepStorage(): Promise<void>; removeExpiredKeys(): Promise<void> }>(
  sweeping,
);

/** Only ever replayed: new commands come after the patch, and these activities are no more. */
async function sweep(): Promise<void> {
  try {
    await formerly.sweepStorage();
    await formerly.removeExpiredKeys();
  } catch {
    // As it was.
  }
}
