import { z } from 'zod';
import type { User } from '../db/entities/user.ts';
import type { Db } from '../db/index.ts';
import type { UserChanges } from '../db/users.ts';
import { botOf } from '../domain/telegram.ts';
import { hashPassword, verifyPassword } from '../secrets/password.ts';
import { unauthorized } from './auth.ts';
import { type HttpProblem, invalidRequest, notFound } from './problem.ts';
import { defineRoute, type Route, type RouteRequest } from './route.ts';
import {
  noticesField,
  passwordField,
  personNameField,
  telegramChatField,
  timeZoneField,
  toUserView,
  userView,
} from './userFields.ts';

const getMe = defineRoute({
  method: 'get',
  path: '/v1/me',
  operationId: 'getMe',
  tag: 'Me',
  summary: 'Who this token stands for',
  scope: 'read',
  responses: { 200: { description: 'The user', schema: userView } },
  handler: async ({ user, deps }) => {
    const row = await deps.db.users.find(user.id);
    if (!row) throw notFound();
    return { status: 200, body: toUserView(row) };
  },
});

const changes = z
  .strictObject({
    name: personNameField.optional(),
    time_zone: timeZoneField.optional(),
    telegram_chat: telegramChatField.optional(),
    notices: noticesField.optional(),
    password: passwordField.optional(),
    current_password: z.string().max(256).optional().meta({ format: 'password' }),
  })
  .refine((body) => body.password === undefined || body.current_password !== undefined, {
    path: ['current_password'],
    message: 'is needed to change the password',
  });

type Changes = z.output<typeof changes>;

const changeMe = defineRoute({
  method: 'patch',
  path: '/v1/me',
  operationId: 'changeMe',
  tag: 'Me',
  summary: 'Change name, time zone, notices or password',
  description: [
    'A new `password` needs the `current_password` and revokes every other token of the user at once:',
    'whoever had learnt the old one is locked out, only the token of this request stays.',
    '`notices` changes the switches it names and leaves the others.',
    'A `telegram_chat` is one that this user has linked with `POST /v1/me/telegram/link` to the bot that is configured, and has not',
    'unlinked since: nobody is to have the bot write to others. With the scope `admin` it may be any; where no bot is configured it takes that.',
  ].join('\n'),
  scope: 'write',
  body: changes,
  responses: { 200: { description: 'The user as changed', schema: userView } },
  handler: async (request) => {
    const { body, user, deps } = request;
    const checkedHash = body.password === undefined ? null : await checkCurrentPassword(request, body);
    const columns = await toColumns(body);
    const row = await deps.db.transaction(async (queries) => {
      const before = await queries.users.lock(user.id);
      if (!before) return null;
      if (checkedHash !== null) {
        if (before.passwordHash !== checkedHash) throw wrongPassword();
        await queries.tokens.revokeAll(user.id, user.tokenId);
      }
      await checkChat(request, before, queries);
      const notices = body.notices && { notices: { ...before.notices, ...body.notices } };
      return queries.users.change(user.id, { ...columns, ...notices });
    });
    if (!row) throw notFound();
    return { status: 200, body: toUserView(row) };
  },
});

async function toColumns(body: Changes): Promise<UserChanges> {
  const columns: UserChanges = {};
  if (body.name !== undefined) columns.name = body.name;
  if (body.time_zone !== undefined) columns.timeZone = body.time_zone;
  if (body.telegram_chat !== undefined) columns.telegramChat = body.telegram_chat;
  if (body.password !== undefined) columns.passwordHash = await hashPassword(body.password);
  return columns;
}

/**
 * A chat has to be the user's: whoever could name any would have the bot write to others. One that is set already may be
 * said again, unless it is one that does not want to hear anything.
 *
 * @throws HttpProblem `invalid_request`
 */
async function checkChat(
  { body, user, deps }: RouteRequest<unknown, unknown, Changes>,
  before: User,
  { telegramLinks }: Pick<Db, 'telegramLinks'>,
): Promise<void> {
  const { telegram_chat: chat } = body;
  if (chat === undefined || chat === null || user.scopes.includes('admin')) return;
  if (chat === before.telegramChat && !before.telegramOffReason) return;
  const bot = botOf(deps.config.TELEGRAM_BOT_TOKEN);
  if (bot !== null && (await telegramLinks.hasLinked(user.id, bot, chat))) return;
  throw invalidRequest([
    { path: 'telegram_chat', message: 'is not a chat that you have linked: POST /v1/me/telegram/link first' },
  ]);
}

/**
 * Counted like a login, for a stolen token must not serve to guess the password.
 *
 * @returns the hash that was checked against, for it may be another one soon
 */
async function checkCurrentPassword({ ctx, user, deps }: RouteRequest, body: Changes): Promise<string> {
  await deps.limits.countLogin(ctx, user.username ?? user.id);
  const row = await deps.db.users.find(user.id);
  if (!row) throw unauthorized('invalid_token');
  if (await verifyPassword(body.current_password ?? '', row.passwordHash)) return row.passwordHash;
  throw wrongPassword();
}

const wrongPassword = (): HttpProblem =>
  invalidRequest([{ path: 'current_password', message: 'is not the current password' }]);

export const meRoutes: Route[] = [getMe, changeMe];
