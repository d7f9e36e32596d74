import { Context } from '@temporalio/activity';
import type { CheckOutcome } from '../src/db/accountChecks.ts';
import { boundWait } from '../src/domain/retryAfter.ts';
import { RemoteTroubleError } from '../src/errors.ts';
import type { CredentialsAnswer } from '../src/publishers/publisher.ts';
import type { AccountCheckInput } from '../workflows/contract.ts';
import { findAccountKey } from './credentials.ts';
import type { ActivityDeps } from './index.ts';
import { endIfCancelled, withPulse } from './longWork.ts';

/** A provider could not be asked, or gave no answer to what it was asked. */
class ProviderUnavailableError extends RemoteTroubleError {
  readonly code = 'provider_unavailable';
}

/** A wait that is longer than a check lasts would end it at once. */
const LONGEST_WAIT_MS = 3600 * 1000;

/** Accounts, and what their providers say of them. Credentials neither come in nor go out: the row has them. */
export function createAccountActivities({
  config,
  db,
  sealer,
  publishers,
  log,
}: Pick<ActivityDeps, 'config' | 'db' | 'sealer' | 'publishers' | 'log'>) {
  const limits = () => ({ leadSec: config.SLOT_LEAD_SEC, horizonDays: config.SLOT_HORIZON_DAYS });

  return {
    /** Asks the provider of an account about its credentials, and writes down what it says. */
    checkCredentials: ({ accountId, revision }: AccountCheckInput): Promise<'checked' | 'overtaken'> =>
      withPulse(async () => {
        const check = { accountId, revision };
        const account = await db.accountChecks.find(check);
        if (!account) return 'overtaken';
        const found = findAccountKey(account, { config, sealer });
        const outcome =
          found.state === 'found'
            ? toOutcome(await ask(account, found.key), found)
            : { reason: NO_KEY_REASONS[found.state] };
        if (outcome.reason === 'service_credentials_refused')
          log.warn(
            { provider: account.provider, account_id: accountId },
            'a provider refuses the credentials of the service',
          );
        return (await db.accountChecks.record(check, outcome, limits())) ? 'checked' : 'overtaken';
      }),

    /** Ends a check that came to nothing; an owner can do something about it only where no worker had the key of a seal. */
    giveUpCheck: async ({ accountId, revision }: AccountCheckInput): Promise<void> => {
      const check = { accountId, revision };
      const account = await db.accountChecks.find(check);
      if (!account || mayOpen(account)) await db.accountChecks.giveUp(check);
      else await db.accountChecks.record(check, { reason: NO_KEY_REASONS.unreadable }, limits());
    },
  };

  function mayOpen(account: Account): boolean {
    try {
      findAccountKey(account, { config, sealer });
      return true;
    } catch {
      return false;
    }
  }

  async function ask(
    { provider, username, platforms }: Account,
    key: string,
  ): Promise<Exclude<CredentialsAnswer, { outcome: 'undetermined' }>> {
    const answer = await publishers[provider]
      .checkCredentials({ key, username, platforms }, Context.current().cancellationSignal)
      .catch((error: unknown) => {
        endIfCancelled();
        throw error;
      });
    if (answer.outcome !== 'undetermined') return answer;
    const { why, retryAfterMs } = answer;
    throw new ProviderUnavailableError(`The provider could not say whether they are good (${why})`, {
      retryAfterMs: retryAfterMs === null ? null : boundWait(retryAfterMs, LONGEST_WAIT_MS),
    });
  }
}

type Account = NonNullable<Awaited<ReturnType<ActivityDeps['db']['accountChecks']['find']>>>;

const NO_KEY_REASONS = { unreadable: 'credentials_unreadable', missing: 'credentials_missing' } as const;

/** What an answer says of the account. Its owner can give others for its own credentials only. */
function toOutcome(
  answer: Exclude<CredentialsAnswer, { outcome: 'undetermined' }>,
  { isOwn }: { isOwn: boolean },
): CheckOutcome {
  if (answer.outcome === 'refused')
    return isOwn
      ? { reason: 'credentials_refused', needsReauth: true }
      : { reason: 'service_credentials_refused', needsReauth: false };
  const { hasProfile, missing } = answer;
  if (!hasProfile) return { reason: 'profile_not_found', needsReauth: false };
  const reason = missing.length > 0 ? 'platforms_not_connected' : null;
  return { reason, needsReauth: false, unconnectedPlatforms: missing };
}
