import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { OCTETS, VERSION } from '../http/tus/conversation.ts';
import { callUrl } from '../support/api.ts';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';
import { type Random, seededRandom, waitFor } from '../support/stack.ts';
import { MIB, openRequest, readArrived, videoBytes } from '../support/uploading.ts';

const CLIENTS = 10;
const SMALL_ROUNDS = process.env.CAMPAIGN ? 1000 : 3;
const FROZEN_MS = 10_000;
const HEAD_BYTES = 32;

interface Win {
  client: number;
  fromBytes: number;
  toBytes: number;
}

/** One upload, and ten who believe that it is theirs: each has a whole file of its own. */
interface Round {
  id: string;
  path: string;
  files: Buffer[];
  wins: Win[];
}

describe('ten clients at one upload, through two API processes', () => {
  let engine: TestEngine;
  let apis: ApiProcess[];
  let token: string;
  before(async function () {
    this.timeout(120_000);
    engine = await startTestEngine({
      MIN_FREE_BYTES: '1',
      RATE_LIMIT_PER_MINUTE: '1000000',
      MAX_OPEN_UPLOADS: '5000',
    });
    apis = await Promise.all([engine.startApi(), engine.startApi()]);
    token = apis[0]?.token ?? '';
  });
  after(() => engine?.close());

  const headers = () => ({ ...VERSION, ...OCTETS });
  const apiOf = (client: number): ApiProcess => apis[client % 2] as ApiProcess;

  async function begin(name: string, sizeBytes: number): Promise<Round> {
    const created = await callUrl(`${apiOf(0).url}/v1/uploads`, {
      method: 'POST',
      token,
      headers: { ...VERSION, 'upload-length': String(sizeBytes) },
    });
    assert.equal(created.status, 201);
    const files = Array.from({ length: CLIENTS }, (_, client) => videoBytes(sizeBytes, `${name}/${client}`));
    return { id: created.body.id, path: `/v1/uploads/${created.body.id}`, files, wins: [] };
  }

  /** As an API tells it that is not frozen. */
  async function offsetOf({ path }: Round): Promise<number> {
    const { headers: told } = await callUrl(apiOf(1).url + path, { method: 'HEAD', token, headers: VERSION });
    return Number(told.get('upload-offset'));
  }

  async function patch(round: Round, client: number, { fromBytes, toBytes }: Omit<Win, 'client'>) {
    const { status } = await callUrl(apiOf(client).url + round.path, {
      method: 'PATCH',
      token,
      headers: { ...headers(), 'upload-offset': String(fromBytes) },
      body: new Uint8Array(round.files[client]?.subarray(fromBytes, toBytes) ?? []),
    });
    if (status === 204) round.wins.push({ client, fromBytes, toBytes });
    return status;
  }

  /** All who may take part send bytes of their own, and not equally many, to the same offset. */
  async function race(round: Round, random: Random, isIn = (_client: number) => true): Promise<void> {
    const fromBytes = await offsetOf(round);
    const sizeBytes = round.files[0]?.length ?? 0;
    const runners = Array.from({ length: CLIENTS }, (_, client) => client).filter(isIn);
    const statuses = await Promise.all(
      runners.map((client) =>
        patch(round, client, {
          fromBytes,
          toBytes: Math.min(sizeBytes, fromBytes + random.int(HEAD_BYTES, Math.ceil(sizeBytes / 3))),
        }),
      ),
    );
    assert.equal(statuses.filter((status) => status === 204).length, 1, `one winner: ${statuses}`);
    for (const status of statuses) assert.ok([204, 409, 423].includes(status), `${status}`);
  }

  /** Every byte is that of the one who was told so; the rest is of whom no answer could be given. */
  async function assertOwned(round: Round, unanswered: number | null): Promise<void> {
    const bytes = await readArrived(engine, round.id);
    assert.equal(bytes.length, round.files[0]?.length);
    let atBytes = 0;
    const isOf = (client: number | null, fromBytes: number, toBytes: number) =>
      client !== null &&
      bytes.subarray(fromBytes, toBytes).equals(round.files[client]?.subarray(fromBytes, toBytes) ?? bytes);
    for (const { client, fromBytes, toBytes } of round.wins.sort((a, b) => a.fromBytes - b.fromBytes)) {
      assert.ok(fromBytes >= atBytes, `two were told that they won at ${fromBytes}`);
      if (fromBytes > atBytes) assert.ok(isOf(unanswered, atBytes, fromBytes), `${atBytes} to ${fromBytes}`);
      assert.ok(isOf(client, fromBytes, toBytes), `${fromBytes} to ${toBytes} is of client ${client}`);
      atBytes = toBytes;
    }
    assert.equal(atBytes, bytes.length);
  }

  const rowOf = async ({ id }: Round) => {
    const upload = await engine.db.uploads.find(await ownerId(), id);
    const segments = await engine.db.uploads.listSegments(id);
    return {
      ...upload,
      video: upload?.video?.id,
      segments: segments.map(({ key, sizeBytes }) => [key, sizeBytes]),
    };
  };
  const ownerId = async () => (await callUrl(`${apiOf(1).url}/v1/me`, { token })).body.id as string;

  for (let n = 1; n <= SMALL_ROUNDS; n += 1) {
    it(`has one winner for every offset, and their bytes in order (round ${n})`, async () => {
      const random = seededRandom(`rivals ${n}`);
      const round = await begin(`small ${n}`, random.int(3000, process.env.CAMPAIGN ? 60_000 : MIB));
      while ((await offsetOf(round)) < (round.files[0]?.length ?? 0)) await race(round, random);
      await assertOwned(round, null);
    });
  }

  for (const isOverWhenItWakes of [false, true]) {
    it(`lets a process that froze in mid-PATCH change nothing (${isOverWhenItWakes ? 'all is over' : 'others go on'})`, async function () {
      this.timeout(120_000);
      const random = seededRandom(`frozen ${isOverWhenItWakes}`);
      const round = await begin(`frozen ${isOverWhenItWakes}`, 4 * MIB);
      const frozen = openRequest({ url: apiOf(0).url } as never, round.path, {
        method: 'PATCH',
        headers: {
          ...headers(),
          authorization: `Bearer ${token}`,
          'upload-offset': 0,
          'content-length': 4 * MIB,
        },
      });
      await frozen.send(round.files[0]?.subarray(0, MIB) ?? Buffer.alloc(0));
      await waitFor(async () => (await offsetOf(round)) > 0, { what: 'the first bytes to count' });
      process.kill(apiOf(0).pid, 'SIGSTOP');
      const frozenAt = performance.now();
      // Waits in the frozen process's sockets, the end of the body included.
      void frozen.send(round.files[0]?.subarray(MIB) ?? Buffer.alloc(0));
      frozen.end();
      const waiting = [2, 4, 6, 8].map(async (client) =>
        patch(round, client, { fromBytes: MIB, toBytes: 2 * MIB }).catch(() => 0),
      );
      try {
        const isAwake = (client: number) => client % 2 === 1;
        await race(round, random, isAwake);
        while (isOverWhenItWakes && (await offsetOf(round)) < 4 * MIB) await race(round, random, isAwake);
        await delay(Math.max(0, FROZEN_MS - (performance.now() - frozenAt)));
      } finally {
        process.kill(apiOf(0).pid, 'SIGCONT');
      }
      const before = await rowOf(round);
      assert.deepEqual(isOverWhenItWakes, before.offsetBytes === 4 * MIB);
      const { status } = await frozen.answer;
      assert.equal(status, 423, 'the one that was overtaken is told so');
      assert.deepEqual(
        (await Promise.all(waiting)).filter((ended) => ended === 204),
        [],
      );
      assert.deepEqual(await rowOf(round), before);
      while ((await offsetOf(round)) < 4 * MIB) await race(round, random);
      await assertOwned(round, 0);
    });
  }
});
