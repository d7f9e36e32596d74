import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  fileUrl,
  keyframePacketsArgs,
  measureLengthArgs,
  probeArgs,
  thumbnailArgs,
  tileAllFramesArgs,
  tileKeyframesArgs,
} from '../../src/media/commands.ts';
import { FILE_GUARD, PIPE_GUARD } from '../../src/media/safety.ts';
import { planStoryboard } from '../../src/media/storyboardGrid.ts';

const SEED = { seed: 20261121, numRuns: 1000 };

/** Names as a hostile mind writes them, below a folder of ours. */
const hostileName = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '-version',
    '-i file',
    'concat:a|b',
    '%d',
    'a b',
    "'",
    '"',
    '\n',
    'pipe:0',
    'http://x/',
    '$(x)',
    ',',
    ':',
    '=',
    '[v]',
  ),
);
const path = hostileName.map((name) => `/scratch/${name}`);
const video = fc.record({
  width: fc.integer({ min: 1, max: 8192 }),
  height: fc.integer({ min: 1, max: 8192 }),
  durationSec: fc.double({ min: 0.001, max: 21_600, noNaN: true }),
});

/** Whether every input stands directly behind its own whole guard. */
const hasGuards = (args: readonly string[], guard: readonly string[]): boolean =>
  args.every((argument, at) => {
    if (argument !== '-i') return true;
    const before = args.slice(0, at);
    const start = before.lastIndexOf('-protocol_whitelist');
    return start >= 0 && guard.every((option, offset) => before[start + offset] === option);
  });

const count = (args: readonly string[], wanted: string) =>
  args.filter((argument) => argument === wanted).length;

describe('argument lists', () => {
  it('hold every name as exactly one argument with its prefix, and a guard before the input', () => {
    fc.assert(
      fc.property(
        path,
        path,
        video,
        fc.nat(31),
        fc.boolean(),
        (inputPath, outputPath, shape, streamIndex, isExact) => {
          const grid = planStoryboard(shape);
          const storyboard = { inputPath, imagePath: outputPath, streamIndex, grid, rotation: 90, ...shape };
          const accuracy = isExact ? 'exact' : 'keyframe';
          const thumbnail = { inputPath, outputPath, streamIndex, seekSec: 1.5, accuracy, ...shape } as const;
          const reading = [
            thumbnailArgs(thumbnail),
            keyframePacketsArgs(storyboard),
            tileAllFramesArgs(storyboard),
            measureLengthArgs(inputPath, streamIndex, 10),
            probeArgs(inputPath),
          ];
          for (const args of reading) {
            assert.equal(args[args.indexOf('-i') + 1], fileUrl(inputPath));
            assert.equal(count(args, '-i'), 1);
            assert.ok(hasGuards(args, FILE_GUARD));
          }
          const writing = [
            thumbnailArgs(thumbnail),
            tileAllFramesArgs(storyboard),
            tileKeyframesArgs(storyboard),
          ];
          for (const args of writing) assert.equal(args.at(-1), fileUrl(outputPath));
          assert.ok(hasGuards(tileKeyframesArgs(storyboard), PIPE_GUARD));
          for (const args of [...reading.slice(0, -1), ...writing]) {
            assert.equal(count(args, '-nostdin'), 1);
            assert.equal(count(args, '-y'), 1);
            assert.ok(args.includes('-t'), 'the output has an end');
            assert.equal(args.indexOf('-t') < args.length - 1, true);
          }
        },
      ),
      SEED,
    );
  });

  it('differ between two names in nothing but the names: no name is split or read', () => {
    fc.assert(
      fc.property(path, path, (one, other) => {
        const shape = { width: 320, height: 240, durationSec: 10 };
        const args = (inputPath: string) =>
          thumbnailArgs({
            inputPath,
            outputPath: '/o',
            streamIndex: 0,
            seekSec: 1,
            accuracy: 'exact',
            ...shape,
          });
        const [a, b] = [args(one), args(other)];
        assert.equal(a.length, b.length);
        const differing = a.filter((argument, at) => argument !== b[at]);
        assert.deepEqual(differing, one === other ? [] : [fileUrl(one)]);
      }),
      SEED,
    );
  });

  it('refuse a path that depends on the working directory', () => {
    assert.throws(() => fileUrl('video.mp4'), TypeError);
    assert.throws(() => probeArgs('-version'), TypeError);
  });
});
