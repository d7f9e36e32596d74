import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../src/config.ts';
import { newId } from '../src/db/ids.ts';
import type { Db } from '../src/db/index.ts';
import type { BegunAttempt, EndedAttempt } from '../src/db/webhookRecords.ts';
import { judgeAttempt, PING_TYPE } from '../src/domain/webhook.ts';
import type { Log } from '../src/log.ts';
import type { SendOutcome, WebhookSender } from '../src/notifiers/webhook/index.ts';
import type { Sealer } from '../src/secrets/sealing.ts';
import type { DeliverWebhookInput } from '../workflows/contract.ts';
import type { NewsBell } from './newsBell.ts';
import { ATTEND_SEC, createWebhookDesk, openTarget, type PreparedAttempt } from './webhookDesk.ts';
import { type Delivered, workShift } from './webhookShift.ts';

/** Where a webhook stands when its shift has ended. */
export interface WebhookRest {
  /** Nothing may be delivered there any more. */
  isOver: boolean;
  /** Until something is due, from now on; null when nothing is on its way. */
  nextDueInMs: number | null;
}

/** What delivers to webhooks in this process, whoever sends it to one. */
export interface WebhookDelivery {
  /** In whose name webhooks are taken for shifts of this process. */
  readonly holder: string;
  /** For how long, in seconds, one that was taken waits for its shift. */
  readonly attendSec: number;
  /** How many webhooks may be taken for shifts of this process; what the engine sends here has as many of its own. */
  readonly places: number;
  /**
   * Delivers all that is new or due, and stays while there is news.
   *
   * @param holder who has it; somebody of its own where it was not taken before
   */
  attend(
    webhook: DeliverWebhookInput,
    options?: { holder?: string; signal?: AbortSignal },
  ): Promise<WebhookRest>;
  /** Sends a ping, once; nothing when it is gone. */
  ping(deliveryId: string): Promise<void>;
}

interface Parts {
  config: Config;
  db: Db;
  sealer: Sealer;
  log: Log;
  bell: NewsBell;
  webhookSender: WebhookSender;
}

/** Who stays while news keeps coming saves the next one's coming, which costs more than a delivery. */
const LINGER_MS = 3000;
const STAY_MS = 3000;
const MAX_SHIFT_MS = 10 * 60_000;
/** When so many places are taken, they are left sooner. */
const CROWDED = 0.8;
const SOON_MS = 200;
/** Who finds somebody else at a webhook looks again by then; he who leaves it tells whom he leaves something. */
const TAKEN_MS = 15_000;
/** By then also the one that was waited for to the last moment is known. */
const SETTLING_MS = 100;
const NEVER = new AbortController().signal;

export function createWebhookDelivery({
  config,
  db,
  sealer,
  log,
  bell,
  webhookSender,
}: Parts): WebhookDelivery {
  const desk = createWebhookDesk({ config, db, sealer, log });
  let shifts = 0;
  const isCrowded = () => shifts > config.NOTIFY_SLOTS * CROWDED;
  const times = { isCrowded, lingerMs: LINGER_MS, stayMs: STAY_MS, maxMs: MAX_SHIFT_MS };

  async function deliver({ attempt, target, body }: PreparedAttempt): Promise<Delivered> {
    const outcome =
      'code' in target ? failedBy(target.code) : await sendPatiently(target, { id: attempt.eventId, body });
    const rules = { retrySec: config.WEBHOOK_RETRY_SEC, now: new Date(), random: Math.random() };
    const { scheduleNumber: number, startedAt } = attempt;
    const verdict = judgeAttempt(outcome, { number, startedAt }, rules);
    const nextAttemptAt = verdict.state === 'pending' ? verdict.nextAttemptAt : null;
    const state = verdict.state === 'gone' ? 'failed' : verdict.state;
    await desk.record({ ...toRecord(attempt, outcome), state, nextAttemptAt, isPing: false });
    if (verdict.state === 'gone') await db.webhookRecords.disable(attempt.webhookId, 'gone');
    return { isTaken: state === 'succeeded', nextAttemptAt };
  }

  /**
   * Whoever waits for a ping, or watches the log, learns no sooner that nobody listens than that nobody answers. A place
   * is held for as long as by somebody silent.
   */
  async function sendPatiently(...attempt: Parameters<WebhookSender['send']>): Promise<SendOutcome> {
    const knownAt = Date.now() + config.WEBHOOK_TIMEOUT_SEC * 1000 + SETTLING_MS;
    const outcome = await webhookSender.send(...attempt);
    if (outcome.errorCode !== 'unreachable') return outcome;
    // Who is to end does not wait.
    const { stopping: signal } = bell;
    await delay(Math.max(knownAt - Date.now(), 0), undefined, { signal }).catch(() => undefined);
    return outcome;
  }

  return {
    holder: newId(),
    attendSec: ATTEND_SEC,
    places: config.NOTIFY_SLOTS,

    async attend({ webhookId, userId }, { holder: given, signal = NEVER } = {}) {
      const holder = given ?? newId();
      shifts += 1;
      try {
        const end = await workShift({ webhookId, userId, holder, desk, bell, times, deliver, signal });
        if (end === 'over') return { isOver: true, nextDueInMs: null };
        // Who was given it here may leave it to whom it was given since.
        if (end === 'taken') return { isOver: false, nextDueInMs: given ? null : TAKEN_MS };
        const { nextDueInMs } = await desk.release({ webhookId, holder });
        return { isOver: false, nextDueInMs: nextDueInMs === null ? null : Math.max(nextDueInMs, SOON_MS) };
      } finally {
        shifts -= 1;
      }
    },

    async ping(deliveryId) {
      const attempt = await db.webhookRecords.beginPing(deliveryId);
      // Whoever began it has died over it, or could not write down what came of it: it may have been sent.
      if (!attempt) return db.webhookDeliveries.abandonPing(deliveryId);
      const target = openTarget(sealer, attempt.webhookId, attempt.target);
      const timestamp = new Date().toISOString();
      const told = { type: PING_TYPE, timestamp, data: { webhook_id: attempt.webhookId } };
      const message = { id: attempt.eventId, body: Buffer.from(JSON.stringify(told)) };
      const outcome = 'code' in target ? failedBy(target.code) : await sendPatiently(target, message);
      const isTaken =
        judgeAttempt(outcome, { number: 1, startedAt: attempt.startedAt }, ONCE).state === 'succeeded';
      const state = isTaken ? 'succeeded' : 'failed';
      await desk.record({ ...toRecord(attempt, outcome), state, nextAttemptAt: null, isPing: true });
    },
  };
}

const ONCE = { retrySec: [], now: new Date(0), random: 0 };

const failedBy = (errorCode: string): SendOutcome => ({
  ...{ status: null, durationMs: null, retryAfter: null, response: null },
  errorCode,
});

const toRecord = (
  { id, ...attempt }: BegunAttempt,
  { retryAfter: _, ...outcome }: SendOutcome,
): Omit<EndedAttempt, 'state' | 'nextAttemptAt' | 'isPing'> => ({
  ...outcome,
  attemptId: id,
  deliveryId: attempt.deliveryId,
  webhookId: attempt.webhookId,
  number: attempt.number,
  startedAt: attempt.startedAt,
  missedAt: attempt.missedAt,
});
