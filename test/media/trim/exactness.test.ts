import assert from 'node:assert/strict';
import { LENGTH_SEC } from '../../support/framesInputs.ts';
import { inWholeGroups, openSource, tryCut } from './trimCase.ts';

const INPUTS = ['bFrames', 'openGop', 'hevc', 'vp9', 'vfr', 'rotated', 'noAudio', 'twoLanguages'] as const;
const IS_H264 = new Set<string>(['bFrames', 'openGop', 'vfr', 'rotated', 'noAudio', 'twoLanguages']);
const CUTS_PER_INPUT = process.env.CAMPAIGN ? 7 : 1;
/** Of the cuts that can be smart. One of six may well be none. */
const LEAST_SMART = process.env.CAMPAIGN ? 0.8 : 0.5;
const SEED = Number(process.env.SEED ?? 20261121);

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LEAST_SEC = 2.2;
const chance = createChance(SEED);
const millionths = (value: number) => Math.round(value * 1e6) / 1e6;
const CASES = INPUTS.flatMap((name) =>
  Array.from({ length: CUTS_PER_INPUT }, () => {
    const startSec = millionths(chance() * (LENGTH_SEC - LEAST_SEC - 0.1));
    const endSec = millionths(startSec + LEAST_SEC + chance() * (LENGTH_SEC - LEAST_SEC - startSec));
    return { name, startSec, endSec };
  }),
);

describe('an exact trim', () => {
  const tally = { h264: 0, smart: 0, inGroups: 0, same: 0 };

  const count = (method: string, same: boolean[], inGroups: Set<number>) => {
    tally.h264++;
    if (method !== 'smart') return;
    tally.smart++;
    tally.inGroups += inGroups.size;
    tally.same += [...inGroups].filter((place) => same[place]).length;
  };

  for (const name of INPUTS) {
    describe(`of ${name}`, () => {
      let source: Awaited<ReturnType<typeof openSource>>;
      before(async function () {
        this.timeout(180_000);
        source = await openSource(name);
      });

      for (const cut of CASES.filter((each) => each.name === name)) {
        it(`has the frames from ${cut.startSec} s to ${cut.endSec} s and no other`, async () => {
          const { method, same, wanted } = await tryCut(source, cut);
          if (!IS_H264.has(name)) assert.equal(method, 'encode');
          else count(method, same, inWholeGroups(source, wanted));
        });
      }
    });
  }

  describe('altogether', () => {
    it('copies most cases of H.264, and there four of five frames of whole groups', () => {
      assert.ok(tally.h264 >= CUTS_PER_INPUT * IS_H264.size);
      assert.ok(tally.smart >= tally.h264 * LEAST_SMART, `${tally.smart} of ${tally.h264} were smart`);
      assert.ok(tally.same >= tally.inGroups * 0.8, `${tally.same} of ${tally.inGroups} frames are the same`);
      if (process.env.CAMPAIGN) console.log(tally);
    });
  });
});
