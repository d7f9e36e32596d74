import { setTimeout as delay } from 'node:timers/promises';
import type { TelegramBot as BotRow } from '../src/db/entities/telegramBot.ts';
import { escapeHtml } from '../src/domain/noticeText.ts';
import { BOT_ERRORS, type BotError, readLinkCode } from '../src/domain/telegram.ts';
import type { BotAnswer, BotMessage, BotUpdate } from '../src/notifiers/telegram/index.ts';
import type { SendingDeps } from './noticeSending.ts';

/** How the reading of the bot's messages ended. */
export interface ReadingEnd {
  pauseMs: number;
  /** Whether somebody may still send a code. */
  hasOpenLinks: boolean;
}

/** So long one activity reads. */
const LONGEST_MS = 50_000;
const LONG_POLL_SEC = 20;
const BREATH_MS = 200;
/** After that Telegram may begin to count anew (https://core.telegram.org/bots/api#update). */
const OFFSET_GOOD_MS = 6 * 24 * 3600 * 1000;
/** What is kept of an answer that is none, and how long nobody is asked. */
const TROUBLE: { code: BotError; pauseMs: number } = { code: BOT_ERRORS.unavailable, pauseMs: 5000 };
const TROUBLES: Partial<Record<BotAnswer<unknown>['kind'], typeof TROUBLE>> = {
  conflict: { code: BOT_ERRORS.conflict, pauseMs: 5000 },
  unauthorized: { code: BOT_ERRORS.unauthorized, pauseMs: 60_000 },
};

const NOT_GOOD = 'This code is not good, or no longer. Ask for another one.';
const HINT = 'This bot tells how videos fare. To be told here, ask videoflow for a link and open it.';
const linkedText = (username: string): string =>
  `This chat now gets the notices of <b>${escapeHtml(username)}</b>.`;

/** Somebody who writes rubbish is answered once in this time; older messages are not answered at all. */
const HINT_EVERY_MS = 10 * 60_000;
const HINTS_A_MINUTE = 20;

/** Says whether a chat may be told that it is not understood; a flood from many chats is not answered either. */
export function createHints(now: () => number = Date.now) {
  const byChat = new Map<string, number>();
  return {
    mayAnswer({ chat, sentAt }: BotMessage): boolean {
      const isOld = sentAt.getTime() < now() - HINT_EVERY_MS;
      for (const [other, at] of byChat) if (at < now() - HINT_EVERY_MS) byChat.delete(other);
      const lately = [...byChat.values()].filter((at) => at > now() - 60_000).length;
      if (isOld || byChat.has(chat) || lately >= HINTS_A_MINUTE) return false;
      byChat.set(chat, now());
      return true;
    },
  };
}

type ReadingDeps = SendingDeps & { hints: ReturnType<typeof createHints> };

/** Reads what is written to the bot as long as somebody may send a code, and links the chats that send one. */
export async function readLinkCodes(deps: ReadingDeps): Promise<ReadingEnd> {
  const { db, telegram, signal } = deps;
  const { bot } = telegram;
  const until = Date.now() + LONGEST_MS;
  let offset = goodOffset(await db.telegramBots.ensure(bot));
  for (;;) {
    const openUntil = await db.telegramLinks.openUntil(bot);
    if (!openUntil) {
      // Confirms what was read, so that it does not come again.
      if (offset !== null) await telegram.listUpdates({ offset, waitSec: 0 }, signal);
      return { pauseMs: 0, hasOpenLinks: false };
    }
    if (Date.now() >= until) return { pauseMs: 0, hasOpenLinks: true };
    const pauseMs = await untilHeard(deps);
    if (pauseMs > 0) return { pauseMs, hasOpenLinks: true };
    const leftSec = Math.ceil((openUntil.getTime() - Date.now()) / 1000);
    const waitSec = Math.max(1, Math.min(LONG_POLL_SEC, leftSec));
    const answer = await telegram.listUpdates({ offset, waitSec }, signal);
    if (answer.kind !== 'ok') return { pauseMs: await pauseAfter(deps, answer), hasOpenLinks: true };
    await db.telegramBots.noteError(bot, null);
    // A server that does not wait must not be asked without end.
    if (answer.result.length === 0) await delay(BREATH_MS, undefined, { signal });
    for (const update of answer.result) {
      const waitMs = await take(deps, update);
      // It is read again after the wait: a code that is taken already by this chat is answered once more.
      if (waitMs > 0) return { pauseMs: waitMs, hasOpenLinks: true };
      offset = update.id + 1;
      await db.telegramBots.noteOffset(bot, offset);
    }
  }
}

const goodOffset = ({ updateOffset, updateOffsetAt }: BotRow): number | null =>
  updateOffset && updateOffsetAt && updateOffsetAt.getTime() > Date.now() - OFFSET_GOOD_MS
    ? updateOffset
    : null;

/** How long Telegram wants to hear nothing at all. */
async function untilHeard({ db, telegram }: ReadingDeps): Promise<number> {
  const row = await db.telegramBots.find(telegram.bot);
  return Math.max(0, (row?.blockedUntil?.getTime() ?? 0) - Date.now());
}

async function pauseAfter(
  { db, telegram, log }: ReadingDeps,
  answer: BotAnswer<BotUpdate[]>,
): Promise<number> {
  if (answer.kind === 'wait') return block({ db, telegram }, answer.waitMs);
  const { code, pauseMs } = TROUBLES[answer.kind] ?? TROUBLE;
  log.warn({ code }, 'the messages to the bot cannot be read');
  await db.telegramBots.noteError(telegram.bot, code);
  return pauseMs;
}

async function block(
  { db, telegram }: Pick<ReadingDeps, 'db' | 'telegram'>,
  waitMs: number,
): Promise<number> {
  await db.telegramBots.block(telegram.bot, new Date(Date.now() + waitMs));
  return waitMs;
}

/** @returns how long the bot has to wait before it can answer */
async function take(deps: ReadingDeps, { message }: BotUpdate): Promise<number> {
  if (!message) return 0;
  // While it may not answer it reads no code either: who sends one wants to see that.
  const silentMs = await untilHeard(deps);
  if (silentMs > 0) return silentMs;
  const text = await replyTo(deps, message);
  if (text === null) return 0;
  const { db, telegram, signal } = deps;
  const answer = await telegram.send(message.chat, text, signal);
  if (answer.kind === 'wait') return block(deps, answer.waitMs);
  if (answer.kind === 'moved') await db.telegramChats.move(telegram.bot, message.chat, answer.chat);
  if (answer.kind === 'off') await db.telegramChats.switchOff(telegram.bot, message.chat, answer.reason);
  return 0;
}

async function replyTo({ db, telegram, hints }: ReadingDeps, message: BotMessage): Promise<string | null> {
  const code = readLinkCode(message.text);
  const taken = code === null ? null : await db.telegramLinks.take(telegram.bot, code, message.chat);
  if (taken?.outcome === 'linked') return linkedText(taken.username);
  // In groups people talk to each other.
  const isToUs = code !== null || !message.chat.startsWith('-');
  if (!isToUs || !hints.mayAnswer(message)) return null;
  return code === null ? HINT : NOT_GOOD;
}
