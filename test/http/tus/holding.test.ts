import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from '../../../src/http/app.ts';
import { listen } from '../../../src/http/listen.ts';
import { createLog } from '../../../src/log.ts';
import { startApi, type TestApi, type TestUser } from '../../support/api.ts';
import { waitFor } from '../../support/stack.ts';
import { listStored, MIB, openRequest, readArrived, videoBytes } from '../../support/uploading.ts';
import { type Conversation, createConversation, OCTETS, VERSION } from './conversation.ts';

const SIZE = 4 * MIB;

describe('who may send bytes of an upload', () => {
  let api: TestApi;
  let user: TestUser;
  let tus: Conversation;
  before(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    user = await api.makeUser();
    tus = createConversation(api, user);
  });
  after(() => api.close());

  const headersAt = (offset: number) => ({
    ...VERSION,
    ...OCTETS,
    authorization: `Bearer ${user.token}`,
    'upload-offset': offset,
    'content-length': SIZE - offset,
  });
  const open = (path: string, offset: number, headers: Record<string, string> = {}, url = api.url) =>
    openRequest({ ...api, url }, path, { method: 'PATCH', headers: { ...headersAt(offset), ...headers } });
  const idOf = (path: string) => path.split('/').at(-1) ?? '';
  const offsetReaches = (path: string, offset: number, timeoutMs = 5000) =>
    waitFor(async () => (await tus.offset(path)) === offset, {
      what: `the offset to be ${offset}`,
      timeoutMs,
    });
  const storedBytes = (path: string) => readArrived(api, idOf(path));
  const codeOf = ({ body }: { body: string }) => JSON.parse(body).code;

  it('is one of ten who send other bytes to the same place; the others are told where it goes on', async () => {
    const path = await tus.begin(2 * MIB);
    let offset = 0;
    const won: Buffer[] = [];
    while (offset < 2 * MIB) {
      const sent = Array.from({ length: 10 }, (_, n) => videoBytes(MIB, `client ${n} at ${offset}`));
      const answers = await Promise.all(sent.map((bytes) => tus.patch(path, offset, bytes)));
      const winners = answers.flatMap(({ status }, n) => (status === 204 ? [n] : []));
      assert.equal(winners.length, 1, answers.map(({ status }) => status).join());
      for (const { status, headers } of answers) {
        if (status === 204) continue;
        assert.equal(status, 409);
        assert.equal(headers.get('upload-offset'), String(offset + MIB));
      }
      won.push(sent[winners[0] ?? 0] as Buffer);
      offset += MIB;
    }
    assert.equal((await tus.show(path)).state, 'complete');
    assert.ok((await storedBytes(path)).equals(Buffer.concat(won)));
  });

  it('is whoever sends, however slowly: its bytes count every second', async () => {
    const path = await tus.begin(SIZE);
    const bytes = videoBytes(SIZE);
    const slow = open(path, 0);
    await slow.send(bytes.subarray(0, 1000));
    await offsetReaches(path, 1000, 3000);
    const other = tus.patch(path, 1000, bytes.subarray(1000, 2000));
    for (let at = 1000; at < 4000; at += 500) {
      await slow.send(bytes.subarray(at, at + 500));
      await delay(200);
    }
    assert.equal((await other).body.code, 'offset_conflict', 'it came too late');
    await slow.send(bytes.subarray(4000));
    slow.end();
    assert.equal((await slow.answer).status, 204);
    assert.ok((await storedBytes(path)).equals(bytes));
  });

  it('is no client any more that fell silent while another came', async () => {
    const path = await tus.begin(SIZE);
    const bytes = videoBytes(SIZE);
    const silent = open(path, 0);
    await silent.send(bytes.subarray(0, MIB));
    await offsetReaches(path, MIB);
    const rest = await tus.patch(path, MIB, bytes.subarray(MIB));
    assert.equal(rest.status, 204);
    const answer = await silent.answer;
    assert.deepEqual([answer.status, codeOf(answer)], [423, 'upload_locked']);
    assert.ok((await storedBytes(path)).equals(bytes));
  });

  it('is a silent client as long as nobody else comes', async () => {
    const path = await tus.begin(SIZE);
    const silent = open(path, 0);
    await silent.send(videoBytes(SIZE).subarray(0, MIB));
    await delay(2500);
    const [{ left }] = await api.sql(
      'select extract(epoch from lease_until - clock_timestamp())::float as left from uploads where id = $1',
      [idOf(path)],
    );
    assert.ok(left > 3, `the lease holds for another ${left} s`);
    await silent.send(videoBytes(SIZE).subarray(MIB));
    silent.end();
    assert.equal((await silent.answer).status, 204);
  });

  it('is free after a process that died, and refused while one lives', async () => {
    const [orphaned, held] = [await tus.begin(SIZE), await tus.begin(SIZE)];
    const lease = (path: string) =>
      api.sql(
        `update uploads set epoch = 1, lease_holder = 'other', lease_until = now() + interval '5 seconds' where id = $1`,
        [idOf(path)],
      );
    await Promise.all([lease(orphaned), lease(held)]);
    const renewal = setInterval(() => void lease(held), 1000);
    try {
      const startedAt = Date.now();
      const [waited, refused] = await Promise.all([
        tus.patch(orphaned, 0, videoBytes(1000)).then((answer) => ({ answer, ms: Date.now() - startedAt })),
        tus.patch(held, 0, videoBytes(1000)).then((answer) => ({ answer, ms: Date.now() - startedAt })),
      ]);
      assert.equal(waited.answer.status, 204);
      assert.ok(waited.ms > 4000, `${waited.ms} ms`);
      assert.deepEqual([refused.answer.status, refused.answer.body.code], [423, 'upload_locked']);
      assert.ok(refused.ms > 7500, `${refused.ms} ms`);
      assert.ok(Number(refused.answer.headers.get('retry-after')) > 0);
    } finally {
      clearInterval(renewal);
    }
  });

  it('is nobody who was frozen meanwhile: it touches nothing', async () => {
    const path = await tus.begin(SIZE);
    const frozen = open(path, 0);
    await frozen.send(videoBytes(SIZE, 'frozen').subarray(0, MIB));
    await offsetReaches(path, MIB);
    // As another process does when the lease has run out.
    await api.sql(
      `update uploads set epoch = epoch + 1, lease_holder = 'other', lease_until = now() + interval '5 seconds' where id = $1`,
      [idOf(path)],
    );
    await frozen.send(videoBytes(SIZE - MIB, 'frozen'));
    frozen.end();
    const answer = await frozen.answer;
    assert.deepEqual([answer.status, codeOf(answer)], [423, 'upload_locked']);
    assert.equal(await tus.offset(path), MIB);
    const [row] = await api.sql('select lease_holder, epoch from uploads where id = $1', [idOf(path)]);
    assert.deepEqual(row, { lease_holder: 'other', epoch: 2 });
  });

  for (const isSilent of [false, true]) {
    it(`is nobody once the upload is ended, also in mid-send (${isSilent ? 'silent' : 'sending'})`, async () => {
      const path = await tus.begin(SIZE);
      const sending = open(path, 0);
      await sending.send(videoBytes(SIZE).subarray(0, MIB));
      await offsetReaches(path, MIB);
      assert.equal((await tus.remove(path)).status, 204);
      let isAnswered = false;
      const answered = sending.answer.finally(() => {
        isAnswered = true;
      });
      while (!isAnswered) {
        if (!isSilent) await sending.send(Buffer.alloc(1000));
        await delay(100);
      }
      const answer = await answered;
      assert.deepEqual([answer.status, codeOf(answer)], [410, 'upload_gone']);
    });
  }

  it('keeps nothing of a broken connection that was to be checked as a whole', async () => {
    const path = await tus.begin(SIZE);
    const digest = createHash('sha1').update(videoBytes(SIZE)).digest('base64');
    const sending = open(path, 0, { 'upload-checksum': `sha1 ${digest}` });
    await sending.send(videoBytes(SIZE).subarray(0, 2 * MIB));
    await delay(1500);
    assert.equal(await tus.offset(path), 0);
    sending.cut();
    await waitFor(async () => (await listStored(api.storage)).every((key) => !key.includes(idOf(path))), {
      what: 'the bytes to be removed',
    });
    assert.equal((await tus.patch(path, 0, videoBytes(SIZE))).status, 204);
  });

  it('completes an upload by its last byte, even if the request breaks right behind it', async () => {
    const path = await tus.begin(SIZE);
    // The end of a body in pieces is a piece of its own.
    const { 'content-length': _, ...headers } = headersAt(0);
    const sending = openRequest(api, path, {
      method: 'PATCH',
      headers: { ...headers, 'transfer-encoding': 'chunked' },
    });
    await sending.send(videoBytes(SIZE));
    await offsetReaches(path, SIZE);
    api.flowCalls.length = 0;
    sending.cut();
    await waitFor(() => api.flowCalls.length > 0, { what: 'the engine to be told' });
    assert.equal((await tus.show(path)).state, 'complete');
  });

  it('is let go without a word when all of its bytes count already', async () => {
    const path = await tus.begin(SIZE);
    const sending = open(path, 0);
    await sending.send(videoBytes(SIZE).subarray(0, MIB));
    await offsetReaches(path, MIB);
    sending.cut();
    await waitFor(
      async () =>
        (await api.sql('select lease_holder from uploads where id = $1', [idOf(path)]))[0].lease_holder ===
        null,
      { what: 'the lease to be let go' },
    );
    const warnings = api
      .logLines()
      .filter(({ level, module }) => Number(level) >= 40 && module !== 'storage');
    assert.deepEqual(
      warnings.map(({ msg }) => msg),
      [],
      'nor was there one of the others',
    );
  });

  it('keeps what came when a process stops, before the process lets go of the database', async () => {
    const { config, db, storage } = api;
    const flows = { receiveUpload: async () => true } as never;
    const log = createLog({ level: 'silent', program: 'test' });
    const app = createApp({ config, log, db, flows, storage });
    const server = await listen(app, { host: '127.0.0.1', port: 0, publicUrl: config.PUBLIC_URL });
    const path = await tus.begin(SIZE);
    const sending = open(path, 0, {}, `http://127.0.0.1:${server.port}`);
    await sending.send(videoBytes(SIZE).subarray(0, 3 * MIB));
    await offsetReaches(path, 3 * MIB);
    await sending.send(videoBytes(SIZE).subarray(3 * MIB, 3 * MIB + 5000));
    await delay(50);
    await server.close(0.01);
    assert.equal(await tus.offset(path), 3 * MIB + 5000);
    const [row] = await api.sql('select lease_holder from uploads where id = $1', [idOf(path)]);
    assert.equal(row.lease_holder, null);
  });
});
