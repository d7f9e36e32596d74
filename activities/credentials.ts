import type { UncheckedAccount } from '../src/db/accountChecks.ts';
import { findServiceKey, readKey } from '../src/domain/credentials.ts';
import type { Provider } from '../src/domain/platform.ts';
import { credentialsPlace } from '../src/domain/sealedPlaces.ts';
import { VideoflowError } from '../src/errors.ts';
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

/** This worker lacks the key that credentials are sealed with. Another may have it, and this one once it is configured anew. */
class KeyRingError extends VideoflowError {
  readonly code = 'secret_key_unknown';
  override readonly retryClass = 'outside';
}

/**
 * Gives the key that an account posts with. It stays within the activity that asks for it: whatever an activity takes,
 * gives or throws is kept by the engine.
 *
 * @throws KeyRingError, which says nothing of the account
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
    const { code } = error as { code?: unknown };
    if (code === 'secret_unreadable') return { state: 'unreadable' };
    if (code === 'secret_key_unknown')
      throw new KeyRingError('The key that these are sealed with is not on the ring of this worker');
    throw error;
  }
}
