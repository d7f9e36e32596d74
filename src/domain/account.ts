/** A publishing identity: its states, where it posts, and when it does so by itself. */
import type { Platform } from './platform.ts';

/** `paused` by its owner; `reauth_required`: its provider refused its own credentials. */
export const ACCOUNT_STATUSES = ['active', 'reauth_required', 'paused'] as const;
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number];

/**
 * What is known of an account's credentials beside its status. All but `credentials_refused` is asked about again a day later:
 * - `unchecked`: the provider has not said anything of them yet; that refuses nothing
 * - `credentials_refused`: the provider answered 401 or 403 to the account's own
 * - `profile_not_found`: the credentials are good, and the provider knows no profile of this name
 * - `platforms_not_connected`: the profile is there, and lacks some of the platforms
 * - `credentials_unreadable`: what is kept of them cannot be opened any more, so nobody was asked; they have to be given again
 * - `credentials_missing`: there are none of its own, and the service's are not there for it
 * - `service_credentials_refused`: the provider answered 401 or 403 to the service's; that is its operator's to mend, so the account does not
 *   want others
 */
export const ACCOUNT_REASONS = [
  'unchecked',
  'credentials_refused',
  'profile_not_found',
  'platforms_not_connected',
  'credentials_unreadable',
  'credentials_missing',
  'service_credentials_refused',
] as const;
export type AccountReason = (typeof ACCOUNT_REASONS)[number];

/** Days of the week, Monday first (ISO 8601). */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** When an account's posts go out by themselves, in the local time of its zone. */
export interface Autoposting {
  isEnabled: boolean;
  /** Minutes since midnight. An end before the start is on the next day; one that equals it makes one slot a day. */
  startMinute: number;
  endMinute: number;
  intervalMinutes: number;
  /** Those on which a window begins. */
  days: readonly Weekday[];
}

/** What becomes of posts that could not go out in time. */
export const LATE_ACTIONS = ['publish', 'next_slot', 'skip'] as const;
export type LateAction = (typeof LATE_ACTIONS)[number];

export const DEFAULT_AUTOPOSTING: Readonly<Autoposting> = {
  isEnabled: false,
  startMinute: 9 * 60,
  endMinute: 21 * 60,
  intervalMinutes: 180,
  days: WEEKDAYS,
};

export const DEFAULT_LATE_POLICY = {
  lateAction: 'publish',
  maxLateMinutes: 24 * 60,
} as const satisfies { lateAction: LateAction; maxLateMinutes: number };

/** Gives those of the platforms that an account does not post to. */
export const findMissing = (
  { platforms }: { platforms: readonly Platform[] },
  wanted: readonly Platform[],
): Platform[] => wanted.filter((platform) => !platforms.includes(platform));
