import type { UncheckedAccount } from '../src/db/accountChecks.ts';
import { readKey } from '../src/domain/credentials.ts';
import type { Provider } from '../src/domain/platform.ts';
import { credentialsPlace } from '../src/domain/sealedPlaces.ts';
import type { ActivityDeps } from './index.ts';

/** What an account posts with: the key itself, or why there is none. */
export type AccountKey =
  | { state: 'found'; key: string }
  /** It cannot be opened: its key ring has changed, or it is not this row's. */
  | { state: 'unreadable' }
  /** It has none of its own, and its owner may not use the service's, or there is none. */
  | { state: 'missing' };

type Owned = Pick<UncheckedAccount, 'id' | 'ownerName' | 'provider' | 'sealedCredentials'>;
type Deps = Pick<ActivityDeps, 'config' | 'sealer'>;

/**
 * Gives the key that an account posts with. It stays within the activity that asks for it: whatever an activity takes,
 * gives or throws is kept by the engine.
 */
export function findAccountKey(account: Owned, { config, sealer }: Deps): AccountKey {
  const { id, provider, sealedCredentials, ownerName } = account;
  if (provider === 'test') return { state: 'found', key: '' };
  if (sealedCredentials !== null) return openKey(sealer, provider, { id, sealedCredentials });
  const isAllowed = config.SERVICE_CREDENTIALS_USERS.includes(ownerName.toLowerCase());
  const key = isAllowed ? serviceKey(config, provider) : undefined;
  return key ? { state: 'found', key } : { state: 'missing' };
}

function openKey(
  sealer: Deps['sealer'],
  provider: Provider,
  { id, sealedCredentials }: { id: string; sealedCredentials: string },
): AccountKey {
  try {
    const key = readKey(provider, sealer.open(sealedCredentials, credentialsPlace(id)));
    return key === null ? { state: 'unreadable' } : { state: 'found', key };
  } catch (error) {
    // By its code: adapters are known here as types only.
    if ((error as { code?: unknown }).code === 'secret_unreadable') return { state: 'unreadable' };
    throw error;
  }
}

const serviceKey = (config: Deps['config'], provider: Provider): string | undefined =>
  ({ upload_post: config.UPLOAD_POST_API_KEY, flic: config.FLIC_TOKEN, test: undefined })[provider];
