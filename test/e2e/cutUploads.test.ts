import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createConversation, OCTETS, VERSION } from '../http/tus/conversation.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { CUTS, type Cut, type CutProxy, openCutProxy } from '../support/cutProxy.ts';
import { type Random, seededRandom } from '../support/stack.ts';
import { MIB, readArrived, videoBytes } from '../support/uploading.ts';

const CASES = process.env.CAMPAIGN ? 1000 : 15;
const AT_ONCE = 5;
/** How long after a cut HEAD answers … */
const MOST_UNKNOWN_MS = 5000;
/** … and what it answers moves no more, by what had arrived before the cut. */
const MOST_MOVING_MS = 10_000;
/** When a client takes a silent connection for a dead one. */
const CLIENT_PATIENCE_MS = 300;

describe('an upload that is cut at random bytes', () => {
  let api: TestApi;
  let user: TestUser;
  const agent = new Agent({ keepAlive: true });
  before(async () => {
    api = await startApi({ MAX_OPEN_UPLOADS: '5000' });
    user = await api.makeUser();
  });
  after(() => {
    agent.destroy();
    return api.close();
  });

  for (let first = 1; first <= CASES; first += AT_ONCE) {
    const cases = Array.from({ length: Math.min(AT_ONCE, CASES - first + 1) }, (_, n) => first + n);
    it(`arrives whole, and it is soon known where to go on (${cases})`, async function () {
      this.timeout(180_000);
      const ends = await Promise.allSettled(cases.map((n) => survive(n)));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    });
  }

  async function survive(n: number): Promise<void> {
    const random = seededRandom(`cut ${n}`);
    const bytes = videoBytes(random.int(MIB / 2, 10 * MIB), `cut ${n}`);
    const tus = createConversation(api, user);
    const path = await tus.begin(bytes.length);
    const proxy = await openCutProxy({ port: Number(new URL(api.url).port) });
    try {
      const told = await sendThrough(proxy, path, { bytes, random });
      assert.equal((await tus.show(path)).state, 'complete', told);
      assert.ok((await readArrived(api, path.split('/').at(-1) ?? '')).equals(bytes), told);
    } finally {
      await proxy.close();
    }
  }

  /** @returns what was done, for the message of a failure */
  async function sendThrough(
    proxy: CutProxy,
    path: string,
    { bytes, random }: { bytes: Buffer; random: Random },
  ): Promise<string> {
    const cuts = planCuts(random, bytes.length);
    const told = cuts.map(({ positionBytes, cut }) => `${cut} at ${positionBytes}`).join(', ');
    let offsetBytes = 0;
    let cutAt = 0;
    for (const { positionBytes, cut } of cuts) {
      const isCut = proxy.cutAt(positionBytes, cut).then(() => 'cut' as const);
      // A cut may lie before what already counts; then it hits the first byte that is sent.
      for (;;) {
        const { status, giveUp } = patch(proxy, path, offsetBytes, bytes);
        const end = await Promise.race([isCut, status]);
        if (end === 'cut') {
          cutAt = performance.now();
          if (cut === 'stall') await delay(CLIENT_PATIENCE_MS);
          giveUp();
          break;
        }
        // What had come before a stall was counted after the answer to HEAD.
        assert.equal(end, 409, told);
        giveUp();
        assert.ok(performance.now() - cutAt < MOST_MOVING_MS, told);
        offsetBytes = await findOffset(proxy, path);
      }
      const found = await findOffset(proxy, path);
      const tookMs = performance.now() - cutAt;
      assert.ok(tookMs <= MOST_UNKNOWN_MS, `${told}: HEAD took ${tookMs} ms after ${cut}`);
      assert.ok(
        found >= offsetBytes && found <= Math.max(positionBytes, offsetBytes),
        `${told}: offset ${found}`,
      );
      offsetBytes = found;
    }
    for (;;) {
      const status = await patch(proxy, path, offsetBytes, bytes).status;
      if (status === 204) return told;
      assert.equal(status, 409, told);
      assert.ok(performance.now() - cutAt < MOST_MOVING_MS, told);
      offsetBytes = await findOffset(proxy, path);
    }
  }

  /** Sends everything from an offset on. @returns the answer's status, null when none came */
  function patch(proxy: CutProxy, path: string, offsetBytes: number, bytes: Buffer) {
    const outgoing = request(proxy.url + path, {
      method: 'PATCH',
      // As clients do: over a connection that is to be closed, an answer before the end of the body can get lost.
      agent,
      headers: {
        ...VERSION,
        ...OCTETS,
        authorization: `Bearer ${user.token}`,
        'Upload-Offset': offsetBytes,
        'content-length': bytes.length - offsetBytes,
      },
    });
    const status = new Promise<number | null>((resolve) => {
      outgoing.on('error', () => resolve(null));
      outgoing.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? null);
      });
    });
    outgoing.end(bytes.subarray(offsetBytes));
    return { status, giveUp: () => outgoing.destroy() };
  }

  async function findOffset(proxy: CutProxy, path: string): Promise<number> {
    const answer = await fetch(proxy.url + path, {
      method: 'HEAD',
      headers: { ...VERSION, authorization: `Bearer ${user.token}` },
      signal: AbortSignal.timeout(MOST_UNKNOWN_MS),
    });
    assert.equal(answer.status, 200);
    return Number(answer.headers.get('upload-offset'));
  }
});

function planCuts(random: Random, sizeBytes: number): { positionBytes: number; cut: Cut }[] {
  const positions = Array.from({ length: random.int(1, 5) }, () => random.int(0, sizeBytes - 1));
  return positions.sort((a, b) => a - b).map((positionBytes) => ({ positionBytes, cut: random.pick(CUTS) }));
}
