import { newId } from '../src/db/ids.ts';
import { CLAIM_SEC } from '../src/db/speechClaims.ts';
import type { ActivityDeps } from './index.ts';

type ClaimDeps = Pick<ActivityDeps, 'db' | 'log'>;

/** Two may fail before it is lost. */
const RENEW_MS = (CLAIM_SEC * 1000) / 3;

/**
 * Does work that nobody else does meanwhile, on any machine. Trouble with renewing or releasing it is no trouble of the
 * work: at worst somebody else waits until the claim is over, or pays once more.
 *
 * @returns null where another one is at it: nothing was done
 */
export async function withClaim<Result>(
  { db, log }: ClaimDeps,
  key: string,
  work: () => Promise<Result>,
): Promise<Result | null> {
  const holder = newId();
  if (!(await db.speechClaims.take(key, holder))) return null;
  const tell = (error: Error) => log.warn({ err: error }, 'a claim on a chunk could not be kept up');
  const renewal = setInterval(() => void db.speechClaims.renew(key, holder).catch(tell), RENEW_MS);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await db.speechClaims.release(key, holder).catch(tell);
  }
}
