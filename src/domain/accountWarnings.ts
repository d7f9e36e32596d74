/** What is known to be wrong with an account that takes posts all the same: it may be mended before they go out. */
import type { AccountReason } from './account.ts';
import type { Platform } from './platform.ts';
import { PLATFORM_LIMITS } from './platformLimits.ts';
import type { PostWarning } from './postParams.ts';

/** What to do before the post goes out; null where nothing is known to be wrong, or the account takes no posts anyway. */
const ADVICE: Record<AccountReason, string | null> = {
  unchecked: null,
  credentials_refused: null,
  profile_not_found:
    'The provider knows no profile of the name that the account has as `username`: make the profile there, or give the account its name',
  platforms_not_connected:
    'The profile of the account lacks some of its platforms: connect them at the provider',
  credentials_unreadable:
    'The credentials of the account cannot be read any more: give the account its `credentials` again',
  credentials_missing:
    'The account has no credentials to post with: give it `credentials` of its own, or have those of this installation configured',
  service_credentials_refused:
    'The provider refuses the credentials of this installation: have its operator mend them, or give the account `credentials` of its own',
};

const adviseOn = (platform: Platform): string =>
  `${PLATFORM_LIMITS[platform].name} is not connected to the profile of the account: connect it at the provider, or nothing can be posted there`;

/** What the last check of an account found. */
export interface AccountHealth {
  statusReason?: AccountReason | null | undefined;
  unconnectedPlatforms: readonly Platform[];
}

/** Gives what keeps an account from bringing a post to some platforms, as far as it is known; the code is the reason. */
export function warnOfAccount(
  { statusReason, unconnectedPlatforms }: AccountHealth,
  platforms: readonly Platform[],
): PostWarning[] {
  const advice = statusReason && ADVICE[statusReason];
  if (!advice) return [];
  const code = statusReason;
  if (unconnectedPlatforms.length === 0) return [{ code, message: advice, platform: null }];
  return platforms
    .filter((platform) => unconnectedPlatforms.includes(platform))
    .map((platform) => ({ code, message: adviseOn(platform), platform }));
}
