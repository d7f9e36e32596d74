import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from './db/index.ts';
import type { TakenWebhooks, WebhookToTell } from './db/webhookNews.ts';
import type { Flows } from './flows.ts';
import type { Log } from './log.ts';

/** What delivers to webhooks in this very process; see activities/webhookDelivery.ts. */
export interface Delivery {
  holder: string;
  attendSec: number;
  /** How many webhooks it has a place for. */
  places: number;
  /** @returns until when something is due that is left over */
  attend(webhook: WebhookToTell, options: { holder: string }): Promise<{ nextDueInMs: number | null }>;
}

/** Sees to it that what happens is told to whoever wants to know. */
export interface Announcer {
  close(): Promise<void>;
}

export interface AnnouncerDeps {
  db: Pick<Db, 'listenForEvents' | 'webhookNews' | 'telegramNotices'>;
  flows: Pick<Flows, 'deliverWebhook' | 'sendNotices'>;
  log: Log;
  /** The bot that sends notices; null where none is configured. */
  bot: string | null;
  /** Wakes who waits for a user's news in this process; null: it may be anybody's. */
  ring(userId: string | null): void;
  delivery: Delivery;
}

/** What was told to nobody, for whatever reason, is found after this time. */
const SWEEP_MS = 2000;
/** Of the many events of one moment only one question is made. */
const GATHER_MS = 30;
/** More would not be faster: each start costs the engine some milliseconds of its processors. */
const TELLERS = 12;
/** So many webhooks are taken at a time, in a second at most where each is far behind. */
const MAX_TAKEN = 200;
/** Where even that was too much, so much less is asked for. */
const SMALLER = 10;

/** So often at most the bot is told; it looks for itself while it sends. */
const NOTICES_EVERY_MS = 500;

/**
 * Listens for committed events and has them delivered to webhooks at once, in this process: whether a workflow is
 * begun for that makes no difference to the receiver, and for many webhooks it would take the engine seconds. Only what
 * is left after the first attempts, or finds no place here, is a workflow's. Several may run: the database gives each
 * webhook to one of them, and to another when that one is heard of no more.
 */
export async function startAnnouncer(deps: AnnouncerDeps): Promise<Announcer> {
  const { db, log, ring } = deps;
  const closing = new AbortController();
  const notices = startNoticeTeller(deps, closing.signal);
  const users = new Set<string>();
  const webhooks = startShifts(deps, closing.signal);
  let isForAll = true;
  let wake: () => void = () => undefined;
  let lastSweepAt = 0;

  const listener = await db.listenForEvents((userId) => {
    ring(userId);
    notices.hear();
    if (userId === null) isForAll = true;
    else users.add(userId);
    wake();
  });

  async function untilNews(): Promise<void> {
    if (users.size === 0 && !isForAll) {
      const heard = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([heard, pause(Math.max(lastSweepAt + SWEEP_MS - Date.now(), 0))]);
    }
    await pause(GATHER_MS);
    if (Date.now() - lastSweepAt < SWEEP_MS) return;
    lastSweepAt = Date.now();
    isForAll = true;
    notices.hear();
  }

  async function listen(): Promise<void> {
    for (;;) {
      await untilNews();
      if (closing.signal.aborted) return;
      const wanted = isForAll ? null : [...users];
      users.clear();
      isForAll = false;
      try {
        // Who is far behind is looked through in parts, between which everybody has his turn.
        if (await webhooks.take(wanted)) isForAll = true;
      } catch (error) {
        // Asked for again with the next sweep.
        log.warn({ err: error }, 'it could not be found out whom to tell of news');
      }
    }
  }

  const pause = (ms: number) => delay(ms, undefined, { signal: closing.signal }).catch(() => undefined);
  const work = listen();
  return {
    close: async () => {
      closing.abort();
      await Promise.all([listener.close(), work, notices.ended]);
      await webhooks.ended();
    },
  };
}

/** Takes webhooks with news and begins their shifts; what these leave over, and what finds no place, is told to the engine. */
function startShifts({ db, flows, log, delivery }: AnnouncerDeps, signal: AbortSignal) {
  const shifts = new Map<string, Promise<void>>();
  const untold = new Map<string, WebhookToTell>();
  const tellers = new Set<Promise<void>>();

  let most = MAX_TAKEN;
  let isGivenUp = false;
  // Those who wait for an engine that is away are found by the reconciler, and keep nobody from ending.
  signal.addEventListener('abort', () => untold.clear());

  /** @returns whether there is more to be looked through */
  async function take(userIds: string[] | null): Promise<boolean> {
    let isBehind = false;
    let afterId: string | null = null;
    do {
      const found = await takePage(userIds, afterId);
      isBehind ||= found.isBehind;
      afterId = found.lastId;
    } while (afterId !== null && !signal.aborted);
    return isBehind;
  }

  async function takePage(userIds: string[] | null, afterId: string | null): Promise<TakenWebhooks> {
    // Counted when they are taken: until a shift has begun, others are.
    const free = Math.max(delivery.places - shifts.size, 0);
    const holder = free > 0 ? delivery.holder : null;
    const limit = Math.min(free || most, most);
    try {
      const page = { limit, holder, afterId, attendSec: delivery.attendSec };
      const found = await db.webhookNews.take(userIds, page);
      most = Math.min(most * 2, MAX_TAKEN);
      for (const webhook of found.taken)
        if (holder) beginShift(webhook, holder);
        else leaveToEngine(webhook);
      return found;
    } catch (error) {
      most = Math.ceil(most / SMALLER);
      throw error;
    }
  }

  function beginShift(webhook: WebhookToTell, holder: string): void {
    const { webhookId } = webhook;
    // It may be free again before the one who has left it here has come back from that.
    const before = shifts.get(webhookId) ?? Promise.resolve();
    const shift = before
      .then(() => delivery.attend(webhook, { holder }))
      .then(({ nextDueInMs }) => nextDueInMs !== null && leaveToEngine(webhook))
      // Nobody is at it after some seconds, and the reconciler finds what is left.
      .catch((error: unknown) => log.warn({ err: error, ...webhook }, 'a webhook could not be delivered to'))
      .then(() => void (shifts.get(webhookId) === shift && shifts.delete(webhookId)));
    shifts.set(webhookId, shift);
  }

  function leaveToEngine(webhook: WebhookToTell): void {
    if (isGivenUp) return;
    untold.set(webhook.webhookId, webhook);
    if (tellers.size >= TELLERS) return;
    const teller = tell().finally(() => tellers.delete(teller));
    tellers.add(teller);
  }

  async function tell(): Promise<void> {
    for (const [webhookId, webhook] of untold) {
      untold.delete(webhookId);
      const isTold = await flows.deliverWebhook(webhook);
      isGivenUp ||= signal.aborted && !isTold;
      if (isGivenUp) untold.clear();
    }
  }

  return {
    take,
    ended: async () => {
      await Promise.all(shifts.values());
      await Promise.all(tellers);
    },
  };
}

/** Tells the bot's workflow when a user who wants to be told has news; beside the webhooks, so that neither waits for the other. */
function startNoticeTeller({ db, flows, log, bot }: AnnouncerDeps, signal: AbortSignal) {
  let isNew = true;
  let wake: () => void = () => undefined;
  signal.addEventListener('abort', () => wake());
  const hear = () => {
    isNew = true;
    wake();
  };
  const tellOnce = async (of: string): Promise<void> => {
    try {
      if (await db.telegramNotices.hasNews(of)) await flows.sendNotices({ bot: of });
    } catch (error) {
      // Asked for again with the next sweep.
      log.warn({ err: error }, 'it could not be found out whether there are notices to send');
    }
  };
  const follow = async (): Promise<void> => {
    while (bot !== null && !signal.aborted) {
      if (!isNew)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      isNew = false;
      await tellOnce(bot);
      await delay(NOTICES_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  return { hear, ended: follow() };
}
