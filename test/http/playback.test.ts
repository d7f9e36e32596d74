import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { get } from 'node:http';
import type { NewAsset } from '../../src/db/assets.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { FACTS, makeReady, playWorker } from '../support/processedVideo.ts';
import { waitFor } from '../support/stack.ts';
import { MIB, videoBytes } from '../support/uploading.ts';

const source = videoBytes(2 * MIB + 7, 'source');
/** More than the buffers of a connection hold. */
const made = videoBytes(24 * MIB + 11, 'rendition');

describe('what is streamed', () => {
  let api: TestApi;
  let user: TestUser;
  let id: string;
  let sourceTag: string;
  let rendition: NewAsset;

  const ask = async (file: string, headers: Record<string, string> = {}, method = 'GET') => {
    const response = await fetch(`${api.url}/v1/videos/${id}/${file}`, {
      method,
      headers: { authorization: `Bearer ${user.token}`, ...headers },
    });
    return {
      status: response.status,
      headers: response.headers,
      bytes: Buffer.from(await response.arrayBuffer()),
    };
  };

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    const facts = { ...FACTS, container: 'mkv' };
    id = await makeReady(api, user, { bytes: source, query: '?filename=film.mkv', facts });
  });
  after(() => api.close());

  it('is the source while there is no rendition', async () => {
    const answer = await ask('stream');
    assert.ok(answer.bytes.equals(source));
    assert.equal(answer.headers.get('content-type'), 'video/x-matroska');
    sourceTag = answer.headers.get('etag') as string;
  });

  it('is the rendition as soon as there is one, and the download stays what was uploaded', async () => {
    const worker = playWorker(api, id);
    rendition = await worker.playback(made);
    await worker.complete('playback', { assets: [rendition] });
    const streamed = await ask('stream');
    assert.equal(streamed.status, 200);
    assert.ok(streamed.bytes.equals(made));
    assert.equal(streamed.headers.get('content-type'), 'video/mp4');
    assert.equal(streamed.headers.get('content-disposition'), 'inline; filename=film.mp4');
    assert.notEqual(streamed.headers.get('etag'), sourceTag);
    const downloaded = await ask('download');
    assert.ok(downloaded.bytes.equals(source));
    assert.equal(downloaded.headers.get('content-disposition'), 'attachment; filename=film.mkv');
    assert.equal(downloaded.headers.get('etag'), sourceTag);
  });

  it('comes in ranges of the rendition, single and several', async () => {
    const one = await ask('stream', { range: 'bytes=-1000' });
    assert.equal(one.status, 206);
    assert.equal(
      one.headers.get('content-range'),
      `bytes ${made.length - 1000}-${made.length - 1}/${made.length}`,
    );
    assert.ok(one.bytes.equals(made.subarray(-1000)));
    const two = await ask('stream', { range: 'bytes=0-9,2000-2009' });
    assert.equal(two.status, 206);
    assert.match(two.headers.get('content-type') ?? '', /^multipart\/byteranges/);
    for (const start of [0, 2000]) assert.ok(two.bytes.includes(made.subarray(start, start + 10)));
    // Within the rendition, beyond the source.
    assert.equal((await ask('stream', { range: `bytes=${source.length}-` })).status, 206);
    const beyond = await ask('stream', { range: `bytes=${made.length}-` });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers.get('content-range'), `bytes */${made.length}`);
  });

  it('never mixes parts of the two: who began with the source gets the whole rendition', async () => {
    const range = 'bytes=100-199';
    const stale = await ask('stream', { range, 'if-range': sourceTag });
    assert.equal(stale.status, 200);
    assert.ok(stale.bytes.equals(made));
    const fresh = await ask('stream', { range, 'if-range': stale.headers.get('etag') as string });
    assert.equal(fresh.status, 206);
    assert.ok(fresh.bytes.equals(made.subarray(100, 200)));
    assert.equal((await ask('stream', { 'if-none-match': sourceTag })).status, 200);
    assert.equal((await ask('stream', { 'if-none-match': stale.headers.get('etag') as string })).status, 304);
  });

  it('tells a HEAD the same', async () => {
    const { status, headers, bytes } = await ask('stream', {}, 'HEAD');
    assert.deepEqual([status, bytes.length], [200, 0]);
    assert.equal(headers.get('content-length'), String(made.length));
    assert.equal(headers.get('content-type'), 'video/mp4');
  });

  it('is let go of when its reader leaves', async () => {
    const openFiles = async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) =>
        readlink(`/proc/self/fd/${fd}`).catch(() => ''),
      );
      return (await Promise.all(links)).filter((path) => path.includes(rendition.key)).length;
    };
    const headers = { authorization: `Bearer ${user.token}` };
    const request = get(`${api.url}/v1/videos/${id}/stream`, { headers }, (response) => response.pause());
    request.on('error', () => {});
    await waitFor(async () => (await openFiles()) === 1, { what: 'the open file' });
    request.destroy();
    await waitFor(async () => (await openFiles()) === 0, { what: 'the file to be closed' });
  });

  it('counts towards what its owner has', async () => {
    const used = await api.db.uploads.usedBytes(user.id);
    assert.ok(used >= source.length + made.length);
  });
});
