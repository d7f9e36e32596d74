import assert from 'node:assert/strict';
import type { TranscriptContent } from '../../src/domain/transcript.ts';
import { createLog } from '../../src/log.ts';
import { createTranscriber } from '../../src/transcriber/index.ts';
import { startFakeTranscriber } from '../support/fakes/openai.ts';
import type { Fakes } from '../support/fakes/server.ts';
import { makeTones } from '../support/tones.ts';
import { type Asked, requestFor, transcriberAt } from '../support/transcribing.ts';

const TONES = [
  { fromSec: 1, toSec: 2, hz: 440 },
  { fromSec: 4, toSec: 5.5, hz: 880 },
];
const signal = new AbortController().signal;

describe('the transcriber', () => {
  let fakes: Fakes;
  let sound: Uint8Array;

  before(async () => {
    fakes = await startFakeTranscriber({
      more: { 'Systran/faster-whisper-large-v3': 'whisper-1', 'voxtral-mini': 'gpt-4o-transcribe' },
    });
    sound = await makeTones(TONES, 8);
  });
  after(() => fakes.close());
  beforeEach(() => fakes.reset());

  const ask = (asked: Asked = {}, bytes = sound): Promise<TranscriptContent> =>
    transcriberAt(fakes).transcriber.transcribe(requestFor(bytes, asked), signal);

  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) <= 0.05, `${actual} instead of ${expected}`);

  it('asks whisper-1 for segments and words, and gives both with their punctuation', async () => {
    const { language, segments } = await ask({ prompt: 'Tones.', language: 'de' });
    const [request] = fakes.requests;
    assert.deepEqual(request?.fields, {
      model: ['whisper-1'],
      response_format: ['verbose_json'],
      'timestamp_granularities[]': ['word', 'segment'],
      prompt: ['Tones.'],
      language: ['de'],
    });
    assert.equal(request?.file?.name, 'speech.ogg');
    assert.equal(request?.file?.contentType, 'audio/ogg');
    assert.equal(request?.file?.sizeBytes, sound.length);
    assert.equal(language, 'de');
    assert.equal(segments.length, 2);
    for (const [index, segment] of segments.entries()) {
      const tone = TONES[index];
      near(segment.startSec, tone?.fromSec ?? 0);
      near(segment.endSec, tone?.toSec ?? 0);
      assert.match(segment.text, new RegExp(`^w${index} hz${tone?.hz} f\\w{8}\\.$`));
      assert.equal(segment.words?.map(({ text }) => text).join(' '), segment.text);
      near(segment.words?.[1]?.startSec ?? 0, segment.startSec + (segment.endSec - segment.startSec) / 3);
    }
  });

  it('reads the language that whisper-1 tells by its English name', async () => {
    assert.equal((await ask()).language, 'en');
  });

  it('asks models that tell no times for json, and gives one segment over all', async () => {
    for (const model of ['gpt-4o-transcribe', 'gpt-4o-mini-transcribe-2025-12-15', 'voxtral-mini']) {
      fakes.reset();
      const { language, segments } = await ask({ model, prompt: 'Tones.' });
      assert.deepEqual(fakes.requests[0]?.fields, {
        model: [model],
        response_format: ['json'],
        prompt: ['Tones.'],
      });
      assert.equal(segments.length, 1);
      assert.deepEqual([segments[0]?.startSec, segments[0]?.endSec], [0, 8]);
      assert.match(segments[0]?.text ?? '', /^w0 hz440 f\w+\. w1 hz880 f\w+\.$/);
      assert.equal(language, null);
    }
  });

  it('lets the service cut for the model that tells speakers, and gives it no prompt', async () => {
    const long = await makeTones([...TONES, { fromSec: 33, toSec: 34, hz: 440 }], 35);
    const { segments } = await ask(
      { model: 'gpt-4o-transcribe-diarize', prompt: 'Tones.', durationSec: 35 },
      long,
    );
    assert.deepEqual(fakes.requests[0]?.fields, {
      model: ['gpt-4o-transcribe-diarize'],
      response_format: ['diarized_json'],
      chunking_strategy: ['auto'],
    });
    assert.deepEqual(
      segments.map(({ speaker }) => speaker),
      ['A', 'B', 'A'],
    );
  });

  it('names languages to gpt-transcribe as it wants them, and reads the one that it heard', async () => {
    const { language, segments } = await ask({ model: 'gpt-transcribe', language: 'fr' });
    assert.deepEqual(fakes.requests[0]?.fields['languages[]'], ['fr']);
    assert.equal(language, 'fr');
    assert.equal(segments.length, 1);
  });

  it('takes the Whisper of another server for Whisper', async () => {
    assert.equal((await ask({ model: 'Systran/faster-whisper-large-v3' })).segments.length, 2);
  });

  it('understands segments wherever they come, and words without segments', async () => {
    const segments = [{ start: 1, end: 2, text: 'One.' }];
    const words = [{ start: 3, end: 4, word: 'one' }];
    fakes.behave({ kind: 'answer', status: 200, body: { text: 'One.', segments } });
    fakes.behave({ kind: 'answer', status: 200, body: { text: 'One.', words } });
    assert.deepEqual((await ask({ model: 'gpt-4o-transcribe' })).segments, [
      { startSec: 1, endSec: 2, text: 'One.' },
    ]);
    assert.deepEqual((await ask()).segments, [
      { startSec: 0, endSec: 8, text: 'One.', words: [{ startSec: 3, endSec: 4, text: 'One.' }] },
    ]);
  });

  it('gives no segment when nothing is said', async () => {
    const silence = await makeTones([], 2, 'mp3');
    const content = await ask({ durationSec: 2, extension: 'mp3', contentType: 'audio/mpeg' }, silence);
    assert.deepEqual(content, { language: 'en', segments: [] });
  });

  it('knows how large a chunk a model takes', () => {
    const { transcriber } = transcriberAt(fakes);
    const seconds = (model: string) => transcriber.limitsOf(model).maxSec;
    assert.equal(transcriber.defaultModel, 'whisper-1');
    assert.deepEqual(
      ['whisper-1', 'gpt-4o-transcribe-diarize', 'whisper-large-v3-turbo'].map(seconds),
      [1390, 1390, 1390],
    );
    assert.deepEqual(['gpt-4o-transcribe', 'gpt-transcribe', 'voxtral-mini'].map(seconds), [60, 60, 60]);
    assert.equal(transcriber.limitsOf('whisper-1').maxBytes, 24_000_000);
  });

  it('is none without a key', () => {
    const config = {
      OPENAI_BASE_URL: fakes.baseUrl,
      OPENAI_API_KEY: undefined,
      TRANSCRIBE_MODEL: 'whisper-1',
    };
    const log = createLog({ level: 'silent', program: 'test' });
    assert.equal(createTranscriber({ config, log }), null);
  });
});
