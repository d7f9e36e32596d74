import type { Account } from '../../src/db/entities/account.ts';
import { newId } from '../../src/db/ids.ts';
import { DEFAULT_AUTOPOSTING, DEFAULT_LATE_POLICY } from '../../src/domain/account.ts';
import { CREDENTIAL_FIELDS } from '../../src/domain/credentials.ts';
import { PLATFORMS_OF, type Platform, type Provider } from '../../src/domain/platform.ts';
import { credentialsPlace } from '../../src/domain/sealedPlaces.ts';
import { runAdminStatement } from '../../src/local/templateDatabase.ts';
import { createSealer } from '../../src/secrets/sealing.ts';
import type { TestEngine } from './engine.ts';
import { uniqueName } from './stack.ts';

interface Wanted {
  provider?: Provider;
  username?: string;
  platforms?: Platform[];
  /** Null: none of its own. */
  key: string | null;
  userId?: string;
}

/** Accounts as the API keeps them, put into the database without it; the engine is told of none. */
export function createAccountKeeper({
  config,
  db,
  userId: ownerId,
}: Pick<TestEngine, 'config' | 'db' | 'userId'>) {
  const sealer = createSealer(config.ENCRYPTION_KEYS);
  const limits = { leadSec: config.SLOT_LEAD_SEC, horizonDays: config.SLOT_HORIZON_DAYS };
  const seal = ({ id, userId, provider }: { id: string; userId: string; provider: Provider }, key: string) =>
    sealer.seal(JSON.stringify({ [CREDENTIAL_FIELDS[provider] ?? '']: key }), credentialsPlace(userId, id));

  const find = async (id: string, userId = ownerId): Promise<Account> => {
    const row = await db.accounts.find(userId, id);
    if (!row) throw new Error(`no account ${id}`);
    return row;
  };
  return {
    find,
    async add({
      provider = 'upload_post',
      platforms,
      username,
      key,
      userId = ownerId,
    }: Wanted): Promise<string> {
      const id = newId();
      const { isEnabled, days, ...window } = DEFAULT_AUTOPOSTING;
      const account = {
        ...{ id, userId, userLabel: null, provider, username: username ?? uniqueName('account') },
        ...{ platforms: platforms ?? PLATFORMS_OF[provider].slice(0, 1), isAi: false, groupId: null },
        ...{ timeZone: 'UTC', isAutoposting: isEnabled, ...window, days: [...days] },
        ...{ ...DEFAULT_LATE_POLICY, isPaused: false },
        sealedCredentials: key === null ? null : seal({ id, userId, provider }, key),
      };
      await db.transaction(({ accounts }) => accounts.insert(account, { ...limits, maxAccounts: 1000 }));
      return id;
    },
    /** Gives it other credentials. @returns their revision */
    async giveKey(id: string, key: string): Promise<number> {
      const { provider } = await find(id);
      const changes = { sealedCredentials: seal({ id, userId: ownerId, provider }, key) };
      await db.accounts.change(ownerId, id, changes, limits);
      return (await find(id)).credentialsRevision;
    },
    sql: (statement: string): Promise<void> => runAdminStatement(config.DATABASE_URL, statement),
    /** What was told of an account, oldest first. */
    async told(id: string, userId = ownerId): Promise<{ type: string; data: Record<string, unknown> }[]> {
      const feed = { afterSequence: 0, types: ['account.*'], videoId: null, limit: 1000 };
      const { events } = await db.events.list(userId, feed);
      return events.filter(({ objectId }) => objectId === id).map(({ type, data }) => ({ type, data }));
    },
  };
}
