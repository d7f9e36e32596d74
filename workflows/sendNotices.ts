import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type SendNoticesInput, SIGNALS } from './contract.ts';
import { inWords, notifying } from './policies.ts';

const { sendDueNotices } = proxyActivities<Activities>(inWords(notifying, 'Send what is due'));
const { takeLinkCodes } = proxyActivities<Activities>(inWords(notifying, 'Read what is written to the bot'));

/** So long it stays when there is nothing to do: news often come in company. */
const LINGER_MS = 10_000;
const SHORTEST_MS = 100;

/**
 * Sends all notices of one bot, and reads what is written to it while somebody waits to be linked. What there is to do stands
 * in the rows; so it may be begun again at any moment, and ends when there is nothing. When Telegram asks for a wait, the whole
 * bot waits, whatever else comes.
 */
export async function sendNotices(input: SendNoticesInput): Promise<void> {
  let news = 0;
  setHandler(defineSignal(SIGNALS.news), () => {
    news += 1;
  });
  const links = followLinks(input);
  for (;;) {
    const known = news;
    const isNew = () => news > known;
    const { pauseMs, nextInMs, hasOpenLinks } = await sendDueNotices(input);
    if (hasOpenLinks) links.follow();
    if (workflowInfo().continueAsNewSuggested) {
      await links.leave();
      await continueAsNew<typeof sendNotices>(input);
    }
    if (pauseMs > 0) {
      setCurrentDetails(`Waits until ${inTime(pauseMs)}, as Telegram wants, or because it does not answer`);
      await sleep(pauseMs, { summary: 'The whole bot waits' });
    } else if (nextInMs !== null) {
      setCurrentDetails(`The next notice is due at ${inTime(nextInMs)}`);
      await condition(isNew, Math.max(nextInMs, SHORTEST_MS), { summary: 'Until the next notice' });
    } else if (links.isOpen()) {
      setCurrentDetails('Somebody waits to be linked');
      await condition(() => isNew() || !links.isOpen());
    } else {
      setCurrentDetails('There is nothing to tell');
      const isMore = await condition(isNew, LINGER_MS, { summary: 'Until there is more' });
      if (!isMore && !isNew()) return;
    }
  }
}

const inTime = (ms: number): string => new Date(Date.now() + ms).toISOString();

/** Reads the bot's messages beside the sending, as long as somebody may send a code. */
function followLinks(input: SendNoticesInput) {
  let work: Promise<void> | null = null;
  let isLeaving = false;
  const read = async (): Promise<void> => {
    for (;;) {
      const { pauseMs, hasOpenLinks } = await takeLinkCodes(input);
      if (!hasOpenLinks || isLeaving) return;
      if (pauseMs > 0) await sleep(pauseMs, { summary: 'Until its messages are read again' });
    }
  };
  return {
    isOpen: () => work !== null,
    follow(): void {
      // What fails here for good fails in the sending as well, which says so.
      work ??= read()
        .catch(() => undefined)
        .then(() => {
          work = null;
        });
    },
    async leave(): Promise<void> {
      isLeaving = true;
      await work;
    },
  };
}
