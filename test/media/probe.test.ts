import assert from 'node:assert/strict';
import type { MediaFacts } from '../../src/domain/media.ts';
import { type UnusableMediaCode, UnusableMediaError } from '../../src/errors.ts';
import { declaredDuration, probeReport, type ReportedStream } from '../../src/media/probeReport.ts';
import { mediaUnderTest, quietWatch } from '../support/mediaAdapter.ts';
import { type FixtureName, fixture, GOOD_NAMES } from '../support/mediaFixtures.ts';

const expected: Record<(typeof GOOD_NAMES)[number], Partial<MediaFacts>> = {
  h264: {
    container: 'mp4',
    width: 320,
    height: 240,
    fps: 30,
    videoCodec: 'h264',
    audioCodec: 'aac',
    durationSec: 2,
  },
  minute: { width: 640, height: 360, durationSec: 60 },
  tenMinutes: { durationSec: 600, hasAudio: false },
  faststart: { container: 'mp4', durationSec: 2 },
  fragmented: { container: 'mp4', width: 640, height: 360 },
  mov: { container: 'mov', durationSec: 2 },
  hevc10: { container: 'mp4', videoCodec: 'hevc', width: 640, height: 360, durationSec: 4 },
  vp9: { container: 'webm', videoCodec: 'vp9', audioCodec: 'opus' },
  vp9OneKeyframe: { container: 'webm', durationSec: 12 },
  transportStream: { container: 'mpegts', videoCodec: 'h264', audioCodec: 'aac' },
  programStream: { container: 'mpeg', videoCodec: 'mpeg2video', width: 352, height: 288 },
  avi: { container: 'avi', videoCodec: 'mpeg4', audioCodec: 'mp3' },
  flv: { container: 'flv', videoCodec: 'h264', durationSec: 2 },
  asf: { container: 'asf', videoCodec: 'wmv2' },
  ogg: { container: 'ogg', videoCodec: 'theora' },
  manyTracks: { container: 'mkv', language: 'ger', videoCodec: 'h264', width: 320, height: 240 },
  vfrRotated: { width: 360, height: 640, rotation: 270, durationSec: 4 },
  rotated180: { width: 320, height: 240, rotation: 180 },
  av1: { container: 'mp4', videoCodec: 'av1' },
  prores: { container: 'mov', videoCodec: 'prores' },
  oddSize: { width: 321, height: 241 },
  anamorphic: { width: 1024, height: 576, rotation: 0 },
  noAudio: { hasAudio: false, audioCodec: null, language: null },
  oneFrame: { durationSec: 0.04 },
  oneKeyframe: { durationSec: 12 },
  latePicture: { durationSec: 4, hasAudio: true },
  liveMkv: { container: 'mkv', hasAudio: true },
};

/** Seconds where a container does not say to the frame. */
const expectedSec: Partial<Record<FixtureName, number>> = {
  fragmented: 60,
  vp9: 12,
  transportStream: 6,
  programStream: 3,
  avi: 3,
  asf: 2,
  ogg: 2,
  manyTracks: 3,
  liveMkv: 2,
};

const refused: Partial<Record<FixtureName, UnusableMediaCode>> = {
  audioOnly: 'no_video_stream',
  coverArtOnly: 'no_video_stream',
  crowdedIndex: 'corrupt_media',
  truncatedFaststart: 'corrupt_media',
  truncatedAtEnd: 'corrupt_media',
  truncatedFragments: 'corrupt_media',
  truncatedMkv: 'corrupt_media',
  zeroBytes: 'corrupt_media',
  garbage: 'unsupported_media',
  text: 'unsupported_media',
  png: 'unsupported_media',
  avif: 'unsupported_media',
  rareCodec: 'unsupported_codec',
  hugePicture: 'too_large_picture',
  wideLine: 'too_large_picture',
  evilGap: 'too_long',
  manyStreams: 'too_many_streams',
};

async function refusalOf(work: Promise<unknown>): Promise<UnusableMediaError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UnusableMediaError, String(error));
  return error;
}

describe('probe', function () {
  this.timeout(60_000);

  for (const name of GOOD_NAMES) {
    it(`tells the facts of ${name} with one ffprobe`, async () => {
      const { media, lines } = mediaUnderTest();
      const facts = await media.probe(await fixture(name), quietWatch());
      for (const [fact, value] of Object.entries(expected[name])) {
        assert.deepEqual(facts[fact as keyof MediaFacts], value, fact);
      }
      const lengthSec = expectedSec[name] ?? facts.durationSec;
      assert.ok(Math.abs(facts.durationSec - lengthSec) < 0.1, `${facts.durationSec} s`);
      assert.equal(lines.filter((line) => line.tool === 'ffprobe').length, 1);
    });
  }

  for (const [name, code] of Object.entries(refused)) {
    it(`refuses ${name} as ${code}`, async () => {
      const path = await fixture(name as FixtureName);
      const error = await refusalOf(mediaUnderTest().media.probe(path, quietWatch()));
      assert.equal(error.code, code);
      assert.equal(error.message.includes('/'), false, 'no paths in messages');
      assert.match(error.message, /; (upload|export|cut|.* again)/, 'a sentence to act on');
    });
  }

  it('refuses what is longer or larger than configured, judging upright videos like those lying down', async () => {
    const short = mediaUnderTest({ MAX_DURATION_SEC: 1.5 });
    const tooLong = await refusalOf(short.media.probe(await fixture('h264'), quietWatch()));
    assert.equal(tooLong.code, 'too_long');
    const landscape = mediaUnderTest({ MAX_WIDTH: 640, MAX_HEIGHT: 360 });
    assert.equal((await landscape.media.probe(await fixture('vfrRotated'), quietWatch())).height, 640);
    const small = mediaUnderTest({ MAX_WIDTH: 639, MAX_HEIGHT: 360 });
    const tooLarge = await refusalOf(small.media.probe(await fixture('vfrRotated'), quietWatch()));
    assert.equal(tooLarge.code, 'too_large_picture');
  });

  it('ends where the picture does, on the line of a player, and never later than the container says', () => {
    const lengthOf = (stream: object, format: object) => {
      const video = { index: 0, codec_type: 'video', ...stream };
      const report = probeReport.parse({ streams: [video], format: { format_name: 'mov', ...format } });
      return declaredDuration(report, report.streams[0] as ReportedStream);
    };
    const late = { start_time: '3.5', duration: '8' };
    assert.equal(lengthOf(late, { start_time: '1.5', duration: '10' }), 10);
    assert.equal(lengthOf(late, { start_time: '1.5', duration: '12' }), 10);
    assert.equal(lengthOf(late, { start_time: '1.5', duration: '9' }), 9, 'a start that lies');
    assert.equal(lengthOf({ ...late, start_time: 'N/A' }, { duration: '10' }), 8);
    assert.equal(lengthOf({ ...late, start_time: '-2' }, { start_time: '0', duration: '10' }), 8);
    assert.equal(lengthOf(late, { start_time: '1.5' }), 8, 'nothing bounds its start');
    assert.equal(lengthOf({ start_time: '3.5' }, { duration: '10' }), 10);
    assert.equal(lengthOf({}, {}), null);
  });

  it('never takes cover art or a second track for the video', async () => {
    const { media } = mediaUnderTest();
    const facts = await media.probe(await fixture('manyTracks'), quietWatch());
    const chosen = facts.streams.find((stream) => stream.index === facts.videoStreamIndex);
    assert.equal(chosen?.isAttachedPicture, false);
    assert.equal(chosen?.type, 'video');
    assert.deepEqual(
      facts.streams.filter((stream) => stream.type === 'audio').map((stream) => stream.language),
      ['ger', 'eng'],
    );
    assert.ok(facts.streams.some((stream) => stream.isAttachedPicture));
  });

  it('is not deceived by tags that look like fields, nor by declared lengths', async () => {
    const { media } = mediaUnderTest();
    const tagged = await media.probe(await fixture('evilTags'), quietWatch());
    assert.deepEqual([tagged.width, tagged.height, tagged.streams.length], [320, 240, 2]);
    assert.ok(Math.abs(tagged.durationSec - 2) < 0.1);
    assert.equal((await media.probe(await fixture('longDeclared'), quietWatch())).durationSec, 2);
  });
});
