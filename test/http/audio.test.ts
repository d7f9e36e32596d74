import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../../src/db/ids.ts';
import { AUDIO_CONTENT_TYPES, AUDIO_FORMATS } from '../../src/domain/audio.ts';
import { EngineUnavailableError, NoWorkerError } from '../../src/errors.ts';
import type { ShortWorkEnd, WantedAudio } from '../../src/flows.ts';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { FACTS, makeReady, playWorker, upload } from '../support/processedVideo.ts';
import { videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(4096, 'audio');
const limits = { maxOpenUploads: 100, quotaBytes: 1024 ** 4 };

describe('the sound of a video over HTTP', () => {
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
    api.audio.make = recordSound;
  });

  /** Does the worker's part: stores something, and records it. */
  async function recordSound({ videoId, userId, format }: WantedAudio): Promise<ShortWorkEnd<void>> {
    const key = `assets/${videoId}/${newId()}-audio.${format}`;
    const path = join(api.config.DATA_DIR, newId());
    await writeFile(path, `sound as ${format}`);
    const { sizeBytes } = await api.storage.put(key, path);
    const sound = {
      videoId,
      userId,
      variant: format,
      key,
      contentType: AUDIO_CONTENT_TYPES[format],
      sizeBytes,
    };
    const { unneededKeys } = await api.db.sounds.record(sound, limits);
    for (const unneeded of unneededKeys) await api.storage.remove(unneeded);
    return { state: 'done', result: undefined };
  }

  const ask = (format = 'm4a', options: CallOptions = {}): Promise<Answer> =>
    api.call(`/v1/videos/${id}/audio.${format}`, { token: user.token, ...options });
  const wanted = (): WantedAudio[] =>
    api.flowCalls.filter(({ command }) => command === 'makeAudio').map(({ input }) => input as WantedAudio);
  const storedSounds = async (): Promise<string[]> => {
    const names = await readdir(join(api.config.STORAGE_DIR, 'assets', id));
    return names.filter((name) => name.includes('-audio.'));
  };

  it('is made once in each format, and then served without anybody’s work', async () => {
    for (const format of AUDIO_FORMATS) {
      const first = await ask(format);
      assert.deepEqual([first.status, first.headers.get('content-type')], [200, AUDIO_CONTENT_TYPES[format]]);
      assert.equal(Buffer.from(first.body).toString(), `sound as ${format}`);
      assert.equal((await ask(format)).headers.get('etag'), first.headers.get('etag'));
    }
    const made = wanted().map(({ videoId, userId, format, isUrgent }) => ({
      videoId,
      userId,
      format,
      isUrgent,
    }));
    assert.deepEqual(
      made,
      AUDIO_FORMATS.map((format) => ({ videoId: id, userId: user.id, format, isUrgent: true })),
    );
  });

  it('is served as every file is', async () => {
    const { headers } = await ask('mp3');
    assert.match(headers.get('content-disposition') ?? '', /^inline; filename="[^"]*\.mp3"/);
    assert.equal(headers.get('cache-control'), 'private, no-cache');
    const etag = headers.get('etag') as string;
    assert.equal((await ask('mp3', { headers: { 'if-none-match': etag } })).status, 304);
    const part = await ask('mp3', { headers: { range: 'bytes=9-11' } });
    assert.deepEqual([part.status, Buffer.from(part.body).toString()], [206, 'mp3']);
    const beyond = await ask('mp3', { headers: { range: 'bytes=99-' } });
    assert.deepEqual([beyond.status, beyond.body.code], [416, 'range_not_satisfiable']);
    const head = await ask('mp3', { method: 'HEAD' });
    assert.deepEqual(
      [head.status, head.headers.get('content-length'), head.headers.get('etag')],
      [200, '12', etag],
    );
  });

  it('is there in no other format', async () => {
    assert.equal((await ask('ogg')).status, 404);
    assert.equal(wanted().length, 0);
  });

  it('is not there without a sound track, before any work', async () => {
    id = await makeReady(api, user, { bytes, facts: { ...FACTS, hasAudio: false, audioCodec: null } });
    const { status, body } = await ask();
    assert.deepEqual([status, body.code, body.retryable], [409, 'no_audio', false]);
    assert.equal(wanted().length, 0);
  });

  it('is there only for videos that are ready', async () => {
    const pending = await upload(api, user, bytes);
    const failed = await upload(api, user, bytes);
    await playWorker(api, failed).fail('probe', 'corrupt_media');
    for (const [video, retryable] of [
      [pending, true],
      [failed, false],
    ] as const) {
      id = video;
      const { status, body } = await ask();
      assert.deepEqual([status, body.code, body.retryable], [409, 'not_ready', retryable]);
    }
    assert.equal(wanted().length, 0);
  });

  it('is another’s secret', async () => {
    await ask();
    const { token } = await api.makeUser();
    const { status, body } = await ask('m4a', { token });
    assert.deepEqual([status, body.code], [404, 'not_found']);
  });

  it('says where to ask again when it is not done in time', async () => {
    api.audio.make = async () => ({ state: 'running' });
    const { status, headers, body } = await ask('wav');
    const url = `http://videoflow.test/v1/videos/${id}/audio.wav`;
    assert.deepEqual([status, body, headers.get('location')], [202, { status: 'rendering', url }, url]);
    assert.match(headers.get('retry-after') ?? '', /^\d+$/);
  });

  it('says why it cannot be made, and when to try again', async () => {
    const failed = (code: string) => async () => ({
      state: 'failed' as const,
      code,
      message: `It is ${code}`,
    });
    const thrown = (error: Error) => async () => {
      throw error;
    };
    const cases: [TestApi['audio']['make'], number, string][] = [
      [failed('no_audio'), 409, 'no_audio'],
      [failed('corrupt_media'), 409, 'no_audio'],
      [failed('unsupported_codec'), 409, 'no_audio'],
      [failed('quota_exceeded'), 403, 'quota_exceeded'],
      [failed('storage_full'), 507, 'storage_full'],
      [failed('media_tool_crashed'), 500, 'internal_error'],
      [thrown(new NoWorkerError('No worker')), 503, 'no_worker'],
      [thrown(new EngineUnavailableError('No engine')), 503, 'engine_unavailable'],
    ];
    for (const [make, status, code] of cases) {
      api.audio.make = make;
      const answer = await ask();
      assert.deepEqual([answer.status, answer.body.code], [status, code]);
    }
  });

  it('is not found when the video was deleted while it was made, and leaves nothing', async () => {
    api.audio.make = async (wish) => {
      await api.db.videos.requestDelete(user.id, id);
      return recordSound(wish);
    };
    const { status, body } = await ask();
    assert.deepEqual([status, body.code], [404, 'not_found']);
    assert.deepEqual(await storedSounds(), []);
  });

  it('counts in the quota, and is not kept beyond it', async () => {
    const before = await api.db.uploads.usedBytes(user.id);
    await ask();
    assert.equal((await api.db.uploads.usedBytes(user.id)) - before, 12);
    const quotaBytes = await api.db.uploads.usedBytes(user.id);
    const sound = {
      videoId: id,
      userId: user.id,
      variant: 'wav',
      key: 'x',
      contentType: 'audio/wav',
      sizeBytes: 1,
    };
    await assert.rejects(api.db.sounds.record(sound, { ...limits, quotaBytes }), { code: 'quota_exceeded' });
  });

  it('is one, however many make it at once', async () => {
    const wish = { videoId: id, userId: user.id, format: 'm4a', isUrgent: true } as const;
    await Promise.all(Array.from({ length: 5 }, () => recordSound(wish)));
    assert.equal((await storedSounds()).length, 1);
  });

  it('goes when nobody has asked for a month; what a video was made with stays', async () => {
    await ask('mp3');
    const asset = {
      kind: 'audio',
      variant: 'm4a',
      key: `assets/${id}/step`,
      contentType: 'audio/mp4',
    } as const;
    await api.sql(`update steps set name = 'audio' where video_id = $1 and name = 'transcript'`, [id]);
    await api.sql(`update steps set state = 'queued' where video_id = $1 and name = 'audio'`, [id]);
    await playWorker(api, id).complete('audio', {
      assets: [{ ...asset, sizeBytes: 1, width: null, height: null }],
    });
    await api.sql(
      `update assets set created_at = now() - interval '40 days', used_at = used_at - interval '40 days' where video_id = $1`,
      [id],
    );
    const monthAgo = new Date(Date.now() - 30 * 24 * 3600 * 1000);
    assert.equal(await api.db.sounds.countUnused(monthAgo), 1);
    const [key] = await api.db.sounds.removeUnused(monthAgo);
    assert.match(key ?? '', /-audio\.mp3$/);
    assert.deepEqual(await api.db.sounds.removeUnused(monthAgo), []);
    assert.equal((await api.db.sounds.find(id, 'm4a'))?.key, asset.key);
  });
});
