import type { Config } from '../src/config.ts';
import type { Db } from '../src/db/index.ts';
import type { EndedAttempt } from '../src/db/webhookRecords.ts';
import { isFailingForGood, MIN_FAILURES } from '../src/domain/webhook.ts';
import type { Log } from '../src/log.ts';
import { inBatches } from './batches.ts';
import { insist } from './insist.ts';

const MAX_RECORDS = 200;

interface Parts {
  config: Pick<Config, 'WEBHOOK_DISABLE_AFTER_SEC'>;
  db: Pick<Db, 'webhookRecords'>;
  log: Log;
}

/** Since when its webhook has been failing, when that is long ago. */
interface Recorded {
  failingSince: Date | null;
}

/**
 * Makes what writes down what came of attempts, many in one statement, and disables webhooks that fail for good.
 *
 * @returns a function that throws what writing down came to, after it was tried several times
 */
export function createAttemptRecorder({ config, db, log }: Parts): (ended: EndedAttempt) => Promise<void> {
  const failingBefore = () => new Date(Date.now() - config.WEBHOOK_DISABLE_AFTER_SEC * 1000);

  /** Null for all where it fails: one of them may be the reason, and holds up no others. */
  const recordTogether = inBatches<EndedAttempt, Recorded | null>(
    async (ended) => {
      const failing = await db.webhookRecords.record(ended, failingBefore()).catch(() => null);
      if (!failing) return ended.map(() => null);
      const sinces = new Map(failing.map(({ webhookId, failingSince }) => [webhookId, failingSince]));
      return ended.map(({ webhookId }) => ({ failingSince: sinces.get(webhookId) ?? null }));
    },
    { maxItems: MAX_RECORDS },
  );

  async function recordAlone(ended: EndedAttempt): Promise<Recorded> {
    const [failing] = await insist(() => db.webhookRecords.record([ended], failingBefore()));
    return { failingSince: failing?.failingSince ?? null };
  }

  /** What was written down stays so, whatever comes of this: the next failure is judged again. */
  async function judge(webhookId: string, failingSince: Date): Promise<void> {
    try {
      const failures = await db.webhookRecords.countFailures(webhookId, failingSince, MIN_FAILURES);
      const limits = { disableAfterSec: config.WEBHOOK_DISABLE_AFTER_SEC, now: new Date() };
      if (isFailingForGood({ failingSince, failures }, limits))
        await db.webhookRecords.disable(webhookId, 'failing');
    } catch (error) {
      log.warn({ err: error, webhookId }, 'a webhook that fails was not judged');
    }
  }

  return async (ended) => {
    const { failingSince } = (await recordTogether(ended)) ?? (await recordAlone(ended));
    if (failingSince) await judge(ended.webhookId, failingSince);
  };
}
