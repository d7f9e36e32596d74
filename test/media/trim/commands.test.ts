import assert from 'node:assert/strict';
import type { MediaFacts, MediaStream } from '../../../src/domain/media.ts';
import { fileUrl } from '../../../src/media/commands.ts';
import { FILE_GUARD } from '../../../src/media/safety.ts';
import {
  countPacketsArgs,
  decodeWindowArgs,
  encodeRangeArgs,
  profileOf,
  remuxArgs,
  seamEncoder,
  soundOptions,
  wholeEncoder,
} from '../../../src/media/trim/commands.ts';

const stream = (index: number, facts: Partial<MediaStream>): MediaStream => ({
  ...{ index, type: 'video', codec: 'h264', profile: 'Main', language: null, isAttachedPicture: false },
  ...{ width: 640, height: 360, pixelFormat: 'yuv420p', frameRate: '30/1', channels: null, sampleRate: null },
  ...{ durationSec: 10, timeBase: '1/15360', level: 31, pixelAspect: '1:1', fieldOrder: 'progressive' },
  ...{ colorRange: null, colorSpace: null, colorTransfer: null, colorPrimaries: null, channelLayout: null },
  ...facts,
});

const factsOf = (...streams: MediaStream[]): MediaFacts => ({
  ...{ container: 'mp4', durationSec: 10, sizeBytes: 1000, width: 640, height: 360, fps: 30, rotation: 0 },
  ...{ videoCodec: 'h264', audioCodec: null, hasAudio: false, language: null, videoStreamIndex: 0 },
  ...{ streams, isProgressive: true },
});

const optionOf = (args: readonly string[], name: string) => args[args.indexOf(name) + 1];

describe('argument lists of trimming', () => {
  const hostile = "/scratch/-i file:'; concat:|%d [v].mp4";
  const plain = factsOf(stream(0, {}));
  const range = { seekSec: 3, fromSec: 0.25, toSec: 1.75, soundToSec: 1.75, isOwnLine: true };
  const encode = {
    ...{ inputPath: hostile, outputPath: '/scratch/out.mp4', streamIndex: 0, range },
    ...{ encoder: wholeEncoder(plain), sound: soundOptions(plain), fileSizeBytes: 10_000_000 },
  };
  const LISTS = {
    encodeRange: encodeRangeArgs(encode),
    remux: remuxArgs(hostile, '/scratch/out.mp4', plain, 1000),
    decodeWindow: decodeWindowArgs(hostile, { fromSec: 1, toSec: 2 }),
    countPackets: countPacketsArgs(hostile),
  };

  for (const [name, args] of Object.entries(LISTS)) {
    it(`hold the name as one argument behind a whole guard: ${name}`, () => {
      assert.equal(args.filter((argument) => argument === '-i').length, 1);
      assert.equal(optionOf(args, '-i'), fileUrl(hostile));
      const before = args.slice(0, args.indexOf('-i'));
      const start = before.indexOf('-protocol_whitelist');
      assert.deepEqual(before.slice(start, start + FILE_GUARD.length), FILE_GUARD);
    });
  }

  it('bound what is read and what is written', () => {
    assert.equal(optionOf(LISTS.encodeRange, '-ss'), '3');
    assert.equal(optionOf(LISTS.encodeRange, '-t'), '2.050000');
    assert.equal(optionOf(LISTS.encodeRange, '-fs'), '10000000');
    assert.equal(optionOf(LISTS.remux, '-fs'), '1000');
    assert.equal(optionOf(LISTS.decodeWindow, '-t'), '1.000000');
  });

  it('count times from the seek point on both lines', () => {
    assert.match(
      optionOf(LISTS.encodeRange, '-vf') ?? '',
      /^setpts=PTS-3\/TB,select='gte\(t\\,0\.250000000\)\*lt/,
    );
    assert.ok(LISTS.encodeRange.includes('-copyts'));
    const players = encodeRangeArgs({ ...encode, range: { ...range, isOwnLine: false } });
    assert.match(optionOf(players, '-vf') ?? '', /^select=/);
    assert.ok(!players.includes('-copyts'));
  });

  it('match pieces to their source and give them parameter sets of their own', () => {
    const source = stream(0, { profile: 'Constrained Baseline', colorRange: 'pc', colorPrimaries: 'bt709' });
    const args = seamEncoder(factsOf(source), 9);
    assert.equal(optionOf(args, '-profile:v'), 'baseline');
    assert.equal(optionOf(args, '-x264-params'), 'sps-id=9:stitchable=1:level=3.1');
    assert.deepEqual([optionOf(args, '-color_range'), optionOf(args, '-color_primaries')], ['pc', 'bt709']);
    assert.equal(profileOf(stream(0, { profile: 'High 4:2:2' })), null);
  });

  it('keep interlaced pictures interlaced, and their first field first', () => {
    const args = wholeEncoder(factsOf(stream(0, { fieldOrder: 'tt' })));
    assert.deepEqual([optionOf(args, '-flags'), optionOf(args, '-top')], ['+ilme+ildct', '1']);
    assert.ok(!wholeEncoder(plain).includes('-top'));
  });

  it('take every sound track, copied or as AAC, with its language', () => {
    const sound = { type: 'audio', sampleRate: 48_000, channels: 2 } as const;
    const args = soundOptions(
      factsOf(
        stream(0, {}),
        stream(1, { ...sound, codec: 'aac', language: 'deu' }),
        stream(2, { ...sound, codec: 'opus', language: 'fra' }),
        stream(3, { ...sound, codec: 'pcm_s16le', channels: 8 }),
        stream(4, { ...sound, codec: 'unknown' }),
      ),
    );
    assert.deepEqual(
      args.filter((_, at) => args[at - 1] === '-map'),
      ['0:1', '0:2', '0:3'],
    );
    assert.deepEqual(
      ['-c:a:0', '-c:a:1', '-c:a:2'].map((name) => optionOf(args, name)),
      ['copy', 'aac', 'aac'],
    );
    assert.equal(optionOf(args, '-ac:a:2'), '6');
    assert.equal(optionOf(args, '-metadata:s:a:1'), 'language=fra');
  });
});
