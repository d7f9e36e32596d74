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
import { type DeliverWebhookInput, SIGNALS } from './contract.ts';
import { delivering, inWords } from './policies.ts';

const { deliverDue } = proxyActivities<Activities>(inWords(delivering, 'Deliver what is new or due'));

/**
 * Delivers to one webhook what its rows say, and waits for the next attempt that is due. It ends when nothing is on its
 * way, and is begun again with the next news; what it is told is no more than that there may be some.
 */
export async function deliverWebhook(input: DeliverWebhookInput): Promise<void> {
  let hasNews = false;
  setHandler(defineSignal(SIGNALS.news), () => {
    hasNews = true;
  });
  for (;;) {
    hasNews = false;
    setCurrentDetails('Delivers, and stays while there is news');
    const { isOver, nextDueInMs } = await deliverDue(input);
    // Who was told meanwhile that there is news was told that it is enabled again, perhaps.
    if (isOver && !hasNews) return setCurrentDetails('Removed or disabled: nothing is delivered any more');
    if (nextDueInMs !== null && !hasNews) {
      const until = new Date(Date.now() + nextDueInMs).toISOString();
      setCurrentDetails(`Waits for news, or for the next attempt at ${until}`);
      await condition(() => hasNews, nextDueInMs, { summary: 'Until the next attempt' });
    } else if (!hasNews) return setCurrentDetails('Nothing is on its way');
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof deliverWebhook>(input);
  }
}
