import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { startApi, type TestApi } from '../../support/api.ts';
import { type ApiProcess, startApiProcess } from '../../support/apiProcess.ts';
import { waitFor } from '../../support/stack.ts';
import { MIB, openRequest, readArrived, type SlowRequest, videoBytes } from '../../support/uploading.ts';
import { type Conversation, createConversation, OCTETS, VERSION } from './conversation.ts';

const SIZE = 12 * MIB;
/** The last bytes are sent when the frozen one is awake again, and sends, too. */
const HELD_BACK = 4 * MIB;
const CLIENTS = 10;
const FROZEN_MS = 10_000;

/** What was answered 204: whose bytes lie where. */
interface Won {
  client: number;
  from: number;
  to: number;
}

describe('an upload that ten clients send at once to two processes, one of which freezes', () => {
  let api: TestApi;
  let other: ApiProcess;
  let tus: Conversation;
  before(async () => {
    api = await startApi();
    other = await startApiProcess(api);
    tus = createConversation(api, await api.makeUser());
  });
  after(async () => {
    process.kill(other.pid, 'SIGCONT');
    await other.stop();
    await api.close();
  });

  /** Every client sends a file of its own. */
  const files = Array.from({ length: CLIENTS }, (_, client) => videoBytes(SIZE, `client ${client}`));
  const part = (client: number, from: number, to: number) => (files[client] as Buffer).subarray(from, to);

  const patchOther = (path: string, from: number): SlowRequest =>
    openRequest({ ...api, url: other.url }, path, {
      method: 'PATCH',
      headers: {
        ...VERSION,
        ...OCTETS,
        authorization: `Bearer ${tus.user.token}`,
        'upload-offset': from,
        'content-length': SIZE - from,
      },
    });

  /** Goes on wherever the upload stands until it is complete. */
  async function sendAll(path: string, client: number, won: Won[], isAwake: () => boolean): Promise<void> {
    for (let from = 0; from < SIZE; from = await tus.offset(path)) {
      if (from >= SIZE - HELD_BACK && !isAwake()) {
        await delay(50);
        continue;
      }
      const to = Math.min(SIZE, from + MIB);
      const { status } = await tus.patch(path, from, part(client, from, to));
      if (status === 204) won.push({ client, from, to });
      else assert.ok([409, 423].includes(status), `${status}`);
    }
  }

  it('has one winner for every offset, and the bytes of the winners', async () => {
    const path = await tus.begin(SIZE);
    const frozen = patchOther(path, 0);
    await frozen.send(part(0, 0, 3 * MIB));
    await waitFor(async () => (await tus.offset(path)) === 3 * MIB, { what: 'the first bytes to count' });
    process.kill(other.pid, 'SIGSTOP');
    const frozenAt = Date.now();
    // Received by the system, and taken up when the process wakes.
    void frozen.send(part(0, 3 * MIB, 8 * MIB));

    let isAwake = false;
    const won: Won[] = [{ client: 0, from: 0, to: 3 * MIB }];
    const others = Array.from({ length: CLIENTS - 1 }, (_, n) => sendAll(path, n + 1, won, () => isAwake));
    await delay(FROZEN_MS);
    assert.ok(won.length > 1, 'the others took over when the lease had run out');
    assert.equal((await tus.show(path)).state, 'open', 'and are not done');
    isAwake = true;
    process.kill(other.pid, 'SIGCONT');
    void frozen.send(part(0, 8 * MIB, SIZE)).catch(() => {});
    const answer = await frozen.answer;
    assert.equal(answer.status, 423, answer.body);
    assert.ok(Date.now() - frozenAt < FROZEN_MS + 5000, 'at once');
    await Promise.all(others);

    won.sort((a, b) => a.from - b.from);
    assert.equal(new Set(won.map(({ from }) => from)).size, won.length, 'one winner for every offset');
    const expected = Buffer.concat(won.map(({ client, from, to }) => part(client, from, to)));
    const { id, state } = await tus.show(path);
    assert.equal(state, 'complete');
    assert.ok((await readArrived(api, id)).equals(expected));
  });
});
