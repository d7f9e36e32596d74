/**
 * What we take to be true of Upload-Post, in one place: docs.upload-post.com (API reference, user profiles), and its public
 * SDKs and the clients of others, as of November 2026. No call of ours was made there.
 *
 * - `Authorization: Apikey <key>`. A 401 or 403 is about the key, never about a platform.
 * - `GET /uploadposts/users/<username>`: `{success, profile: {username, social_accounts}}`. `social_accounts` has a field
 *   for each platform: an object where it is connected, else `""` or `null`. An object with `reauth_required: true` was
 *   connected once.
 * - The same with 404 for a profile that is not there.
 * - `GET /uploadposts/me`: `{success: true, email, plan}` for a good key.
 * - X is spelled `x`, and `twitter` in older answers.
 */

import { fieldsOf } from '../../domain/fieldsOf.ts';
import type { Platform } from '../../domain/platform.ts';

export const authorization = (key: string): Record<string, string> => ({ authorization: `Apikey ${key}` });

export const OWN_PATH = 'uploadposts/me';

/**
 * Gives the path of a profile; null for a name that no path can hold: as a segment these two lead elsewhere, however they
 * are written.
 */
export const profilePath = (username: string): string | null =>
  username === '.' || username === '..' ? null : `uploadposts/users/${encodeURIComponent(username)}`;

export const saysWell = (body: unknown): boolean => fieldsOf(body).success === true;

const SPELLINGS: Partial<Record<Platform, string[]>> = { x: ['x', 'twitter'] };

/** Gives those of the platforms that an answer with a profile does not show connected; null for an answer without one. */
export function readMissing(body: unknown, platforms: readonly Platform[]): Platform[] | null {
  const { social_accounts: accounts } = fieldsOf(fieldsOf(body).profile);
  if (typeof accounts !== 'object' || accounts === null || Array.isArray(accounts)) return null;
  const connections = fieldsOf(accounts);
  const isConnected = (platform: Platform) =>
    (SPELLINGS[platform] ?? [platform]).some((name) => isConnection(connections[name]));
  return platforms.filter((platform) => !isConnected(platform));
}

/** Also a name alone, which is what older answers have. */
const isConnection = (value: unknown): boolean =>
  Boolean(value) && !Array.isArray(value) && fieldsOf(value).reauth_required !== true;
