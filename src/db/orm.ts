import { MikroORM } from '@mikro-orm/postgresql';
import settings from '../../mikro-orm.config.ts';
import { freeLostConnections } from './lostConnections.ts';

export interface DatabaseOptions {
  databaseUrl: string;
  poolMax?: number;
  /** For migrations, which take as long as they take. */
  isPatient?: boolean;
}

/**
 * So long a statement may take, and wait for a lock, before the database counts as away: shorter than the
 * silence after which a worker counts as dead (30 s), so that its trouble is not taken for a crash. Whoever forgets a
 * transaction, or dies in the middle of one without its connection's end being noticed, holds up others for no longer
 * than that either: they may wait for the numbers of their events.
 */
const PATIENCE = {
  connectionTimeoutMillis: 10_000,
  lock_timeout: 5_000,
  statement_timeout: 15_000,
  idle_in_transaction_session_timeout: 30_000,
  // For a server that does not even answer that it took too long.
  query_timeout: 20_000,
};

/** Opens the ORM on a database; close it with `orm.close()`. */
export const openOrm = ({
  databaseUrl,
  poolMax = 10,
  isPatient = false,
}: DatabaseOptions): Promise<MikroORM> =>
  MikroORM.init({
    ...settings,
    clientUrl: databaseUrl,
    pool: { min: 0, max: poolMax },
    driverOptions: { ...(isPatient ? {} : PATIENCE), onPoolCreated: freeLostConnections },
  });
