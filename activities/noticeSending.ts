import { setTimeout as delay } from 'node:timers/promises';
import type { DueNotice } from '../src/db/telegramNotices.ts';
import { isOnlyEnding } from '../src/domain/notice.ts';
import { noticeHtml } from '../src/domain/noticeText.ts';
import { BOT_ERRORS } from '../src/domain/telegram.ts';
import type { Log } from '../src/log.ts';
import type { BotAnswer, TelegramBot } from '../src/notifiers/telegram/index.ts';
import type { ActivityDeps } from './index.ts';
import { insist } from './insist.ts';

/** How the sending ended; times from now on. */
export interface SendingEnd {
  /** How long the whole bot has to be silent. */
  pauseMs: number;
  /** When the next notice is due; null when none is. */
  nextInMs: number | null;
}

export interface SendingDeps {
  db: ActivityDeps['db'];
  telegram: TelegramBot;
  log: Log;
  signal: AbortSignal;
}

/** Chats that are written to at the same time: one that is slow keeps no other waiting. */
const LANES = 10;
/** So long one activity sends; then the workflow sees whether it has become long. */
const LONGEST_MS = 20_000;
const NEWS_EVERY_MS = 500;
/** Shorter waits are not worth an activity of their own. */
const SHORT_WAIT_MS = 1500;
const SHORTEST_WAIT_MS = 50;
/** Before a notice is tried again that got no answer; doubled each time. */
const FIRST_RETRY_MS = 5000;
const LONGEST_RETRY_MS = 10 * 60_000;
/** About a day: then it is given up. */
const MOST_ATTEMPTS = 150;
/** After so many in a row without an answer nobody is asked for a while. */
const TROUBLES_IN_A_ROW = 5;
const TROUBLE_PAUSE_MS = 10_000;
/** A token that is refused is for a person to see to. */
const UNAUTHORIZED_PAUSE_MS = 60_000;

/** Sends what is due to all chats, each at its pace, until nothing is, or the bot has to be silent. */
export async function sendDue(deps: SendingDeps): Promise<SendingEnd> {
  const { db, telegram } = deps;
  const { blockedUntil, errorCode } = await db.telegramBots.ensure(telegram.bot);
  const blockedMs = (blockedUntil?.getTime() ?? 0) - Date.now();
  if (blockedMs > 0) return { pauseMs: blockedMs, nextInMs: 0 };
  const sending = new Sending(deps);
  const end = await sending.run();
  if (sending.hasSpoken && errorCode === BOT_ERRORS.unauthorized)
    await db.telegramBots.noteError(telegram.bot, null);
  return end;
}

class Sending {
  hasSpoken = false;
  readonly #deps: SendingDeps;
  /** What is on its way, by chat. */
  readonly #onTheWay = new Map<string, Promise<void>>();
  #pauseMs = 0;
  #troubles = 0;
  #failure: unknown;
  #newsAt = 0;
  /** After whom to go on looking for news; null: from the first. */
  #newsAfter: string | null = null;

  constructor(deps: SendingDeps) {
    this.#deps = deps;
  }

  async run(): Promise<SendingEnd> {
    const until = Date.now() + LONGEST_MS;
    let nextInMs: number | null = 0;
    try {
      nextInMs = await this.#sendUntil(until);
    } finally {
      // Also where this fails: what is repeated at once must find written down what is on its way now.
      await Promise.all(this.#onTheWay.values());
    }
    if (this.#failure !== undefined) throw this.#failure;
    return { pauseMs: this.#pauseMs, nextInMs };
  }

  /** @returns when the next notice is due */
  async #sendUntil(until: number): Promise<number | null> {
    let nextInMs: number | null = 0;
    while (this.#mayGoOn(until)) {
      if (Date.now() >= this.#newsAt) await this.#lookAround();
      const begun = await this.#beginDue();
      if (begun === 0 && this.#onTheWay.size === 0) {
        nextInMs = await this.#untilNext();
        if (nextInMs === null || nextInMs > SHORT_WAIT_MS) break;
      }
      await this.#untilSomething(nextInMs ?? 0);
      nextInMs = 0;
    }
    return nextInMs;
  }

  /** Sees what is new: events, and whether another worker was told to wait. */
  async #lookAround(): Promise<void> {
    const { db, telegram, log, signal } = this.#deps;
    const bot = await db.telegramBots.find(telegram.bot);
    this.#pauseMs = Math.max(this.#pauseMs, (bot?.blockedUntil?.getTime() ?? 0) - Date.now());
    const after = this.#newsAfter;
    const { lastUserId, failures } = await db.telegramNotices.takeNews(telegram.bot, { after, signal });
    for (const { userId, error } of failures)
      log.error({ err: error, userId }, 'the news of a user could not be looked through');
    this.#newsAfter = lastUserId;
    this.#newsAt = lastUserId === null ? Date.now() + NEWS_EVERY_MS : 0;
  }

  #mayGoOn(until: number): boolean {
    const isStopped = this.#pauseMs > 0 || this.#failure !== undefined || this.#deps.signal.aborted;
    return !isStopped && Date.now() < until;
  }

  async #beginDue(): Promise<number> {
    const { db, telegram } = this.#deps;
    const limit = LANES - this.#onTheWay.size;
    if (limit <= 0) return 0;
    const exceptChats = [...this.#onTheWay.keys(), ...telegram.pace.busyChats()];
    const due = await db.telegramNotices.listDue(telegram.bot, { limit, exceptChats });
    for (const notice of due) {
      await delay(Math.max(0, telegram.pace.anyFreeAt() - Date.now()));
      if (this.#pauseMs > 0) break;
      const work = this.#tell(notice)
        .catch((error: unknown) => {
          this.#failure ??= error;
        })
        .finally(() => this.#onTheWay.delete(notice.chat));
      this.#onTheWay.set(notice.chat, work);
    }
    return due.length;
  }

  /** Waits for an end of what is on its way, or for as long as told. */
  async #untilSomething(waitMs: number): Promise<void> {
    if (this.#onTheWay.size === 0) return delay(Math.max(waitMs, SHORTEST_WAIT_MS));
    const timer = delay(NEWS_EVERY_MS, undefined, { ref: false });
    await Promise.race([timer, ...this.#onTheWay.values()]);
  }

  async #untilNext(): Promise<number | null> {
    const { db, telegram } = this.#deps;
    const busyChats = telegram.pace.busyChats();
    const freeAt = Math.min(...busyChats.map((chat) => telegram.pace.freeAt(chat)));
    const due = await db.telegramNotices.nextDueAt(telegram.bot, { busyChats });
    const times = [due.atFree?.getTime(), due.atBusy && Math.max(due.atBusy.getTime(), freeAt)];
    const known = times.filter((time) => typeof time === 'number');
    return known.length === 0 ? null : Math.max(SHORTEST_WAIT_MS, Math.min(...known) - Date.now());
  }

  async #tell(notice: DueNotice): Promise<void> {
    const { db, telegram } = this.#deps;
    const { event, chat, messageId } = notice;
    const html = event ? noticeHtml(event) : '';
    const isTooLate = event && messageId === null && isOnlyEnding(event.type);
    if (html === '' || isTooLate) return db.telegramNotices.drop(notice, null);
    // The answer is waited for also when the worker stops, or it would be sent again.
    const { signal } = new AbortController();
    const answer = await (messageId === null
      ? telegram.send(chat, html, signal)
      : telegram.edit({ chat, id: messageId }, html, signal));
    const write = this.#conclude(notice, answer);
    await insist(write);
  }

  /** Draws the conclusions of an answer. @returns what writes them down */
  #conclude(notice: DueNotice, answer: BotAnswer<number | null>): () => Promise<void> {
    const { db, telegram, log } = this.#deps;
    const { bot } = telegram;
    if (answer.kind !== 'trouble' && answer.kind !== 'conflict') this.#troubles = 0;
    switch (answer.kind) {
      case 'ok':
        this.hasSpoken = true;
        return () => db.telegramNotices.noteSent(notice, answer.result);
      case 'unchanged':
        return () => db.telegramNotices.noteSent(notice, notice.messageId);
      case 'gone':
        if (notice.messageId === null) return this.#giveUp(notice, 'telegram_refused');
        return () => db.telegramNotices.noteGone(notice, !isOnlyEnding(notice.event?.type ?? ''));
      case 'off':
        log.info({ noticeId: notice.id, reason: answer.reason }, 'a chat takes no more notices');
        return () => db.telegramChats.switchOff(bot, notice.chat, answer.reason);
      case 'moved':
        return () => db.telegramChats.move(bot, notice.chat, answer.chat);
      case 'refused':
        return this.#giveUp(notice, 'telegram_refused');
      case 'wait':
        return this.#waitAsAsked(notice, answer.waitMs);
      case 'unauthorized':
        log.error('the Bot API does not take the token');
        this.#pauseMs = Math.max(this.#pauseMs, UNAUTHORIZED_PAUSE_MS);
        return () => db.telegramBots.noteError(bot, BOT_ERRORS.unauthorized);
      case 'conflict':
        return this.#tryLater(notice, 'conflict');
      case 'trouble':
        return this.#tryLater(notice, answer.why);
    }
  }

  #giveUp(notice: DueNotice, errorCode: string): () => Promise<void> {
    const { db, log } = this.#deps;
    log.error({ noticeId: notice.id, errorCode }, 'a notice is given up');
    return () => db.telegramNotices.drop(notice, errorCode);
  }

  #waitAsAsked(notice: DueNotice, waitMs: number): () => Promise<void> {
    const { db, telegram, log } = this.#deps;
    log.warn({ waitMs }, 'Telegram wants the bot to wait');
    this.#pauseMs = Math.max(this.#pauseMs, waitMs);
    const until = new Date(Date.now() + waitMs);
    return async () => {
      await db.telegramBots.block(telegram.bot, until);
      await db.telegramNotices.postpone(notice, until);
    };
  }

  #tryLater(notice: DueNotice, why: string): () => Promise<void> {
    const { db, log } = this.#deps;
    log.warn({ noticeId: notice.id, why }, 'the Bot API did not answer a notice as it should');
    this.#troubles += 1;
    if (this.#troubles >= TROUBLES_IN_A_ROW) this.#pauseMs = Math.max(this.#pauseMs, TROUBLE_PAUSE_MS);
    if (notice.attempts + 1 >= MOST_ATTEMPTS) return this.#giveUp(notice, BOT_ERRORS.unavailable);
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(notice.attempts, 20), LONGEST_RETRY_MS);
    const nextAttemptAt = new Date(Date.now() + waitMs);
    return () => db.telegramNotices.noteTrouble(notice, BOT_ERRORS.unavailable, nextAttemptAt);
  }
}
