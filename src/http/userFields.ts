import { z } from 'zod';
import { SCOPES, type User } from '../db/entities/user.ts';
import { isNoticeType, NOTICE_TYPES } from '../domain/notice.ts';
import { isTimeZone } from '../domain/timeZone.ts';

/** Names are compared without regard to case, so that nobody can look like somebody else. */
export const usernameField = z
  .string()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9._@+-]{0,127}$/, 'must be 1 to 128 letters, digits or . _ @ + -')
  .meta({ examples: ['ada'] });

export const passwordField = z
  .string()
  .min(8)
  .max(256)
  .meta({ description: '8 to 256 characters', format: 'password' });

export const scopesField = z
  .array(z.enum(SCOPES))
  .min(1)
  .transform((scopes) => SCOPES.filter((scope) => scopes.includes(scope)))
  .meta({ description: 'What may be done: any of `read`, `write`, `publish`, `admin`' });

export const personNameField = z.string().trim().min(1).max(200).nullable();

export const timeZoneField = z
  .string()
  .max(64)
  .refine(isTimeZone, 'is not a time zone of the IANA database')
  .meta({ examples: ['Europe/Berlin'] });

/** Has at most 52 significant bits: https://core.telegram.org/bots/api#chat. */
const isChatId = (text: string): boolean =>
  /^-?[1-9]\d{0,15}$/.test(text) && Math.abs(Number(text)) < 2 ** 52;

/** https://core.telegram.org/bots/api#sendmessage: "the target chat or username of the target channel". */
export const telegramChatField = z
  .string()
  .refine((text) => isChatId(text) || /^@\w{5,32}$/.test(text), 'must be a chat id or @channel')
  .nullable()
  .meta({
    description:
      'Where notices go, null for nowhere. A chat that was linked to the bot before with `POST /v1/me/telegram/link`; any chat or @channel with the scope `admin`',
    examples: ['123456789'],
  });

const NOTICE_WORDS = `must be one of ${NOTICE_TYPES.join(', ')}`;

/** Switches by the type of event, such as `video.failed`; what is not named stays as it was. */
export const noticesField = z
  .record(z.string(), z.boolean())
  .superRefine((notices, context) => {
    const unknown = Object.keys(notices).filter((type) => !isNoticeType(type));
    for (const type of unknown.slice(0, 10))
      context.addIssue({ code: 'custom', path: [type], message: NOTICE_WORDS });
  })
  .meta({
    description:
      'Which events begin a message: all do but `upload.expired` unless it is said here. One that is there is always kept true.',
    propertyNames: { type: 'string', enum: NOTICE_TYPES },
    examples: [{ 'video.processing': false, 'upload.expired': true }],
  });

export const scopeList = z.array(z.enum(SCOPES));
export const timeField = z.iso.datetime();

export const userView = z
  .strictObject({
    id: z.uuid(),
    username: z.string(),
    name: z.string().nullable(),
    scopes: scopeList,
    time_zone: z.string(),
    telegram_chat: z.string().nullable(),
    telegram_off_reason: z.string().nullable().meta({
      description: 'Why nothing is sent to that chat any more; setting it again, or linking, tries anew',
    }),
    notices: z.record(z.string(), z.boolean()),
    created_at: timeField,
  })
  .meta({ id: 'User' });

export const toUserView = (user: User): z.input<typeof userView> => ({
  id: user.id,
  username: user.username,
  name: user.name ?? null,
  scopes: user.scopes,
  time_zone: user.timeZone,
  telegram_chat: user.telegramChat ?? null,
  telegram_off_reason: user.telegramOffReason ?? null,
  notices: user.notices,
  created_at: user.createdAt.toISOString(),
});
