import { z } from 'zod';
import type { AccountColumns } from '../../db/accounts.ts';
import { LATE_ACTIONS, WEEKDAYS } from '../../domain/account.ts';
import { PLATFORMS, PLATFORMS_OF, PROVIDERS, type Provider } from '../../domain/platform.ts';
import { idField } from '../parse.ts';
import type { FieldError } from '../problem.ts';
import { line, userLabelField } from '../uploads/videoFields.ts';
import { timeZoneField } from '../userFields.ts';
import { credentialsField } from './credentials.ts';

const MAX_INTERVAL_MINUTES = 30 * 24 * 60;
const MAX_LATE_MINUTES = 365 * 24 * 60;

const providerField = z.enum(PROVIDERS, `must be one of ${PROVIDERS.join(', ')}`).meta({
  description:
    'Who brings posts to the platforms: Upload-Post, Flic, or `test`, which is built in and posts nowhere. It stays what it is',
});

const platformsField = z
  .array(z.enum(PLATFORMS, `must be one of ${PLATFORMS.join(', ')}`))
  .min(1, 'must name at least one')
  .max(PLATFORMS.length * 2)
  .transform((platforms) => PLATFORMS.filter((platform) => platforms.includes(platform)))
  .meta({
    description:
      'Where it posts to unless a post says otherwise. `upload_post`: all but `flic`; `flic`: `flic`, also without this field; `test`: any',
    example: ['tiktok', 'youtube'],
  });

/** Minutes since midnight. */
const wallTimeField = z
  .string()
  .regex(
    /^([01]\d|2[0-3]):[0-5]\d$/,
    'must be a time of day from 00:00 to 23:59; midnight is 00:00, also at the end of a day',
  )
  .transform((text) => {
    const [hours = 0, minutes = 0] = text.split(':').map(Number);
    return hours * 60 + minutes;
  });

const autopostingField = z
  .strictObject({
    enabled: z.boolean().meta({ description: 'Without it posts with `scheduled_at: "auto"` are refused' }),
    start_time: wallTimeField.meta({
      description: 'The first slot of a window, in the local time of the account',
      example: '09:00',
    }),
    end_time: wallTimeField.meta({
      description:
        'The last there may be; before `start_time` it is on the next day, and the same makes one slot a day',
      example: '21:00',
    }),
    interval_minutes: z
      .int()
      .min(1)
      .max(MAX_INTERVAL_MINUTES)
      .meta({ description: 'From one slot to the next, and at least from one post to the next' }),
    days: z
      .array(z.enum(WEEKDAYS, `must be one of ${WEEKDAYS.join(', ')}`))
      .min(1, 'must name at least one')
      .max(WEEKDAYS.length * 2)
      .transform((days) => WEEKDAYS.filter((day) => days.includes(day)))
      .meta({ description: 'Those on which a window begins' }),
  })
  .partial()
  .meta({
    description:
      'The slots that `scheduled_at: "auto"` takes. What is left out of a new account: disabled, 09:00 to 21:00, every 180 minutes, every day',
  });

const latePolicyField = z
  .strictObject({
    action: z.enum(LATE_ACTIONS, `must be one of ${LATE_ACTIONS.join(', ')}`).meta({
      description: 'Publish it late (`publish`, without it), give it the next free slot, or leave it out',
    }),
    max_late_minutes: z
      .int()
      .min(0)
      .max(MAX_LATE_MINUTES)
      .meta({ description: 'One that is later than this is not published; a day without it' }),
  })
  .partial()
  .meta({ description: 'What becomes of posts that could not go out in time' });

/** What may be said of a new account and be changed later, all of it optional. */
export const writableFields = {
  username: line(200).meta({
    description: 'Unique per user and `user_id`; for `upload_post` the name of the profile there',
    example: 'ada',
  }),
  platforms: platformsField.optional(),
  is_ai: z.boolean().optional().meta({
    description:
      'What it posts is made by a machine, and is marked so where a platform has a mark; false without it',
  }),
  group: idField
    .nullable()
    .optional()
    .meta({ description: 'The id of a group of the same `user_id`; null takes it out of the one it is in' }),
  timezone: timeZoneField
    .optional()
    .meta({ description: 'Of the IANA database; that of the user without it', example: 'Europe/Berlin' }),
  autoposting: autopostingField.optional(),
  late_policy: latePolicyField.optional(),
  status: z
    .enum(['active', 'paused'], 'must be active or paused')
    .optional()
    .meta({ description: 'A paused account takes no posts. `active` ends the pause, and nothing else' }),
  credentials: credentialsField.optional(),
};

/** Said once; later only what it is already. */
export const identityFields = {
  user_id: userLabelField.nullable().optional(),
  provider: providerField,
};

export const changedFields = {
  ...writableFields,
  username: writableFields.username.optional(),
  user_id: identityFields.user_id.meta({ description: 'Cannot be changed: what it is already' }),
  provider: providerField.optional().meta({ description: 'Cannot be changed: what it is already' }),
};

const changesSchema = z.strictObject(changedFields);
export type AccountFields = z.output<typeof changesSchema>;

/** Gives the columns that fields are kept in; but credentials, which are sealed first. */
export function toColumns(fields: AccountFields): Partial<Omit<AccountColumns, 'sealedCredentials'>> {
  const { autoposting = {}, late_policy = {} } = fields;
  const columns = {
    username: fields.username,
    platforms: fields.platforms,
    isAi: fields.is_ai,
    groupId: fields.group,
    timeZone: fields.timezone,
    isAutoposting: autoposting.enabled,
    startMinute: autoposting.start_time,
    endMinute: autoposting.end_time,
    intervalMinutes: autoposting.interval_minutes,
    days: autoposting.days,
    lateAction: late_policy.action,
    maxLateMinutes: late_policy.max_late_minutes,
    isPaused: fields.status === undefined ? undefined : fields.status === 'paused',
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
}

/** Gives the platforms that are not the provider's, as what is wrong with the field. */
export function findPlatformErrors(
  provider: Provider,
  platforms: AccountFields['platforms'] = [],
): FieldError[] {
  const ofProvider = PLATFORMS_OF[provider];
  const foreign = platforms.filter((platform) => !ofProvider.includes(platform));
  if (foreign.length === 0) return [];
  return [
    {
      path: 'platforms',
      message: `${provider} does not post to ${foreign.join(', ')}, only to ${ofProvider.join(', ')}`,
    },
  ];
}
