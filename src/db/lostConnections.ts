import type { Pool } from 'pg';

/** What begins and ends a transaction, as Kysely says it; going back to a savepoint is neither. */
const BEGIN_OR_ROLLBACK = /^(begin|start transaction\b.*|rollback)$/;

/**
 * Frees the places of lost connections. Kysely (0.29) gives a connection back when its transaction is committed or
 * rolled back. Where not even that is possible, or it could not begin, nobody ever would: each restart of the
 * database would leave fewer places in the pool, and one day none.
 */
export function freeLostConnections(pool: Pool): void {
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    const watched = (...args: unknown[]): Promise<unknown> => {
      const answer = query(...args);
      if (typeof args[0] === 'string' && BEGIN_OR_ROLLBACK.test(args[0]))
        answer.catch(() => client.release(true));
      return answer;
    };
    client.query = watched as typeof client.query;
  });
}
