import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Step } from '../../src/db/entities/step.ts';
import { openOrm } from '../../src/db/orm.ts';
import type { TimeRange } from '../../src/domain/speech.ts';
import type { TranscriptOptions } from '../../src/domain/transcript.ts';
import { processVideoId } from '../../workflows/contract.ts';
import { type EditToAdd, editsOf } from '../support/edits.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { errorInside, quotaExhausted, rateLimited } from '../support/fakes/behaviours.ts';
import { startFakeTranscriber } from '../support/fakes/openai.ts';
import type { Fakes } from '../support/fakes/server.ts';
import { mediaUnderTest, quietWatch } from '../support/mediaAdapter.ts';
import { soundClip } from '../support/speechFixtures.ts';
import { waitFor } from '../support/stack.ts';
import { FIRST_HZ, STEP_HZ, toneVideo } from '../support/toneVideos.ts';
import { stepOf, type TranscriptsOfEngine, transcriptsOf } from '../support/transcribedVideos.ts';

/** Tells no times, so it is sent chunks of a minute. */
const MODEL = 'gpt-4o-mini-transcribe';
const AT_ONCE = 3;
/** Each tone fills a chunk: no other pause makes one long enough, and not too long. */
const EVERY_SEC = 37;
const chunky = (count: number) =>
  toneVideo({
    ...{
      count,
      everySec: EVERY_SEC,
      toneSec: EVERY_SEC - 2,
      leadSec: 1,
      fps: 1,
      gop: 30,
      size: '64x64',
      sound: 'flac',
    },
  });

interface Surroundings {
  engine: TestEngine;
  fake: Fakes;
}

async function start(): Promise<Surroundings> {
  const fake = await startFakeTranscriber();
  const engine = await startTestEngine({
    ...{ OPENAI_BASE_URL: fake.baseUrl, OPENAI_API_KEY: fake.apiKey, TRANSCRIBE_MODEL: MODEL },
    ...{ TRANSCRIBE_CONCURRENCY: String(AT_ONCE), SHUTDOWN_GRACE_SEC: '1' },
  });
  return { engine, fake };
}

const hzOf = (text: string): number[] => [...text.matchAll(/hz(\d+)/g)].map(([, hz]) => Number(hz));
const heights = (count: number): number[] =>
  Array.from({ length: count }, (_, at) => FIRST_HZ + at * STEP_HZ);

/** How often each file was sent, by its bytes. */
function countFiles({ requests }: Fakes): number[] {
  const counts = new Map<string, number>();
  for (const { file } of requests) {
    const sha256 = file?.sha256 ?? '';
    counts.set(sha256, (counts.get(sha256) ?? 0) + 1);
  }
  return [...counts.values()].sort();
}

const assertNear = (found: (number | undefined)[], wanted: (number | undefined)[]) => {
  const isNear = wanted.every((sec, at) => Math.abs((found[at] ?? Number.NaN) - (sec ?? Number.NaN)) <= 0.1);
  assert.ok(isNear && found.length === wanted.length, `${found.join(', ')} is not ${wanted.join(', ')}`);
};

describe('transcribing', () => {
  let engine: TestEngine;
  let fake: Fakes;
  let words: TranscriptsOfEngine;
  /** Begun first and looked at last: that a dead worker is silent is only noticed after half a minute. */
  let death: Promise<Death>;
  let dying: Surroundings;

  before(async function () {
    this.timeout(120_000);
    const file = await chunky(CHUNKS);
    dying = await start();
    death = dieOverChunk(dying, file);
    // Heard of where it is waited for.
    death.catch(() => {});
    ({ engine, fake } = await start());
    words = transcriptsOf(engine);
    engine.startWorker({ WORKER_QUEUES: 'workflows,media,net,speech,encode', ENCODE_SLOTS: '1' });
  });
  after(async () => {
    await Promise.all([engine?.close(), dying?.engine.close()]);
    await Promise.all([fake?.close(), dying?.fake.close()]);
  });
  beforeEach(() => fake.reset());

  const add = (file: string, userId?: string) => words.add(file, userId);
  const untilStep = (id: string, state: Step['state']) => words.untilStep(id, state);
  const transcriptOf = (id: string) => words.transcriptOf(id);
  const askFor = (id: string, options: TranscriptOptions) => words.askFor(id, options);

  it('finds every word in its order and at its time, and leaves no sound behind', async function () {
    this.timeout(60_000);
    const id = await add(await chunky(4));
    await untilStep(id, 'succeeded');
    const { kind, version, model, language, segments } = await transcriptOf(id);
    assert.deepEqual([kind, version, model, language], ['machine', 1, MODEL, null]);
    assert.deepEqual(
      segments.flatMap(({ text }) => hzOf(text)),
      heights(4),
    );
    for (const { startSec, endSec } of segments) assert.ok(endSec - startSec < 20, 'a sentence is cut');
    for (let at = 0; at < 4; at++) {
      const ofTone = segments.filter(({ startSec }) => Math.floor(startSec / EVERY_SEC) === at);
      assertNear(
        [ofTone[0]?.startSec, ofTone.at(-1)?.endSec],
        [at * EVERY_SEC + 1, (at + 1) * EVERY_SEC - 1],
      );
    }
    assert.equal(fake.requests.length, 4);
    assert.ok(fake.mostAtOnce() <= AT_ONCE);
    const video = await engine.find(id);
    assert.match(video.sourceSha256 ?? '', /^[0-9a-f]{64}$/);
    assert.deepEqual(
      [...video.assets].map((asset) => asset.kind),
      [],
    );
  });

  it('sends nothing that its user was answered before, and everything that another user was', async function () {
    this.timeout(60_000);
    const file = await chunky(2);
    const first = await add(file);
    await untilStep(first, 'succeeded');
    assert.equal(fake.requests.length, 2);
    const second = await add(file);
    await untilStep(second, 'succeeded');
    await askFor(first, {});
    await waitFor(async () => (await transcriptOf(first)).version === 2, {
      what: 'a second version',
      timeoutMs: 30_000,
    });
    assert.equal(fake.requests.length, 2, 'what was paid for was sent again');
    assert.deepEqual((await transcriptOf(second)).segments, (await transcriptOf(first)).segments);
    await askFor(first, { language: 'de', model: 'whisper-1', prompt: 'Tones' });
    await waitFor(async () => (await transcriptOf(first)).version === 3, {
      what: 'a third version',
      timeoutMs: 30_000,
    });
    assert.deepEqual(fake.requests[2]?.fields.prompt, ['Tones']);
    const { model, language } = await transcriptOf(first);
    assert.deepEqual([model, language], ['whisper-1', 'de']);
    fake.reset();
    const stranger = await engine.addUser();
    const foreign = await add(file, stranger);
    await waitFor(() => engine.db.transcripts.findCurrent(foreign), {
      what: 'words of another user',
      timeoutMs: 30_000,
    });
    assert.equal(fake.requests.length, 2);
  });

  it('is empty and done where nothing is heard, and sends nothing', async () => {
    const id = await add(await soundClip('silence'));
    const step = await untilStep(id, 'succeeded');
    assert.equal(step.errorCode, null);
    assert.deepEqual((await transcriptOf(id)).segments, []);
    assert.equal(fake.requests.length, 0);
  });

  it('is skipped where there is no sound, and says so', async () => {
    const id = await add(await soundClip('mute'));
    const step = await untilStep(id, 'skipped');
    assert.equal(step.errorCode, 'no_audio');
    assert.equal(await engine.db.transcripts.findCurrent(id), null);
  });

  it('waits as long as it is told where it asks too often', async () => {
    fake.behave(rateLimited({ 'retry-after': '2' }));
    const id = await add(await toneVideo());
    const waiting = await untilStep(id, 'waiting_retry');
    assert.deepEqual([waiting.errorCode, waiting.errorRetryable], ['transcriber_rate_limited', true]);
    await untilStep(id, 'succeeded');
    const [first, second, ...others] = fake.requests;
    assert.ok((second?.receivedAt ?? 0) - (first?.endedAt ?? 0) >= 2000);
    assert.deepEqual(others, []);
  });

  it('takes an error inside of a good answer for one', async () => {
    fake.behave(errorInside());
    const id = await add(await toneVideo({ count: 4 }));
    const waiting = await untilStep(id, 'waiting_retry');
    assert.equal(waiting.errorCode, 'transcriber_unavailable');
    await untilStep(id, 'succeeded');
    assert.deepEqual(hzOf((await transcriptOf(id)).segments[0]?.text ?? '').length > 0, true);
    assert.equal(fake.requests.length, 2);
  });

  it('stops at once where nothing is paid for, keeps what was, and goes on when somebody retries', async function () {
    this.timeout(60_000);
    // The fifth request and those beside it.
    fake.behaveBy(({ index }) => (index === 4 ? quotaExhausted() : undefined));
    const id = await add(await chunky(7));
    const failed = await untilStep(id, 'failed');
    assert.deepEqual([failed.errorCode, failed.errorRetryable], ['transcriber_quota_exhausted', true]);
    assert.equal((await engine.find(id)).status, 'ready');
    assert.equal(await engine.db.transcripts.findCurrent(id), null);
    const sent = fake.requests.length;
    assert.ok(sent <= 4 + AT_ONCE, `${sent} were sent although one had failed`);
    await words.retry(id);
    await untilStep(id, 'succeeded');
    assert.deepEqual(
      (await transcriptOf(id)).segments.flatMap(({ text }) => hzOf(text)),
      heights(7),
    );
    assert.deepEqual(countFiles(fake), [1, 1, 1, 1, 1, 1, 2], 'what was answered was sent again');
  });

  it('lets go of its requests at once when it is cancelled', async () => {
    fake.behaveBy(() => ({ kind: 'hang' }));
    const id = await add(await toneVideo({ count: 6 }));
    await waitFor(() => fake.requests.length > 0, { what: 'a request', timeoutMs: 30_000 });
    const askedAt = Date.now();
    const intent = await engine.db.videos.requestCancel(engine.userId, id);
    assert.ok(intent.outcome === 'accepted');
    await engine.flows.cancelProcessing(id, intent.runs);
    await untilStep(id, 'cancelled');
    assert.ok(Date.now() - askedAt <= 2000, `cancelling took ${Date.now() - askedAt} ms`);
    await waitFor(() => fake.requests[0]?.isAbandoned, { what: 'the request to be let go of' });
    assert.equal((await engine.find(id)).status, 'ready');
  });

  describe('what is made of other videos', () => {
    const addTimed = async (file: string): Promise<string> => {
      const id = await engine.addVideo(file, { steps: [] });
      await waitFor(async () => (await engine.find(id)).status === 'ready', {
        what: 'a ready video',
        timeoutMs: 60_000,
      });
      await askFor(id, { model: 'whisper-1' });
      await untilStep(id, 'succeeded');
      return id;
    };
    const resultOf = async (edit: EditToAdd): Promise<string> => {
      const edits = editsOf(engine);
      const { video, errorMessage } = await edits.untilEnded(await edits.add(edit));
      assert.ok(video, errorMessage ?? '');
      await untilStep(video.id, 'succeeded');
      return video.id;
    };
    /** Where something is really heard in a video. */
    const hear = async (id: string): Promise<TimeRange[]> => {
      const { sourceKey } = await engine.find(id);
      const inputPath = join(engine.config.STORAGE_DIR, sourceKey ?? '');
      const { media } = mediaUnderTest();
      const watch = quietWatch();
      const facts = await media.probe(inputPath, watch);
      const outputPath = join(engine.config.DATA_DIR, `heard-${id}`);
      const limits = { maxSec: 1000, maxBytes: 10 ** 7 };
      const { chunks } = await media.extractSpeech({ inputPath, outputPath, facts, limits }, watch);
      return chunks.flatMap(({ voiced }) => voiced);
    };
    const assertTrue = async (id: string) => {
      const [{ segments }, heard] = await Promise.all([transcriptOf(id), hear(id)]);
      const times = (ranges: TimeRange[]) => ranges.flatMap(({ startSec, endSec }) => [startSec, endSec]);
      assertNear(times(segments), times(heard));
      return segments.flatMap(({ text }) => hzOf(text));
    };

    it('gets their words at their new times, and sends nothing', async function () {
      this.timeout(120_000);
      const [one, two, mute] = [
        await addTimed(await toneVideo({ count: 5 })),
        await addTimed(await toneVideo({ count: 3, fps: 30, size: '128x128', extension: 'webm' })),
        await engine.addVideo(await soundClip('mute'), { steps: [] }),
      ];
      fake.reset();
      // The third tone whole, and most of the one before it.
      const trimmed = await resultOf({ parents: [one], startSec: 3.9, endSec: 8.6 });
      assert.deepEqual(await assertTrue(trimmed), [360, 420]);
      const merged = await resultOf({ kind: 'merge', parents: [one, mute, two, one] });
      assert.deepEqual(await assertTrue(merged), [...heights(5), ...heights(3), ...heights(5)]);
      assert.equal((await transcriptOf(merged)).kind, 'machine');
      assert.equal(fake.requests.length, 0);
      const { segments } = await transcriptOf(one);
      const edited = segments.map((segment) => ({ ...segment, text: 'by hand' }));
      await engine.db.transcripts.add({
        ...{ videoId: one, kind: 'edited', language: 'en', model: null, segments: edited },
      });
      const again = await transcriptOf(await resultOf({ parents: [one], startSec: 0, endSec: 2.5 }));
      assert.deepEqual([again.kind, again.segments.map(({ text }) => text)], ['edited', ['by hand']]);
      assert.equal(fake.requests.length, 0);
    });

    it('waits for words that are still being found, and finds its own where there will be none', async function () {
      this.timeout(60_000);
      fake.behave({ kind: 'slow', ms: 2500 });
      const slow = await add(await toneVideo({ count: 8 }));
      const carried = await resultOf({ parents: [slow], startSec: 0, endSec: 6 });
      assert.equal(fake.requests.length, 1);
      assert.equal((await transcriptOf(carried)).segments.length, 2);
      fake.reset();
      fake.behave(quotaExhausted());
      const failing = await add(await toneVideo({ count: 7 }));
      await untilStep(failing, 'failed');
      const own = await resultOf({ parents: [failing], startSec: 0, endSec: 6 });
      assert.equal(fake.requests.length, 2);
      assert.equal((await transcriptOf(own)).segments.length, 2);
    });
  });

  it('sends nothing again whose answer was stored when its worker died', async function () {
    this.timeout(120_000);
    const { id, stored } = await death;
    assert.equal(stored, 6);
    const video = await dying.engine.untilSettled(id, 90_000);
    assert.equal(stepOf(video).state, 'succeeded');
    const transcript = await dying.engine.db.transcripts.findCurrent(id);
    assert.deepEqual(
      transcript?.segments.flatMap(({ text }) => hzOf(text)),
      heights(CHUNKS),
    );
    const counts = countFiles(dying.fake);
    assert.equal(counts.length, CHUNKS);
    // Those that were on their way when the worker died were paid for twice, and no other.
    assert.deepEqual(counts, [...Array(CHUNKS - AT_ONCE).fill(1), ...Array(AT_ONCE).fill(2)]);
    assert.deepEqual(await lastWordsOf(dying.engine, id), [true]);
  });
});

/** Whether attempts that fell silent had told the engine of progress: it decides whether they count. */
async function lastWordsOf({ client }: TestEngine, videoId: string): Promise<boolean[]> {
  const { events } = await client.workflow.getHandle(processVideoId(videoId, 1)).fetchHistory();
  return (events ?? []).flatMap(({ activityTaskTimedOutEventAttributes: silence }) => {
    const [details] = silence?.failure?.timeoutFailureInfo?.lastHeartbeatDetails?.payloads ?? [];
    return details?.data ? [JSON.parse(Buffer.from(details.data).toString()).madeProgress] : [];
  });
}

const CHUNKS = 20;

interface Death {
  id: string;
  /** How many answers the worker had stored. */
  stored: number;
}

/** Kills the worker while it waits for the seventh chunk, and starts another. */
async function dieOverChunk({ engine, fake }: Surroundings, file: string): Promise<Death> {
  fake.behaveBy(({ index }) => (index >= 6 ? { kind: 'hang' } : undefined));
  engine.startWorker();
  const id = await engine.addVideo(file, { steps: ['transcript'] });
  await waitFor(() => fake.requests.length === 6 + AT_ONCE, { what: 'chunk 7', timeoutMs: 60_000 });
  const stored = await untilStored(engine.config.DATABASE_URL, 6);
  // What the engine did not hear of before a worker dies, it can tell nobody.
  await waitFor(() => hasHeardOfProgress(engine, id), { what: 'the engine to hear of progress' });
  await engine.stopWorkers('SIGKILL');
  fake.behaveBy(() => undefined);
  engine.startWorker();
  return { id, stored };
}

async function hasHeardOfProgress({ client }: TestEngine, videoId: string): Promise<boolean> {
  const { raw } = await client.workflow.getHandle(processVideoId(videoId, 1)).describe();
  return (raw.pendingActivities ?? []).some(({ heartbeatDetails }) => {
    const data = heartbeatDetails?.payloads?.[0]?.data;
    return Boolean(data && JSON.parse(Buffer.from(data).toString()).madeProgress);
  });
}

/** Waits until so many answers are stored, and gives how many are. */
async function untilStored(databaseUrl: string, count: number): Promise<number> {
  const orm = await openOrm({ databaseUrl, poolMax: 1 });
  const ask = () =>
    orm.em.fork().execute<{ stored: number }[]>('select count(*)::int as stored from speech_answers');
  try {
    return await waitFor(
      async () => {
        const stored = (await ask())[0]?.stored ?? 0;
        return stored >= count ? stored : null;
      },
      { what: `${count} stored answers` },
    );
  } finally {
    await orm.close();
  }
}
