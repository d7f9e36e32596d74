import assert from 'node:assert/strict';
import type { MediaFacts, MediaStream } from '../../src/domain/media.ts';
import { type PlaybackPlan, planPlayback } from '../../src/domain/playback.ts';

const STREAM: MediaStream = {
  ...{ index: 0, type: 'video', codec: 'h264', profile: null, language: null, isAttachedPicture: false },
  ...{ width: null, height: null, pixelFormat: null, frameRate: null, channels: null, sampleRate: null },
  ...{ durationSec: null, timeBase: null, level: null, pixelAspect: null, fieldOrder: null },
  ...{ colorRange: null, colorSpace: null, colorTransfer: null, colorPrimaries: null, channelLayout: null },
};

const picture = (codec: string, more: Partial<MediaStream> = {}): MediaStream => ({
  ...STREAM,
  ...{ codec, pixelFormat: 'yuv420p', ...more },
});
const sound = (codec: string, more: Partial<MediaStream> = {}): MediaStream => ({
  ...STREAM,
  ...{ type: 'audio', codec, ...more },
});

function facts(container: string, streams: MediaStream[], more: Partial<MediaFacts> = {}): MediaFacts {
  const numbered = streams.map((stream, index) => ({ ...stream, index }));
  const video = numbered.find(({ type, isAttachedPicture }) => type === 'video' && !isAttachedPicture);
  const audio = numbered.find(({ type }) => type === 'audio');
  return {
    ...{ container, durationSec: 10, sizeBytes: 1000, width: 640, height: 360, fps: 30, rotation: 0 },
    ...{
      videoCodec: video?.codec ?? 'none',
      audioCodec: audio?.codec ?? null,
      hasAudio: audio !== undefined,
    },
    ...{ language: null, videoStreamIndex: video?.index ?? 0, streams: numbered, isProgressive: null },
    ...more,
  };
}

const high = picture('h264', { profile: 'High', fieldOrder: 'progressive' });
const aac = sound('aac', { profile: 'LC' });
const last = { isProgressive: false };
const first = { isProgressive: true };

/** `work`, then what becomes of the picture and of each sound, by first letters. */
const inShort = ({ work, picture: seen, sound: heard }: PlaybackPlan): string =>
  [work, [seen, ...heard.map(({ treatment }) => treatment)].map(([letter]) => letter).join('')].join(' ');

const CASES: [string, MediaFacts, string][] = [
  // As they are.
  ['MP4, index first', facts('mp4', [high, aac], first), 'none cc'],
  [
    'MP4 whose profiles are not told',
    facts('mp4', [high, sound('aac', { profile: 'unknown' })], first),
    'none cc',
  ],
  ['MP4 without sound', facts('mp4', [high], first), 'none c'],
  ['MP4 with MP3', facts('mp4', [high, sound('mp3')], first), 'none cc'],
  [
    'MP4 with AV1 and Opus',
    facts('mp4', [picture('av1', { profile: 'Main' }), sound('opus')], first),
    'none cc',
  ],
  [
    'full range of a phone',
    facts('mp4', [picture('h264', { pixelFormat: 'yuvj420p' }), aac], first),
    'none cc',
  ],
  [
    'AV1 with 10 bits',
    facts('webm', [picture('av1', { profile: 'Main', pixelFormat: 'yuv420p10le' })]),
    'none c',
  ],
  ['WebM, VP8 and Vorbis', facts('webm', [picture('vp8'), sound('vorbis')]), 'none ee'],
  ['WebM, VP9 and Opus', facts('webm', [picture('vp9', { profile: 'Profile 0' }), sound('opus')]), 'none cc'],
  ['WebM, AV1', facts('webm', [picture('av1')]), 'none c'],
  ['a record without streams', { ...facts('mp4', [high], first), streams: [] }, 'none c'],
  ['a second sound that no browser looks at', facts('mp4', [high, aac, sound('ac3')], first), 'none cce'],
  [
    'cover art beside it',
    facts('mp4', [picture('png', { isAttachedPicture: true }), high, aac], first),
    'none cc',
  ],
  // Only the index.
  ['MP4, index last', facts('mp4', [high, aac], last), 'index_first cc'],
  ['MP4 with AV1, index last', facts('mp4', [picture('av1')], last), 'index_first c'],
  [
    'MP4 with a sound that nobody can decode',
    facts('mp4', [high, sound('unknown'), aac], first),
    'index_first cc',
  ],
  // Only the container.
  ['MOV', facts('mov', [high, aac], first), 'remux cc'],
  ['MOV, index last', facts('mov', [high, aac], last), 'remux cc'],
  ['MKV', facts('mkv', [high, aac]), 'remux cc'],
  ['MKV with FLAC', facts('mkv', [high, sound('flac')]), 'remux cc'],
  ['transport stream', facts('mpegts', [high, sound('aac', { profile: 'HE-AAC' })]), 'remux cc'],
  ['FLV', facts('flv', [high, sound('mp3')]), 'remux cc'],
  ['WebM that holds H.264', facts('webm', [high]), 'remux c'],
  ['MKV with VP9', facts('mkv', [picture('vp9', { profile: 'Profile 0' }), sound('opus')]), 'remux cc'],
  // The sound alone.
  ['MKV with AC-3', facts('mkv', [high, sound('ac3')]), 'encode ce'],
  ['MP4 with AC-3', facts('mp4', [high, sound('ac3')], first), 'encode ce'],
  ['MOV of a camera, with PCM', facts('mov', [high, sound('pcm_s16le')], last), 'encode ce'],
  ['MKV with two kinds of sound', facts('mkv', [high, aac, sound('dts')]), 'encode cce'],
  ['transport stream with LATM', facts('mpegts', [high, sound('aac_latm')]), 'encode ce'],
  ['AAC in a rare profile', facts('mp4', [high, sound('aac', { profile: 'Main' })], first), 'encode ce'],
  ['MKV with VP9 and Vorbis', facts('mkv', [picture('vp9'), sound('vorbis')]), 'encode ce'],
  // The picture.
  ['HEVC', facts('mp4', [picture('hevc'), aac], first), 'encode ec'],
  [
    'H.264 with 10 bits',
    facts('mp4', [picture('h264', { pixelFormat: 'yuv420p10le' }), aac], first),
    'encode ec',
  ],
  ['H.264 with 4:2:2', facts('mp4', [picture('h264', { pixelFormat: 'yuv422p' }), aac], first), 'encode ec'],
  [
    'H.264 without loss',
    facts('mp4', [picture('h264', { profile: 'High 4:4:4 Predictive' })], first),
    'encode e',
  ],
  ['H.264, interlaced', facts('mp4', [picture('h264', { fieldOrder: 'tt' }), aac], first), 'encode ec'],
  ['VP9 with 10 bits', facts('webm', [picture('vp9', { pixelFormat: 'yuv420p10le' })]), 'encode e'],
  ['VP8 in MKV', facts('mkv', [picture('vp8'), sound('opus')]), 'encode ec'],
  [
    'ProRes with PCM',
    facts('mov', [picture('prores', { pixelFormat: 'yuv422p10le' }), sound('pcm_s24le')], last),
    'encode ee',
  ],
  ['MPEG-2', facts('mpeg', [picture('mpeg2video'), sound('mp2')]), 'encode ee'],
  ['AVI', facts('avi', [picture('mpeg4'), sound('mp3')]), 'encode ec'],
  ['Theora', facts('ogg', [picture('theora'), sound('vorbis')]), 'encode ee'],
  ['a name of JavaScript’s own', facts('mp4', [picture('constructor')], first), 'encode e'],
];

describe('what a browser needs', () => {
  for (const [name, source, wanted] of CASES) {
    it(`${name}: ${wanted}`, () => assert.equal(inShort(planPlayback(source)), wanted));
  }

  it('is told by the chosen picture and keeps the order of the sounds, eight at most', () => {
    const many = facts('mkv', [...Array.from({ length: 12 }, () => aac), picture('hevc'), high], {
      videoStreamIndex: 13,
    });
    const plan = planPlayback(many);
    assert.equal(plan.work, 'remux');
    assert.deepEqual(
      plan.sound.map(({ streamIndex }) => streamIndex),
      [0, 1, 2, 3, 4, 5, 6, 7],
    );
  });
});
