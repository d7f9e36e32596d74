import assert from 'node:assert/strict';
import { EngineUnavailableError, NoWorkerError } from '../../src/errors.ts';
import type { WantedCaption } from '../../src/flows.ts';
import { type Answer, type CallOptions, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady, upload } from '../support/processedVideo.ts';
import { uniqueName, waitFor } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const KEY = 'a-key-that-nobody-may-see';
const PROMPT = 'our new bakery, which nobody else may know of';
const USAGE = { promptTokens: 10, completionTokens: 5, totalTokens: 15 };
const bytes = videoBytes(4096, 'captions');

describe('POST /v1/captions', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi({ OPENROUTER_API_KEY: KEY });
    user = await api.makeUser();
  });
  after(() => api.close());
  beforeEach(() => {
    api.flowCalls.splice(0);
    api.captions.write = write;
  });

  /** Does the worker's part. */
  async function write({ captionId }: WantedCaption): Promise<void> {
    const row = await api.db.captions.findRunning(captionId);
    if (!row) return;
    const written = { caption: `Written for ${row.prompt}`, model: 'some/model', usage: USAGE };
    await api.db.captions.succeed(captionId, written);
  }
  const failing =
    (code: string, retryable: boolean) =>
    async ({ captionId }: WantedCaption): Promise<void> => {
      await api.db.captions.fail(captionId, { code, message: `It is ${code}`, retryable });
    };
  const throwing = (error: Error) => async (): Promise<void> => {
    throw error;
  };

  const ask = (json: object, { key, ...options }: CallOptions & { key?: string } = {}): Promise<Answer> =>
    api.call('/v1/captions', {
      ...{ token: user.token, json },
      ...options,
      headers: { ...options.headers, ...(key ? { 'idempotency-key': key } : {}) },
    });
  const find = (id: string, token = user.token) => api.call(`/v1/captions/${id}`, { token });
  const wanted = () =>
    api.flowCalls
      .filter(({ command }) => command === 'writeCaption')
      .map(({ input }) => input as WantedCaption);
  const countRows = async (): Promise<number> =>
    (await api.sql('select count(*)::int as count from captions where user_id = $1', [user.id]))[0].count;
  const addTranscript = (videoId: string, texts: string[]) =>
    api.db.transcripts.add({
      ...{ videoId, kind: 'machine', language: 'en', model: 'whisper-1' },
      segments: texts.map((text, index) => ({ startSec: index, endSec: index + 1, text })),
    });

  it('answers with the caption, the model that wrote it and what it cost', async () => {
    const { status, body } = await ask({ prompt: `  ${PROMPT} `, platform: 'x', model: 'some/alias' });
    assert.equal(status, 200);
    assert.equal(body.caption, `Written for ${PROMPT}`);
    assert.equal(body.model, 'some/model');
    assert.deepEqual(body.usage, { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
    assert.deepEqual([body.status, body.platform, body.video_id, body.error], ['succeeded', 'x', null, null]);
    assert.deepEqual((await find(body.id)).body, body);
    const [input, ...more] = wanted();
    assert.deepEqual(more, []);
    const { requestId, ...ids } = input ?? {};
    assert.ok(requestId);
    assert.deepEqual(ids, { captionId: body.id, userId: user.id, videoId: null }, 'ids and nothing else');
    const [row] = await api.sql('select prompt, wanted_model from captions where id = $1', [body.id]);
    assert.deepEqual(row, { prompt: PROMPT, wanted_model: 'some/alias' });
  });

  it('names the wrong field, before any work', async () => {
    const cases: [object, string][] = [
      [{}, 'prompt'],
      [{ platform: 'x' }, 'prompt'],
      [{ prompt: ' ' }, 'prompt'],
      [{ prompt: 'a'.repeat(4001) }, 'prompt'],
      [{ prompt: 'a\0' }, 'prompt'],
      [{ prompt: 'a', platform: 'myspace' }, 'platform'],
      [{ prompt: 'a', model: '' }, 'model'],
      [{ prompt: 'a', model: 'a\nb' }, 'model'],
      [{ prompt: 'a', model: 'a'.repeat(201) }, 'model'],
      [{ video_id: 'x' }, 'video_id'],
      [{ prompt: 'a', temperature: 2 }, 'temperature'],
    ];
    const rows = await countRows();
    for (const [json, field] of cases) {
      const { status, body } = await ask(json);
      assert.deepEqual([status, body.errors?.[0]?.path], [422, field], JSON.stringify(json).slice(0, 80));
    }
    assert.deepEqual([wanted().length, await countRows()], [0, rows]);
    assert.equal((await ask({ prompt: 'a'.repeat(4000) })).status, 200);
  });

  describe('of a video', () => {
    it('needs its transcript, or else a prompt', async () => {
      const id = await makeReady(api, user, { bytes });
      const without = await ask({ video_id: id });
      assert.deepEqual(
        [without.status, without.body.code, without.body.retryable],
        [404, 'no_transcript', false],
      );
      const open = await ask({ video_id: await upload(api, user, videoBytes(4096, 'not ready')) });
      assert.deepEqual([open.body.code, open.body.retryable], ['no_transcript', true]);
      const prompted = await ask({ video_id: id.toUpperCase(), prompt: 'a' });
      assert.deepEqual([prompted.status, prompted.body.video_id], [200, id]);
      await addTranscript(id, []);
      const silent = await ask({ video_id: id });
      assert.deepEqual([silent.body.code, silent.body.retryable], ['no_transcript', false]);
      await addTranscript(id, ['we bake']);
      assert.equal((await ask({ video_id: id })).status, 200);
      assert.equal(wanted().at(-1)?.videoId, id);
    });

    it('of another user is not found, nor is one that is gone', async () => {
      const stranger = await api.makeUser();
      const theirs = await upload(api, stranger, bytes);
      await addTranscript(theirs, ['a secret']);
      const rows = await countRows();
      for (const json of [{ video_id: theirs }, { video_id: theirs, prompt: 'a' }]) {
        const { status, body } = await ask(json);
        assert.deepEqual([status, body.code], [404, 'not_found']);
      }
      const own = await upload(api, user, bytes);
      await api.db.videos.requestDelete(user.id, own);
      assert.equal((await ask({ video_id: own, prompt: 'a' })).body.code, 'not_found');
      assert.deepEqual([wanted().length, await countRows()], [0, rows]);
    });
  });

  it('is another’s secret', async () => {
    const { body } = await ask({ prompt: 'a' });
    const stranger = await api.makeUser();
    const foreign = await find(body.id, stranger.token);
    assert.deepEqual([foreign.status, foreign.body.code], [404, 'not_found']);
  });

  it('needs a language model', async () => {
    const bare = await startApi();
    try {
      const { token } = await bare.makeUser();
      const { status, body } = await bare.call('/v1/captions', { token, json: { prompt: 'a' } });
      assert.deepEqual([status, body.code], [409, 'no_caption_writer']);
      assert.deepEqual([bare.flowCalls.length, await bare.sql('select id from captions')], [0, []]);
    } finally {
      await bare.close();
    }
  });

  it('says where to ask again when it is not written in time, and then how it ended', async () => {
    api.captions.write = async () => undefined;
    const { status, headers, body } = await ask({ prompt: 'a' });
    assert.deepEqual([status, body.status, body.caption], [202, 'running', null]);
    assert.equal(headers.get('location'), `http://videoflow.test/v1/captions/${body.id}`);
    assert.match(headers.get('retry-after') ?? '', /^\d+$/);
    assert.equal((await find(body.id)).body.status, 'running');
    await failing('captions_unavailable', true)({ captionId: body.id } as WantedCaption);
    const failed = await find(body.id);
    const error = { code: 'captions_unavailable', message: 'It is captions_unavailable', retryable: true };
    assert.deepEqual([failed.status, failed.body.status, failed.body.error], [200, 'failed', error]);
  });

  it('waits longer for those who prefer that', async () => {
    api.captions.write = async (caption) => {
      setTimeout(() => void write(caption), 300);
    };
    const { status, headers, body } = await ask({ prompt: 'b' }, { headers: { prefer: 'wait=10' } });
    assert.deepEqual([status, body.caption], [200, 'Written for b']);
    assert.equal(headers.get('preference-applied'), 'wait=10');
  });

  it('gives the same refusal to those who prefer to wait', async () => {
    const cases: [string, boolean, number][] = [
      ['captions_unavailable', true, 503],
      ['captions_unusable', true, 502],
      ['caption_refused', false, 422],
    ];
    const headers = { prefer: 'wait=10' };
    for (const [code, retryable, status] of cases) {
      api.captions.write = async (caption) => {
        setTimeout(() => void failing(code, retryable)(caption), 150);
      };
      const key = uniqueName('key');
      for (const wish of [
        { key, headers },
        { key, headers },
      ]) {
        const answer = await ask({ prompt: 'a' }, wish);
        assert.deepEqual(
          [answer.status, answer.body.code, answer.body.retryable, answer.headers.get('content-type')],
          [status, code, retryable, 'application/problem+json'],
        );
        assert.equal(answer.headers.has('retry-after'), status === 503);
        assert.equal(answer.headers.get('preference-applied'), 'wait=10');
      }
    }
    api.captions.write = async ({ captionId }) => {
      setTimeout(() => void api.sql('delete from captions where id = $1', [captionId]), 150);
    };
    assert.equal((await ask({ prompt: 'a' }, { headers })).body.code, 'not_found');
  });

  it('is left to be written, or ended, when nobody can say whether anybody was told', async () => {
    const rows = await countRows();
    api.captions.write = throwing(new Error('who knows'));
    assert.equal((await ask({ prompt: 'a' })).status, 500);
    assert.equal(await countRows(), rows + 1);
  });

  it('says why there is none, and whether to try again', async () => {
    const cases: [TestApi['captions']['write'], number, string, boolean][] = [
      [failing('captions_unavailable', true), 503, 'captions_unavailable', true],
      [failing('captions_unusable', true), 502, 'captions_unusable', true],
      [failing('captions_unauthorized', true), 502, 'captions_unauthorized', true],
      [failing('captions_no_credit', true), 502, 'captions_no_credit', true],
      [failing('caption_refused', false), 422, 'caption_refused', false],
      [failing('captions_rejected', false), 422, 'captions_rejected', false],
      [failing('no_caption_writer', true), 409, 'no_caption_writer', true],
      [failing('worker_lost', true), 503, 'no_worker', true],
      [failing('ended_by_operator', true), 500, 'internal_error', true],
    ];
    for (const [make, status, code, retryable] of cases) {
      api.captions.write = make;
      const answer = await ask({ prompt: 'a' });
      assert.deepEqual([answer.status, answer.body.code, answer.body.retryable], [status, code, retryable]);
      assert.equal(answer.headers.has('retry-after'), status === 503, code);
    }
  });

  for (const [error, code] of [
    [new NoWorkerError('No worker'), 'no_worker'],
    [new EngineUnavailableError('No engine'), 'engine_unavailable'],
  ] as [Error, string][]) {
    it(`leaves nothing behind when nobody could be told (${code}), and may be asked again`, async () => {
      const rows = await countRows();
      const key = uniqueName('key');
      api.captions.write = throwing(error);
      for (const options of [{}, { key }, { key }]) {
        const answer = await ask({ prompt: 'a' }, options);
        assert.deepEqual([answer.status, answer.body.code], [503, code]);
        assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
        assert.equal(await countRows(), rows);
      }
      api.captions.write = write;
      assert.equal((await ask({ prompt: 'a' }, { key })).status, 200);
      assert.equal(await countRows(), rows + 1);
    });
  }

  describe('with an Idempotency-Key', () => {
    it('is written once, and answered the same again', async () => {
      const key = uniqueName('key');
      const rows = await countRows();
      const first = await ask({ prompt: 'a' }, { key });
      const again = await ask({ prompt: 'a' }, { key });
      assert.deepEqual([again.status, again.body], [200, first.body]);
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assert.deepEqual([wanted().length, await countRows()], [1, rows + 1]);
      const other = await ask({ prompt: 'b' }, { key });
      assert.deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused']);
    });

    it('is in progress for as long as the first waits', async () => {
      const key = uniqueName('key');
      let finish = () => {};
      const gate = new Promise<void>((resolve) => {
        finish = resolve;
      });
      api.captions.write = async (caption) => {
        await gate;
        await write(caption);
      };
      const first = ask({ prompt: 'a' }, { key });
      await waitFor(() => wanted().length === 1, { what: 'the first request' });
      const second = await ask({ prompt: 'a' }, { key });
      assert.deepEqual([second.status, second.body.code], [409, 'idempotency_in_progress']);
      finish();
      assert.equal((await first).status, 200);
      assert.equal((await ask({ prompt: 'a' }, { key })).body.id, (await first).body.id);
      assert.equal(wanted().length, 1);
    });

    it('says where it is to a client that left and comes again', async () => {
      const key = uniqueName('key');
      const prompt = 'left alone';
      api.captions.write = (_, patience) =>
        new Promise((resolve) => {
          patience?.signal?.addEventListener('abort', () => resolve(), { once: true });
        });
      const client = new AbortController();
      const headers = { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' };
      const left = fetch(`${api.url}/v1/captions`, {
        ...{ method: 'POST', body: JSON.stringify({ prompt }), signal: client.signal },
        headers: { ...headers, 'idempotency-key': key },
      });
      await waitFor(() => wanted().length === 1, { what: 'the request' });
      client.abort();
      await assert.rejects(left);
      const again = await waitFor(
        async () => {
          const answer = await ask({ prompt }, { key });
          return answer.status === 202 && answer;
        },
        { what: 'the end of the waiting' },
      );
      const [caption] = wanted();
      assert.equal(again.body.id, caption?.captionId);
      await write(caption as WantedCaption);
      const patient = await ask({ prompt }, { key, headers: { prefer: 'wait=5' } });
      assert.deepEqual([patient.status, patient.body.caption], [200, `Written for ${prompt}`]);
      assert.equal(wanted().length, 1);
    });

    it('is gone on with when the API died over it', async () => {
      const key = uniqueName('key');
      const die = async () => {
        await api.sql(
          `update idempotency_keys set holder = 'dead', lease_until = now() - interval '1 second'
          where key = $1`,
          [key],
        );
      };
      const rows = await countRows();
      api.captions.write = die;
      assert.equal((await ask({ prompt: 'a' }, { key })).body.code, 'idempotency_in_progress');
      assert.equal((await ask({ prompt: 'b' }, { key })).body.code, 'idempotency_key_reused');
      api.captions.write = throwing(new NoWorkerError('No worker'));
      assert.equal((await ask({ prompt: 'a' }, { key })).status, 503);
      assert.equal(await countRows(), rows + 1, 'what another may be writing is not withdrawn');
      api.captions.write = write;
      const { status, body } = await ask({ prompt: 'a' }, { key });
      const ids = new Set(wanted().map(({ captionId }) => captionId));
      assert.deepEqual([status, [...ids]], [200, [body.id]]);
      assert.equal(await countRows(), rows + 1);
    });

    it('is not asked for again when it was written before the API died', async () => {
      const key = uniqueName('key');
      api.captions.write = async (caption) => {
        await write(caption);
        await api.sql(
          `update idempotency_keys set holder = 'dead', lease_until = now() - interval '1 second'
          where key = $1`,
          [key],
        );
      };
      assert.equal((await ask({ prompt: 'a' }, { key })).status, 409);
      const { status, body } = await ask({ prompt: 'a' }, { key });
      assert.deepEqual([status, body.caption, wanted().length], [200, 'Written for a', 1]);
    });

    it('may be tried again after trouble, and not after a refusal', async () => {
      const [troubled, refused] = [uniqueName('key'), uniqueName('key')];
      api.captions.write = failing('captions_no_credit', true);
      assert.equal((await ask({ prompt: 'a' }, { key: troubled })).status, 502);
      api.captions.write = failing('caption_refused', false);
      assert.equal((await ask({ prompt: 'a' }, { key: refused })).status, 422);
      api.captions.write = write;
      assert.equal((await ask({ prompt: 'a' }, { key: troubled })).status, 200);
      const again = await ask({ prompt: 'a' }, { key: refused });
      assert.deepEqual([again.status, again.body.code], [422, 'caption_refused']);
      assert.equal(wanted().length, 3);
    });
  });

  it('is not found when its video was deleted while it was written', async () => {
    const id = await makeReady(api, user, { bytes });
    api.captions.write = async () => {
      await api.sql('delete from videos where id = $1', [id]);
    };
    assert.equal((await ask({ video_id: id, prompt: 'a' })).body.code, 'not_found');
  });

  it('is kept for thirty days', async () => {
    const { body } = await ask({ prompt: 'a' });
    await api.sql(`update captions set created_at = now() - interval '29 days' where user_id = $1`, [
      user.id,
    ]);
    assert.deepEqual([await api.db.captions.countOld(), await api.db.captions.removeOld()], [0, 0]);
    await api.sql(`update captions set created_at = now() - interval '31 days' where id = $1`, [body.id]);
    assert.deepEqual([await api.db.captions.countOld(), await api.db.captions.removeOld()], [1, 1]);
    assert.equal((await find(body.id)).status, 404);
  });

  it('leaves neither prompt nor key in any line of the log', async () => {
    await ask({ prompt: PROMPT });
    api.captions.write = failing('captions_rejected', false);
    await ask({ prompt: PROMPT });
    const lines = JSON.stringify(api.logLines());
    assert.ok(lines.includes('/v1/captions'));
    for (const secret of [KEY, 'bakery']) assert.ok(!lines.includes(secret), secret);
  });
});
