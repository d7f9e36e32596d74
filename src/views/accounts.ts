import { z } from 'zod';
import type { Account } from '../db/entities/account.ts';
import type { AccountGroup } from '../db/entities/accountGroup.ts';
import { ACCOUNT_REASONS, ACCOUNT_STATUSES, LATE_ACTIONS, WEEKDAYS } from '../domain/account.ts';
import { PLATFORMS, PROVIDERS } from '../domain/platform.ts';

const instant = z.iso.datetime();

/** When an account's posts go out and went out. */
export interface AccountTimes {
  /** Of its unfinished posts that are still ahead, the oldest first, and 100 at most. */
  scheduled: readonly Date[];
  /** The first of these, else the next free slot; null when there is neither, or the account takes no posts. */
  next: Date | null;
  /** When the last post was confirmed. */
  last: Date | null;
}

const accountFields = {
  id: z.uuid(),
  username: z.string(),
  user_id: z.string().nullable().meta({ description: "The end user in the caller's own system" }),
  provider: z.enum(PROVIDERS),
  platforms: z.array(z.enum(PLATFORMS)),
  is_ai: z.boolean().meta({
    description: 'What it posts is made by a machine, and is marked so where a platform has a mark',
  }),
  group: z.uuid().nullable(),
  timezone: z.string(),
  autoposting: z.strictObject({
    enabled: z.boolean(),
    start_time: z.string().meta({ description: 'Local time of the account', example: '09:00' }),
    end_time: z.string().meta({
      description: 'The last slot of a window; before `start_time` it is on the next day',
      example: '21:00',
    }),
    interval_minutes: z.int(),
    days: z.array(z.enum(WEEKDAYS)).meta({ description: 'Those on which a window begins' }),
  }),
  late_policy: z.strictObject({ action: z.enum(LATE_ACTIONS), max_late_minutes: z.int() }),
  credentials: z.enum(['own', 'service', 'none']).meta({
    description:
      'Whose it posts with; never what they are. `service`: those that this installation is configured with',
  }),
  status: z.enum(ACCOUNT_STATUSES),
  status_reason: z
    .enum(ACCOUNT_REASONS)
    .nullable()
    .meta({
      description: [
        'What is known of the credentials beside the status; null: they are good. `unchecked`: nobody could say yet, which refuses nothing.',
        '`credentials_refused`: by the provider; give others. `profile_not_found`, `platforms_not_connected`: see to that at the provider.',
        '`credentials_unreadable`: give them again, for what is kept cannot be opened. `credentials_missing`: it has none of its own, and those',
        'of this installation are not there for it. `service_credentials_refused`: by the provider, and they are those of this installation,',
        'which its operator has to mend. The provider is asked again whenever a change names `username`, `platforms` or `credentials`, also',
        'with what they are already, and by itself a day after the last answer, but for `credentials_refused`. Posts are taken meanwhile, with',
        'a warning of the same code where it keeps them from going out, unless the status is `reauth_required`.',
      ].join(' '),
    }),
  unconnected_platforms: z.array(z.enum(PLATFORMS)).meta({
    description:
      'Those that the profile at the provider lacks, where `status_reason` is `platforms_not_connected`',
  }),
  scheduled_times: z.array(instant).meta({ description: 'Still ahead, the oldest first, 100 at most' }),
  next_upload_time: instant.nullable().meta({
    description:
      'The first of `scheduled_times`, else the next free slot; null where the account takes no posts',
  }),
  last_upload_time: instant.nullable().meta({ description: 'When the last post was confirmed' }),
  created_at: instant,
  updated_at: instant,
};
export const accountSchema = z
  .strictObject(accountFields)
  .meta({ id: 'Account', description: 'A publishing identity' });

export const groupSchema = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    user_id: z.string().nullable(),
    account_ids: z.array(z.uuid()),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Group', description: 'Accounts that are posted to at once' });

/** Gives minutes since midnight as `HH:MM`. */
const toWallTime = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

function statusOf({ isPaused, needsReauth }: Account): z.output<typeof accountSchema>['status'] {
  if (isPaused) return 'paused';
  return needsReauth ? 'reauth_required' : 'active';
}

function credentialsOf({ sealedCredentials, provider, deletedAt }: Account): 'own' | 'service' | 'none' {
  if (sealedCredentials) return 'own';
  return provider === 'test' || deletedAt ? 'none' : 'service';
}

/** Gives an account as the API shows it; of its credentials only whose they are. */
export const toAccountView = (account: Account, times: AccountTimes): z.output<typeof accountSchema> => ({
  id: account.id,
  username: account.username,
  user_id: account.userLabel ?? null,
  provider: account.provider,
  platforms: account.platforms,
  is_ai: account.isAi,
  group: account.group?.id ?? null,
  timezone: account.timeZone,
  autoposting: {
    enabled: account.isAutoposting,
    start_time: toWallTime(account.startMinute),
    end_time: toWallTime(account.endMinute),
    interval_minutes: account.intervalMinutes,
    days: account.days,
  },
  late_policy: { action: account.lateAction, max_late_minutes: account.maxLateMinutes },
  credentials: credentialsOf(account),
  status: statusOf(account),
  status_reason: account.statusReason ?? null,
  unconnected_platforms: account.unconnectedPlatforms,
  scheduled_times: times.scheduled.map((time) => time.toISOString()),
  next_upload_time: times.next?.toISOString() ?? null,
  last_upload_time: times.last?.toISOString() ?? null,
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
});

/** Gives a group as the API shows it. */
export const toGroupView = (
  group: AccountGroup,
  accountIds: readonly string[],
): z.output<typeof groupSchema> => ({
  id: group.id,
  name: group.name,
  user_id: group.userLabel ?? null,
  account_ids: [...accountIds],
  created_at: group.createdAt.toISOString(),
  updated_at: group.updatedAt.toISOString(),
});
