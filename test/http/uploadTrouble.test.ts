import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBodyChunks } from '../../src/http/uploads/bodyChunks.ts';
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

describe('a client that falls silent', () => {
  it('is let go after the idle time, while a slow one is not', async () => {
    let outcome: { bytes: number; code?: string } | undefined;
    const server = createServer(async (request, response) => {
      let bytes = 0;
      try {
        for await (const chunk of readBodyChunks(request, { idleMs: 200 })) bytes += chunk.length;
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
      slow.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n');
      for (let sent = 0; sent < 20; sent += 1) {
        slow.write('x');
        await new Promise((resolve) => setTimeout(resolve, 30));
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
