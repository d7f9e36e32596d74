import assert from 'node:assert/strict';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { startFakeTranscriber } from '../support/fakes/openai.ts';
import type { Fakes } from '../support/fakes/server.ts';
import { waitFor } from '../support/stack.ts';
import { toneVideo } from '../support/toneVideos.ts';
import { stepOf, type TranscriptsOfEngine, transcriptsOf } from '../support/transcribedVideos.ts';

describe('trouble around a transcriber', () => {
  let engine: TestEngine;
  let fake: Fakes;
  let words: TranscriptsOfEngine;

  before(async function () {
    this.timeout(60_000);
    fake = await startFakeTranscriber();
    engine = await startTestEngine({
      ...{ OPENAI_BASE_URL: fake.baseUrl, OPENAI_API_KEY: fake.apiKey, TRANSCRIBE_MODEL: 'whisper-1' },
      ...{ NET_SLOTS: '1', SPEECH_SLOTS: '1' },
    });
    words = transcriptsOf(engine);
    engine.startWorker({ WORKER_QUEUES: 'workflows,media,net' });
  });
  after(async () => {
    await engine?.stopWorkers('SIGKILL');
    await engine?.close();
    await fake?.close();
  });

  it('extracts the sound again until all workers cut it for the same model', async function () {
    this.timeout(60_000);
    const old = engine.startWorker({ WORKER_QUEUES: 'speech', TRANSCRIBE_MODEL: 'gpt-4o-mini-transcribe' });
    const id = await words.add(await toneVideo());
    const waiting = await words.untilStep(id, 'waiting_retry');
    assert.equal(waiting.errorCode, 'speech_missing');
    await old.kill('SIGTERM');
    engine.startWorker({ WORKER_QUEUES: 'speech' });
    await words.untilStep(id, 'succeeded');
    assert.equal((await words.transcriptOf(id)).model, 'whisper-1');
  });

  it('holds up no removal, however long it is silent', async function () {
    this.timeout(60_000);
    const file = await toneVideo();
    const other = await engine.addVideo(file, { steps: [] });
    await waitFor(async () => (await engine.find(other)).status === 'ready', { what: 'a ready video' });
    const key = (await engine.find(other)).sourceKey ?? '';
    fake.reset();
    fake.behaveBy(() => ({ kind: 'hang' }));
    const id = await words.add(await toneVideo({ count: 6 }));
    await waitFor(() => fake.requests.length > 0, { what: 'a request', timeoutMs: 30_000 });
    assert.equal(stepOf(await engine.find(id)).state, 'running');
    await engine.db.videos.requestDelete(engine.userId, other);
    await engine.flows.startRemoval(other, engine.userId);
    const isThere = () =>
      engine.storage.open(key).then(
        (stream) => Boolean(stream.destroy()),
        () => false,
      );
    await waitFor(async () => !(await isThere()), { what: 'the removal', timeoutMs: 15_000 });
  });
});
