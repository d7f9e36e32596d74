import type { EntityManager } from '@mikro-orm/postgresql';

/** How long a claim is held that is not renewed: of a worker that died. */
export const CLAIM_SEC = 60;

const HELD = `now() + interval '${CLAIM_SEC} seconds'`;

/** Who is asking a transcriber what right now. Rows and times, not locks: an answer may take many minutes. */
export class SpeechClaimQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Takes a claim that nobody holds any more. @returns whether it is the holder's now */
  async take(key: string, holder: string): Promise<boolean> {
    const rows = await this.#em.execute<unknown[]>(
      `insert into speech_claims as c (key, holder, held_until) values (?, ?, ${HELD})
       on conflict (key) do update set holder = excluded.holder, held_until = excluded.held_until
       where c.held_until < now() returning key`,
      [key, holder],
    );
    return rows.length > 0;
  }

  /** Holds it for as long again. */
  async renew(key: string, holder: string): Promise<void> {
    await this.#em.execute(`update speech_claims set held_until = ${HELD} where key = ? and holder = ?`, [
      key,
      holder,
    ]);
  }

  /** Lets go of it, and of what the dead have left. */
  async release(key: string, holder: string): Promise<void> {
    await this.#em.execute(
      `delete from speech_claims where (key = ? and holder = ?) or held_until < now() - interval '1 hour'`,
      [key, holder],
    );
  }
}
