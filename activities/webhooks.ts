import { Context } from '@temporalio/activity';
import type { BegunAttempt, EndedAttempt } from '../src/db/webhookRecords.ts';
import { judgeAttempt, PING_TYPE } from '../src/domain/webhook.ts';
import type { SendOutcome } from '../src/notifiers/webhook/index.ts';
import type { DeliverWebhookInput, PingWebhookInput } from '../workflows/contract.ts';
import type { ActivityDeps } from './index.ts';
import { endIfCancelled } from './longWork.ts';
import { createWebhookDesk, openTarget, type PreparedAttempt } from './webhookDesk.ts';
import { workShift } from './webhookShift.ts';

/** Where a webhook stands when nobody is at it any more. */
export interface WebhookRest {
  /** Nothing may be delivered there any more. */
  isOver: boolean;
  /** Until something is due, from now on; null when nothing is on its way. */
  nextDueInMs: number | null;
}

/** As long as news keeps coming, there is no need for an activity each time: the engine's cost more than a delivery. */
const LINGER_MS = 3000;
const STAY_MS = 7000;
const MAX_SHIFT_MS = 10 * 60_000;
/** The more places are taken the sooner one is left. */
const CROWDED = 0.8;
const HEARTBEAT_MS = 8000;
const SOON_MS = 200;

/** What delivers to webhooks. */
export function createWebhookActivities({ config, db, sealer, bell, webhookSender }: ActivityDeps) {
  const desk = createWebhookDesk({ config, db, sealer });
  let shifts = 0;
  const lingerMs = () => (shifts > config.NOTIFY_SLOTS * CROWDED ? 0 : LINGER_MS);

  async function deliver({ attempt, target, body }: PreparedAttempt): Promise<Date | null> {
    const outcome =
      'code' in target
        ? failedBy(target.code)
        : await webhookSender.send(target, { id: attempt.eventId, body });
    const rules = { retrySec: config.WEBHOOK_RETRY_SEC, now: new Date(), random: Math.random() };
    const { scheduleNumber: number, startedAt } = attempt;
    const verdict = judgeAttempt(outcome, { number, startedAt }, rules);
    const nextAttemptAt = verdict.state === 'pending' ? verdict.nextAttemptAt : null;
    const state = verdict.state === 'gone' ? 'failed' : verdict.state;
    await desk.record({ ...toRecord(attempt, outcome), state, nextAttemptAt, isPing: false });
    if (verdict.state === 'gone') await db.webhookRecords.disable(attempt.webhookId, 'gone');
    return nextAttemptAt;
  }

  return {
    /** Delivers all that is new or due, and stays while there is news. */
    async deliverDue({ webhookId, userId }: DeliverWebhookInput): Promise<WebhookRest> {
      const context = Context.current();
      const times = { lingerMs, stayMs: STAY_MS, maxMs: MAX_SHIFT_MS };
      const pulse = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
      shifts += 1;
      try {
        const signal = context.cancellationSignal;
        const isOpen = await workShift({ webhookId, userId, desk, bell, times, deliver, signal });
        if (!isOpen) return { isOver: true, nextDueInMs: null };
        const { isDueNow, nextDueAt } = await db.webhookRecords.release(webhookId);
        endIfCancelled();
        const dueMs = isDueNow ? 0 : nextDueAt && nextDueAt.getTime() - Date.now();
        return { isOver: false, nextDueInMs: dueMs === null ? null : Math.max(dueMs, SOON_MS) };
      } finally {
        clearInterval(pulse);
        shifts -= 1;
      }
    },

    /** Sends a ping, once; nothing when it is gone. */
    async sendPing({ deliveryId }: PingWebhookInput): Promise<void> {
      const attempt = await db.webhookRecords.beginPing(deliveryId);
      const [sealed] = attempt ? await db.webhookRecords.findTargets([attempt.webhookId]) : [];
      if (!attempt || !sealed) return;
      const target = openTarget(sealer, sealed);
      const told = {
        type: PING_TYPE,
        timestamp: new Date().toISOString(),
        data: { webhook_id: attempt.webhookId },
      };
      const message = { id: attempt.eventId, body: Buffer.from(JSON.stringify(told)) };
      const outcome = 'code' in target ? failedBy(target.code) : await sendPatiently(target, message);
      const { state } = judgeAttempt(outcome, { number: 1, startedAt: attempt.startedAt }, ONCE);
      const isTaken = state === 'succeeded';
      const record = toRecord(attempt, outcome);
      await desk.record({ ...record, state: isTaken ? state : 'failed', nextAttemptAt: null, isPing: true });
    },
  };

  /** Whoever waits for a ping learns no sooner that nobody answers than that nobody listens. */
  async function sendPatiently(...ping: Parameters<typeof webhookSender.send>): Promise<SendOutcome> {
    const silence = new Promise((resolve) => setTimeout(resolve, config.WEBHOOK_TIMEOUT_SEC * 1000).unref());
    const outcome = await webhookSender.send(...ping);
    if (outcome.errorCode === 'unreachable') await silence;
    return outcome;
  }
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
});
