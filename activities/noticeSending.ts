import { setTimeout as delay } from 'node:timers/promises';
import type { DueNotice } from '../src/db/telegramNotices.ts';
import { isOnlyEnding } from '../src/domain/notice.ts';
import { noticeHtml } from '../src/domain/noticeText.ts';
import type { Log } from '../src/log.ts';
import type { BotAnswer, TelegramBot } from '../src/notifiers/telegram/index.ts';
import type { ActivityDeps } from './index.ts';

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
  if (sending.hasSpoken && errorCode === 'telegram_unauthorized')
    await db.telegramBots.noteError(telegram.bot, null);
  return end;
}

class Sending {
  hasSpoken = false;
  private readonly deps: SendingDeps;
  /** What is on its way, by chat. */
  private readonly onTheWay = new Map<string, Promise<void>>();
  private pauseMs = 0;
  private troubles = 0;
  private failure: unknown;

  constructor(deps: SendingDeps) {
    this.deps = deps;
  }

  async run(): Promise<SendingEnd> {
    const until = Date.now() + LONGEST_MS;
    let nextInMs: number | null = 0;
    let newsAt = 0;
    while (this.mayGoOn(until)) {
      if (Date.now() >= newsAt) {
        await this.deps.db.telegramNotices.takeNews(this.deps.telegram.bot);
        newsAt = Date.now() + NEWS_EVERY_MS;
      }
      const begun = await this.beginDue();
      if (begun === 0 && this.onTheWay.size === 0) {
        nextInMs = await this.untilNext();
        if (nextInMs === null || nextInMs > SHORT_WAIT_MS) break;
      }
      await this.untilSomething(nextInMs ?? 0);
      nextInMs = 0;
    }
    await Promise.all(this.onTheWay.values());
    if (this.failure !== undefined) throw this.failure;
    return { pauseMs: this.pauseMs, nextInMs };
  }

  private mayGoOn(until: number): boolean {
    const isStopped = this.pauseMs > 0 || this.failure !== undefined || this.deps.signal.aborted;
    return !isStopped && Date.now() < until;
  }

  private async beginDue(): Promise<number> {
    const { db, telegram } = this.deps;
    const limit = LANES - this.onTheWay.size;
    if (limit <= 0) return 0;
    const exceptChats = [...this.onTheWay.keys(), ...telegram.pace.busyChats()];
    const due = await db.telegramNotices.listDue(telegram.bot, { limit, exceptChats });
    for (const notice of due) {
      await delay(Math.max(0, telegram.pace.anyFreeAt() - Date.now()));
      if (this.pauseMs > 0) break;
      const work = this.tell(notice)
        .catch((error: unknown) => {
          this.failure ??= error;
        })
        .finally(() => this.onTheWay.delete(notice.chat));
      this.onTheWay.set(notice.chat, work);
    }
    return due.length;
  }

  /** Waits for an end of what is on its way, or for as long as told. */
  private async untilSomething(waitMs: number): Promise<void> {
    if (this.onTheWay.size === 0) return delay(Math.max(waitMs, SHORTEST_WAIT_MS));
    const timer = delay(NEWS_EVERY_MS, undefined, { ref: false });
    await Promise.race([timer, ...this.onTheWay.values()]);
  }

  private async untilNext(): Promise<number | null> {
    const { db, telegram } = this.deps;
    const dueAt = await db.telegramNotices.nextDueAt(telegram.bot);
    if (!dueAt) return null;
    const now = Date.now();
    if (dueAt.getTime() > now) return dueAt.getTime() - now;
    // It is its chat that has to wait.
    const freeAt = telegram.pace.busyChats().map((chat) => telegram.pace.freeAt(chat));
    return Math.max(SHORTEST_WAIT_MS, Math.min(...freeAt, now + SHORT_WAIT_MS) - now);
  }

  private async tell(notice: DueNotice): Promise<void> {
    const { db, telegram } = this.deps;
    const { event, chat, messageId } = notice;
    const html = event ? noticeHtml(event) : '';
    const isTooLate = event && messageId === null && isOnlyEnding(event.type);
    if (html === '' || isTooLate) return db.telegramNotices.drop(notice, null);
    // The answer is waited for also when the worker stops, or it would be sent again.
    const { signal } = new AbortController();
    const answer = await (messageId === null
      ? telegram.send(chat, html, signal)
      : telegram.edit({ chat, id: messageId }, html, signal));
    await this.record(notice, answer);
  }

  private async record(notice: DueNotice, answer: BotAnswer<number>): Promise<void> {
    const { db, telegram, log } = this.deps;
    if (answer.kind !== 'trouble') this.troubles = 0;
    switch (answer.kind) {
      case 'ok':
        this.hasSpoken = true;
        return db.telegramNotices.noteSent(notice, answer.result);
      case 'unchanged':
        return db.telegramNotices.noteSent(notice, notice.messageId);
      case 'gone':
        if (notice.messageId === null) return this.giveUp(notice);
        return db.telegramNotices.noteGone(notice, !isOnlyEnding(notice.event?.type ?? ''));
      case 'off':
        log.info({ noticeId: notice.id, reason: answer.reason }, 'a chat takes no more notices');
        return db.telegramChats.switchOff(telegram.bot, notice.chat, answer.reason);
      case 'moved':
        return db.telegramChats.move(telegram.bot, notice.chat, answer.chat);
      case 'refused':
        return this.giveUp(notice);
      case 'wait':
        return this.waitAsAsked(notice, answer.waitMs);
      case 'unauthorized':
      case 'conflict':
        log.error('the Bot API does not take the token');
        this.pauseMs = UNAUTHORIZED_PAUSE_MS;
        return db.telegramBots.noteError(telegram.bot, 'telegram_unauthorized');
      case 'trouble':
        return this.tryLater(notice, answer.why);
    }
  }

  private giveUp(notice: DueNotice): Promise<void> {
    this.deps.log.error({ noticeId: notice.id }, 'the Bot API refuses a notice, which is not sent');
    return this.deps.db.telegramNotices.drop(notice, 'telegram_refused');
  }

  private async waitAsAsked(notice: DueNotice, waitMs: number): Promise<void> {
    const { db, telegram, log } = this.deps;
    log.warn({ waitMs }, 'Telegram wants the bot to wait');
    this.pauseMs = Math.max(this.pauseMs, waitMs);
    const until = new Date(Date.now() + waitMs);
    await db.telegramBots.block(telegram.bot, until);
    await db.telegramNotices.postpone(notice, until);
  }

  private async tryLater(notice: DueNotice, why: string): Promise<void> {
    const { db, log } = this.deps;
    log.warn({ noticeId: notice.id, why }, 'the Bot API did not answer a notice as it should');
    this.troubles += 1;
    if (this.troubles >= TROUBLES_IN_A_ROW) this.pauseMs = Math.max(this.pauseMs, TROUBLE_PAUSE_MS);
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(notice.attempts, 20), LONGEST_RETRY_MS);
    await db.telegramNotices.noteTrouble(notice, 'telegram_unavailable', new Date(Date.now() + waitMs));
  }
}
