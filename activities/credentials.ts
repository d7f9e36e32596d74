import type { UncheckedAccount } from '../src/db/accountChecks.ts';
import { findServiceKey, readKey } from '../src/domain/credentials.ts';
import type { Provider } from '../src/domain/platform.ts';
import { credentialsPlace } from '../src/domain/sealedPlaces.ts';
import type { ActivityDeps } from './index.ts';

/** What an account posts with: the key itself and whose it is, or why there is none. */
export type AccountKey =
  | { state: 'found'; key: string; isOwn: boolean }
  /** It does not open: it is not this row's, or was changed. */
  | { state: 'unreadable' }
  /** It has none of its own, and its owner may not use the service's, or there is none. */
  | { state: 'missing' };

type Owned = Pick<UncheckedAccount, 'id' | 'userId' | 'ownerName' | 'provider' | 'sealedCredentials'>;
type Deps = Pick<ActivityDeps, 'config' | 'sealer'>;

/**
 * Gives the key that an account posts with. It stays within the activity that asks for it: whatever an activity takes,
 * gives or throws is kept by the engine.
 *
 * @throws UnknownKeyError: this worker lacks the key that they are sealed with, and another may have it
 */
export function findAccountKey(account: Owned, { config, sealer }: Deps): AccountKey {
  const { provider, sealedCredentials, ownerName } = account;
  if (provider === 'test') return { state: 'found', key: '', isOwn: true };
  if (sealedCredentials !== null) return openKey(sealer, { ...account, sealedCredentials });
  const key = findServiceKey(provider, ownerName, config);
  return key === null ? { state: 'missing' } : { state: 'found', key, isOwn: false };
}

function openKey(
  sealer: Deps['sealer'],
  account: { id: string; userId: string; provider: Provider; sealedCredentials: string },
): AccountKey {
  const { id, userId, provider, sealedCredentials } = account;
  try {
    const key = readKey(provider, sealer.open(sealedCredentials, credentialsPlace(userId, id)));
    return key === null ? { state: 'unreadable' } : { state: 'found', key, isOwn: true };
  } catch (error) {
    // By its code: adapters are known here as types only.
    if ((error as { code?: unknown }).code === 'secret_unreadable') return { state: 'unreadable' };
    throw error;
  }
}
