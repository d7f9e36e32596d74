import {
  CancellationScope,
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
const FAILED_PAUSE_MS = 10_000;

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
    // Everybody's notices would wait for the end of a reading: the next run begins another.
    if (workflowInfo().continueAsNewSuggested) {
      await links.leave();
      await continueAsNew<typeof sendNotices>(input);
    }
    if (hasOpenLinks) links.follow();
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
  const scope = new CancellationScope();
  let work: Promise<void> | null = null;
  let asked = 0;
  let isLeaving = false;

  async function read(): Promise<void> {
    let hasMore = true;
    while (hasMore && !isLeaving) {
      const known = asked;
      try {
        const hasOpenLinks = await scope.run(() => readOnce(input));
        // Whoever has made an offer while the reading came to its end is not seen by it.
        hasMore = hasOpenLinks || asked > known;
      } catch {
        if (isLeaving) break;
        // What fails for good in the sending as well says so there; a worker without the token may have got it.
        await scope
          .run(() => sleep(FAILED_PAUSE_MS, { summary: 'The reading failed' }))
          .catch(() => undefined);
        hasMore = asked > known;
      }
    }
    // In the same breath, or an offer could come in between.
    work = null;
  }

  return {
    isOpen: () => work !== null,
    follow(): void {
      asked += 1;
      work ??= read();
    },
    async leave(): Promise<void> {
      isLeaving = true;
      scope.cancel();
      await work;
    },
  };
}

async function readOnce(input: SendNoticesInput): Promise<boolean> {
  const { pauseMs, hasOpenLinks } = await takeLinkCodes(input);
  if (pauseMs > 0) await sleep(pauseMs, { summary: 'Until its messages are read again' });
  return hasOpenLinks;
}
