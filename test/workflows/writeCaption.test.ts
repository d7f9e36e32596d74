import assert from 'node:assert/strict';
import pg from 'pg';
import type { Caption } from '../../src/db/entities/caption.ts';
import { newId } from '../../src/db/ids.ts';
import { writeCaptionId } from '../../workflows/contract.ts';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';
import { badRequest, rateLimited, serverError } from '../support/fakes/behaviours.ts';
import { startFakeWriter, WRITER } from '../support/fakes/chat.ts';
import { CHAT_TROUBLE } from '../support/fakes/chatTrouble.ts';
import type { Fakes } from '../support/fakes/server.ts';
import { historyText } from '../support/historyText.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { waitFor } from '../support/stack.ts';

const PROMPT = 'prompt that only its owner may read';
const SAID = 'said where nobody else may hear it';

describe('writeCaption', () => {
  let fakes: Fakes;
  let engine: TestEngine;
  let api: ApiProcess;

  before(async function () {
    this.timeout(60_000);
    fakes = await startFakeWriter({ apiKey: 'sk-the-key-of-captions' });
    engine = await startTestEngine({
      ...{ CAPTIONS_BASE_URL: fakes.baseUrl, OPENROUTER_API_KEY: fakes.apiKey },
      WORKER_QUEUES: 'workflows,net',
    });
    api = await engine.startApi();
  });
  after(async () => {
    await engine?.close();
    await fakes?.close();
  });
  beforeEach(() => fakes.reset());

  const call = async (path: string, json?: object) => {
    const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' };
    const init = json ? { method: 'POST', headers, body: JSON.stringify(json) } : { headers };
    const response = await fetch(api.url + path, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const sql = async (text: string, values: unknown[] = []) => {
    const client = new pg.Client({ connectionString: engine.config.DATABASE_URL });
    await client.connect();
    try {
      return (await client.query(text, values)).rows;
    } finally {
      await client.end();
    }
  };
  const insert = (videoId: string | null = null): Promise<string> =>
    engine.db.captions.insert({
      ...{ userId: engine.userId, videoId, prompt: PROMPT, platform: 'bluesky', wantedModel: null },
    });
  const find = async (id: string): Promise<Caption> => {
    const row = await engine.db.captions.find(engine.userId, id);
    assert.ok(row);
    return row;
  };
  const write = (captionId: string) =>
    engine.flows.writeCaption({ captionId, userId: engine.userId, videoId: null });
  const errorOf = ({ status, errorCode, errorRetryable }: Caption) => [status, errorCode, errorRetryable];

  describe('without a worker', () => {
    it('is nothing that anybody accepts', async () => {
      const { status, body } = await call('/v1/captions', { prompt: PROMPT });
      assert.deepEqual([status, body.code, body.retryable], [503, 'no_worker', true]);
      assert.deepEqual(await sql('select id from captions'), []);
    });
  });

  describe('with a worker', () => {
    before(async function () {
      this.timeout(60_000);
      engine.startWorker();
      await waitFor(
        async () => {
          const { pollers } = await engine.flows.health();
          return pollers.workflows > 0 && pollers.net > 0;
        },
        { what: 'the worker', timeoutMs: 60_000 },
      );
    });

    it('gives a caption that keeps its limit, from a request to the answer', async () => {
      const prompt = `${PROMPT} in 400 characters`;
      const { status, body } = await call('/v1/captions', { prompt, platform: 'bluesky' });
      assert.equal(status, 200);
      assert.match(String(body.caption), /^About: prompt/);
      assert.ok(String(body.caption).length <= 300);
      assert.equal(body.model, WRITER);
      assert.equal(fakes.requests.length, 2);
      assert.deepEqual((await call(`/v1/captions/${body.id}`)).body, body);
    });

    it('leaves nothing of prompt, transcript, caption and key in its history and in the logs', async () => {
      const videoId = await engine.addVideo(await fixture('h264'), { start: false });
      const segments = [{ startSec: 0, endSec: 1, text: SAID }];
      await engine.db.transcripts.add({ videoId, kind: 'edited', language: 'en', model: null, segments });
      const [written, refused, troubled] = [
        await insert(videoId),
        await insert(videoId),
        await insert(videoId),
      ];
      await write(written);
      assert.ok(JSON.stringify(fakes.requests[0]?.json).includes(SAID));
      fakes.behave(badRequest());
      await write(refused);
      fakes.behave(CHAT_TROUBLE.moderated);
      await write(troubled);
      assert.equal((await find(written)).caption, `About: ${PROMPT}`);
      const texts = [JSON.stringify(await engine.workerLog())];
      for (const id of [written, refused, troubled])
        texts.push(await historyText(engine.client, writeCaptionId(id)));
      for (const text of texts) {
        assert.ok(text.includes(refused) || text.includes(written) || text.includes(troubled));
        for (const secret of [PROMPT, SAID, fakes.apiKey, 'About:', 'flagged', 'Something in the request'])
          assert.ok(!text.includes(secret), secret);
      }
    });

    it('is tried again after trouble of the service, when that says', async () => {
      fakes.behave(rateLimited({ 'retry-after-ms': '1700' }), serverError());
      const id = await insert();
      await write(id);
      assert.deepEqual([(await find(id)).status, fakes.requests.length], ['succeeded', 3]);
      const [first, second] = fakes.requests.map(({ receivedAt }) => receivedAt) as [number, number];
      assert.ok(second - first >= 1700, `${second - first} ms`);
    });

    it('is tried again after a wait that is none, or would never end', async () => {
      fakes.behave(rateLimited({ 'retry-after-ms': 'Infinity' }), rateLimited({ 'retry-after': '0' }));
      const id = await insert();
      await write(id);
      assert.deepEqual([(await find(id)).status, fakes.requests.length], ['succeeded', 3]);
    });

    it('is bought twice at most where the answers are of no use', async () => {
      fakes.behaveBy(() => CHAT_TROUBLE.plain_text);
      const id = await insert();
      await write(id);
      assert.deepEqual(errorOf(await find(id)), ['failed', 'captions_unusable', true]);
      assert.equal(fakes.requests.length, 2);
    });

    it('is given up at once where only a person can help, or nobody', async () => {
      for (const [trouble, code, retryable] of [
        [CHAT_TROUBLE.no_credit, 'captions_no_credit', true],
        [CHAT_TROUBLE.filtered, 'caption_refused', false],
      ] as const) {
        fakes.reset();
        fakes.behave(trouble);
        const id = await insert();
        await write(id);
        assert.deepEqual(errorOf(await find(id)), ['failed', code, retryable]);
        assert.equal(fakes.requests.length, 1);
        const { status } = await engine.client.workflow.getHandle(writeCaptionId(id)).describe();
        assert.equal(status.name, 'FAILED');
      }
    });

    it('is not paid for again when it is there', async () => {
      const id = await insert();
      await write(id);
      const { caption } = await find(id);
      await write(id);
      assert.deepEqual([(await find(id)).caption, fakes.requests.length], [caption, 1]);
    });

    it('is nothing to do when its row is gone', async () => {
      await write(newId());
      assert.equal(fakes.requests.length, 0);
    });

    it('is broken off when an operator cancels it', async () => {
      fakes.behave({ kind: 'hang' });
      const id = await insert();
      const writing = write(id);
      await waitFor(() => fakes.requests.length === 1, { what: 'the request' });
      await engine.client.workflow.getHandle(writeCaptionId(id)).cancel();
      await writing;
      assert.deepEqual(errorOf(await find(id)), ['failed', 'ended_by_operator', true]);
      await waitFor(() => fakes.requests[0]?.isAbandoned, { what: 'the end of the request' });
    });

    it('does not stay running when its run was terminated, or never was', async () => {
      fakes.behave({ kind: 'hang' });
      const [terminated, unknown, young] = [await insert(), await insert(), await insert()];
      const writing = write(terminated);
      await waitFor(() => fakes.requests.length === 1, { what: 'the request' });
      await engine.client.workflow.getHandle(writeCaptionId(terminated)).terminate();
      await writing;
      assert.equal((await find(terminated)).status, 'running');
      await sql(`update captions set created_at = now() - interval '61 seconds' where id <> $1`, [young]);
      await engine.flows.ensureReconcile();
      for (const [id, code] of [
        [terminated, 'ended_by_operator'],
        [unknown, 'workflow_failed'],
      ] as const) {
        const ended = async () => (await find(id)).status === 'failed';
        await waitFor(ended, { what: 'the reconciler' });
        assert.deepEqual(errorOf(await find(id)), ['failed', code, true]);
      }
      assert.equal((await find(young)).status, 'running');
      await engine.db.captions.withdraw(young);
    });
  });
});
