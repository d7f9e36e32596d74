import type { Behaviour } from './behaviours.ts';

/** A refusal as the Bot API words it: the status stands in the body as well. */
export const botRefusal = (
  error_code: number,
  description: string,
  parameters?: { retry_after?: number; migrate_to_chat_id?: number },
): Behaviour & { kind: 'answer' } => ({
  kind: 'answer',
  status: error_code,
  body: { ok: false, error_code, description, ...(parameters && { parameters }) },
});

/** For the whole bot, whichever chat it was about. */
export const floodWait = (retryAfterSec: number) =>
  botRefusal(429, `Too Many Requests: retry after ${retryAfterSec}`, { retry_after: retryAfterSec });

export const upgradedTo = (chat: number) =>
  botRefusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat });

/** What goes wrong in the ways of the Bot API, by names that a person may ask for. */
export const TELEGRAM_TROUBLE = {
  flood_wait: floodWait(3),
  blocked: botRefusal(403, 'Forbidden: bot was blocked by the user'),
  kicked: botRefusal(403, 'Forbidden: bot was kicked from the supergroup chat'),
  deactivated: botRefusal(403, 'Forbidden: user is deactivated'),
  chat_not_found: botRefusal(400, 'Bad Request: chat not found'),
  no_rights: botRefusal(400, 'Bad Request: not enough rights to send text messages to the chat'),
  not_modified: botRefusal(
    400,
    'Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
  ),
  message_gone: botRefusal(400, 'Bad Request: message to edit not found'),
  not_editable: botRefusal(400, "Bad Request: message can't be edited"),
  upgraded: upgradedTo(-1001234567890),
  bad_entities: botRefusal(
    400,
    'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 0',
  ),
  bot_unauthorized: botRefusal(401, 'Unauthorized'),
  two_pollers: botRefusal(
    409,
    'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  ),
  webhook_set: botRefusal(
    409,
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
  ),
  bot_server_error: botRefusal(502, 'Bad Gateway'),
  moved: {
    kind: 'answer',
    status: 302,
    headers: { location: 'http://127.0.0.1:1/bot' },
    body: '',
  },
} satisfies Record<string, Behaviour>;
