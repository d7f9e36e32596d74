import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Event } from '../../src/db/entities/event.ts';
import type { Db } from '../../src/db/index.ts';

/** More than comes between two looks, so that most pages end with the newest event that there is. */
const LIMIT = 100;

/**
 * Reads a user's feed on and on while others write, from where it was each time, and holds at every moment that what
 * comes follows what there was without a gap, and that nothing is missing up to the counter.
 */
export function readOn(db: Pick<Db, 'events'>, userId: string) {
  const read: Event[] = [];
  let pages = 0;
  let isOver = false;
  let isWanted = true;
  const look = async (): Promise<void> => {
    const afterSequence = read.length;
    const page = await db.events.list(userId, { afterSequence, types: [], videoId: null, limit: LIMIT });
    const numbers = page.events.map(({ sequence }) => sequence);
    const due = Math.min(LIMIT, page.lastSequence - afterSequence);
    assert.deepEqual(
      numbers,
      Array.from({ length: due }, (_, at) => afterSequence + at + 1),
      `after ${afterSequence}, with the counter at ${page.lastSequence}`,
    );
    read.push(...page.events);
    if (page.events.length > 0) pages += 1;
    isOver = !isWanted && page.events.length < LIMIT;
  };
  const reading = (async () => {
    while (!isOver) {
      await look();
      await delay(1);
    }
  })();
  // Whoever ends it hears of it.
  reading.catch(() => {});
  return {
    /** How many looks found something new. */
    pages: () => pages,
    /** Reads what is left. @returns all, in order; throws when a gap was seen at any moment */
    async end(): Promise<Event[]> {
      isWanted = false;
      await reading;
      return read;
    },
  };
}
