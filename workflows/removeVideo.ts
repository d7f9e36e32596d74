import { proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { PRIORITY, type RemoveVideoInput } from './contract.ts';
import { engine, housekeeping, inWords, records } from './policies.ts';

const { cancelRuns } = proxyActivities<Activities>(inWords(engine, 'Cancel what still runs'));
const { removeVideoFiles } = proxyActivities<Activities>(housekeeping);
const { countUnfinishedSteps } = proxyActivities<Activities>(
  inWords(records, 'Count the steps still at work'),
);
const { eraseVideo } = proxyActivities<Activities>(inWords(records, 'Remove the row'));

/** How often open runs are waited for, a second each, before the files go all the same. */
const PATIENCE = 60;

/**
 * Stops whatever still works on a deleted video, removes its files and at last its row. A late attempt
 * finds no row to write to and removes its own output.
 */
export async function removeVideo({ videoId, userId }: RemoveVideoInput): Promise<void> {
  await cancelRuns({ videoId });
  for (let waited = 0; waited < PATIENCE && (await countUnfinishedSteps({ videoId })) > 0; waited++) {
    await sleep('1 second');
  }
  await removeVideoFiles.executeWithOptions(
    {
      ...inWords(housekeeping, 'Remove the stored files'),
      priority: { priorityKey: PRIORITY.housekeeping, fairnessKey: userId },
    },
    [{ videoId }],
  );
  await eraseVideo({ videoId });
}
