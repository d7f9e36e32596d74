import assert from 'node:assert/strict';
import type { MediaFacts } from '../../src/domain/media.ts';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { FACTS, makeReady, playWorker, upload } from '../support/processedVideo.ts';
import { uniqueName } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(4096, 'transcript requests');
const stream = { index: 1, type: 'audio', codec: 'aac' } as MediaFacts['streams'][number];
const AUDIBLE: MediaFacts = { ...FACTS, streams: [stream] };

describe('asking for a transcript', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi({ OPENAI_API_KEY: 'none' });
    user = await api.makeUser();
  });
  after(() => api.close());
  beforeEach(() => void api.flowCalls.splice(0));

  const ready = (facts = AUDIBLE, query = '') => makeReady(api, user, { bytes, facts, query });
  const ask = (id: string, json: unknown = {}, more: CallOptions = {}): Promise<Answer> =>
    api.call(`/v1/videos/${id}/transcript`, { token: user.token, method: 'POST', json, ...more });
  /** Those that the engine was told of, besides the first ones of uploads. */
  const laterRuns = (): number[] =>
    api.flowCalls.map(({ input }) => (input as { run?: number }).run ?? 1).filter((run) => run > 1);
  const status = async (id: string): Promise<string | null> =>
    (await api.call(`/v1/videos/${id}`, { token: user.token })).body.transcript_status;
  const assertProblem = ({ status: given, body }: Answer, wanted: number, code: string) =>
    assert.deepEqual([given, body.code], [wanted, code], JSON.stringify(body));
  const end = async (id: string, run: number) => {
    const worker = playWorker(api, id, run);
    await worker.complete('transcript');
  };

  it('makes it the work of the next run, with its options', async () => {
    const id = await ready();
    assert.equal(await status(id), 'skipped');
    const json = { language: 'DEU', model: 'gpt-4o-transcribe', prompt: ' Ada Lovelace ' };
    const answer = await ask(id, json);
    assert.equal(answer.status, 202);
    assert.equal(answer.body.transcript_status, 'queued');
    assert.equal(answer.headers.get('location'), `http://videoflow.test/v1/videos/${id}`);
    assert.deepEqual(laterRuns(), [2]);
    assert.deepEqual(await api.db.steps.beginRun(id, 2), {
      ...{ outcome: 'go', steps: ['transcript'], fetchesSource: false },
    });
    const waiting = await api.db.transcriptSteps.findWaiting(id, 2);
    assert.deepEqual(waiting?.options, { ...json, language: 'de', prompt: 'Ada Lovelace' });
    assert.equal((await api.call(`/v1/videos/${id}`, { token: user.token })).body.status, 'ready');
  });

  it('makes it again, and is refused while it is being made', async () => {
    const id = await ready();
    await ask(id);
    const again = await ask(id);
    assertProblem(again, 409, 'not_possible');
    assert.equal(again.body.retryable, true);
    await end(id, 2);
    assert.equal(await status(id), 'succeeded');
    assert.equal((await ask(id)).status, 202);
    assert.equal((await api.db.transcriptSteps.findWaiting(id, 3))?.video.id, id);
  });

  it('gives the step to a video that was to have none', async () => {
    const id = await upload(api, user, bytes, '?process=thumbnail');
    const worker = playWorker(api, id);
    await worker.complete('source');
    await worker.complete('probe', { facts: AUDIBLE });
    assert.equal(await status(id), null);
    assert.equal((await ask(id)).status, 202);
    assert.equal(await status(id), 'queued');
    await playWorker(api, id, 1).complete('thumbnail');
    assert.equal(await status(id), 'queued', 'the first run goes on by itself');
  });

  it('waits for the end where the client prefers that', async () => {
    const id = await ready();
    const waiting = ask(id, {}, { headers: { prefer: 'wait=20' } });
    while (!(await api.db.transcriptSteps.findWaiting(id, 2)));
    await end(id, 2);
    const answer = await waiting;
    assert.deepEqual([answer.status, answer.body.transcript_status], [200, 'succeeded']);
  });

  it('is done once for one Idempotency-Key', async () => {
    const id = await ready();
    const headers = { 'idempotency-key': uniqueName('key') };
    const [first, second] = [await ask(id, {}, { headers }), await ask(id, {}, { headers })];
    assert.deepEqual([first.status, second.status], [202, 202]);
    assert.equal(second.headers.get('idempotency-replayed'), 'true');
    assert.deepEqual(laterRuns(), [2]);
    assertProblem(await ask(id, { language: 'en' }, { headers }), 422, 'idempotency_key_reused');
  });

  it('is refused where there is nothing to be transcribed, and says why', async () => {
    assertProblem(await ask(await ready({ ...AUDIBLE, streams: [] })), 409, 'no_audio');
    const pending = await upload(api, user, bytes, '?process=thumbnail');
    assertProblem(await ask(pending), 409, 'not_ready');
    await playWorker(api, pending).fail('source', 'corrupt_media');
    assertProblem(await ask(pending), 409, 'video_not_usable');
    const entry = await api.call('/v1/videos', { token: user.token, json: { title: 'An entry' } });
    assertProblem(await ask(entry.body.id), 409, 'video_not_usable');
    assert.deepEqual(laterRuns(), []);
  });

  it('is refused with words that name the field', async () => {
    const id = await ready();
    for (const [field, value] of [
      ['language', 'English'],
      ['language', 'yue'],
      ['model', 'a b'],
      ['model', ''],
      ['prompt', ''],
      ['prompt', 'x'.repeat(1001)],
      ['temperature', 1],
    ] as const) {
      const answer = await ask(id, { [field]: value });
      assertProblem(answer, 422, 'invalid_request');
      assert.equal(answer.body.errors[0].path, field);
    }
  });

  it('is refused without a transcriber, and to a stranger as if there were no such video', async () => {
    const without = await startApi();
    try {
      const [owner, stranger] = [await without.makeUser(), await without.makeUser()];
      const id = await makeReady(without, owner, { bytes, facts: AUDIBLE });
      const call = (token: string) =>
        without.call(`/v1/videos/${id}/transcript`, { token, method: 'POST', json: {} });
      assertProblem(await call(owner.token), 409, 'no_transcriber');
      assertProblem(await call(stranger.token), 404, 'not_found');
      assert.equal(await without.db.transcriptSteps.findWaiting(id, 2), null);
    } finally {
      await without.close();
    }
  });
});
