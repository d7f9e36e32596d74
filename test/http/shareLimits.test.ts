import assert from 'node:assert/strict';
import { once } from 'node:events';
import { truncate } from 'node:fs/promises';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { startApi } from '../support/api.ts';
import { makeReady } from '../support/processedVideo.ts';
import { isPage, makeShare, openSession, toLocal } from '../support/sharing.ts';
import { waitFor } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(50_000, 'shares');
const GIB = 1024 ** 3;

describe('the limits of shares', () => {
  it('count guesses by address, and each link alone', async () => {
    const api = await startApi({ RATE_LIMIT_PER_MINUTE: '6' });
    try {
      const user = await api.makeUser();
      const share = await makeShare(api, user, await makeReady(api, user, { bytes }));
      const guesses = ['A'.repeat(43), 'B'.repeat(43), 'too-short', `${'C'.repeat(42)}/poster.jpg`];
      const guess = async (n: number) => (await api.call(`/s/${guesses[n % guesses.length]}`)).status;
      for (let n = 0; n < 6; n += 1) assert.equal(await guess(n), 404);
      for (let n = 0; n < 4; n += 1) assert.equal(await guess(n), 429);
      for (let n = 5; n >= 0; n -= 1) {
        const answer = await api.call(`${share.path}/poster.jpg`);
        assert.deepEqual([answer.status, answer.headers.get('ratelimit-remaining')], [200, `${n}`]);
      }
      const page = await api.call(share.path);
      assert.equal(page.status, 429);
      assert.ok(isPage(page));
      assert.match(page.headers.get('retry-after') ?? '', /^\d+$/);
      const program = await api.call(`${share.path}/session`);
      assert.deepEqual([program.status, program.body.code], [429, 'rate_limited']);
    } finally {
      await api.close();
    }
  });

  it('count for the sender what cannot be read', async () => {
    const api = await startApi({ RATE_LIMIT_PER_MINUTE: '6' });
    try {
      const wrong = [`/s/${'A'.repeat(43)}/session?session=x`, '/s/%00', `/s/${'A'.repeat(43)}/stream?x=1`];
      const ask = async (n: number) => (await api.call(wrong[n % wrong.length] ?? '')).status;
      for (let n = 0; n < 6; n += 1) assert.equal(await ask(n), n % 3 === 1 ? 404 : 422);
      for (let n = 0; n < 6; n += 1) assert.equal(await ask(n), 429);
      assert.equal((await api.call(`/s/${'B'.repeat(43)}`)).status, 429, 'and for the guesses with it');
    } finally {
      await api.close();
    }
  });

  it('let one network have so many running answers of a link, and no more', async () => {
    const api = await startApi({ TRUST_PROXY: 'true' });
    try {
      const user = await api.makeUser();
      const id = await makeReady(api, user, { bytes });
      const [{ source_key }] = await api.sql('select source_key from videos where id = $1', [id]);
      await truncate(join(api.config.STORAGE_DIR, source_key), GIB);
      const share = await makeShare(api, user, id, { allow_download: true });
      const signed = await openSession(api, share);
      const readers: ClientRequest[] = [];
      /** Leaves the answer unread. */
      const ask = async (path: string, from = '192.0.2.1', accept = '*/*') => {
        const headers = { 'x-forwarded-for': from, accept };
        const asking = get(api.url + path, { agent: false, headers });
        asking.on('error', () => {});
        readers.push(asking);
        const [response] = await once(asking, 'response');
        return response as IncomingMessage;
      };
      const statusOf = async (...given: Parameters<typeof ask>) => (await ask(...given)).statusCode;
      const statuses = await Promise.all(Array.from({ length: 32 }, () => statusOf(signed)));
      assert.deepEqual(new Set(statuses), new Set([200]));
      const refused = await ask(signed);
      assert.deepEqual([refused.statusCode, refused.headers['retry-after']], [429, '10']);
      assert.equal(await statusOf(`${share.path}/poster.jpg`), 429);
      assert.equal(await statusOf(`${share.path}/session`), 200, 'what holds nothing is given');
      const download = await api.call(`${share.path}/download`);
      const file = toLocal(api, download.headers.get('location') ?? '');
      const page = await ask(file, '192.0.2.1', 'text/html');
      assert.deepEqual(
        [page.statusCode, page.headers['retry-after'], page.headers['content-type']],
        [429, '10', 'text/html; charset=utf-8'],
      );
      assert.equal(await statusOf(signed, '192.0.2.2'), 200, 'others are not held up');
      assert.equal(await statusOf(await openSession(api, await makeShare(api, user, id))), 200);
      readers[0]?.destroy();
      await waitFor(async () => (await statusOf(signed)) === 200, { what: 'the place of one that left' });
      for (const reader of readers) reader.destroy();
    } finally {
      await api.close();
    }
  });
});
