import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../../src/db/ids.ts';
import { PICTURE_CONTENT_TYPES, pictureVariant } from '../../src/domain/picture.ts';
import { EngineUnavailableError, NoWorkerError } from '../../src/errors.ts';
import type { ShortWorkEnd, WantedPicture } from '../../src/flows.ts';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { FACTS, makeReady, PICTURES, playWorker, upload } from '../support/processedVideo.ts';
import { waitFor } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const MAX_PICTURES = 3;
const bytes = videoBytes(4096, 'pictures');
const limits = { maxOpenUploads: 100, quotaBytes: 1024 ** 4, maxPicturesPerVideo: MAX_PICTURES };

describe('pictures of chosen times and sizes', () => {
  let api: TestApi;
  let user: TestUser;
  let id: string;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
  });
  after(() => api.close());
  beforeEach(async () => {
    id = await makeReady(api, user, { bytes });
    api.flowCalls.splice(0);
    api.pictures.make = (wanted) => recordPicture(wanted);
  });

  /** Does the worker's part: stores something, and records it. */
  async function recordPicture(wanted: WantedPicture, byteCount = 10): Promise<ShortWorkEnd<void>> {
    const { videoId, userId, width, height, format } = wanted;
    const variant = pictureVariant(wanted);
    const key = `assets/${videoId}/${newId()}-picture.${format}`;
    const path = join(api.config.DATA_DIR, newId());
    await writeFile(path, `picture ${variant}`.padEnd(byteCount));
    const { sizeBytes } = await api.storage.put(key, path);
    const contentType = PICTURE_CONTENT_TYPES[format];
    const picture = { videoId, userId, variant, key, contentType, sizeBytes, width, height };
    const { unneededKeys } = await api.db.pictures.record(picture, limits);
    for (const unneeded of unneededKeys) await api.storage.remove(unneeded);
    return { state: 'done', result: undefined };
  }

  const ask = (query: string, options: CallOptions & { file?: string } = {}): Promise<Answer> =>
    api.call(`/v1/videos/${id}/${options.file ?? 'thumbnail.jpg'}${query}`, {
      token: user.token,
      ...options,
    });
  const wanted = (): WantedPicture[] =>
    api.flowCalls
      .filter(({ command }) => command === 'makePicture')
      .map(({ input }) => input as WantedPicture);
  const variants = async (): Promise<string[]> =>
    (
      await api.sql(`select variant from assets where video_id = $1 and kind = 'picture' order by 1`, [id])
    ).map(({ variant }) => variant);
  const usedBytes = async (): Promise<number> => api.db.uploads.usedBytes(user.id);
  const signedAddress = async (): Promise<string> => {
    const { body } = await api.call(`/v1/videos/${id}`, { token: user.token });
    return new URL(body.thumbnail_url).pathname + new URL(body.thumbnail_url).search;
  };

  it('are made once for all wishes that come to the same, and then served without anybody’s work', async () => {
    const first = await ask('?time=00:00:12.34&width=300');
    assert.equal(first.status, 200);
    assert.equal(first.headers.get('content-type'), 'image/jpeg');
    assert.match(first.body, /^picture 12\.3s-320x180\.jpg/);
    for (const query of ['?time=12.3&width=320', '?width=161&height=180&time=12.26']) {
      assert.equal((await ask(query)).body, first.body);
    }
    assert.equal(wanted().length, 1);
    const [{ videoId, userId, timeSec, width, height, format, isUrgent } = {} as WantedPicture] = wanted();
    const asked = { videoId, userId, timeSec, width, height, format, isUrgent };
    const size = { width: 320, height: 180 };
    assert.deepEqual(asked, {
      videoId: id,
      userId: user.id,
      timeSec: 12.3,
      ...size,
      format: 'jpg',
      isUrgent: true,
    });
    assert.deepEqual(await variants(), ['12.3s-320x180.jpg']);
  });

  it('are served as every file is', async () => {
    const { headers } = await ask('?time=1');
    assert.match(headers.get('content-disposition') ?? '', /^inline; filename="[^"]*-1\.0s-640x360\.jpg"/);
    assert.equal(headers.get('cache-control'), 'private, no-cache');
    const etag = headers.get('etag') as string;
    assert.match(etag, /^"[\w-]+"$/);
    assert.equal((await ask('?time=1', { headers: { 'if-none-match': etag } })).status, 304);
    const part = await ask('?time=1', { headers: { range: 'bytes=0-6' } });
    assert.deepEqual([part.status, part.body], [206, 'picture']);
    const head = await ask('?time=1', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body, head.headers.get('etag')], [200, '', etag]);
  });

  it('leave the default thumbnail as it is, and make its like as WebP', async () => {
    assert.equal((await ask('')).body, PICTURES.thumbnail.toString());
    assert.equal(wanted().length, 0);
    const webp = await ask('', { file: 'thumbnail.webp' });
    assert.match(webp.body, /^picture 16\.5s-640x360\.webp/);
    assert.equal(webp.headers.get('content-type'), 'image/webp');
  });

  it('are not part of what is shown of the video', async () => {
    await ask('?time=1');
    const video = await api.db.videos.find(user.id, id);
    assert.deepEqual(
      video?.assets
        .getItems()
        .map(({ kind }) => kind)
        .sort(),
      ['storyboard_image', 'storyboard_index', 'thumbnail'],
    );
    const [listed] = await api.db.videos.list(user.id, {}, { limit: 1 });
    assert.equal(listed?.assets.length, 3);
    const bare = await upload(api, user, bytes);
    assert.equal((await api.call(`/v1/videos/${bare}`, { token: user.token })).status, 200);
  });

  it('name the wrong field, before any work', async () => {
    const cases: [string, string][] = [
      ['time=165.05', 'time'],
      ['time=-1', 'time'],
      ['time=NaN', 'time'],
      ['time=1e3', 'time'],
      ['time=12:34', 'time'],
      ['time=', 'time'],
      ['time=1&time=2', 'time'],
      ['width=0', 'width'],
      ['width=1.5', 'width'],
      ['width=99999', 'width'],
      ['height=x', 'height'],
      ['depth=3', 'depth'],
    ];
    for (const [query, field] of cases) {
      const { status, body } = await ask(`?${query}`);
      assert.deepEqual([status, body.errors?.[0]?.path], [422, field], query);
    }
    assert.equal(wanted().length, 0);
  });

  it('are there only for videos that can be looked into', async () => {
    const pending = await upload(api, user, bytes);
    const failed = await upload(api, user, bytes);
    await playWorker(api, failed).fail('probe', 'corrupt_media');
    for (const [video, retryable] of [
      [pending, true],
      [failed, false],
    ] as const) {
      id = video;
      for (const file of ['thumbnail.jpg?time=1', 'thumbnail.webp']) {
        const { status, body } = await ask('', { file });
        assert.deepEqual([status, body.code, body.retryable], [409, 'not_ready', retryable]);
      }
    }
    assert.equal(wanted().length, 0);
  });

  it('are another’s secret', async () => {
    await ask('?time=1');
    const stranger = await api.makeUser();
    const { status, body } = await ask('?time=1', { token: stranger.token });
    assert.deepEqual([status, body.code], [404, 'not_found']);
  });

  it('say where to ask again when they are not done in time', async () => {
    api.pictures.make = async () => ({ state: 'running' });
    const { status, headers, body } = await ask('?height=180&time=1');
    assert.equal(status, 202);
    const url = `http://videoflow.test/v1/videos/${id}/thumbnail.jpg?time=1&height=180`;
    assert.deepEqual(body, { status: 'rendering', url });
    assert.equal(headers.get('location'), url);
    assert.match(headers.get('retry-after') ?? '', /^\d+$/);
  });

  it('say why they cannot be made, and when to try again', async () => {
    const failed = (code: string) => async () => ({
      state: 'failed' as const,
      code,
      message: `It is ${code}`,
    });
    const thrown = (error: Error) => async () => {
      throw error;
    };
    const cases: [TestApi['pictures']['make'], number, string][] = [
      [failed('corrupt_media'), 404, 'no_picture'],
      [failed('quota_exceeded'), 403, 'quota_exceeded'],
      [failed('storage_full'), 507, 'storage_full'],
      [failed('source_missing'), 503, 'storage_unavailable'],
      [failed('worker_lost'), 503, 'no_worker'],
      [failed('media_tool_crashed'), 500, 'internal_error'],
      [thrown(new NoWorkerError('No worker')), 503, 'no_worker'],
      [thrown(new EngineUnavailableError('No engine')), 503, 'engine_unavailable'],
    ];
    for (const [make, status, code] of cases) {
      api.pictures.make = make;
      const answer = await ask('?time=2');
      assert.deepEqual([answer.status, answer.body.code], [status, code]);
      assert.equal(answer.headers.has('retry-after'), [503, 507].includes(status), code);
    }
  });

  it('are not found when the video was deleted while they were made', async () => {
    api.pictures.make = async (picture) => {
      await api.db.videos.requestDelete(user.id, id);
      return recordPicture(picture);
    };
    const { status, body } = await ask('?time=1');
    assert.deepEqual([status, body.code], [404, 'not_found']);
    const left = await readdir(join(api.config.STORAGE_DIR, 'assets', id));
    assert.deepEqual(
      left.filter((name) => name.includes('picture')),
      [],
    );
    assert.deepEqual(await variants(), []);
  });

  it('are no longer waited for by a client that left', async () => {
    let isGone = false;
    api.pictures.make = async (_, patience) => {
      await new Promise((resolve) => patience?.signal?.addEventListener('abort', resolve, { once: true }));
      isGone = true;
      return { state: 'running' };
    };
    const client = new AbortController();
    const headers = { authorization: `Bearer ${user.token}` };
    const url = `${api.url}/v1/videos/${id}/thumbnail.jpg?time=1`;
    const answer = fetch(url, { headers, signal: client.signal });
    await waitFor(() => wanted().length === 1, { what: 'the request' });
    client.abort();
    await assert.rejects(answer);
    await waitFor(() => isGone, { what: 'the end of the waiting' });
  });

  for (const [what, answer, allowed] of [
    ['as long as each is quickly made', { state: 'failed', code: 'corrupt_media', message: 'no' }, 51],
    ['and seldom when nobody knows how long they take', { state: 'running' }, 6],
  ] as [string, ShortWorkEnd<void>, number][]) {
    it(`hurry for one user for some seconds of a minute, ${what}`, async () => {
      api.pictures.make = async () => answer;
      const crowding = await api.makeUser();
      id = await makeReady(api, crowding, { bytes });
      for (let count = 0; count < allowed + 1; count++)
        await ask(`?time=${count}`, { token: crowding.token });
      assert.deepEqual(
        [wanted().filter(({ isUrgent }) => isUrgent).length, wanted().at(-1)?.isUrgent],
        [allowed, false],
      );
    });
  }

  describe('kept', () => {
    it('count in the quota, and are not kept beyond it', async () => {
      const before = await usedBytes();
      const picture = {
        timeSec: 1,
        width: 320,
        height: 180,
        format: 'jpg',
        videoId: id,
        userId: user.id,
      } as const;
      await recordPicture({ ...picture, isUrgent: true }, 1000);
      assert.equal((await usedBytes()) - before, 1000);
      const stored = {
        ...picture,
        variant: 'x',
        key: `assets/${id}/x`,
        contentType: 'image/jpeg',
        sizeBytes: 1,
      };
      const quotaBytes = await usedBytes();
      await assert.rejects(api.db.pictures.record(stored, { ...limits, quotaBytes }), {
        code: 'quota_exceeded',
      });
      // What makes way for it leaves its room.
      const full = { ...limits, quotaBytes, maxPicturesPerVideo: 1 };
      assert.equal((await api.db.pictures.record(stored, full)).unneededKeys.length, 1);
      assert.deepEqual(await variants(), ['x']);
    });

    it('are those that were used last; their bytes go with them', async () => {
      for (const time of [1, 2, 3]) await ask(`?time=${time}`);
      await api.sql(`update assets set used_at = used_at - interval '1 hour' where video_id = $1`, [id]);
      await ask('?time=1');
      await ask('?time=4');
      const name = (time: number) => `${time}.0s-640x360.jpg`;
      assert.deepEqual(await variants(), [name(1), name(3), name(4)]);
      const stored = await readdir(join(api.config.STORAGE_DIR, 'assets', id));
      assert.equal(stored.filter((file) => file.endsWith('-picture.jpg')).length, MAX_PICTURES);
      assert.match((await ask('?time=2')).body, /^picture 2\.0s/);
      assert.equal(wanted().length, 5);
    });

    it('are noted as used once a minute', async () => {
      await ask('?time=1');
      const usedAt = async () =>
        (await api.sql(`select used_at from assets where video_id = $1 and kind = 'picture'`, [id]))[0]
          .used_at;
      const first = await usedAt();
      await ask('?time=1');
      assert.deepEqual(await usedAt(), first);
      await api.sql(`update assets set used_at = used_at - interval '61 seconds' where video_id = $1`, [id]);
      await ask('?time=1');
      assert.ok((await usedAt()) >= first);
    });

    it('are found and removed by those who tidy up, once nobody has asked for so long', async () => {
      await ask('?time=1');
      await ask('?time=2');
      await api.sql(
        `update assets set used_at = now() - interval '40 days' where video_id = $1 and variant like '1.0s-%'`,
        [id],
      );
      const monthAgo = new Date(Date.now() - 30 * 24 * 3600 * 1000);
      assert.equal(await api.db.pictures.countUnused(monthAgo), 1);
      const [key] = await api.db.pictures.removeUnused(monthAgo);
      assert.ok(key?.startsWith(`assets/${id}/`));
      assert.deepEqual(await api.db.pictures.removeUnused(monthAgo), []);
      assert.deepEqual(await variants(), ['2.0s-640x360.jpg']);
    });

    it('are one, however many make it at once', async () => {
      const picture = {
        timeSec: 1,
        width: 320,
        height: 180,
        format: 'jpg',
        videoId: id,
        userId: user.id,
      } as const;
      await Promise.all(Array.from({ length: 5 }, () => recordPicture({ ...picture, isUrgent: true })));
      assert.deepEqual(await variants(), ['1.0s-320x180.jpg']);
      const stored = await readdir(join(api.config.STORAGE_DIR, 'assets', id));
      assert.equal(stored.filter((file) => file.endsWith('-picture.jpg')).length, 1);
    });
  });

  describe('signed addresses', () => {
    it('give the default picture and no other', async () => {
      const address = await signedAddress();
      assert.equal(
        (await ask('', { file: address.slice(`/v1/videos/${id}/`.length), token: null })).status,
        200,
      );
      await ask('?time=1');
      api.flowCalls.splice(0);
      for (const choice of ['time=1', 'width=320', 'height=320', 'time=7']) {
        const { status, body } = await api.call(`${address}&${choice}`);
        assert.deepEqual([status, body.code], [403, 'invalid_signature'], choice);
      }
      const webp = address.replace('.jpg', '.webp');
      assert.equal((await api.call(webp)).body.code, 'unauthorized', 'none is given out');
      assert.equal(wanted().length, 0);
      // Who has a token needs no signature, and loses nothing by one.
      assert.equal((await api.call(`${address}&time=7`, { token: user.token })).status, 200);
    });
  });

  it('are limited to what the duration of the facts allows', async () => {
    assert.equal((await ask(`?time=${FACTS.durationSec}`)).status, 200);
    assert.equal(wanted()[0]?.timeSec, 165);
  });
});
