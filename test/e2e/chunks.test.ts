import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { callUrl } from '../support/api.ts';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { waitFor } from '../support/stack.ts';
import { makeForm } from '../support/uploading.ts';

const TOTAL = 7;

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a video sent in chunks, through two API processes', () => {
  let engine: TestEngine;
  let apis: [ApiProcess, ApiProcess];
  let bytes: Buffer;

  before(async function () {
    this.timeout(60_000);
    bytes = await readFile(await fixture('h264'));
    engine = await startTestEngine();
    engine.startWorker();
    apis = [await engine.startApi(), await engine.startApi()];
  });
  after(async function () {
    this.timeout(30_000);
    await engine?.close();
  });

  const ask = (path: string, options = {}) =>
    callUrl(`${apis[0].url}${path}`, { token: apis[0].token, ...options });
  const send = (number: number, headers: Record<string, string> = {}) => {
    const size = Math.ceil(bytes.length / TOTAL);
    const chunk = bytes.subarray((number - 1) * size, number * size);
    const body = makeForm([
      ['chunk_number', String(number)],
      ['total_chunks', String(TOTAL)],
      ['file_id', 'holiday'],
      ['file_name', 'holiday.mp4'],
      ['chunk_sha256', sha256Of(chunk)],
      ['chunk', chunk, 'blob'],
    ]);
    const { url } = apis[number % 2] as ApiProcess;
    return callUrl(`${url}/v1/videos/chunks`, { token: apis[0].token, body, headers });
  };

  it('becomes ready with the very bytes that were sent, and is recognised afterwards', async function () {
    this.timeout(90_000);
    const answers = await Promise.all([4, 1, 7, 3, 6, 2, 5, 4, 7].map((number) => send(number)));
    const done = answers.filter(({ status }) => status === 202);
    assert.ok(done.length >= 1, JSON.stringify(answers.map(({ body }) => body)));
    const { id } = done[0]?.body.video ?? {};
    const video = await waitFor(
      async () => {
        const { body } = await ask(`/v1/videos/${id}`);
        return body.status === 'ready' && body;
      },
      { what: 'the video to be ready', timeoutMs: 60_000 },
    );
    assert.equal(video.size_bytes, bytes.length);
    const response = await fetch(`${apis[0].url}/v1/videos/${id}/download`, {
      headers: { authorization: `Bearer ${apis[0].token}` },
    });
    assert.equal(sha256Of(new Uint8Array(await response.arrayBuffer())), sha256Of(bytes));
    await waitFor(
      async () => {
        const left: string[] = [];
        for await (const key of engine.storage.listOlderThan('uploads/', new Date('2999-01-01')))
          left.push(key);
        return left.length === 0;
      },
      { what: 'the segments to be removed', timeoutMs: 20_000 },
    );
    const again = await send(3, { prefer: 'wait=5' });
    assert.equal(again.status, 200);
    assert.deepEqual([again.body.video.id, again.body.video.status], [id, 'ready']);
  });
});
