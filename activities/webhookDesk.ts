import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../src/config.ts';
import type { Event } from '../src/db/entities/event.ts';
import type { Db } from '../src/db/index.ts';
import type {
  BegunAttempt,
  EndedAttempt,
  SealedTarget,
  WebhookLook,
  WebhookSight,
} from '../src/db/webhookRecords.ts';
import { isFailingForGood } from '../src/domain/webhook.ts';
import { VideoflowError } from '../src/errors.ts';
import type { WebhookTarget } from '../src/notifiers/webhook/index.ts';
import type { Sealer } from '../src/secrets/sealing.ts';
import { toEventView } from '../src/views/events.ts';
import { inBatches } from './batches.ts';

/** An attempt with all that it needs. */
export interface PreparedAttempt {
  attempt: BegunAttempt;
  /** The code of what is wrong where it does not open. */
  target: WebhookTarget | { code: string };
  body: Buffer;
}

export type PreparedSight = Omit<WebhookSight, 'begun'> & { due: PreparedAttempt[] };

/** Where all deliveries of a process ask and write, many in one statement. */
export interface WebhookDesk {
  look(look: WebhookLook): Promise<PreparedSight>;
  record(ended: EndedAttempt): Promise<void>;
}

/** A tenth of a second of statements at most, of which others wait for none. */
const MAX_LOOKS = 100;
const MAX_RECORDS = 200;
/** An activity is at its webhook for as long as it looks once in half of this. */
const ATTEND_SEC = 60;
/** Beside the time that a receiver has: for being begun, and for being written down. */
const ATTEMPT_SLACK_SEC = 10;

export function createWebhookDesk({
  config,
  db,
  sealer,
}: {
  config: Config;
  db: Db;
  sealer: Sealer;
}): WebhookDesk {
  const times = { attendSec: ATTEND_SEC, attemptSec: config.WEBHOOK_TIMEOUT_SEC + ATTEMPT_SLACK_SEC };

  async function look(looks: WebhookLook[]): Promise<PreparedSight[]> {
    const sights = await db.webhookRecords.attend(looks, times);
    const prepare = await preparer([...sights.values()].flatMap(({ begun }) => begun));
    return looks.map(({ webhookId }) => {
      const { begun, ...sight } = sights.get(webhookId) ?? NOTHING;
      return { ...sight, due: begun.map(prepare) };
    });
  }

  async function preparer(begun: BegunAttempt[]): Promise<(attempt: BegunAttempt) => PreparedAttempt> {
    const unique = (key: 'eventId' | 'webhookId') => [...new Set(begun.map((attempt) => attempt[key]))];
    const [events, targets] =
      begun.length === 0
        ? [[], []]
        : await Promise.all([
            db.webhookRecords.findEvents(unique('eventId')),
            db.webhookRecords.findTargets(unique('webhookId')),
          ]);
    const bodies = new Map(events.map((event) => [event.id, toBody(event)]));
    const opened = new Map(targets.map((target) => [target.webhookId, openTarget(sealer, target)]));
    return (attempt) => ({
      attempt,
      // What was removed in between is `gone` to whoever records it.
      target: opened.get(attempt.webhookId) ?? { code: 'gone' },
      body: bodies.get(attempt.eventId) ?? Buffer.alloc(0),
    });
  }

  async function record(ended: EndedAttempt[]): Promise<undefined[]> {
    const now = new Date();
    const failingBefore = new Date(now.getTime() - config.WEBHOOK_DISABLE_AFTER_SEC * 1000);
    const failing = await insist(() => db.webhookRecords.record(ended, failingBefore));
    for (const { webhookId, failingSince } of failing) {
      const failures = await db.webhookRecords.countFailures(webhookId, failingSince);
      const limits = { disableAfterSec: config.WEBHOOK_DISABLE_AFTER_SEC, now };
      if (isFailingForGood({ failingSince, failures }, limits))
        await db.webhookRecords.disable(webhookId, 'failing');
    }
    return ended.map(() => undefined);
  }

  return {
    look: inBatches(look, { maxItems: MAX_LOOKS }),
    record: inBatches(record, { maxItems: MAX_RECORDS }),
  };
}

/** As long as a database that is restarted may be away: what is not written down is delivered once more. */
const AGAIN_AFTER_MS = [500, 2000, 5000];

async function insist<Result>(write: () => Promise<Result>): Promise<Result> {
  for (const waitMs of AGAIN_AFTER_MS) {
    const done = await write().then(
      (result) => ({ result }),
      () => null,
    );
    if (done) return done.result;
    await delay(waitMs);
  }
  return write();
}

const NOTHING: WebhookSight = { state: 'gone', hasMore: false, nextDueAt: null, begun: [] };

/** What is delivered: the event as the feed has it, and its time in the word of the specification. */
function toBody(event: Event): Buffer {
  const view = toEventView(event);
  return Buffer.from(JSON.stringify({ ...view, timestamp: view.created_at }));
}

/** Opens where to deliver. @returns the code of what is wrong where it does not open */
export function openTarget(
  sealer: Sealer,
  { webhookId, sealedUrl, secrets }: SealedTarget,
): WebhookTarget | { code: string } {
  try {
    return {
      url: sealer.open(sealedUrl, `webhooks/${webhookId}`),
      secrets: secrets.map(({ id, sealed }) => sealer.open(sealed, `webhook_secrets/${id}`)),
    };
  } catch (error) {
    if (error instanceof VideoflowError) return { code: error.code };
    throw error;
  }
}
