import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from './db/index.ts';
import type { WebhookToTell } from './db/webhookNews.ts';
import type { Flows } from './flows.ts';
import type { Log } from './log.ts';

/** Tells the engine which of its workflows have something to send. */
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
}

/** What was told to nobody, for whatever reason, is found after this time. */
const SWEEP_MS = 2000;
/** Of the many events of one moment only one question is made. */
const GATHER_MS = 30;
/** More would not be faster: each start costs the engine some milliseconds of its processors. */
const TELLERS = 12;

/** So often at most the bot is told; it looks for itself while it sends. */
const NOTICES_EVERY_MS = 500;

/**
 * Listens for committed events, asks which webhooks have to be told, and tells the engine. Several may run: the database
 * gives each webhook to one of them. What does not get through, or dies with this process, the reconciler repeats.
 */
export async function startAnnouncer(deps: AnnouncerDeps): Promise<Announcer> {
  const { db, flows, log, ring } = deps;
  const closing = new AbortController();
  const notices = startNoticeTeller(deps, closing.signal);
  const users = new Set<string>();
  const untold = new Map<string, WebhookToTell>();
  const tellers = new Set<Promise<void>>();
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
    ring(null);
    notices.hear();
  }

  async function listen(): Promise<void> {
    while (!closing.signal.aborted) {
      await untilNews();
      const wanted = isForAll ? null : [...users];
      users.clear();
      isForAll = false;
      try {
        for (const webhook of await db.webhookNews.takeToTell(wanted)) untold.set(webhook.webhookId, webhook);
      } catch (error) {
        // Asked for again with the next sweep.
        log.warn({ err: error }, 'it could not be found out whom to tell of news');
      }
      for (let free = TELLERS - tellers.size; free > 0 && untold.size > 0; free--) beginTelling();
    }
  }

  function beginTelling(): void {
    const teller = tell().finally(() => tellers.delete(teller));
    tellers.add(teller);
  }

  async function tell(): Promise<void> {
    for (const [webhookId, webhook] of untold) {
      if (closing.signal.aborted) return;
      untold.delete(webhookId);
      await flows.deliverWebhook(webhook);
    }
  }

  const pause = (ms: number) => delay(ms, undefined, { signal: closing.signal }).catch(() => undefined);
  const work = listen();
  return {
    close: async () => {
      closing.abort();
      await Promise.all([listener.close(), work, notices.ended, ...tellers]);
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
