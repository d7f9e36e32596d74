import { Context } from '@temporalio/activity';
import type { CheckOutcome } from '../src/db/accountChecks.ts';
import { RemoteTroubleError } from '../src/errors.ts';
import type { CredentialsAnswer } from '../src/publishers/publisher.ts';
import type { AccountCheckInput } from '../workflows/contract.ts';
import { findAccountKey } from './credentials.ts';
import type { ActivityDeps } from './index.ts';
import { endIfCancelled, pages, withPulse } from './longWork.ts';

/** A provider could not be asked, or gave no answer to what it was asked. */
class ProviderUnavailableError extends RemoteTroubleError {
  readonly code = 'provider_unavailable';
}

/** Between the row of an account and its check; whoever is slower is helped by the reconciler. */
const GRACE_MS = 10_000;

/** Accounts, and what their providers say of them. Credentials neither come in nor go out: the row has them. */
export function createAccountActivities({
  config,
  db,
  sealer,
  publishers,
}: Pick<ActivityDeps, 'config' | 'db' | 'sealer' | 'publishers'>) {
  return {
    /** Asks the provider of an account about its credentials, and writes down what it says. */
    checkCredentials: ({ accountId, revision }: AccountCheckInput): Promise<'checked' | 'overtaken'> =>
      withPulse(async () => {
        const check = { accountId, revision };
        const account = await db.accountChecks.find(check);
        if (!account) return 'overtaken';
        const found = findAccountKey(account, { config, sealer });
        const outcome: CheckOutcome =
          found.state === 'found'
            ? toOutcome(await ask(account, found.key))
            : { reason: NO_KEY_REASONS[found.state] };
        const limits = { leadSec: config.SLOT_LEAD_SEC, horizonDays: config.SLOT_HORIZON_DAYS };
        return (await db.accountChecks.record(check, outcome, limits)) ? 'checked' : 'overtaken';
      }),

    giveUpCheck: async ({ accountId, revision }: AccountCheckInput): Promise<void> => {
      await db.accountChecks.giveUp({ accountId, revision });
    },
  };

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
      retryAfterMs,
    });
  }
}

type Account = NonNullable<Awaited<ReturnType<ActivityDeps['db']['accountChecks']['find']>>>;

const NO_KEY_REASONS = { unreadable: 'credentials_unreadable', missing: 'credentials_missing' } as const;

/** What an answer says of the account. */
function toOutcome(answer: Exclude<CredentialsAnswer, { outcome: 'undetermined' }>): CheckOutcome {
  if (answer.outcome === 'refused') return { reason: 'credentials_refused', needsReauth: true };
  const { hasProfile, missing } = answer;
  const lack = missing.length > 0 ? 'platforms_not_connected' : null;
  return { reason: hasProfile ? lack : 'profile_not_found', needsReauth: false };
}

/** Begins checks that the engine was perhaps never told of, or that ended without a word in their row. */
export async function repeatChecks({ db, flows }: Pick<ActivityDeps, 'db' | 'flows'>): Promise<void> {
  const before = new Date(Date.now() - GRACE_MS);
  // Asked for once there is something to compare with; most often there is nothing.
  let open: Set<string> | null = null;
  for await (const checks of pages(
    (after) => db.accountChecks.listUnchecked(after, before),
    ({ accountId }) => accountId,
  )) {
    open ??= await openChecks(flows);
    for (const check of checks) {
      if (open.has(nameOf(check))) continue;
      await flows.checkAccount(check);
      Context.current().heartbeat();
    }
  }
}

const nameOf = ({ accountId, revision }: { accountId: string; revision: number }): string =>
  `${accountId}/${revision}`;

async function openChecks(flows: ActivityDeps['flows']): Promise<Set<string>> {
  const open = new Set<string>();
  for await (const check of flows.listOpenChecks()) {
    open.add(nameOf(check));
    Context.current().heartbeat();
  }
  return open;
}
