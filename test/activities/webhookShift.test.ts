import assert from 'node:assert/strict';
import { createNewsBell } from '../../activities/newsBell.ts';
import type { PreparedAttempt, PreparedSight } from '../../activities/webhookDesk.ts';
import { type Delivered, type Shift, workShift } from '../../activities/webhookShift.ts';
import { MAX_AT_ONCE } from '../../src/domain/webhook.ts';

const OPEN: PreparedSight = { state: 'open', hasMore: false, nextDueInMs: null, found: 0, due: [] };
const TAKEN: Delivered = { isTaken: true, nextAttemptAt: null };
const FAILED: Delivered = { isTaken: false, nextAttemptAt: null };

/** Works a shift at a webhook to which so much is due, and counts what came of that. */
async function work(
  due: number,
  { isCrowded = false, deliver = async () => TAKEN, ...parts }: Partial<Shift> & { isCrowded?: boolean },
) {
  let left = due;
  let attempts = 0;
  const look = async ({ slots }: { slots: number }): Promise<PreparedSight> => {
    const begun = Array.from({ length: Math.min(slots, left) }, () => ({}) as PreparedAttempt);
    left -= begun.length;
    return { ...OPEN, found: begun.length, due: begun };
  };
  const end = await workShift({
    ...{ webhookId: 'w', userId: 'u', holder: 'h', desk: { look }, bell: createNewsBell() },
    times: { isCrowded: () => isCrowded, lingerMs: 0, stayMs: 0, maxMs: 60_000 },
    signal: new AbortController().signal,
    ...parts,
    deliver: (prepared) => {
      attempts += 1;
      return deliver(prepared);
    },
  });
  return { end, attempts, left };
}

describe('a shift at a webhook', () => {
  it('delivers all that is due', async () => {
    assert.deepEqual(await work(50, {}), { end: 'quiet', attempts: 50, left: 0 });
    assert.equal((await work(50, { isCrowded: true })).attempts, 50);
  });

  it('ends early where nothing is taken while others wait for a place, and only then', async () => {
    const deliver = async () => FAILED;
    const { end, attempts } = await work(50, { isCrowded: true, deliver });
    assert.equal(end, 'quiet');
    assert.ok(attempts >= MAX_AT_ONCE && attempts < 2 * MAX_AT_ONCE, `${attempts}`);
    assert.equal((await work(50, { deliver })).attempts, 50);
    let made = 0;
    const everyThird = async () => (++made % 3 === 0 ? TAKEN : FAILED);
    assert.equal((await work(50, { isCrowded: true, deliver: everyThird })).attempts, 50);
  });

  it('looks again at once where all that was found is no longer kept', async () => {
    const startedAt = Date.now();
    let left = 40;
    const look = async ({ slots }: { slots: number }): Promise<PreparedSight> => {
      const found = Math.min(slots, left);
      left -= found;
      return { ...OPEN, found };
    };
    await work(0, { desk: { look } });
    assert.equal(left, 0);
    assert.ok(Date.now() - startedAt < 1000);
  });

  it('ends when it is to stop, with the attempts that it has begun', async () => {
    const bell = createNewsBell();
    let ended = 0;
    const deliver = async () => {
      bell.stop();
      await new Promise((resolve) => setTimeout(resolve, 50));
      ended += 1;
      return TAKEN;
    };
    assert.deepEqual(await work(50, { bell, deliver }), { end: 'quiet', attempts: 4, left: 46 });
    assert.equal(ended, 4);
  });

  it('fails with what writing down came to, when nothing runs any more', async () => {
    let running = 0;
    const deliver = async () => {
      running += 1;
      await new Promise((resolve) => setTimeout(resolve, running * 10));
      running -= 1;
      throw new Error('the database is away');
    };
    await assert.rejects(work(50, { deliver }), /is away/);
    assert.equal(running, 0);
  });
});
