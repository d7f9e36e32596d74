import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { readBodyChunks } from '../../src/http/uploads/bodyChunks.ts';
import { createChunkMemory } from '../../src/http/uploads/chunkMemory.ts';
import { receiveForm } from '../../src/http/uploads/multipart.ts';
import { receiveObject } from '../../src/http/uploads/receiveObject.ts';
import { watchConnection } from '../../src/http/uploads/takingUp.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { waitFor } from '../support/stack.ts';
import { listStored, MIB, makeForm, openRequest, videoBytes } from '../support/uploading.ts';

/** Sends the same video in both ways. */
const sendBothWays = async (api: TestApi, user: TestUser, bytes: Buffer) => [
  await api.call('/v1/videos', {
    token: user.token,
    body: new Uint8Array(bytes),
    headers: { 'content-type': 'video/mp4' },
  }),
  await api.call('/v1/videos', { token: user.token, body: makeForm([['file', bytes, 'a.mp4']]) }),
];

describe('uploading below the free space floor', () => {
  let api: TestApi;
  let user: TestUser;
  before(async () => {
    api = await startApi({ MIN_FREE_BYTES: String(2 ** 52) });
    user = await api.makeUser();
  });
  after(() => api.close());

  it('is refused with 507 and leaves nothing', async () => {
    for (const { status, body, headers } of await sendBothWays(api, user, videoBytes(MIB))) {
      assert.equal(status, 507);
      assert.equal(body.code, 'storage_full');
      assert.equal(body.retryable, true);
      assert.ok(Number(headers.get('retry-after')) > 0);
    }
    assert.deepEqual(await listStored(api.storage), []);
    assert.deepEqual(api.flowCalls, []);
  });
});

describe('uploading to a small disk', () => {
  let disk: string;
  let isMounted = false;
  let api: TestApi;
  let user: TestUser;
  before(async function () {
    disk = await mkdtemp(join(tmpdir(), 'vf-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk], { stdio: 'ignore' });
      isMounted = true;
    } catch {
      // Mounting needs root; without it the skip shows in the run's last line.
      this.skip();
    }
    api = await startApi({ STORAGE_DIR: join(disk, 'storage') });
    user = await api.makeUser();
  });
  after(async () => {
    await api?.close();
    if (isMounted) execFileSync('umount', [disk]);
    await rm(disk, { recursive: true });
  });

  it('is refused at once when its length says that it cannot fit', async () => {
    for (const { status, body } of await sendBothWays(api, user, videoBytes(13 * MIB))) {
      assert.equal(status, 507);
      assert.equal(body.code, 'storage_full');
    }
    assert.deepEqual(await listStored(api.storage), []);
  });

  it('is refused when the disk fills up on the way, and leaves nothing', async () => {
    const sending = openRequest(api, '/v1/videos', {
      headers: {
        authorization: `Bearer ${user.token}`,
        'content-type': 'video/mp4',
        'transfer-encoding': 'chunked',
      },
    });
    for (let sent = 0; sent < 14; sent += 1) await sending.send(videoBytes(MIB));
    const { status, body } = await sending.answer;
    sending.cut();
    assert.equal(status, 507);
    assert.equal(JSON.parse(body).code, 'storage_full');
    assert.deepEqual(await listStored(api.storage), []);
    assert.equal((await api.call('/v1/videos', { token: user.token })).body.data.length, 0);
  });

  it('works again as soon as there is room', async () => {
    for (const { status } of await sendBothWays(api, user, videoBytes(5 * MIB))) assert.equal(status, 202);
  });
});

describe('an upload whose sender may no longer upload', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi();
  });
  after(() => api.close());

  const spoilers: [what: string, key: string | null, spoil: (user: TestUser) => Promise<unknown>][] = [
    [
      'token was revoked',
      null,
      ({ id }) => api.sql('update tokens set revoked_at = now() where user_id = $1', [id]),
    ],
    ['owner was removed', null, ({ id }) => api.sql('delete from users where id = $1', [id])],
    ['owner was removed under a key', 'k1', ({ id }) => api.sql('delete from users where id = $1', [id])],
  ];
  for (const [what, key, spoil] of spoilers) {
    it(`is refused with 401 when the ${what} while it was sent`, async () => {
      const user = await api.makeUser();
      const sending = openRequest(api, '/v1/videos', {
        headers: {
          authorization: `Bearer ${user.token}`,
          'content-type': 'video/mp4',
          'transfer-encoding': 'chunked',
          ...(key && { 'idempotency-key': key }),
        },
      });
      await sending.send(videoBytes(MIB));
      await waitFor(async () => (await listStored(api.storage)).length > 0, { what: 'the first bytes' });
      await spoil(user);
      await sending.send(videoBytes(MIB));
      sending.end();
      const { status, body } = await sending.answer;
      assert.equal(status, 401, body);
      assert.deepEqual(await listStored(api.storage), []);
    });
  }

  it('is refused when it is packed, or only a part', async () => {
    const user = await api.makeUser();
    const send = (headers: Record<string, string>) =>
      api.call('/v1/videos', {
        token: user.token,
        body: new Uint8Array(videoBytes(MIB)),
        headers: { 'content-type': 'video/mp4', ...headers },
      });
    assert.equal((await send({ 'content-encoding': 'gzip' })).status, 415);
    assert.equal((await send({ 'content-range': 'bytes 0-1/5' })).status, 400);
    assert.equal((await send({ 'content-encoding': 'identity' })).status, 202);
  });
});

describe('uploading to a storage that is not there', () => {
  it('is answered 503 without saying where it would be', async () => {
    const api = await startApi({ STORAGE_DIR: '/dev/null/storage' });
    try {
      const user = await api.makeUser();
      for (const { status, body } of await sendBothWays(api, user, videoBytes(MIB))) {
        assert.equal(status, 503);
        assert.equal(body.code, 'storage_unavailable');
        assert.ok(!JSON.stringify(body).includes('/dev/null'));
      }
    } finally {
      await api.close();
    }
  });
});

interface Sending {
  sizeBytes: number;
  isWhole: boolean;
}

describe('an upload to a disk that hangs', () => {
  /** Begins objects, and never comes to the end of the first write. */
  function hangingStorage() {
    const aborted: string[] = [];
    let isBegun = false;
    const createWriter = async (key: string) => {
      const stream = new Writable({
        highWaterMark: 1,
        write: () => {
          isBegun = true;
        },
      });
      const abort = async () => {
        stream.destroy();
        aborted.push(key);
      };
      return { stream, commit: () => new Promise<never>(() => {}), abort };
    };
    return { aborted, hasBegun: () => isBegun, storage: { createWriter } as unknown as Storage };
  }

  /** Serves uploads to such a disk; gives the code of what becomes of each. */
  async function serveUploads(stuckMs: number) {
    const { aborted, hasBegun, storage } = hangingStorage();
    const codes: string[] = [];
    const server = createServer(async (request, response) => {
      const memory = createChunkMemory();
      const patience = { memory, stuckMs, gone: watchConnection(response) };
      const receive = (chunks: AsyncIterable<Buffer>) =>
        receiveObject(chunks, {
          ...patience,
          storage,
          key: 'sources/a',
          maxBytes: 99 * MIB,
          isHashed: false,
        });
      const isForm = request.headers['content-type'] !== undefined;
      const received = isForm
        ? receiveForm(request, {
            ...patience,
            fileField: 'file',
            receive,
            drop: ({ writer }) => writer.abort(),
          })
        : receive(readBodyChunks(request, { memory }));
      await received.catch((error) => codes.push(error.code));
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { aborted, hasBegun, codes, server, port: (server.address() as AddressInfo).port };
  }

  /** Sends an upload of a length, or half of it. */
  function sendTo(port: number, kind: 'raw' | 'form', { sizeBytes, isWhole }: Sending) {
    const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
    const [type, start, end] =
      kind === 'raw'
        ? ['', '', '']
        : ['Content-Type: multipart/form-data; boundary=b\r\n', head, '\r\n--b--'];
    const length = start.length + sizeBytes + end.length;
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${type}Content-Length: ${length}\r\n\r\n${start}`);
    socket.write(videoBytes(isWhole ? sizeBytes : sizeBytes / 2));
    if (isWhole) socket.write(end);
    return socket;
  }

  for (const kind of ['raw', 'form'] as const) {
    it(`is given up when the client leaves (${kind})`, async () => {
      const { server, port, codes, aborted, hasBegun } = await serveUploads(60_000);
      const socket = sendTo(port, kind, { sizeBytes: 1000, isWhole: true });
      await waitFor(hasBegun, { what: 'the write to begin' });
      socket.destroy();
      await waitFor(() => codes.length > 0, { what: 'the upload to be given up' });
      assert.deepEqual(codes, ['upload_aborted']);
      assert.equal(aborted[0], 'sources/a', 'its file is closed');
      server.close();
    });

    for (const sending of [
      { sizeBytes: 1000, isWhole: true },
      { sizeBytes: MIB, isWhole: false },
    ]) {
      it(`is given up when nothing moves (${kind}, ${JSON.stringify(sending)})`, async () => {
        const { server, port, codes, aborted } = await serveUploads(100);
        const socket = sendTo(port, kind, sending);
        await waitFor(() => codes.length > 0, { what: 'the upload to be given up' });
        assert.deepEqual(codes, ['storage_unavailable']);
        assert.equal(aborted[0], 'sources/a', 'its file is closed');
        socket.destroy();
        server.close();
      });
    }
  }
});

describe('a client that falls silent', () => {
  it('is let go after the idle time, while a slow one is not', async () => {
    let outcome: { bytes: number; code?: string } | undefined;
    const server = createServer(async (request, response) => {
      let bytes = 0;
      try {
        for await (const chunk of readBodyChunks(request, { idleMs: 1000 })) bytes += chunk.length;
        outcome = { bytes };
        response.end();
      } catch (error) {
        outcome = { bytes, code: (error as { code: string }).code };
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const slow = connect(port, '127.0.0.1');
      slow.on('error', () => {});
      slow.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n');
      for (let sent = 0; sent < 20; sent += 1) {
        slow.write('x');
        await new Promise((resolve) => setTimeout(resolve, 75));
      }
      assert.deepEqual(await waitFor(() => outcome, { what: 'the slow one to end' }), { bytes: 20 });
      slow.destroy();

      outcome = undefined;
      const silent = connect(port, '127.0.0.1');
      silent.on('error', () => {});
      const closed = once(silent, 'close');
      silent.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nabc');
      assert.deepEqual(await waitFor(() => outcome, { what: 'the silent one to be let go' }), {
        bytes: 3,
        code: 'upload_aborted',
      });
      await closed;
    } finally {
      server.close();
    }
  });
});
