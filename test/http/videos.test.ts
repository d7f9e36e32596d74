import assert from 'node:assert/strict';
import { toProblem } from '../../src/http/problems.ts';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { FACTS, makeReady, playWorker, upload } from '../support/processedVideo.ts';
import { waitFor } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

describe('videos', () => {
  let api: TestApi;
  let user: TestUser;
  const bytes = videoBytes(5000, 'videos');

  before(async () => {
    api = await startApi();
  });
  after(() => api.close());
  beforeEach(async () => {
    user = await api.makeUser();
    api.flowCalls.length = 0;
  });

  const ask = (path: string, method = 'GET', json?: unknown): Promise<Answer> =>
    api.call(`/v1/videos${path}`, { token: user.token, method, ...(json === undefined ? {} : { json }) });
  const assertProblem = (answer: Answer, status: number, code: string) => {
    assert.equal(answer.body.code, code, JSON.stringify(answer.body));
    assert.equal(answer.status, status);
  };

  describe('one video', () => {
    it('shows everything as null that is not known yet', async () => {
      const id = await upload(api, user, bytes);
      const { body } = await ask(`/${id}`);
      const { created_at, download_url, ...rest } = body;
      assert.ok(Math.abs(Date.parse(created_at) - Date.now()) < 60_000);
      assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.match(download_url, /^http:\/\/videoflow\.test\/v1\/videos\/.*\/download\?expires=/);
      assert.deepEqual(rest, {
        id,
        user_id: null,
        external_id: null,
        title: 'Untitled video',
        description: null,
        tags: [],
        filename: null,
        status: 'pending',
        percent: 0,
        error: null,
        ready_at: null,
        duration: null,
        duration_sec: null,
        size_bytes: bytes.length,
        container: null,
        width: null,
        height: null,
        fps: null,
        rotation: null,
        video_codec: null,
        audio_codec: null,
        has_audio: null,
        language: null,
        transcript_status: 'queued',
        parents: [],
        thumbnail_url: null,
        storyboard_url: null,
        stream_url: null,
      });
    });

    it('shows its facts and addresses once it is ready', async () => {
      const id = await makeReady(api, user, { bytes, query: '?filename=film.mp4' });
      const { body } = await ask(`/${id}`);
      assert.equal(body.status, 'ready');
      assert.equal(body.percent, 100);
      assert.equal(body.duration, '00:02:45');
      assert.equal(body.duration_sec, FACTS.durationSec);
      assert.equal(body.size_bytes, bytes.length);
      for (const [field, fact] of [
        ['container', 'mp4'],
        ['width', 1280],
        ['height', 720],
        ['fps', 29.97],
        ['rotation', 90],
        ['video_codec', 'h264'],
        ['audio_codec', 'aac'],
        ['has_audio', true],
        ['language', 'en'],
      ] as const) {
        assert.equal(body[field], fact, field);
      }
      assert.ok(Date.parse(body.ready_at) >= Date.parse(body.created_at));
      for (const [field, file] of [
        ['thumbnail_url', 'thumbnail.jpg'],
        ['storyboard_url', 'storyboard.vtt'],
        ['stream_url', 'stream'],
        ['download_url', 'download'],
      ]) {
        const url = new URL(body[field as string]);
        assert.equal(url.origin, 'http://videoflow.test');
        assert.equal(url.pathname, `/v1/videos/${id}/${file}`);
        const lifetimeSec = Number(url.searchParams.get('expires')) - Date.now() / 1000;
        assert.ok(lifetimeSec > 3590 && lifetimeSec <= 3601, String(lifetimeSec));
      }
    });

    it('shows why it failed', async () => {
      const id = await upload(api, user, bytes);
      const worker = playWorker(api, id);
      await worker.complete('source');
      await worker.fail('probe', 'no_video_stream');
      const { body } = await ask(`/${id}`);
      assert.equal(body.status, 'failed');
      assert.deepEqual(body.error, {
        code: 'no_video_stream',
        message: 'It is no_video_stream',
        retryable: false,
      });
      assert.equal(body.stream_url, null);
    });

    it('is not found under another name, and another user finds none', async () => {
      const id = await upload(api, user, bytes);
      const stranger = await api.makeUser();
      for (const path of ['01890000-0000-7000-8000-000000000000', 'no-id', '%00', '..%2f..', `${id}x`]) {
        assertProblem(await ask(`/${path}`), 404, 'not_found');
      }
      const foreign = await api.call(`/v1/videos/${id}`, { token: stranger.token });
      assertProblem(foreign, 404, 'not_found');
    });
  });

  describe('the status', () => {
    it('says which step is at work', async () => {
      const id = await upload(api, user, bytes);
      const status = async () => (await ask(`/${id}/status`)).body;
      assert.deepEqual(await status(), { id, status: 'pending', percent: 0, step: 'source', error: null });
      const worker = playWorker(api, id);
      await worker.complete('source');
      await worker.begin('probe');
      assert.deepEqual(await status(), { id, status: 'processing', percent: 3, step: 'probe', error: null });
    });

    it('says that nothing is left to do', async () => {
      const id = await makeReady(api, user, { bytes });
      const { body } = await ask(`/${id}/status`);
      assert.deepEqual(body, { id, status: 'ready', percent: 100, step: null, error: null });
    });
  });

  describe('the steps', () => {
    it('stand in the order of work, each with its attempt and error', async () => {
      const id = await upload(api, user, bytes);
      const worker = playWorker(api, id);
      await worker.complete('source');
      await worker.complete('probe', { facts: FACTS });
      await worker.fail('storyboard', 'media_tool_failed');
      const { body } = await ask(`/${id}/steps`);
      assert.equal(body.next_cursor, null);
      assert.deepEqual(
        body.data.map(({ name, state, attempt, percent, error }: Record<string, unknown>) => [
          name,
          state,
          attempt,
          percent,
          (error as { code: string } | null)?.code ?? null,
        ]),
        [
          ['source', 'succeeded', 1, 100, null],
          ['probe', 'succeeded', 1, 100, null],
          ['thumbnail', 'queued', 0, 0, null],
          ['storyboard', 'failed', 1, 0, 'media_tool_failed'],
          ['transcript', 'queued', 0, 0, null],
          ['playback', 'skipped', 0, 100, null],
        ],
      );
      const [source] = body.data;
      assert.ok(Date.parse(source.started_at) <= Date.parse(source.ended_at));
      assert.equal(source.next_attempt_at, null);
      assert.equal((await ask(`/${id}`)).body.status, 'ready', 'a step that lags alone does not hold it up');
    });
  });

  describe('the list', () => {
    it('is newest first and comes in pages without gap or overlap', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 7; n += 1) ids.push(await upload(api, user, bytes, `?title=${n}`));
      await upload(api, await api.makeUser(), bytes);
      const seen: string[] = [];
      let cursor = '';
      let pages = 0;
      do {
        const { body } = await ask(`?limit=3${cursor && `&cursor=${cursor}`}`);
        seen.push(...body.data.map(({ id }: { id: string }) => id));
        cursor = body.next_cursor;
        pages += 1;
      } while (cursor);
      assert.deepEqual(seen, ids.toReversed());
      assert.equal(pages, 3);
    });

    it('filters by what a caller knows', async () => {
      const a = await upload(api, user, bytes, '?tags=sea,sun&user_id=u1&external_id=e1');
      const b = await upload(api, user, bytes, '?tags=sea&user_id=u2&external_id=e1');
      const ready = await makeReady(api, user, { bytes });
      const { created_at } = (await ask(`/${b}`)).body;
      for (const [query, expected] of [
        ['tag=sea', [b, a]],
        ['tag=sun', [a]],
        ['tag=sea&user_id=u2', [b]],
        ['external_id=e1', [b, a]],
        ['external_id=e1&user_id=u1', [a]],
        ['status=ready', [ready]],
        ['status=pending', [b, a]],
        ['status=awaiting_upload', []],
        [`created_after=${encodeURIComponent(created_at)}`, [ready]],
        [`created_before=${encodeURIComponent(created_at)}`, [a]],
        ['created_after=2020-01-01T00:00:00%2B02:00', [ready, b, a]],
        ["tag=sea'%20or%20true--", []],
      ] as const) {
        const { body } = await ask(`?${query}`);
        assert.deepEqual(
          body.data.map(({ id }: { id: string }) => id),
          expected,
          query,
        );
      }
    });

    it('refuses what it does not understand', async () => {
      for (const query of [
        'limit=0',
        'limit=101',
        'limit=x',
        'cursor=garbage',
        'status=done',
        'created_after=yesterday',
        'created_after=0000-01-01T00:00:00Z',
        'created_before=0001-01-01T00:00:00%2B01:00',
        'created_before=9999-12-31T23:59:59-01:00',
        'sort=title',
        'tag=a&tag=b',
      ]) {
        const answer = await ask(`?${query}`);
        assertProblem(answer, 422, 'invalid_request');
        assert.equal(answer.body.errors?.[0].path, query.split('=')[0]);
      }
      for (const instant of ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z']) {
        assert.equal((await ask(`?created_after=${instant}`)).status, 200, instant);
      }
    });

    it('refuses, and does not break on, a value that only the database finds out to be bad', async () => {
      const createdAfter = new Date('0000-01-01T00:00:00Z');
      await assert.rejects(api.db.videos.list(user.id, { createdAfter }, { limit: 1 }), (error) => {
        const problem = toProblem(error);
        assert.equal(problem.code, 'invalid_request');
        assert.ok(!/0000|timestamp|select/i.test(problem.message));
        return true;
      });
    });
  });

  describe('changing', () => {
    it('changes what is given and nothing else', async () => {
      const id = await upload(api, user, bytes, '?title=Old&description=Text&tags=a');
      const changed = await ask(`/${id}`, 'PATCH', { title: 'New', tags: ['b', 'c', 'b'] });
      assert.equal(changed.status, 200);
      assert.equal(changed.body.title, 'New');
      const { body } = await ask(`/${id}`);
      assert.deepEqual([body.title, body.description, body.tags], ['New', 'Text', ['b', 'c']]);
      await ask(`/${id}`, 'PATCH', { description: null });
      assert.equal((await ask(`/${id}`)).body.description, null);
    });

    it('refuses what is not the caller’s to change', async () => {
      const id = await upload(api, user, bytes);
      const before = (await ask(`/${id}`)).body;
      for (const json of [
        { status: 'ready' },
        { user: 'x' },
        { sourceKey: 'sources/other' },
        { external_id: 'x' },
        { title: '' },
        { title: 7 },
        { tags: 'a' },
        { tags: Array.from({ length: 51 }, (_, n) => `t${n}`) },
        { title: 'x\u0000y' },
        [],
      ]) {
        assertProblem(await ask(`/${id}`, 'PATCH', json), 422, 'invalid_request');
      }
      const { download_url: _, ...now } = (await ask(`/${id}`)).body;
      const { download_url: __, ...then } = before;
      assert.deepEqual(now, then);
    });
  });

  describe('cancelling', () => {
    it('is accepted while anything is open, and the engine is told which runs', async () => {
      const id = await upload(api, user, bytes);
      api.flowCalls.length = 0;
      const answer = await ask(`/${id}/cancel`, 'POST');
      assert.equal(answer.status, 202);
      assert.equal(answer.body.id, id);
      assert.equal(answer.headers.get('location'), `http://videoflow.test/v1/videos/${id}`);
      assert.deepEqual(api.flowCalls, [{ command: 'cancelProcessing', input: { videoId: id, runs: [1] } }]);
    });

    it('is refused when nothing is left to cancel', async () => {
      const id = await makeReady(api, user, { bytes });
      assertProblem(await ask(`/${id}/cancel`, 'POST'), 409, 'not_cancellable');
    });

    it('can be waited for', async () => {
      const id = await upload(api, user, bytes);
      const waiting = api.call(`/v1/videos/${id}/cancel`, {
        method: 'POST',
        token: user.token,
        headers: { prefer: 'wait=20' },
      });
      const isTold = () => api.flowCalls.some(({ command }) => command === 'cancelProcessing');
      await waitFor(isTold, { what: 'the engine to be told' });
      await api.db.steps.settleRun(id, 1, { state: 'cancelled' });
      const answer = await waiting;
      assert.equal(answer.status, 200);
      assert.equal(answer.body.status, 'cancelled');
      assert.equal(answer.headers.get('preference-applied'), 'wait=20');
    });
  });

  describe('retrying', () => {
    it('does again what failed, as the next run, keeping what is done', async () => {
      const id = await upload(api, user, bytes);
      const worker = playWorker(api, id);
      await worker.complete('source');
      await worker.fail('probe', 'corrupt_media');
      api.flowCalls.length = 0;
      const answer = await ask(`/${id}/retry`, 'POST');
      assert.equal(answer.status, 202);
      assert.equal(answer.body.status, 'pending');
      assert.equal(answer.body.error, null);
      const requestId = answer.headers.get('x-request-id');
      assert.deepEqual(api.flowCalls, [
        { command: 'startProcessing', input: { videoId: id, userId: user.id, run: 2, requestId } },
      ]);
      const states = (await ask(`/${id}/steps`)).body.data.map(({ state }: { state: string }) => state);
      assert.deepEqual(states, ['succeeded', 'queued', 'queued', 'queued', 'queued', 'queued']);
    });

    it('does one step again and leaves the video ready', async () => {
      const id = await upload(api, user, bytes);
      const worker = playWorker(api, id);
      await worker.complete('source');
      await worker.complete('probe', { facts: FACTS });
      await worker.fail('storyboard', 'media_tool_failed');
      await worker.fail('thumbnail', 'media_tool_failed');
      const answer = await ask(`/${id}/steps/storyboard/retry`, 'POST');
      assert.equal(answer.status, 202);
      assert.equal(answer.body.status, 'ready');
      const states = (await ask(`/${id}/steps`)).body.data.map(({ state }: { state: string }) => state);
      assert.deepEqual(states, ['succeeded', 'succeeded', 'failed', 'queued', 'queued', 'skipped']);
    });

    it('is refused when there is nothing to do again', async () => {
      const id = await makeReady(api, user, { bytes });
      assertProblem(await ask(`/${id}/retry`, 'POST'), 409, 'not_retryable');
      assertProblem(await ask(`/${id}/steps/probe/retry`, 'POST'), 409, 'not_retryable');
      assertProblem(await ask(`/${id}/steps/teleport/retry`, 'POST'), 404, 'not_found');
      const pending = await upload(api, user, bytes, '?process=[]');
      assertProblem(await ask(`/${pending}/retry`, 'POST'), 409, 'not_retryable');
      assertProblem(await ask(`/${pending}/steps/thumbnail/retry`, 'POST'), 404, 'not_found');
    });

    it('is done once for one Idempotency-Key', async () => {
      const id = await upload(api, user, bytes);
      await playWorker(api, id).fail('source', 'source_missing');
      api.flowCalls.length = 0;
      const send = () =>
        api.call(`/v1/videos/${id}/retry`, {
          method: 'POST',
          token: user.token,
          headers: { 'idempotency-key': 'r' },
        });
      const [first, second] = [await send(), await send()];
      assert.deepEqual([first.status, second.status], [202, 202]);
      assert.equal(second.headers.get('idempotency-replayed'), 'true');
      assert.equal(api.flowCalls.length, 1);
    });
  });

  describe('deleting', () => {
    it('makes every address of the video a 404 at once and orders the removal', async () => {
      const id = await makeReady(api, user, { bytes });
      const view = (await ask(`/${id}`)).body;
      api.flowCalls.length = 0;
      const answer = await ask(`/${id}`, 'DELETE');
      assert.equal(answer.status, 202);
      assert.deepEqual(answer.body, { id, deleted: true });
      assert.deepEqual(api.flowCalls, [{ command: 'startRemoval', input: { videoId: id, userId: user.id } }]);
      for (const [path, method] of [
        ['', 'GET'],
        ['', 'DELETE'],
        ['/status', 'GET'],
        ['/steps', 'GET'],
        ['/cancel', 'POST'],
        ['/retry', 'POST'],
        ['/steps/probe/retry', 'POST'],
        ['/stream', 'GET'],
        ['/download', 'GET'],
        ['/thumbnail.jpg', 'GET'],
        ['/storyboard.jpg', 'GET'],
        ['/storyboard.vtt', 'GET'],
      ] as const) {
        assertProblem(await ask(`/${id}${path}`, method), 404, 'not_found');
      }
      assertProblem(await ask(`/${id}`, 'PATCH', { title: 'x' }), 404, 'not_found');
      for (const field of ['thumbnail_url', 'storyboard_url', 'stream_url', 'download_url']) {
        const { pathname, search } = new URL(view[field]);
        assertProblem(await api.call(pathname + search), 404, 'not_found');
      }
      assert.deepEqual((await ask('')).body.data, []);
    });
  });

  it('answers an upload that is waited for with the end of its processing', async () => {
    const waiting = api.call('/v1/videos', {
      token: user.token,
      body: new Uint8Array(bytes),
      headers: { 'content-type': 'video/mp4', prefer: 'wait=20' },
    });
    let id: string | undefined;
    while (id === undefined) id = (await ask('')).body.data[0]?.id;
    const worker = playWorker(api, id);
    await worker.complete('source');
    await worker.complete('probe', { facts: FACTS });
    const answer = await waiting;
    assert.equal(answer.status, 200);
    assert.equal(answer.body.status, 'ready');
    assert.ok(answer.body.stream_url);
  });
});
