import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type ReconcileInput, SIGNALS } from './contract.ts';
import { engine, housekeeping } from './policies.ts';

const { repeatIntents, settleClosedRuns, restartLostRuns } = proxyActivities<Activities>(engine);
const { sweepStorage } = proxyActivities<Activities>(housekeeping);

const HOUR_MS = 3600 * 1000;

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
    await repeatIntents();
    settledUntil = await settleClosedRuns({ since: settledUntil });
    if (comparedAt === null || Date.now() - Date.parse(comparedAt) >= HOUR_MS) {
      await restartLostRuns();
      await sweepStorage();
      comparedAt = new Date().toISOString();
    }
    setCurrentDetails(`Runs settled until ${settledUntil}, all rows compared at ${comparedAt}`);
    await condition(() => isAsked, state.intervalSec * 1000);
  }
  await continueAsNew<typeof reconcile>({ ...state, settledUntil, comparedAt });
}
