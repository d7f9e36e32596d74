import { z } from 'zod';
import type { BotReply } from './exchange.ts';

/** Why nothing can be sent to a chat until somebody does something about it. */
export type ChatOffReason =
  | 'bot_blocked'
  | 'bot_removed'
  | 'user_deactivated'
  | 'not_allowed'
  | 'chat_not_found';

/**
 * What asking the Bot API came to:
 * - `ok`: it was done
 * - `unchanged`: the message says that already
 * - `wait`: the whole bot has to, for so long
 * - `off`: the chat does not take messages of the bot
 * - `moved`: the chat has another id now
 * - `gone`: the message is not there any more, or not to be changed
 * - `refused`: this will never be taken, by whichever chat
 * - `unauthorized`: the token is not, or no longer, one of a bot
 * - `conflict`: somebody else reads the bot's messages
 * - `trouble`: no answer, or none that can be understood; whether it was done nobody knows
 */
export type BotAnswer<Result> =
  | { kind: 'ok'; result: Result }
  | { kind: 'unchanged' | 'gone' | 'refused' | 'unauthorized' | 'conflict' }
  | { kind: 'wait'; waitMs: number }
  | { kind: 'off'; reason: ChatOffReason }
  | { kind: 'moved'; chat: string }
  | { kind: 'trouble'; why: string };

const answerShape = z.object({
  ok: z.boolean(),
  result: z.unknown().optional(),
  error_code: z.int().optional(),
  description: z.string().optional(),
  parameters: z
    .object({ retry_after: z.number().optional(), migrate_to_chat_id: z.int().optional() })
    .optional(),
});

type Refusal = z.output<typeof answerShape>;

/** Longer than Telegram has been seen to ask for; a figure beyond it is a mistake over there. */
const LONGEST_WAIT_SEC = 24 * 3600;
const WAIT_WITHOUT_FIGURE_SEC = 5;

/**
 * By the beginning of its words; the Bot API has no codes for them. The words are those of
 * https://github.com/tdlib/telegram-bot-api and of the server behind it.
 */
const WORDS: [RegExp, BotAnswer<never>][] = [
  [/message is not modified/, { kind: 'unchanged' }],
  [/message to edit not found|message can't be edited|message_id_invalid/, { kind: 'gone' }],
  [/chat not found|peer_id_invalid|chat_id is empty/, { kind: 'off', reason: 'chat_not_found' }],
  [/bot was blocked/, { kind: 'off', reason: 'bot_blocked' }],
  [/user is deactivated/, { kind: 'off', reason: 'user_deactivated' }],
  [
    /bot was kicked|not a member|group chat was deactivated|chat was deleted/,
    { kind: 'off', reason: 'bot_removed' },
  ],
  [
    /rights to|write_forbidden|can't initiate|administrator rights|have no rights|restricted/,
    { kind: 'off', reason: 'not_allowed' },
  ],
];

/** Says what a reply comes to. Of its words nothing is passed on: they may quote what was sent. */
export function readBotReply<Result>(reply: BotReply, result: z.ZodType<Result>): BotAnswer<Result> {
  if (reply.status === null) return { kind: 'trouble', why: reply.why };
  const { success, data } = answerShape.safeParse(reply.body);
  if (reply.status >= 300 && reply.status < 400) return { kind: 'trouble', why: `http_${reply.status}` };
  if (success && data.ok) {
    const read = result.safeParse(data.result);
    return read.success ? { kind: 'ok', result: read.data } : { kind: 'trouble', why: 'garbled' };
  }
  return readRefusal(reply.status, success ? data : { ok: false, result: null });
}

function readRefusal(
  status: number,
  { error_code, description = '', parameters }: Refusal,
): BotAnswer<never> {
  const code = error_code ?? status;
  const words = description.toLowerCase();
  if (code === 429) return { kind: 'wait', waitMs: waitMsOf(parameters?.retry_after) };
  if (code === 401 || code === 404) return { kind: 'unauthorized' };
  if (code === 409) return { kind: 'conflict' };
  const moved = parameters?.migrate_to_chat_id;
  if (code === 400 && moved !== undefined) return { kind: 'moved', chat: String(moved) };
  const known = code === 400 || code === 403 ? WORDS.find(([pattern]) => pattern.test(words)) : undefined;
  if (known) return known[1];
  if (code === 403) return { kind: 'off', reason: 'not_allowed' };
  // Without words of the Bot API's it is some proxy's, and may pass.
  if (code >= 400 && code < 500 && description !== '') return { kind: 'refused' };
  return { kind: 'trouble', why: `http_${status}` };
}

const waitMsOf = (sec: number | undefined): number => {
  const asked = sec !== undefined && Number.isFinite(sec) && sec > 0 ? sec : WAIT_WITHOUT_FIGURE_SEC;
  return Math.ceil(Math.min(asked, LONGEST_WAIT_SEC) * 1000);
};
