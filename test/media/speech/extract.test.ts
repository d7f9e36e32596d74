import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaFacts, MediaStream } from '../../../src/domain/media.ts';
import type { ChunkLimits, SpeechChunk } from '../../../src/domain/speech.ts';
import { UnusableMediaError } from '../../../src/errors.ts';
import type { ExtractedSpeech } from '../../../src/media/index.ts';
import { encodeSpeechArgs, splitSpeechArgs } from '../../../src/media/speech/commands.ts';
import { type Heard, listenTo } from '../../support/listening.ts';
import { mediaUnderTest, quietWatch, until, withFolder } from '../../support/mediaAdapter.ts';
import { fixture, makeMedia } from '../../support/mediaFixtures.ts';
import {
  SENTENCES,
  type Spoken,
  skipWithoutSpeech,
  soundClip,
  speechVideo,
  speechWav,
} from '../../support/speechFixtures.ts';

const FEW = SENTENCES.slice(0, 4);
const { media } = mediaUnderTest();
const LIMITS: ChunkLimits = { maxSec: 8, maxBytes: 24_000_000 };
/** What re-based times may be wrong by. */
const EXACT_SEC = 0.05;

type Heards = { chunk: SpeechChunk; heard: Heard }[];

interface Extracted extends ExtractedSpeech {
  percents: number[];
  bytes: Buffer;
  /** Each chunk as whoever gets it alone hears it; none where nobody listens. */
  heards: Heards;
}

async function extract(
  inputPath: string,
  {
    limits = LIMITS,
    facts,
    isHeard = false,
  }: { limits?: ChunkLimits; facts?: (facts: MediaFacts) => MediaFacts; isHeard?: boolean } = {},
): Promise<Extracted> {
  return withFolder(async (folder) => {
    const probed = await media.probe(inputPath, quietWatch());
    const outputPath = join(folder, 'speech');
    const watch = quietWatch();
    const request = { inputPath, outputPath, facts: facts?.(probed) ?? probed, limits };
    const speech = await media.extractSpeech(request, watch);
    assert.deepEqual(await readdir(folder), ['speech'], 'nothing is left beside it');
    const bytes = await readFile(outputPath);
    const hear = async (chunk: SpeechChunk) => {
      const path = join(folder, `${chunk.offsetBytes}.${speech.extension}`);
      await writeFile(path, bytes.subarray(chunk.offsetBytes, chunk.offsetBytes + chunk.sizeBytes));
      return { chunk, heard: await listenTo(path) };
    };
    const heards = isHeard ? await Promise.all(speech.chunks.map(hear)) : [];
    return { ...speech, percents: watch.percents, bytes, heards };
  });
}

/** When a sentence begins, as it is heard in the chunk that it lies in. */
function heardAt({ heards }: Extracted, startSec: number, db = -40): number {
  const found = heards.findLast(({ chunk }) => chunk.startSec <= startSec);
  assert.ok(found, `no chunk holds ${startSec}`);
  const { chunk, heard } = found;
  return chunk.startSec + (heard.firstAbove(db, startSec - chunk.startSec - 0.3) ?? Number.NaN);
}

function assertInPlace(extracted: Extracted, { sentences }: Spoken, db = -40): void {
  for (const { startSec, endSec, text } of sentences) {
    const at = heardAt(extracted, startSec, db);
    assert.ok(Math.abs(at - startSec) <= EXACT_SEC, `“${text}” of ${startSec} s is heard at ${at} s`);
    const isWhole = extracted.chunks.some((each) => each.startSec <= startSec && each.endSec >= endSec);
    assert.ok(isWhole, `“${text}” is torn apart`);
  }
}

function assertVoiced({ chunks }: Extracted, { sentences }: Spoken): void {
  const voiced = chunks.flatMap((chunk) => chunk.voiced);
  assert.equal(voiced.length, sentences.length);
  for (const [at, { startSec, endSec }] of sentences.entries()) {
    assert.ok(Math.abs((voiced[at]?.startSec ?? 0) - startSec) <= EXACT_SEC);
    assert.ok(Math.abs((voiced[at]?.endSec ?? 0) - endSec) <= 0.1);
  }
}

describe('speech', function () {
  this.timeout(60_000);

  describe('of espeak-ng', () => {
    let spoken: Spoken;
    let extracted: Extracted;

    before(async function () {
      skipWithoutSpeech(this);
      spoken = await speechVideo();
      extracted = await extract(spoken.path, { isHeard: true });
    });

    it('is split where nobody speaks: nothing is heard around the cuts', () => {
      const { heards, chunks } = extracted;
      assert.ok(chunks.length >= 4, `${chunks.length} chunks`);
      for (const { heard } of heards.slice(1)) assert.ok(heard.loudnessDb(0, 0.1) < -60);
      for (const { heard, chunk } of heards.slice(0, -1)) {
        const lengthSec = chunk.endSec - chunk.startSec;
        assert.ok(heard.loudnessDb(lengthSec - 0.1, lengthSec) < -60);
        assert.ok(heard.loudnessDb(0, lengthSec) > -40, 'as a whole it is loud');
      }
    });

    it('comes in whole files of its own, each within the limits, one behind the other', async () => {
      let end = 0;
      let offset = 0;
      for (const { chunk, heard } of extracted.heards) {
        assert.deepEqual([chunk.startSec, chunk.offsetBytes], [end, offset]);
        assert.ok(chunk.endSec - chunk.startSec <= LIMITS.maxSec);
        assert.ok(heard.durationSec <= LIMITS.maxSec, `it lasts ${heard.durationSec} s`);
        assert.ok(Math.abs(heard.durationSec - (chunk.endSec - chunk.startSec)) < 0.08);
        end = chunk.endSec;
        offset += chunk.sizeBytes;
      }
      assert.equal(offset, extracted.bytes.length);
      assert.ok(Math.abs(end - spoken.durationSec) < 0.1);
      assert.deepEqual([extracted.contentType, extracted.extension], ['audio/webm', 'webm']);
    });

    it('keeps its times, and says where somebody speaks', () => {
      assertInPlace(extracted, spoken);
      assertVoiced(extracted, spoken);
    });

    it('is small, and tells how far it is', () => {
      assert.ok(extracted.bytes.length / spoken.durationSec < 3000, 'bytes a second');
      assert.ok(extracted.percents.every((percent) => percent >= 0 && percent <= 99));
      assert.ok(extracted.percents.length > 0);
    });

    it('gives the same bytes again', async () => {
      const again = await extract(spoken.path);
      assert.deepEqual(again.chunks, extracted.chunks);
      assert.ok(again.bytes.equals(extracted.bytes));
    });

    it('fits into as many bytes as are allowed', async () => {
      const limits = { maxSec: 1400, maxBytes: 30_000 };
      const { chunks } = await extract(spoken.path, { limits });
      assert.ok(chunks.length > 1);
      for (const { sizeBytes } of chunks) assert.ok(sizeBytes <= limits.maxBytes, `${sizeBytes} bytes`);
    });
  });

  for (const [what, extension] of [
    ['an edit list', 'mp4'],
    ['a clock that begins anywhere', 'ts'],
  ] as const)
    it(`that begins 1.5 s later than the picture keeps its times, by ${what}`, async function () {
      skipWithoutSpeech(this);
      const spoken = await speechVideo(FEW, { delaySec: 1.5, extension });
      const extracted = await extract(spoken.path, { isHeard: true });
      assertInPlace(extracted, spoken);
      assertVoiced(extracted, spoken);
    });

  it('that is hardly heard is speech all the same', async function () {
    skipWithoutSpeech(this);
    const spoken = await speechVideo(FEW, { gainDb: -30 });
    assert.ok((await listenTo(spoken.path)).loudnessDb(0, spoken.durationSec) < -45);
    const extracted = await extract(spoken.path, { isHeard: true });
    assertInPlace(extracted, spoken, -70);
    assertVoiced(extracted, spoken);
  });

  it('keeps its times behind a gap, and where a broadcast changes its channels', async function () {
    skipWithoutSpeech(this);
    const { path, sentences, durationSec } = await speechWav(FEW);
    await withFolder(async (folder) => {
      const part = async (name: string, offsetSec: number, channels: number) => {
        const file = join(folder, `${name}.ts`);
        const picture = ['-f', 'lavfi', '-i', `testsrc2=s=64x48:r=5:d=${durationSec}`, '-i', path];
        const codecs = ['-c:v', 'mpeg2video', '-c:a', 'aac', '-ac', String(channels), '-ar', '44100'];
        await makeMedia(...picture, ...codecs, '-output_ts_offset', String(offsetSec), file);
        return readFile(file);
      };
      const laterSec = Math.ceil(durationSec) + 3;
      const both = [await part('first', 10, 2), await part('second', 10 + laterSec, 1)];
      const broadcast = join(folder, 'broadcast.ts');
      await writeFile(broadcast, Buffer.concat(both));
      const late = sentences.map((each) => ({
        ...each,
        startSec: each.startSec + laterSec,
        endSec: each.endSec + laterSec,
      }));
      const extracted = await extract(broadcast, {
        facts: (facts) => ({ ...facts, durationSec: laterSec + durationSec }),
        isHeard: true,
      });
      assertInPlace(extracted, { path, durationSec, sentences: [...sentences, ...late] });
    });
  });

  it('without any pause is split all the same, and none is too long', async () => {
    const { chunks } = await extract(await soundClip('noise'));
    assert.ok(chunks.length >= 4);
    for (const { startSec, endSec } of chunks) assert.ok(endSec - startSec <= LIMITS.maxSec);
    assert.equal(chunks[0]?.startSec, 0);
    assert.ok((chunks.at(-1)?.endSec ?? 0) >= 29.9);
  });

  it('of which nothing is heard gives nothing to send', async () => {
    const { chunks, bytes } = await extract(await soundClip('silence'));
    assert.deepEqual([chunks, bytes.length], [[], 0]);
  });

  it('is not there without a sound track', async () => {
    await assert.rejects(extract(await soundClip('mute')), { code: 'no_audio' });
  });

  describe('in several tracks', () => {
    const withTracks = (change: (sounds: MediaStream[]) => MediaStream[]) => (facts: MediaFacts) => ({
      ...facts,
      streams: [
        ...facts.streams.filter(({ type }) => type !== 'audio'),
        ...change(facts.streams.filter(({ type }) => type === 'audio')),
      ],
    });

    it('is taken from the first one that can be decoded', async () => {
      // The record speaks of a track first that is not there.
      const facts = withTracks(([sound]) => [{ ...(sound as MediaStream), index: 9 }, sound as MediaStream]);
      const { chunks } = await extract(await fixture('h264'), { facts });
      assert.equal(chunks.length, 1);
    });

    it('none of which can be decoded says so', async () => {
      const facts = withTracks(([sound]) => [{ ...(sound as MediaStream), index: 9 }]);
      await assert.rejects(
        extract(await fixture('h264'), { facts }),
        (error) => error instanceof UnusableMediaError && error.code === 'corrupt_media',
      );
    });
  });

  it('is let go of at once when it is no longer wanted, and nothing stays', () =>
    withFolder(async (folder) => {
      const inputPath = join(folder, 'long.mp4');
      const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=1:d=900'];
      const sound = ['-f', 'lavfi', '-i', 'sine=r=8000:d=900'];
      await makeMedia(
        ...picture,
        ...sound,
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
        '-c:a',
        'pcm_s16le',
        '-f',
        'mov',
        inputPath,
      );
      const facts = await media.probe(inputPath, quietWatch());
      const abort = new AbortController();
      const watch = quietWatch(abort.signal);
      const work = media.extractSpeech(
        { inputPath, outputPath: join(folder, 'speech'), facts, limits: LIMITS },
        watch,
      );
      const ended = assert.rejects(work, { name: 'AbortError' });
      const whole = join(folder, 'speech.webm');
      await until(
        () =>
          stat(whole).then(
            ({ size }) => size > 0,
            () => false,
          ),
        20_000,
      );
      const askedAt = performance.now();
      abort.abort();
      await ended;
      assert.ok(performance.now() - askedAt < 1000);
      assert.deepEqual(await readdir(folder), ['long.mp4']);
    }));

  it('is asked for behind the guards, and written as it must be', () => {
    const encoding = encodeSpeechArgs('/s/out', 12.5);
    const input = encoding.indexOf('-i');
    assert.ok(encoding.indexOf('-format_whitelist') < input && encoding[input + 1] === 'pipe:0');
    assert.equal(encoding.filter((arg) => arg === '-t').length, 2, 'both outputs are bounded');
    const splitting = splitSpeechArgs({ inputPath: '/s/in', folder: '/s/100%/x', cutPackets: [100, 250] });
    assert.equal(splitting[splitting.indexOf('-segment_times') + 1], '5.970,14.970');
    assert.equal(splitting.at(-1), 'file:/s/100%%/x/%d.webm');
  });
});
