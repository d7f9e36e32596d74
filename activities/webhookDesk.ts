import type { Config } from '../src/config.ts';
import type { Event } from '../src/db/entities/event.ts';
import type { Db } from '../src/db/index.ts';
import type {
  BegunAttempt,
  DueAttempt,
  EndedAttempt,
  LeftToDo,
  SealedTarget,
  WebhookLook,
  WebhookSight,
} from '../src/db/webhookRecords.ts';
import { webhookSecretPlace, webhookUrlPlace } from '../src/domain/sealedPlaces.ts';
import { VideoflowError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import type { WebhookTarget } from '../src/notifiers/webhook/index.ts';
import type { Sealer } from '../src/secrets/sealing.ts';
import { toEventView } from '../src/views/events.ts';
import { createAttemptRecorder } from './attemptRecorder.ts';
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
  /** Writes down what came of an attempt, and disables its webhook where that fails for good. */
  record(ended: EndedAttempt): Promise<void>;
  /** Leaves a webhook. @returns what is left to do there */
  release(held: Omit<WebhookLook, 'slots'>): Promise<LeftToDo>;
}

/** A tenth of a second of statements at most, of which others wait for none. */
const MAX_LOOKS = 100;
const MAX_BODIES_BYTES = 8 * 1024 * 1024;
/** Said anew when a third of it is over; whoever dies is missed after it. */
export const ATTEND_SEC = 12;
/** Beside the time that a receiver has: for being begun, and for being written down. */
const ATTEMPT_SLACK_SEC = 5;

export function createWebhookDesk({
  config,
  db,
  sealer,
  log,
}: {
  config: Config;
  db: Db;
  sealer: Sealer;
  log: Log;
}): WebhookDesk {
  const bodies = new Map<string, Buffer>();
  let bodiesBytes = 0;
  const times = { attendSec: ATTEND_SEC, attemptSec: config.WEBHOOK_TIMEOUT_SEC + ATTEMPT_SLACK_SEC };

  /** Two of this process that want the same webhook, of whom one gets it, must not be asked for together. */
  async function look(looks: WebhookLook[]): Promise<PreparedSight[]> {
    const last = new Map(looks.map((one) => [one.webhookId, one]));
    const [together, later] = [[...last.values()], looks.filter((one) => last.get(one.webhookId) !== one)];
    const sights = await lookAt(together);
    if (later.length > 0) sights.push(...(await look(later)));
    const seen = new Map([...together, ...later].map((one, at) => [one, sights[at]]));
    return looks.map((one) => seen.get(one) ?? { ...NOTHING, due: [] });
  }

  async function lookAt(looks: WebhookLook[]): Promise<PreparedSight[]> {
    const sights = await db.webhookRecords.attend(looks, times);
    const known = await findBodies([...sights.values()].flatMap(({ begun }) => begun));
    return looks.map(({ webhookId }) => {
      const { begun, ...sight } = sights.get(webhookId) ?? NOTHING;
      return { ...sight, due: begun.length === 0 ? [] : prepare(begun, known) };
    });
  }

  /** Events never change, and one goes to many webhooks. */
  async function findBodies(begun: DueAttempt[]): Promise<Map<string, Buffer>> {
    const wanted = [...new Set(begun.map(({ eventId }) => eventId))];
    // At once: while others are asked for, these may be forgotten.
    const found = new Map(wanted.flatMap((id) => entryOf(id, bodies.get(id))));
    const unknown = wanted.filter((id) => !found.has(id));
    const events = unknown.length === 0 ? [] : await db.webhookRecords.findEvents(unknown);
    for (const event of events) {
      const body = toBody(event);
      found.set(event.id, body);
      bodiesBytes += body.length - (bodies.get(event.id)?.length ?? 0);
      bodies.set(event.id, body);
    }
    for (const [id, { length }] of bodies) {
      if (bodiesBytes <= MAX_BODIES_BYTES) break;
      bodies.delete(id);
      bodiesBytes -= length;
    }
    return found;
  }

  function prepare(begun: DueAttempt[], known: Map<string, Buffer>): PreparedAttempt[] {
    // What was removed in between is not sent.
    return begun.map((attempt) => {
      const target = openTarget(sealer, attempt.webhookId, attempt.target);
      const body = known.get(attempt.eventId);
      return { attempt, body: body ?? NO_BODY, target: body ? target : { code: 'event_gone' } };
    });
  }

  async function release(held: Omit<WebhookLook, 'slots'>[]): Promise<LeftToDo[]> {
    const left = await db.webhookRecords.release(held);
    return held.map(({ webhookId }) => left.get(webhookId) ?? { nextDueInMs: null });
  }

  return {
    look: inBatches(look, { maxItems: MAX_LOOKS, maxRunning: 2 }),
    record: createAttemptRecorder({ config, db, log }),
    release: inBatches(release, { maxItems: MAX_LOOKS }),
  };
}

const entryOf = <Value>(key: string, value: Value | undefined): [string, Value][] =>
  value === undefined ? [] : [[key, value]];

const NO_BODY = Buffer.alloc(0);
const NOTHING: WebhookSight = { state: 'gone', hasMore: false, nextDueInMs: null, found: 0, begun: [] };

/** What is delivered: the event as the feed has it, and its time in the word of the specification. */
function toBody(event: Event): Buffer {
  const view = toEventView(event);
  return Buffer.from(JSON.stringify({ ...view, timestamp: view.created_at }));
}

/** Opens where to deliver. @returns the code of what is wrong where it does not open */
export function openTarget(
  sealer: Sealer,
  webhookId: string,
  { sealedUrl, secrets }: SealedTarget,
): WebhookTarget | { code: string } {
  try {
    return {
      url: sealer.open(sealedUrl, webhookUrlPlace(webhookId)),
      secrets: secrets.map(({ id, sealed }) => sealer.open(sealed, webhookSecretPlace(id))),
    };
  } catch (error) {
    if (error instanceof VideoflowError) return { code: error.code };
    throw error;
  }
}
