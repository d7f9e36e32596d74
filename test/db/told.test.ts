import assert from 'node:assert/strict';
import { EVENT_TYPES } from '../../src/domain/event.ts';
import type { MediaFacts } from '../../src/domain/media.ts';
import { createConversation } from '../http/tus/conversation.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { FACTS, makeReady, playWorker, upload } from '../support/processedVideo.ts';
import { makeShare } from '../support/sharing.ts';
import { uniqueName } from '../support/stack.ts';
import { changeAccounts, changePosts } from '../support/toldPublishing.ts';
import { makeForm, videoBytes } from '../support/uploading.ts';
import { watchChanges } from '../support/watchedChanges.ts';

const TROUBLE = { code: 'media_tool_failed', message: 'It failed', retryable: true };
const LIMITS = { maxUploadBytes: 1e9, quotaBytes: 1e9, maxOpenUploads: 100 };
const MERGED = { maxDurationSec: 3600 };
const AUDIBLE = { ...FACTS, streams: [{ index: 1, type: 'audio', codec: 'aac' }] } as MediaFacts;
const soon = () => new Date(Date.now() + 1000);

/**
 * Everything that can become of a video and of what belongs to it: over HTTP where that begins it, else by the records,
 * as the worker writes them. Whether it was told is looked at when all of it is over.
 */
describe('every change of a state', () => {
  let api: TestApi;
  let user: TestUser;
  let changes: Awaited<ReturnType<typeof watchChanges>>;
  let tus: ReturnType<typeof createConversation>;

  before(async () => {
    api = await startApi({ OPENAI_API_KEY: 'none' });
    changes = await watchChanges(api.databaseUrl);
    user = await api.makeUser();
    tus = createConversation(api, user);
  });
  after(() => api?.close());
  afterEach(async () => assert.deepEqual((await changes.judge()).mistakes, []));

  const call = async (method: string, path: string, json?: unknown, expected = 200) => {
    const options = { method, token: user.token, ...(json === undefined ? {} : { json }) };
    const answer = await api.call(path, options);
    assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const uploadOne = () => upload(api, user, videoBytes(2000, uniqueName()));
  const ready = () => makeReady(api, user, { bytes: videoBytes(2000, uniqueName()) });
  const typesOf = async (id: string) =>
    (
      await api.sql('select type, data from events where video_id = $1 or object_id = $1 order by sequence', [
        id,
      ])
    ).map(({ type, data }) => (data.name ? `${type} ${data.name}` : type));
  const takeRun = (videoId: string, run = 1) => api.db.steps.beginRun(videoId, run);

  it('of a video that is processed is told, in an order that makes sense', async () => {
    const id = await ready();
    const of = (type: string, ...names: string[]) => names.map((name) => `step.${type} ${name}`);
    assert.deepEqual(await typesOf(id), [
      'video.created',
      ...of('queued', 'source', 'probe', 'thumbnail', 'storyboard', 'transcript', 'playback'),
      ...['video.processing', ...of('running', 'source'), ...of('succeeded', 'source')],
      ...[
        ...of('running', 'probe'),
        ...of('succeeded', 'probe'),
        ...of('skipped', 'playback'),
        'video.ready',
      ],
      ...[...of('running', 'thumbnail'), ...of('succeeded', 'thumbnail')],
      ...[...of('running', 'storyboard'), ...of('succeeded', 'storyboard'), ...of('skipped', 'transcript')],
    ]);
  });

  it('of what its owner does is told', async () => {
    const id = await ready();
    await call('PATCH', `/v1/videos/${id}`, { title: 'Another', tags: ['ä', 'ß'] });
    await call('PATCH', `/v1/videos/${id}`, { title: 'Another' });
    const share = await makeShare(api, user, id);
    for (const _ of [1, 2]) await call('DELETE', `/v1/shares/${share.id}`, undefined, 204);
    const segments = [{ start_sec: 0, end_sec: 1, text: 'Words' }];
    await call('PUT', `/v1/videos/${id}/transcript`, { segments, language: 'de' });
    await call('DELETE', `/v1/videos/${id}`, undefined, 202);
    const own = ['video.updated', 'share.created', 'share.revoked', 'video.updated', 'video.deleted'];
    assert.deepEqual((await typesOf(id)).slice(-own.length), own);
    const events = (await typesOf(id)).length;
    await api.db.steps.settleRun(id, 1, { state: 'cancelled' });
    await api.db.reconciliation.erase(id);
    assert.equal((await typesOf(id)).length, events, 'something was told of a deleted video');
  });

  it('of steps that wait, fail, are cancelled, handed back, passed on and done again is told', async () => {
    const id = await uploadOne();
    const worker = playWorker(api, id);
    await takeRun(id);
    const source = { videoId: id, name: 'source', run: 1 } as const;
    await worker.begin('source');
    const waitUntil = soon();
    for (const at of [waitUntil, waitUntil, new Date(waitUntil.getTime() + 1)])
      await api.db.steps.waitForRetry(source, TROUBLE, at);
    const late = await worker.begin('source');
    await api.db.steps.showProgress(late, 50);
    assert.equal(await api.db.reconciliation.passOnRun(id, 1), 2);
    assert.equal(await api.db.steps.completeStep(late, {}), null);
    await takeRun(id, 2);
    await playWorker(api, id, 2).fail('probe', 'invalid_media');
    await call('POST', `/v1/videos/${id}/retry`, {}, 202);
    const third = playWorker(api, id, 3);
    await third.complete('source');
    await third.complete('probe', { facts: AUDIBLE });
    await api.db.stepHandBack.handBack(await third.begin('transcript'));
    await third.fail('thumbnail', 'media_tool_failed');
    await call('POST', `/v1/videos/${id}/cancel`, {}, 202);
    await api.db.steps.settleRun(id, 3, { state: 'cancelled' });
    await call('POST', `/v1/videos/${id}/steps/thumbnail/retry`, {}, 202);
    await api.db.steps.settleRun(id, 4, { state: 'failed', error: TROUBLE });
    // As after a Reset.
    await takeRun(id, 4);
    await playWorker(api, id, 4).complete('thumbnail');
    await call('POST', `/v1/videos/${id}/transcript`, {}, 202);
  });

  it('of a cancelled video, and of one whose rendition is not needed, is told', async () => {
    const cancelled = await uploadOne();
    await playWorker(api, cancelled).begin('source');
    await call('POST', `/v1/videos/${cancelled}/cancel`, {}, 202);
    await api.db.steps.settleRun(cancelled, 1, { state: 'cancelled' });
    await call('POST', `/v1/videos/${cancelled}/retry`, {}, 202);
    await api.db.playbackSteps.skip(cancelled);
    await api.db.playbackSteps.skip(cancelled);
  });

  it('of uploads that are taken up, ended, refused and run out is told, whichever way they come', async () => {
    const entry = { external_id: uniqueName('entry'), title: 'An entry' };
    const { id: entryId } = await call('POST', '/v1/videos', entry, 201);
    const path = await tus.begin(3000);
    await tus.patch(path, 0, videoBytes(3000).subarray(0, 1000));
    await tus.patch(path, 1000, videoBytes(3000).subarray(1000));
    const whole = await tus.show(path);
    await api.db.uploadHandover.accept(whole.id, `sources/${whole.id}`, LIMITS);
    const unwanted = await tus.begin(1000);
    await tus.patch(unwanted, 0, videoBytes(1000));
    const deleted = await tus.show(unwanted);
    await call('DELETE', `/v1/videos/${deleted.video_id}`, undefined, 202);
    assert.equal(await api.db.uploadHandover.accept(deleted.id, `sources/${deleted.id}`, LIMITS), 'ended');
    const unknown = await tus.begin(null);
    await tus.patch(unknown, 0, videoBytes(1000));
    await tus.patch(unknown, 1000, Buffer.alloc(0), { 'upload-length': '1000' });
    const refused = (await tus.show(unknown)).id;
    await api.db.uploadHandover.refuse(refused, TROUBLE);
    const ended = await tus.begin(10);
    const { id: endedId } = await tus.show(ended);
    await tus.remove(ended);
    await api.db.uploadHandover.eraseVideo(endedId);
    const overdue = (await tus.show(await tus.begin(10))).id;
    await api.sql(`update uploads set expires_at = now() - interval '1 second' where id = $1`, [overdue]);
    await api.db.uploadHandover.expire(overdue);
    await api.db.uploadHandover.expire(overdue);
    await api.db.uploadHandover.eraseVideo(overdue);
    const forEntry = await tus.begin(10, { 'upload-metadata': metadataOf(entry.external_id) });
    const late = await tus.show(forEntry);
    assert.equal(late.video_id, entryId);
    await call('DELETE', `/v1/videos/${entryId}`, undefined, 202);
    await api.db.uploadHandover.terminateAllOf(entryId);
  });

  it('of files in chunks, by form, and of entries that get their bytes is told', async () => {
    const file = videoBytes(3000);
    const send = (file_id: string, number: number, chunk: Buffer, fields: Record<string, string> = {}) =>
      api.call('/v1/videos/chunks', {
        token: user.token,
        body: makeForm([
          ...Object.entries({
            chunk_number: String(number),
            total_chunks: '2',
            file_id,
            file_name: 'a.mp4',
            ...fields,
          }),
          ['chunk', chunk, 'blob'],
        ] as Parameters<typeof makeForm>[0]),
      });
    const [whole, bad] = [uniqueName('file'), uniqueName('file')];
    assert.equal((await send(whole, 1, file.subarray(0, 1500))).status, 200);
    assert.ok((await send(whole, 2, file.subarray(1500), { title: 'A film' })).status < 300);
    assert.equal((await send(bad, 2, file.subarray(1500))).status, 200);
    assert.ok((await send(bad, 1, Buffer.from('this is no video at all'.repeat(40)))).status >= 400);
    const begun = await api.sql('select video_id from uploads where client_file_id = $1', [bad]);
    assert.equal(begun[0].video_id, null);
    const again = uniqueName('file');
    assert.equal((await send(again, 1, file.subarray(0, 1500))).status, 200);
    const [{ video_id }] = await api.sql('select video_id from uploads where client_file_id = $1', [again]);
    await call('DELETE', `/v1/videos/${video_id}`, undefined, 202);
    assert.equal((await send(again, 1, file.subarray(0, 1500))).status, 200);
    const external_id = uniqueName('entry');
    const { id } = await call('POST', '/v1/videos', { external_id, title: 'An entry' }, 201);
    const body = makeForm([
      ['external_id', external_id],
      ['file', file, 'film.mp4'],
    ]);
    const answer = await api.call('/v1/videos', { token: user.token, body });
    assert.deepEqual([answer.status, answer.body.id], [202, id], JSON.stringify(answer.body));
    await call('POST', '/v1/videos', { url: 'https://media.example.com/a.mp4' }, 202);
  });

  it('of edits is told, on their own and as they follow their result', async () => {
    const parent = await ready();
    const trim = async () =>
      (await call('POST', `/v1/videos/${parent}/trim`, { start_time: 1, end_time: 2 }, 202)).id as string;
    const begin = async (editId: string, run = 1) => {
      await api.db.editRecords.beginRun({ editId, run });
      const begun = await api.db.editRecords.beginAttempt({ editId, run }, MERGED);
      assert.ok(begun.outcome === 'go', begun.outcome);
      return { editId, attempt: begun.attempt };
    };
    const id = await trim();
    await begin(id);
    const waitUntil = soon();
    for (const at of [waitUntil, waitUntil, new Date(waitUntil.getTime() + 1)])
      await api.db.editRecords.waitForRetry({ editId: id, run: 1 }, TROUBLE, at);
    await api.db.editRecords.handBack(await begin(id));
    assert.equal(await api.db.editReconciliation.passOn({ editId: id, run: 1 }), 2);
    await begin(id, 2);
    assert.equal(await api.db.editReconciliation.passOn({ editId: id, run: 2 }), 3);
    await api.db.editRecords.fail({ editId: id, run: 3 }, TROUBLE);
    await api.db.editRecords.beginRun({ editId: id, run: 3 });
    await api.db.editRecords.settle({ editId: id, run: 3 }, { status: 'cancelled' });
    await call('POST', `/v1/edits/${id}/retry`, {}, 202);
    const result = await render(await begin(id, 4));
    await playWorker(api, result).fail('source', 'storage_missing');
    await call('POST', `/v1/edits/${id}/retry`, {}, 202);
    const worker = playWorker(api, result, 2);
    for (const name of ['source', 'probe'] as const) await worker.complete(name);
    const left = await trim();
    const leftResult = await render(await begin(left));
    await playWorker(api, leftResult).begin('source');
    await call('POST', `/v1/edits/${left}/cancel`, {}, 202);
    const told = await api.sql('select type from events where object_id = $1 order by sequence', [left]);
    assert.deepEqual(
      told.map(({ type }) => type),
      ['edit.queued', 'edit.running', 'edit.cancelled'],
    );
  });

  async function render(attempt: { editId: string; attempt: number }): Promise<string> {
    const [row] = await api.sql('select gen_random_uuid() as id');
    const done = await api.db.editRecords.completeRender(
      attempt,
      {
        ...{ videoId: row.id, sourceKey: `sources/${row.id}`, sizeBytes: 10, filename: 'a-trim.mp4' },
        ...{ userLabel: null, method: 'smart', usedStartSec: 1, usedEndSec: 2, startsSec: null },
      },
      LIMITS,
    );
    assert.ok(done);
    return row.id;
  }

  it('of posts is told, whatever their owner does with them and with what they need', async () => {
    const videoId = await uploadOne();
    const [, second, third] = await changePosts(api, user, videoId);
    await call('DELETE', `/v1/videos/${videoId}`, undefined, 409);
    await call('DELETE', `/v1/videos/${videoId}?force=true`, undefined, 202);
    assert.deepEqual(
      (await typesOf(videoId)).slice(-7),
      [third, second]
        .flatMap(() => ['target.cancelled', 'target.cancelled', 'post.cancelled'])
        .concat('video.deleted'),
    );
  });

  it('of accounts is told, also as their groups change', async () =>
    changeAccounts(api, user, await uploadOne()));

  it('is told of, of every type that there is of these', async () => {
    const { types } = await changes.judge();
    const others = ['webhook.disabled', 'telegram.disabled'];
    assert.deepEqual(
      EVENT_TYPES.filter((type) => !types.has(type) && !others.includes(type)),
      [],
    );
  });

  it('is forgotten with its user', async () => {
    const other = await api.makeUser();
    await api.db.videos.insertEntry({
      ...{ userId: other.id, userLabel: null, externalId: null, title: 't', description: null },
      ...{ tags: [], filename: null },
    });
    const [{ id }] = await api.sql('select id from videos where user_id = $1', [other.id]);
    await api.db.videos.requestDelete(other.id, id);
    await api.db.reconciliation.erase(id);
    assert.equal(await api.db.users.remove(other.id), true);
    const left = 'select 1 from events where user_id = $1 union all select 1 from feeds where user_id = $1';
    assert.deepEqual(await api.sql(left, [other.id]), []);
  });
});

const metadataOf = (externalId: string): string =>
  `external_id ${Buffer.from(externalId).toString('base64')},filename ${Buffer.from('a.mp4').toString('base64')},title ${Buffer.from('Better').toString('base64')}`;
