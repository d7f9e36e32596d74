import assert from 'node:assert/strict';
import type { TranscriptContent } from '../../src/domain/transcript.ts';
import { VideoflowError } from '../../src/errors.ts';
import { LIE_NAMES, type Lie, lie } from '../support/fakes/lies.ts';
import { startFakeTranscriber } from '../support/fakes/openai.ts';
import type { Fakes } from '../support/fakes/server.ts';
import { assertReliable } from '../support/reliableContent.ts';
import { makeTones } from '../support/tones.ts';
import { requestFor, transcriberAt } from '../support/transcribing.ts';

const MODELS = ['whisper-1', 'gpt-4o-transcribe', 'gpt-4o-transcribe-diarize'] as const;
const DURATION_SEC = 8;

/** Of the answers that cannot be used at all; the others must still give what was said. */
const UNUSABLE = new Set<Lie>(['empty', 'wrongTypes', 'list', 'nothing', 'million']);

describe('a transcriber that lies', () => {
  let fakes: Fakes;
  let sound: Uint8Array;

  before(async () => {
    fakes = await startFakeTranscriber();
    const tones = [0, 1, 2].map((index) => ({ fromSec: 1 + 2 * index, toSec: 2 + 2 * index, hz: 440 }));
    sound = await makeTones(tones, DURATION_SEC);
  });
  after(() => fakes.close());
  beforeEach(() => fakes.reset());

  async function hear(name: Lie, model: string): Promise<TranscriptContent | VideoflowError> {
    fakes.behave(lie(name));
    const { transcriber } = transcriberAt(fakes);
    const request = requestFor(sound, { model, durationSec: DURATION_SEC });
    return transcriber.transcribe(request, new AbortController().signal).catch((error: unknown) => {
      assert.ok(error instanceof VideoflowError, String(error));
      return error;
    });
  }

  const told = async (name: Lie, model: string): Promise<TranscriptContent> => {
    const heard = await hear(name, model);
    assert.ok(!(heard instanceof VideoflowError), `${name}: ${heard}`);
    return heard;
  };

  const textOf = ({ segments }: TranscriptContent): string => segments.map(({ text }) => text).join(' ');

  for (const name of LIE_NAMES) {
    it(`is believed no more than can be (${name})`, async () => {
      for (const model of MODELS) {
        const heard = await hear(name, model);
        if (heard instanceof VideoflowError) {
          assert.equal(heard.code, 'transcriber_unavailable');
          assert.ok(UNUSABLE.has(name) || name === 'longText', `${name} of ${model}: ${heard.message}`);
          continue;
        }
        assert.ok(!UNUSABLE.has(name), `${name} of ${model}`);
        assertReliable(heard, DURATION_SEC);
        // Of a text without an end only as much is kept as can be said.
        if (name !== 'longText') assert.match(textOf(heard), /w0 hz440 f\w+\..*w1 .*w2 /s, model);
      }
    });
  }

  it('loses no word when only its times are wrong', async () => {
    for (const name of ['beyond', 'negative', 'notFinite'] as const) {
      const { segments } = await told(name, 'whisper-1');
      assert.deepEqual(
        segments.map(({ startSec, endSec }) => [startSec, endSec]),
        [[0, DURATION_SEC]],
      );
    }
  });

  it('is put in order again', async () => {
    const { segments } = await told('outOfOrder', 'whisper-1');
    assert.deepEqual(
      segments.map(({ text }) => text.slice(0, 2)),
      ['w0', 'w1', 'w2'],
    );
    assert.ok(segments.every(({ words }) => words?.length === 3));
  });

  it('is not listened to without an end', async () => {
    const heard = await hear('million', 'whisper-1');
    assert.match(String(heard), /more than an answer can be/);
  });

  it('says nothing twice', async () => {
    for (const model of ['whisper-1', 'gpt-4o-transcribe-diarize']) {
      const { segments } = await told('doubled', model);
      for (const { text } of segments) assert.match(text, /^w\d hz440 f\w+\.$/);
      assert.equal(segments.length, 3);
    }
  });

  it('keeps what looks like markup as text', async () => {
    const { segments } = await told('script', 'whisper-1');
    assert.match(segments[0]?.text ?? '', /<script>alert\(1\)<\/script> --> \{\{7\*7\}\}/);
  });
});
