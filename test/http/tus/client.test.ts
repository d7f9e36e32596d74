import assert from 'node:assert/strict';
import { Upload, type UploadOptions } from 'tus-js-client';
import { startApi, type TestApi, type TestUser } from '../../support/api.ts';
import { type Gate, openGate } from '../../support/gate.ts';
import { seededRandom } from '../../support/stack.ts';
import { MIB, readArrived, videoBytes } from '../../support/uploading.ts';

const SIZE = 24 * MIB;

describe('tus-js-client, as it is', () => {
  let api: TestApi;
  let gate: Gate;
  let user: TestUser;
  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    const { hostname, port } = new URL(api.url);
    // Slow enough that a cut finds bytes on their way: a fast machine has sent all of them before the second one.
    gate = await openGate({ host: hostname, port: Number(port), bytesPerSec: 40 * MIB });
    // As a proxy in front of the API is set up: the addresses of uploads lead through it.
    api.config.PUBLIC_URL = `http://127.0.0.1:${gate.port}`;
  });
  after(async () => {
    await gate.close();
    await api.close();
  });

  const upload = (bytes: Buffer, options: Partial<UploadOptions> = {}) =>
    new Promise<Upload>((resolve, reject) => {
      const client = new Upload(bytes, {
        endpoint: `http://127.0.0.1:${gate.port}/v1/uploads`,
        headers: { authorization: `Bearer ${user.token}` },
        metadata: { filename: 'beach.mp4', filetype: 'video/mp4' },
        retryDelays: Array.from({ length: 20 }, () => 100),
        ...options,
        onError: reject,
        onSuccess: () => resolve(client),
      });
      client.start();
    });

  async function assertStored(client: Upload, bytes: Buffer): Promise<void> {
    const id = client.url?.split('/').at(-1) ?? '';
    const { state, offset } = (await api.call(`/v1/uploads/${id}`, { token: user.token })).body;
    assert.deepEqual([state, offset], ['complete', bytes.length]);
    assert.ok((await readArrived(api, id)).equals(bytes));
  }

  const ways: [string, Partial<UploadOptions>][] = [
    ['in one request', {}],
    ['in pieces', { chunkSize: 3 * MIB }],
    ['with the creation', { uploadDataDuringCreation: true }],
    ['in pieces, without knowing its length', { chunkSize: 5 * MIB, uploadLengthDeferred: true }],
  ];
  for (const [how, options] of ways) {
    it(`uploads ${how}`, async () => {
      const bytes = videoBytes(SIZE, how);
      await assertStored(await upload(bytes, options), bytes);
    });
  }

  it('resumes after every cut', async () => {
    const random = seededRandom('cuts');
    const bytes = videoBytes(SIZE, 'cuts');
    const cuts = Array.from({ length: 5 }, () => random.int(1, SIZE - MIB)).sort((a, b) => a - b);
    let made = 0;
    const client = await upload(bytes, {
      // In one request everything would be with the socket before the first cut.
      chunkSize: 2 * MIB,
      onProgress: (sent) => {
        if (sent < (cuts[0] ?? Number.POSITIVE_INFINITY)) return;
        cuts.shift();
        made += 1;
        gate.shut();
        setTimeout(() => gate.open(), 50);
      },
    });
    await assertStored(client, bytes);
    assert.ok(made >= 3, `${made} cuts`);
  });
});
