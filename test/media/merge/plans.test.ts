import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MediaFacts, MediaStream } from '../../../src/domain/media.ts';
import { joinArgs, LIST_GUARD, listText, pieceArgs } from '../../../src/media/merge/commands.ts';
import { fitFilters } from '../../../src/media/merge/fitting.ts';
import { chooseEncodedFormat, chooseFormat } from '../../../src/media/merge/format.ts';
import { findHoles } from '../../../src/media/merge/soundTrain.ts';
import { isQuick, planTreatment } from '../../../src/media/merge/treatment.ts';
import { createPasses } from '../../../src/media/passes.ts';
import { FILE_GUARD } from '../../../src/media/safety.ts';
import { quietWatch } from '../../support/mediaAdapter.ts';
import { FORGED_FACTS } from '../../support/mediaSteps.ts';

const SEED = { seed: 20261121, numRuns: 500 };

const STREAM: MediaStream = {
  ...{ index: 0, type: 'video', codec: 'h264', profile: 'High', language: null, isAttachedPicture: false },
  ...{ width: 320, height: 240, pixelFormat: 'yuv420p', frameRate: '30/1', channels: null, sampleRate: null },
  ...{
    durationSec: null,
    timeBase: '1/15360',
    level: 13,
    pixelAspect: null,
    fieldOrder: null,
    colorRange: null,
  },
  ...{ colorSpace: null, colorTransfer: null, colorPrimaries: null, channelLayout: null },
};
const SOUND: MediaStream = {
  ...STREAM,
  ...{ index: 1, type: 'audio', codec: 'aac', profile: 'LC', channels: 2, sampleRate: 48_000 },
  ...{ channelLayout: 'stereo', timeBase: '1/48000' },
};

function input(
  durationSec: number,
  picture: Partial<MediaStream> = {},
  facts: Partial<MediaFacts> = {},
  sounds = [SOUND],
) {
  const stream = { ...STREAM, ...picture };
  const size = { width: stream.width ?? 0, height: stream.height ?? 0 };
  const streams = [stream, ...sounds];
  return { inputPath: '/v', facts: { ...FORGED_FACTS, durationSec, ...size, streams, ...facts } };
}

describe('the common format of a merge', () => {
  it('is that of most seconds, not of most inputs', () => {
    const inputs = [input(10, { width: 640 }), input(4), input(5)];
    const format = chooseFormat(inputs);
    assert.equal(format.picture.width, 640);
    assert.deepEqual(
      inputs.map((each) => planTreatment(each, format).picture),
      ['copy', 'encode', 'encode'],
    );
  });

  it('tells apart what does not follow each other, and nothing else', () => {
    const model = chooseFormat([input(10)]);
    const treatmentOf = (picture: Partial<MediaStream>, facts?: Partial<MediaFacts>) =>
      planTreatment(input(1, picture, facts), model).picture;
    const same: Partial<MediaStream>[] = [
      ...[{ timeBase: '1/90000' }, { frameRate: '25/1' }, { level: 40 }, { fieldOrder: 'progressive' }],
      ...[{ pixelAspect: '1:1' }, { colorRange: 'tv' }],
    ];
    for (const picture of same) assert.equal(treatmentOf(picture), 'copy', JSON.stringify(picture));
    const other: Partial<MediaStream>[] = [
      ...[
        { codec: 'hevc' },
        { profile: 'Main' },
        { pixelFormat: 'yuvj420p' },
        { width: 322 },
        { height: 242 },
      ],
      ...[{ pixelAspect: '4:3' }, { colorSpace: 'bt709' }, { colorRange: 'pc' }, { fieldOrder: 'tt' }],
      { colorTransfer: 'smpte2084' },
    ];
    for (const picture of other) assert.equal(treatmentOf(picture), 'encode', JSON.stringify(picture));
    assert.equal(treatmentOf({}, { rotation: 90 }), 'encode');
    assert.equal(treatmentOf({}, { container: 'avi' }), 'encode');
  });

  it('takes as model only what can be encoded just so, and never a smaller picture for a larger one', () => {
    const hevc = { codec: 'hevc', profile: 'Main' };
    assert.equal(chooseFormat([input(9, hevc), input(1)]).picture.codec, 'h264');
    const large = chooseFormat([input(9, { ...hevc, width: 640, height: 480 }), input(1)]).picture;
    assert.deepEqual([large.key, large.width, large.height], [null, 640, 480]);
    assert.equal(chooseFormat([input(9, hevc), input(1, hevc)]).picture.codec, 'hevc');
    assert.equal(chooseFormat([input(9, { fieldOrder: 'tt' }), input(1)]).picture.key !== null, true);
    assert.equal(
      chooseEncodedFormat([input(9, {}, { width: 241, height: 321, rotation: 90 })]).picture.width % 2,
      0,
    );
  });

  it('has the tracks of sound that all have; silence counts for those without any', () => {
    const second = { ...SOUND, index: 2, language: 'eng' };
    const german = { ...SOUND, language: 'deu' };
    const inputs = [input(5, {}, {}, [german, second]), input(5, {}, {}, [german]), input(5, {}, {}, [])];
    const format = chooseFormat(inputs);
    assert.deepEqual(
      format.sounds.map(({ language }) => language),
      ['deu'],
    );
    assert.deepEqual(
      inputs.map((each) => planTreatment(each, format).sounds),
      [['copy'], ['copy'], ['silence']],
    );
    assert.deepEqual(chooseFormat([input(5, {}, {}, [])]).sounds, []);
  });

  it('leaves hours of sound to the queue of long work', () => {
    const other = [{ ...SOUND, sampleRate: 44_100 }];
    const plan = (durationSec: number) => {
      const inputs = [input(durationSec * 2), input(durationSec, {}, {}, other)];
      const format = chooseFormat(inputs);
      return isQuick(
        inputs,
        inputs.map((each) => planTreatment(each, format)),
      );
    };
    assert.deepEqual([plan(60), plan(3600)], [true, false]);
  });
});

describe('the arguments of a merge', () => {
  it('hold a guard before the input and an end, and nothing that a file could say', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(text, text, text, fc.boolean(), (name, colors, layout, isEncoded) => {
        const odd = { colorSpace: colors, colorTransfer: colors, colorPrimaries: colors, profile: 'High' };
        const inputs = [input(5, odd, {}, [{ ...SOUND, channelLayout: layout }]), input(1, { width: 64 })];
        const { picture, sounds } = isEncoded ? chooseEncodedFormat(inputs) : chooseFormat(inputs);
        const format = sounds[0];
        assert.ok(format);
        const args = pieceArgs({
          ...{ inputPath: `/in/${name}`, outputPath: '/out', streamIndex: 0, format: picture, lengthSec: 5 },
          pictureFilters: ['null'],
          sounds: [{ kind: 'encode', streamIndex: 1, format }],
        });
        const at = args.indexOf('-i');
        assert.deepEqual(args.slice(at - FILE_GUARD.length, at), FILE_GUARD);
        assert.equal(args.filter((argument) => argument === '-i').length, 1);
        assert.equal(args[at + 1], `file:/in/${name}`);
        assert.ok(args.includes('-t'));
        if (layout.length > 6)
          assert.ok(!args.some((argument) => argument.includes(layout) && !argument.includes(name)));
      }),
      SEED,
    );
  });

  it('guard a list, and allow none but names of ours in it', () => {
    const args = joinArgs({
      ...{
        listPath: '/w/list.txt',
        outputPath: '/w/out.mp4',
        codec: 'h264',
        timescale: 90_000,
        lengthSec: 5,
      },
      delays: [{ startTicks: 0, delayTicks: 2 }],
      sounds: [{ language: 'deu', packetTicks: 1024, joinTicks: [44_100] }],
    });
    const at = args.indexOf('-i');
    assert.deepEqual(args.slice(at - LIST_GUARD.length, at), LIST_GUARD);
    const sizes = FILE_GUARD.slice(FILE_GUARD.indexOf('-max_pixels'));
    assert.deepEqual(LIST_GUARD.slice(-sizes.length), sizes, 'as large as any other input, and no larger');
    for (const name of ['/etc/passwd', '../x', 'a b', "a'", 'a\nfile b', '-i', 'http:x', '']) {
      assert.throws(() => listText([{ name }]), TypeError, name);
    }
    assert.equal(
      listText([{ name: 'a.mp4', durationSec: 1.5 }]),
      'ffconcat version 1.0\nfile a.mp4\nduration 1.500000\n',
    );
  });
});

describe('fitting a picture', () => {
  it('fills the frame exactly, in even numbers, whatever the shapes', () => {
    const side = fc.integer({ min: 8, max: 2000 }).map((half) => half * 2);
    const rotation = fc.constantFrom(0, 90, 180, 270);
    const fit = fc.constantFrom('contain', 'cover' as const);
    fc.assert(
      fc.property(side, side, side, side, rotation, fit, (width, height, w, h, turn, way) => {
        const { picture } = chooseFormat([input(1, { width, height }, { rotation: turn })]);
        const filters = fitFilters({ width: w, height: h }, picture, way as 'contain', 'flags=bicubic');
        const [frameWidth, frameHeight] = turn % 180 === 90 ? [height, width] : [width, height];
        const [, scaledWidth, scaledHeight] = /^scale=(\d+):(\d+):/.exec(filters[0] ?? '')?.map(Number) ?? [];
        assert.ok(scaledWidth && scaledHeight);
        const framed = filters.find((filter) => /^(pad|crop)=/.test(filter));
        if (framed) assert.match(framed, new RegExp(`^(pad|crop)=${frameWidth}:${frameHeight}:`));
        else assert.deepEqual([scaledWidth, scaledHeight], [frameWidth, frameHeight]);
        const isInside = scaledWidth <= frameWidth && scaledHeight <= frameHeight;
        const isAround = scaledWidth >= frameWidth && scaledHeight >= frameHeight;
        assert.ok(way === 'contain' ? isInside : isAround);
      }),
      SEED,
    );
  });
});

describe('passes and trains', () => {
  it('make one progress that rises in whole percent and stays below a hundred', () => {
    const watch = quietWatch();
    const watchOf = createPasses(watch, [3, 1]);
    for (const percent of [0, 50, 40, 100]) watchOf(0).onProgress(percent);
    for (const percent of [0, 50, 100]) watchOf(1).onProgress(percent);
    assert.deepEqual(watch.percents, [0, 37, 75, 87, 99]);
  });

  it('have holes only where more than half a packet is missing', () => {
    const packets = (from: number, count: number) =>
      Float64Array.from({ length: count }, (_, at) => from + at * 100);
    const train = { packetTicks: 100, joinTicks: [1000] };
    // One before the beginning, as codecs need it; the last one reaches across the end.
    assert.deepEqual(findHoles(train, [packets(-100, 11), packets(900, 5)]), [0, 0]);
    assert.deepEqual(findHoles(train, [packets(0, 9), packets(1000, 5)]), [0, 100]);
    assert.deepEqual(findHoles(train, [packets(0, 10), packets(1040, 5)]), [0, 0]);
  });
});
