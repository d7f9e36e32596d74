import { z } from 'zod';
import type { Config } from '../../config.ts';
import { botOf } from '../../domain/telegram.ts';
import { type BotAnswer, readBotReply } from './answers.ts';
import { askBotApi } from './exchange.ts';
import { createPace, type Pace } from './pace.ts';
import { type BotUpdate, UPDATE_KINDS, updatesShape } from './updates.ts';

export type { BotAnswer, ChatOffReason } from './answers.ts';
export type { BotMessage, BotUpdate } from './updates.ts';

/**
 * One bot of Telegram's, by the Bot API (https://core.telegram.org/bots/api). Nothing it gives or throws holds the token.
 * When Telegram has answered one request with a wait, all others are, without being made, until it is over.
 */
export interface TelegramBot {
  /** The public number in front of its token. */
  readonly bot: string;
  /** When what may be sent; `send` and `edit` count themselves, and wait for nothing. */
  readonly pace: Pick<Pace, 'freeAt' | 'anyFreeAt' | 'busyChats'>;
  /** What people find it by. */
  askUsername(signal: AbortSignal): Promise<BotAnswer<string>>;
  /** Sends a text in HTML. @returns the message's id; null where it was sent, but the answer does not say as what */
  send(chat: string, html: string, signal: AbortSignal): Promise<BotAnswer<number | null>>;
  /** Gives a message another text. @returns the same */
  edit(
    message: { chat: string; id: number },
    html: string,
    signal: AbortSignal,
  ): Promise<BotAnswer<number | null>>;
  /** Waits for what is written to the bot; the offset confirms what came before it. */
  listUpdates(
    asked: { offset: number | null; waitSec: number },
    signal: AbortSignal,
  ): Promise<BotAnswer<BotUpdate[]>>;
}

export type TelegramConfig = Pick<Config, 'TELEGRAM_BASE_URL' | 'TELEGRAM_BOT_TOKEN'>;

/** For one answer, from connecting to its last byte. */
const ANSWER_MS = 10_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/**
 * Each may hold two texts of 4,096 characters, its own and the one that it replies to, with six bytes for each of them
 * where they are not ASCII. What is too long to be read would be asked for for ever.
 */
const MOST_UPDATES = 20;

const meShape = z.object({ username: z.string().regex(/^\w{3,64}$/) }).transform(({ username }) => username);
/** What was done must not be done again because its answer is odd. */
const messageShape = z
  .object({ message_id: z.int() })
  .transform(({ message_id }) => message_id)
  .nullable()
  .catch(null);

const TEXT_STYLE = { parse_mode: 'HTML', link_preview_options: { is_disabled: true } } as const;

/** Makes the adapter; null where no bot is configured. */
export function createTelegramBot({
  config,
  answerMs = ANSWER_MS,
}: {
  config: TelegramConfig;
  answerMs?: number;
}): TelegramBot | null {
  const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_BASE_URL: base } = config;
  const bot = botOf(token);
  if (bot === null) return null;
  const pace = createPace();
  const ask = async <Result>(
    method: string,
    body: object,
    { shape, signal, waitMs = 0 }: { shape: z.ZodType<Result>; signal: AbortSignal; waitMs?: number },
  ): Promise<BotAnswer<Result>> => {
    const silentMs = pace.silentMs();
    if (silentMs > 0) return { kind: 'wait', waitMs: silentMs };
    const reply = await askBotApi({
      address: new URL(`${base.replace(/\/+$/, '')}/bot${token}/${method}`),
      body,
      timeoutMs: answerMs + waitMs,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      signal,
    });
    const answer = readBotReply(reply, shape);
    if (answer.kind === 'wait') pace.silence(answer.waitMs);
    return answer;
  };
  return {
    bot,
    pace,
    askUsername: (signal) => ask('getMe', {}, { shape: meShape, signal }),
    send(chat, html, signal) {
      pace.take(chat);
      return ask(
        'sendMessage',
        { chat_id: chat, text: html, ...TEXT_STYLE },
        { shape: messageShape, signal },
      );
    },
    edit({ chat, id }, html, signal) {
      pace.take(chat);
      const body = { chat_id: chat, message_id: id, text: html, ...TEXT_STYLE };
      return ask('editMessageText', body, { shape: messageShape, signal });
    },
    listUpdates: ({ offset, waitSec }, signal) =>
      ask(
        'getUpdates',
        {
          ...(offset !== null && { offset }),
          ...{ limit: MOST_UPDATES, timeout: waitSec, allowed_updates: UPDATE_KINDS },
        },
        { shape: updatesShape, signal, waitMs: waitSec * 1000 },
      ),
  };
}
