import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type CheckAccountInput, PRIORITY } from './contract.ts';
import { checking, inWords, records } from './policies.ts';

const { checkCredentials } = proxyActivities<Activities>(checking);
const { giveUpCheck } = proxyActivities<Activities>(
  inWords(records, 'Note that nobody could say whether they are good'),
);

/**
 * Has the provider of an account asked about one revision of its credentials. Its row is what it leaves. When nobody could
 * say for a day, or an operator cancels it, what is known stays as it was; the reconciler has it asked anew a day later.
 */
export async function checkAccount(input: CheckAccountInput): Promise<void> {
  const { accountId, userId, revision, requestId } = input;
  const check = { accountId, revision, requestId };
  // Behind what videos need: an account may post meanwhile, and a provider that hangs keeps places for long.
  const priority = { priorityKey: PRIORITY.laterStep, fairnessKey: userId };
  try {
    const options = { ...checking, summary: 'Ask the provider about the credentials', priority };
    await checkCredentials.executeWithOptions(options, [check]);
  } catch (error) {
    await CancellationScope.nonCancellable(() => giveUpCheck(check));
    throw error;
  }
}
