import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { TelegramLink } from '../db/entities/telegramLink.ts';
import { type BotError, botOf, LINK_SEC, LINK_STATES, type LinkState } from '../domain/telegram.ts';
import { HttpProblem, notFound } from './problem.ts';
import { defineRoute, type Route, type RouteDeps } from './route.ts';
import { timeField } from './userFields.ts';

/** 192 bits, in the characters that such an address may hold: https://core.telegram.org/bots/features#deep-linking. */
const CODE_BYTES = 24;
/** So long one waits for a bot that was never asked for its name. */
const NAME_WAIT_MS = 8000;
const NAME_POLL_MS = 200;

const TAG = 'Me';

const offeredView = z
  .strictObject({
    code: z.string().nullable().meta({
      description:
        'Good once, and shown once: null where the answer is given again to the same Idempotency-Key',
    }),
    url: z
      .url()
      .nullable()
      .meta({ description: 'Opens the chat with the bot and sends the code; null with it' }),
    expires_at: timeField,
  })
  .meta({ id: 'OfferedTelegramLink' });

const linkView = z
  .strictObject({
    state: z.enum(LINK_STATES),
    chat: z.string().nullable().meta({ description: 'The chat that sent the code' }),
    expires_at: timeField,
    linked_at: timeField.nullable(),
    error: z
      .strictObject({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'Why no message to the bot can be read right now' }),
  })
  .meta({ id: 'TelegramLink' });

const ERRORS: Record<BotError, string> = {
  telegram_conflict: 'Another program reads the messages to this bot, or a webhook is set for it',
  telegram_unauthorized: 'Telegram does not take the token of the bot',
  telegram_unavailable: 'Telegram does not answer as it should',
};

/** An offer of another bot, which the server spoke for before, is one that nobody can take any more. */
function stateOf(link: TelegramLink, bot: string | null): LinkState {
  if (link.linkedAt) return 'linked';
  return link.bot !== bot || link.expiresAt.getTime() <= Date.now() ? 'expired' : 'open';
}

/** Gives what people find the bot by, and lets a worker ask for it where nobody has. @throws HttpProblem `telegram_unavailable` */
async function findUsername({ db, flows }: RouteDeps, bot: string): Promise<string> {
  const until = Date.now() + NAME_WAIT_MS;
  let isAsked = false;
  for (;;) {
    const row = await db.telegramBots.find(bot);
    if (row?.username) return row.username;
    if (Date.now() > until) throw new HttpProblem('telegram_unavailable');
    if (!isAsked) await flows.sendNotices({ bot });
    isAsked = true;
    await delay(NAME_POLL_MS);
  }
}

const createLink = defineRoute({
  method: 'post',
  path: '/v1/me/telegram/link',
  operationId: 'createTelegramLink',
  tag: TAG,
  summary: 'Offer to be told by Telegram',
  description: [
    'Whichever chat sends the code to the bot within ten minutes gets the notices from then on: open `url`, or write `/start@<bot> <code>` in a group that the bot is in, with the name that `url` has for it.',
    'A new offer ends the one before it.',
  ].join('\n'),
  scope: 'write',
  responses: {
    201: { description: 'The offer', schema: offeredView },
    409: { description: '`no_telegram_bot`: none is configured' },
    503: { description: '`telegram_unavailable`: nobody knows yet what the bot is called' },
  },
  handler: async ({ user, deps, idempotency }) => {
    const bot = botOf(deps.config.TELEGRAM_BOT_TOKEN);
    if (bot === null) throw new HttpProblem('no_telegram_bot');
    const username = await findUsername(deps, bot);
    const code = randomBytes(CODE_BYTES).toString('base64url');
    const expiresAt = new Date(Date.now() + LINK_SEC * 1000);
    const view = { code: null, url: null, expires_at: expiresAt.toISOString() };
    const reply = await idempotency.commit(async ({ telegramLinks }) => {
      await telegramLinks.insert({ userId: user.id, bot, code, expiresAt });
      const body = { ...view, code, url: `https://t.me/${username}?start=${code}` };
      return { status: 201, body, storedBody: view };
    });
    await deps.flows.sendNotices({ bot });
    return reply;
  },
});

const getLink = defineRoute({
  method: 'get',
  path: '/v1/me/telegram/link',
  operationId: 'getTelegramLink',
  tag: TAG,
  summary: 'How the latest offer to be told by Telegram stands',
  scope: 'read',
  responses: { 200: { description: 'The offer, without its code', schema: linkView } },
  handler: async ({ user, deps }) => {
    const link = await deps.db.telegramLinks.findLatest(user.id);
    if (!link) throw notFound();
    const state = stateOf(link, botOf(deps.config.TELEGRAM_BOT_TOKEN));
    const code = state === 'open' ? (await deps.db.telegramBots.find(link.bot))?.errorCode : null;
    return {
      status: 200,
      body: {
        state,
        chat: link.chat ?? null,
        expires_at: link.expiresAt.toISOString(),
        linked_at: link.linkedAt?.toISOString() ?? null,
        error: code ? { code, message: ERRORS[code] } : null,
      },
    };
  },
});

const unlink = defineRoute({
  method: 'delete',
  path: '/v1/me/telegram',
  operationId: 'unlinkTelegram',
  tag: TAG,
  summary: 'Be told by Telegram no more',
  description: 'Forgets the chat and ends what was offered. Messages that were sent stay there.',
  scope: 'write',
  responses: { 204: { description: 'Nothing more is sent' } },
  handler: async ({ user, deps }) => {
    await deps.db.telegramLinks.unlink(user.id);
    return { status: 204 };
  },
});

export const telegramRoutes: Route[] = [createLink, getLink, unlink];
