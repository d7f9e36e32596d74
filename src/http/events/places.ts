import { HttpProblem } from '../problem.ts';

/** When one of the open streams may have ended. */
const FULL_FOR_SEC = 10;

const RETRY = { headers: { 'Retry-After': String(FULL_FOR_SEC) } };

/** A process that is full, or about to end. */
export const noPlace = (): HttpProblem => new HttpProblem('streams_unavailable', undefined, RETRY);

/** As many streams as one process may have, half of them at most of one user. */
export interface Places {
  /**
   * Takes a place.
   *
   * @returns what gives it back; once, however often it is called
   * @throws HttpProblem `too_many_streams`, `streams_unavailable`
   */
  take(userId: string): () => void;
  readonly taken: number;
}

export function createPlaces(count: number): Places {
  const ofOne = Math.max(1, Math.floor(count / 2));
  const byUser = new Map<string, number>();
  let taken = 0;
  return {
    take: (userId) => {
      const own = byUser.get(userId) ?? 0;
      if (own >= ofOne) throw new HttpProblem('too_many_streams', undefined, RETRY);
      if (taken >= count) throw noPlace();
      taken += 1;
      byUser.set(userId, own + 1);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        taken -= 1;
        const left = (byUser.get(userId) ?? 0) - 1;
        if (left > 0) byUser.set(userId, left);
        else byUser.delete(userId);
      };
    },
    get taken() {
      return taken;
    },
  };
}
