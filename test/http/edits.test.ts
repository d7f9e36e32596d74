import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { FACTS, makeReady, playWorker, upload } from '../support/processedVideo.ts';
import { createUploadMaker } from '../support/storedUpload.ts';
import { videoBytes } from '../support/uploading.ts';

const LIMITS = { maxDurationSec: 3600 };
const QUOTA = { maxOpenUploads: 10, quotaBytes: 2 ** 40 };
const TROUBLE = { code: 'media_tool_failed', message: 'It failed', retryable: true };

describe('edits over HTTP', () => {
  let api: TestApi;
  let user: TestUser;
  let ready: string;
  const bytes = videoBytes(5000, 'edits');

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    ready = await makeReady(api, user, { bytes, query: '?filename=film.mp4&user_id=ada' });
  });
  after(() => api.close());
  beforeEach(() => {
    api.flowCalls.length = 0;
  });

  const post = (path: string, json?: unknown, headers = {}, token = user.token): Promise<Answer> =>
    api.call(path, { method: 'POST', token, headers, ...(json === undefined ? {} : { json }) });
  const get = (path: string) => api.call(path, { token: user.token });
  const trim = (json: object, id = ready, headers = {}) => post(`/v1/videos/${id}/trim`, json, headers);
  const merge = (json: object) => post('/v1/videos/merge', json);
  const RANGE = { start_time: 1, end_time: 2 };

  /** Plays the worker up to the stored result. @returns the new video's id */
  async function render(id: string, usedStartSec = 1): Promise<string> {
    await api.db.editRecords.beginRun({ editId: id, run: 1 });
    const begun = await api.db.editRecords.beginAttempt({ editId: id, run: 1 }, LIMITS);
    assert.ok(begun.outcome === 'go');
    const videoId = newId();
    const rendering = {
      ...{
        videoId,
        sourceKey: `sources/${videoId}`,
        sizeBytes: 10,
        filename: 'film-trim.mp4',
        userLabel: 'ada',
      },
      ...{ method: 'smart' as const, usedStartSec, usedEndSec: 2, startsSec: null },
    };
    const attempt = { editId: id, attempt: begun.attempt };
    assert.ok(await api.db.editRecords.completeRender(attempt, rendering, QUOTA));
    return videoId;
  }

  const assertRefused = (answer: Answer, status: number, code: string, fields?: string[]) => {
    assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
    if (fields)
      assert.deepEqual(
        answer.body.errors.map(({ path }: { path: string }) => path),
        fields,
      );
    assert.deepEqual(api.flowCalls, [], 'work was begun');
  };

  describe('a trim', () => {
    it('is accepted, shown, and told to the engine', async () => {
      const { status, headers, body } = await trim({ start_time: '00:00:01.500', end_time: '2.25' });
      assert.equal(status, 202, JSON.stringify(body));
      assert.equal(headers.get('location'), `http://videoflow.test/v1/edits/${body.id}`);
      const { id, created_at, ...rest } = body;
      assert.ok(Math.abs(Date.parse(created_at) - Date.now()) < 60_000);
      assert.deepEqual(rest, {
        ...{ kind: 'trim', status: 'queued', percent: 0, method: null, video_id: null, parents: [ready] },
        ...{ title: 'film (trimmed)', start_sec: 1.5, end_sec: 2.25, mode: 'exact' },
        ...{ used_start_sec: null, used_end_sec: null, fit: null, error: null },
        ...{ started_at: null, ended_at: null },
      });
      assert.deepEqual(
        api.flowCalls.map(({ command, input }) => [command, (input as { editId: string }).editId]),
        [['startEdit', id]],
      );
      assert.deepEqual((await get(`/v1/edits/${id}`)).body, body);
    });

    it('ends where the video ends, as its duration is shown', async () => {
      const { duration_sec } = (await get(`/v1/videos/${ready}`)).body;
      assert.equal(duration_sec, FACTS.durationSec);
      assert.equal((await trim({ start_time: 0, end_time: duration_sec })).status, 202);
      assert.equal((await trim({ start_time: 0, end_time: '00:02:45.040', mode: 'keyframe' })).status, 202);
    });

    for (const [what, range, fields] of [
      ['nothing', {}, ['start_time', 'end_time']],
      ['a negative time', { start_time: -1, end_time: 2 }, ['start_time']],
      ['no number', { start_time: 'NaN', end_time: 'Infinity' }, ['start_time', 'end_time']],
      ['null', { start_time: null, end_time: 1 }, ['start_time']],
      ['a list', { start_time: 0, end_time: [1] }, ['end_time']],
      ['sixty seconds in a minute', { start_time: '00:00:60', end_time: 100 }, ['start_time']],
      ['an end before its start', { start_time: 2, end_time: 1 }, ['end_time']],
      ['an end at its start', { start_time: '00:00:02', end_time: 2 }, ['end_time']],
      ['an end beyond the video', { start_time: 0, end_time: 165.05 }, ['end_time']],
      ['both beyond the video', { start_time: 165.04, end_time: 1e6 }, ['start_time', 'end_time']],
      ['a mode that there is not', { ...RANGE, mode: 'fast' }, ['mode']],
      ['a field that there is not', { ...RANGE, speed: 2 }, ['speed']],
      ['a title of nothing', { ...RANGE, title: ' ' }, ['title']],
    ] as [string, object, string[]][]) {
      it(`is refused with ${what}`, async () => {
        assertRefused(await trim(range), 422, 'invalid_request', fields);
      });
    }

    it('is refused of a number that JSON cannot hold', async () => {
      const body = '{"start_time": 0, "end_time": 1e999}';
      const answer = await api.call(`/v1/videos/${ready}/trim`, {
        token: user.token,
        body,
        headers: { 'content-type': 'application/json' },
      });
      assertRefused(answer, 422, 'invalid_request', ['end_time']);
    });

    it('is accepted of a video that is not processed yet, whose length nobody knows', async () => {
      const pending = await upload(api, user, bytes);
      assert.equal((await trim({ start_time: 5, end_time: 1e6 }, pending)).status, 202);
      await playWorker(api, pending).complete('source');
      assert.equal((await trim(RANGE, pending)).status, 202);
    });

    it('is refused of a video that has failed, was cancelled or is being cancelled', async () => {
      const failed = await upload(api, user, bytes);
      await playWorker(api, failed).fail('source', 'corrupt_media');
      assertRefused(await afterwards(() => trim(RANGE, failed)), 409, 'video_not_usable');
      const cancelled = await upload(api, user, bytes);
      await post(`/v1/videos/${cancelled}/cancel`);
      assertRefused(await afterwards(() => trim(RANGE, cancelled)), 409, 'video_not_usable');
      await api.db.steps.settleRun(cancelled, 1, { state: 'cancelled' });
      assertRefused(await afterwards(() => trim(RANGE, cancelled)), 409, 'video_not_usable');
    });

    it('waits for a video whose last byte is here, and for no other without bytes', async () => {
      const entry = (await post('/v1/videos', { title: 'later' })).body.id;
      const answer = await afterwards(() => trim(RANGE, entry));
      assertRefused(answer, 409, 'video_not_usable');
      assert.equal(answer.body.retryable, true);
      const maker = await createUploadMaker({ db: api.db, databaseUrl: api.databaseUrl });
      const open = await maker.make({ userId: user.id, isComplete: false });
      const complete = await maker.make({ userId: user.id });
      await maker.close();
      assertRefused(await trim(RANGE, open.videoId), 409, 'video_not_usable');
      assert.equal((await trim(RANGE, complete.videoId)).status, 202);
    });
  });

  /** What came before does not count as begun work. */
  const afterwards = (ask: () => Promise<Answer>): Promise<Answer> => {
    api.flowCalls.length = 0;
    return ask();
  };

  describe('a merge', () => {
    it('is accepted, of the same video twice and of fifty', async () => {
      const twice = await merge({ video_ids: [ready, ready], title: 'Both', fit: 'cover' });
      assert.equal(twice.status, 202, JSON.stringify(twice.body));
      assert.deepEqual(twice.body.parents, [ready, ready]);
      assert.deepEqual([twice.body.kind, twice.body.fit, twice.body.title], ['merge', 'cover', 'Both']);
      assert.deepEqual([twice.body.start_sec, twice.body.mode], [null, null]);
      const fifty = await merge({ video_ids: Array(50).fill(ready) });
      assert.equal(fifty.status, 202);
      assert.deepEqual([fifty.body.title, fifty.body.fit], ['film (merged)', 'contain']);
    });

    for (const [what, video_ids, fields] of [
      ['one', 1, ['video_ids']],
      ['none', 0, ['video_ids']],
      ['fifty-one', 51, ['video_ids']],
    ] as [string, number, string[]][]) {
      it(`is refused of ${what}`, async () => {
        const answer = await merge({ video_ids: Array(video_ids).fill(ready) });
        assertRefused(answer, 422, 'invalid_request', fields);
      });
    }

    it('names the ids that are none, and the fit that there is not', async () => {
      assertRefused(await merge({ video_ids: [ready, 'x'] }), 422, 'invalid_request', ['video_ids.1']);
      assertRefused(await merge({ video_ids: ready }), 422, 'invalid_request', ['video_ids']);
      assertRefused(await merge({ video_ids: [ready, ready], fit: 'fill' }), 422, 'invalid_request', ['fit']);
    });

    it("takes another user's video for one that is not there", async () => {
      const stranger = await api.makeUser();
      const theirs = await makeReady(api, stranger, { bytes });
      const gone = await makeReady(api, user, { bytes });
      await api.db.videos.requestDelete(user.id, gone);
      const answers: Answer[] = [];
      for (const id of [theirs, newId(), gone])
        answers.push(await afterwards(() => merge({ video_ids: [ready, id] })));
      const [foreign, missing, deleted] = answers.map(({ status, body }) => ({
        status,
        body: { ...body, request_id: '' },
      }));
      assertRefused(answers[0] as Answer, 404, 'not_found', ['video_ids.1']);
      assert.deepEqual(foreign, missing);
      assert.deepEqual(foreign, deleted);
    });

    it('is refused of a failed video among others, and of more than a video may be long', async () => {
      const failed = await upload(api, user, bytes);
      await playWorker(api, failed).fail('probe', 'corrupt_media');
      assertRefused(await afterwards(() => merge({ video_ids: [ready, failed] })), 409, 'video_not_usable');
      const long = await makeReady(api, user, { bytes, facts: { ...FACTS, durationSec: 20_000 } });
      assertRefused(await afterwards(() => merge({ video_ids: [long, long] })), 422, 'invalid_request', [
        'video_ids',
      ]);
    });

    it('is no video: its word is taken for no id', async () => {
      assert.equal((await get('/v1/videos/merge')).status, 404);
      assert.equal((await post('/v1/videos/merge/trim', RANGE)).status, 404);
    });
  });

  it('answers the same request under one key once, and another one with a refusal', async () => {
    const headers = { 'Idempotency-Key': newId() };
    const first = await trim(RANGE, ready, headers);
    const again = await trim(RANGE, ready, headers);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.deepEqual([again.status, again.body.id], [202, first.body.id]);
    assert.equal(api.flowCalls.filter(({ command }) => command === 'startEdit').length, 1);
    const other = await trim({ ...RANGE, end_time: 3 }, ready, headers);
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused']);
  });

  it('follows the new video to its end, and says so to who prefers to wait', async () => {
    const { id } = (await trim(RANGE)).body;
    const videoId = await render(id);
    const rendered = (await get(`/v1/edits/${id}`)).body;
    assert.deepEqual(
      [rendered.status, rendered.percent, rendered.method, rendered.video_id],
      ['running', 90, 'smart', videoId],
    );
    const worker = playWorker(api, videoId);
    await worker.complete('source');
    assert.equal((await get(`/v1/edits/${id}`)).body.percent, 95);
    await worker.complete('probe', { facts: FACTS });
    const { body } = await get(`/v1/edits/${id}`);
    assert.deepEqual([body.status, body.percent, body.error], ['succeeded', 100, null]);
    assert.ok(Date.parse(body.ended_at) >= Date.parse(body.started_at));
    const video = (await get(`/v1/videos/${videoId}`)).body;
    assert.deepEqual([video.parents, video.user_id, video.title], [[ready], 'ada', 'film (trimmed)']);
    for (const [wish, code] of [
      ['cancel', 'not_cancellable'],
      ['retry', 'not_retryable'],
    ]) {
      const answer = await post(`/v1/edits/${id}/${wish}`);
      assert.deepEqual([answer.status, answer.body.code], [409, code]);
    }
  });

  it('waits for the end where that is preferred', async () => {
    const asked = trim(RANGE, ready, { Prefer: 'wait=20' });
    const id = await new Promise<string>((resolve) => {
      const timer = setInterval(() => {
        const call = api.flowCalls.find(({ command }) => command === 'startEdit');
        if (!call) return;
        clearInterval(timer);
        resolve((call.input as { editId: string }).editId);
      }, 20);
    });
    await api.db.editRecords.fail({ editId: id, run: 1 }, TROUBLE);
    const { status, headers, body } = await asked;
    assert.deepEqual([status, headers.get('preference-applied')], [200, 'wait=20']);
    assert.deepEqual(body.error, { code: 'media_tool_failed', message: 'It failed', retryable: true });
  });

  it('is cancelled and retried as itself, and takes with it a result that is there', async () => {
    const { id } = (await trim(RANGE)).body;
    api.flowCalls.length = 0;
    assert.equal((await post(`/v1/edits/${id}/cancel`)).status, 202);
    assert.deepEqual(api.flowCalls, [{ command: 'cancelEdit', input: { editId: id, runs: [1] } }]);
    await api.db.editRecords.settle({ editId: id, run: 1 }, { status: 'cancelled' });
    const retried = await post(`/v1/edits/${id}/retry`);
    assert.deepEqual([retried.status, retried.body.status], [202, 'queued']);
    const [start] = api.flowCalls.slice(-1);
    assert.deepEqual([start?.command, (start?.input as { run: number } | undefined)?.run], ['startEdit', 2]);

    const other = (await trim(RANGE)).body.id;
    const videoId = await render(other);
    api.flowCalls.length = 0;
    assert.equal((await post(`/v1/edits/${other}/cancel`)).status, 202);
    const told = api.flowCalls.find(({ command }) => command === 'startRemoval');
    assert.deepEqual(told?.input, { videoId, userId: user.id });
    const { body: cancelled } = await get(`/v1/edits/${other}`);
    assert.deepEqual([cancelled.status, cancelled.video_id], ['cancelled', null]);
    assert.ok(cancelled.ended_at);
    assert.equal((await get(`/v1/videos/${videoId}`)).status, 404);
    const again = await post(`/v1/edits/${other}/retry`);
    assert.deepEqual([again.status, again.body.status, again.body.percent], [202, 'queued', 0]);
    assert.equal(api.flowCalls.at(-1)?.command, 'startEdit');
  });

  it('is retried as the video where that is what failed', async () => {
    const { id } = (await trim(RANGE)).body;
    const videoId = await render(id);
    await playWorker(api, videoId).fail('probe', 'media_tool_failed');
    api.flowCalls.length = 0;
    const again = await post(`/v1/edits/${id}/retry`);
    assert.deepEqual([again.status, again.body.status, again.body.video_id], [202, 'running', videoId]);
    assert.equal(api.flowCalls.at(-1)?.command, 'startProcessing');
  });

  it('knows its videos and itself by ids in capitals too', async () => {
    const capitals = ready.toUpperCase();
    const { status, body } = await trim(RANGE, capitals);
    assert.deepEqual([status, body.parents], [202, [ready]]);
    assert.deepEqual((await merge({ video_ids: [capitals, ready] })).body.parents, [ready, ready]);
    api.flowCalls.length = 0;
    assert.equal((await post(`/v1/edits/${body.id.toUpperCase()}/cancel`)).status, 202);
    assert.deepEqual(api.flowCalls, [{ command: 'cancelEdit', input: { editId: body.id, runs: [1] } }]);
  });

  it('is not retried when a video that it needs is gone', async () => {
    const parent = await makeReady(api, user, { bytes });
    const { id } = (await trim(RANGE, parent)).body;
    await api.db.editRecords.fail({ editId: id, run: 1 }, TROUBLE);
    await api.db.videos.requestDelete(user.id, parent);
    const answer = await afterwards(() => post(`/v1/edits/${id}/retry`));
    assertRefused(answer, 409, 'video_not_usable');
    assert.equal((await get(`/v1/edits/${id}`)).body.status, 'failed');
  });

  it('lists them newest first, in pages and by status', async () => {
    const lister = await api.makeUser();
    const own = await makeReady(api, lister, { bytes });
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1)
      ids.push((await post(`/v1/videos/${own}/trim`, RANGE, {}, lister.token)).body.id);
    await api.db.editRecords.fail({ editId: ids[1] ?? '', run: 1 }, TROUBLE);
    const list = async (query: string) => (await api.call(`/v1/edits${query}`, { token: lister.token })).body;
    const first = await list('?limit=2');
    const second = await list(`?limit=2&cursor=${first.next_cursor}`);
    const idsOf = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id);
    assert.deepEqual([...idsOf(first), ...idsOf(second)], [...ids].reverse());
    assert.equal(second.next_cursor, null);
    assert.deepEqual(idsOf(await list('?status=failed')), [ids[1]]);
  });

  it('counts as stuck when nothing moves it, but not when it waits for its video', async () => {
    const stuck = async () => (await api.db.health.countStuck()).edits;
    const before = await stuck();
    const { id } = (await trim(RANGE)).body;
    const age = (minutes: number, column = 'updated_at') =>
      api.sql(`update edits set ${column} = now() - $1 * interval '1 minute' where id = $2`, [minutes, id]);
    assert.equal(await stuck(), before);
    await age(11);
    assert.equal(await stuck(), before + 1, 'not begun');
    await api.db.editRecords.beginRun({ editId: id, run: 1 });
    await age(10_000);
    assert.equal(await stuck(), before, 'waiting');
    const beginAttempt = () => api.db.editRecords.beginAttempt({ editId: id, run: 1 }, LIMITS);
    const begun = await beginAttempt();
    assert.ok(begun.outcome === 'go');
    assert.equal(await stuck(), before, 'at work');
    await age(61);
    assert.equal(await stuck(), before + 1, 'silent');
    await age(0);
    await age(11, 'next_attempt_at');
    assert.equal(await stuck(), before + 1, 'overdue');
    await api.sql('update edits set next_attempt_at = null where id = $1', [id]);
    await api.db.editRecords.handBack({ editId: id, attempt: begun.attempt });
    await age(23 * 60);
    assert.equal(await stuck(), before, 'waiting for an encoder');
    await age(25 * 60);
    assert.equal(await stuck(), before + 1, 'waiting for an encoder that never comes');
    await beginAttempt();
    await age(61);
    assert.equal(await stuck(), before + 1, 'silent encoder');
    await age(23 * 60, 'next_attempt_at');
    assert.equal(await stuck(), before, 'waiting for an encoder once more');
    await age(25 * 60, 'next_attempt_at');
    assert.equal(await stuck(), before + 1, 'overdue at an encoder');
    await render(id);
    assert.equal(await stuck(), before, 'rendered');
  });

  it('takes nobody who has no room left', async () => {
    await api.sql('update videos set size_bytes = $1 where id = $2', [api.config.QUOTA_BYTES, ready]);
    const answer = await trim(RANGE);
    await api.sql('update videos set size_bytes = 5000 where id = $1', [ready]);
    assertRefused(answer, 403, 'quota_exceeded');
  });
});
