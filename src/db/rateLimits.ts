import pg from 'pg';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterPostgres } from 'rate-limiter-flexible';

export interface LimitOptions {
  /** Part of every key: limits of different names do not count for each other. */
  name: string;
  points: number;
  durationSec: number;
}

export interface RateLimits {
  /** A limit that all processes share. Without the database each process counts for itself. */
  createLimiter(options: LimitOptions): RateLimiterAbstract;
  close(): Promise<void>;
}

/**
 * Opens the shared counters. They have two connections of their own: these need not wait for the disk
 * at a commit, and a slow count must not hold up a request for longer than two seconds.
 */
export function createRateLimits(databaseUrl: string): RateLimits {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 2,
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
    options: '-c synchronous_commit=off',
    allowExitOnIdle: true,
  });
  // An idle connection that the server closes is replaced at the next use; unheard it would end the process.
  pool.on('error', () => {});
  return {
    createLimiter: ({ name, points, durationSec }) =>
      new RateLimiterPostgres({
        storeClient: pool,
        storeType: 'pool',
        tableName: 'rate_limits',
        tableCreated: true,
        keyPrefix: name,
        points,
        duration: durationSec,
        // A flood is turned away from memory, without asking the database each time.
        inMemoryBlockOnConsumed: points + 1,
        insuranceLimiter: new RateLimiterMemory({ keyPrefix: name, points, duration: durationSec }),
      }),
    close: () => pool.end(),
  };
}
