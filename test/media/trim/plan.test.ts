import assert from 'node:assert/strict';
import type { Track } from '../../../src/media/mp4/movie.ts';
import { interleave } from '../../../src/media/mp4/movieBoxes.ts';
import { joinPieces } from '../../../src/media/mp4/outputTrack.ts';
import { windowsOf } from '../../../src/media/trim/checkResult.ts';
import {
  beginsHeld,
  MOST_LOOKS,
  planKeyframeCut,
  planSmartCut,
  type SmartPlan,
  selectPictures,
  workSecOf,
} from '../../../src/media/trim/plan.ts';
import { cutSound, packLanguage } from '../../../src/media/trim/sound.ts';

/** A track of so many ticks a second whose samples are shown at these times; those with a star can begin. */
function trackOf(shown: string, more: Partial<Track> = {}): Track {
  const words = shown.split(' ');
  const shownTimes = Float64Array.from(words, (word) => Number.parseInt(word, 10));
  const count = words.length;
  return {
    ...{ index: 0, kind: 'video', timescale: 10, shift: 0, entry: Buffer.from('0000avc1'), language: 0 },
    ...{ shownFrom: Number.NEGATIVE_INFINITY, shownTo: Number.POSITIVE_INFINITY, extendedLanguage: null },
    ...{ matrix: Buffer.alloc(36), displaySize: Buffer.alloc(8), isEnabled: true },
    samples: {
      ...{ count, shownTimes, offsets: new Float64Array(count), sizes: new Uint32Array(count).fill(5) },
      decodeTimes: Float64Array.from(words, (_, at) => at),
      isSync: Uint8Array.from(words, (word) => (word.endsWith('*') ? 1 : 0)),
      endTime: Math.max(...shownTimes) + 1,
    },
    ...more,
  };
}

const always = (_sample: number) => Promise.resolve(true);
const range = (startSec: number, endSec: number) => ({ startSec, endSec });

describe('the selection of pictures', () => {
  const track = trackOf('0* 3 1 2 4* 7 5 6');

  it('keeps what appears in the range, by the time it is shown', () => {
    assert.deepEqual(selectPictures(track, 0, range(0.2, 0.6))?.times, [2, 3, 4, 5]);
    assert.deepEqual(selectPictures(track, 0, range(0.21, 0.61))?.times, [3, 4, 5, 6]);
    assert.deepEqual(selectPictures(track, 0, range(0, 99))?.times, [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('takes six decimals for the number they stand for', () => {
    const thirds = trackOf('0* 1 2 3', { timescale: 3 });
    assert.deepEqual(selectPictures(thirds, 0, range(0.333333, 0.666667))?.times, [1]);
  });

  it('counts from where a player begins', () => {
    const later = trackOf('0* 1 2 3', { shift: 20 });
    assert.deepEqual(selectPictures(later, 2, range(0.1, 0.3))?.times, [1, 2]);
  });

  it('ends with the next picture, or with the track', () => {
    assert.equal(selectPictures(trackOf('0* 1 3'), 0, range(0, 0.2))?.end, 3);
    assert.equal(selectPictures(trackOf('0* 1 3'), 0, range(0, 1))?.end, 4);
  });

  it('ends within a pause that goes on behind the range', () => {
    assert.equal(selectPictures(trackOf('0* 1 9'), 0, range(0, 0.4))?.end, 4);
  });

  it('knows that it begins in a pause', () => {
    const track = trackOf('0* 1 9');
    const begins = (startSec: number) => {
      const selection = selectPictures(track, 0, range(startSec, 1));
      return selection && beginsHeld(track, 0, startSec, selection);
    };
    assert.deepEqual([0, 0.1, 0.2, 0.5].map(begins), [false, false, true, false]);
  });

  it('gives what is shown all the while when nothing appears', () => {
    const held = selectPictures(trackOf('0* 1 50'), 0, range(2, 3));
    assert.deepEqual([held?.times, held?.begin, held?.end], [[1], 20, 30]);
  });

  it('never takes what an edit list hides', () => {
    const hidden = trackOf('0* 1 2 3 4 5', { shift: -2, shownFrom: 0, shownTo: 2 });
    assert.deepEqual(selectPictures(hidden, 0, range(0, 9))?.times, [2, 3]);
  });
});

describe('the plan of a smart cut', () => {
  const plan = (track: Track, startSec: number, endSec: number, canBegin = always) =>
    planSmartCut(track, selectPictures(track, 0, range(startSec, endSec)) as never, canBegin);
  const closed = trackOf('0* 3 1 2 4* 7 5 6 8* 11 9 10');

  it('copies from the first key frame to the last closed point, which need be no key frame', async () => {
    const cut = await plan(closed, 0.2, 1.0);
    assert.deepEqual([cut?.from, cut?.to], [4, 9]);
    assert.deepEqual([cut?.head, cut?.copied, cut?.tail], [[2, 3], [4, 5, 6, 7, 8], [9]]);
  });

  it('does not begin where decoding cannot', async () => {
    const cut = await plan(closed, 0.2, 1.2, (sample) => Promise.resolve(sample !== 4));
    assert.deepEqual([cut?.from, cut?.to], [8, 12]);
  });

  it('does not begin where pictures before lean on what follows', async () => {
    const open = trackOf('0* 1 4* 2 3 7* 5 6');
    assert.equal(await plan(open, 0.1, 0.8), null);
  });

  it('is given up where too little could be copied', async () => {
    assert.equal(await plan(closed, 0.1, 0.4), null);
    assert.equal(await plan(trackOf('0* 1 2 3 4 5 6 7 8 9*'), 0.1, 1), null);
  });
});

describe('the work of a smart cut', () => {
  /** An hour of 30 pictures a second with so many in a group. */
  function hourOf(group: number): Track {
    const count = 108_000;
    const shownTimes = Float64Array.from({ length: count }, (_, at) => at);
    const isSync = Uint8Array.from(shownTimes, (at) => (at % group === 0 ? 1 : 0));
    const track = trackOf('0*', { timescale: 30 });
    return { ...track, samples: { ...track.samples, count, shownTimes, isSync, endTime: count } };
  }
  async function workSec(group: number, startSec: number, endSec: number, pixels = 1920 * 1080) {
    const track = hourOf(group);
    const plan = await planSmartCut(
      track,
      selectPictures(track, 0, range(startSec, endSec)) as never,
      always,
    );
    return workSecOf(track, plan as SmartPlan, pixels);
  }

  it('is a matter of seconds with 250 pictures of 1080p in a group, wherever it is cut', async () => {
    assert.ok((await workSec(250, 250 / 30 + 1 / 30, 3000 / 30 - 1 / 30)) < 8);
  });

  it('is long with few key frames, with large pictures, and far behind a key frame', async () => {
    assert.ok((await workSec(36_000, 1, 3599)) > 400);
    assert.ok((await workSec(250, 250 / 30 + 1 / 30, 3000 / 30 - 1 / 30, 3840 * 2160)) > 12);
    assert.ok((await workSec(36_000, 1199.9, 2400)) > 60);
  });
});

describe('the search for where decoding can begin', () => {
  const allSync = trackOf(Array.from({ length: 5000 }, (_, at) => `${at}*`).join(' '));
  const counting = () => {
    const looks: number[] = [];
    return {
      looks,
      never: (sample: number) => {
        looks.push(sample);
        return Promise.resolve(false);
      },
    };
  };

  it('is given up after some hundred samples', async () => {
    const [smart, keyframe] = [counting(), counting()];
    const selection = selectPictures(allSync, 0, range(100, 490)) as never;
    assert.equal(await planSmartCut(allSync, selection, smart.never), null);
    assert.equal(await planKeyframeCut(allSync, selection, keyframe.never), null);
    assert.deepEqual([smart.looks.length, keyframe.looks.length], [MOST_LOOKS, MOST_LOOKS]);
  });

  it('never looks beyond the range', async () => {
    const { looks, never } = counting();
    await planSmartCut(allSync, selectPictures(allSync, 0, range(100, 100.5)) as never, never);
    assert.deepEqual(looks, [1000, 1001, 1002, 1003, 1004]);
  });
});

describe('the plan of a cut at key frames', () => {
  const plan = (track: Track, startSec: number, endSec: number) =>
    planKeyframeCut(track, selectPictures(track, 0, range(startSec, endSec)) as never, always);

  it('goes from the key frame before to the first closed point behind', async () => {
    const track = trackOf('0* 3 1 2 4* 7 5 6 8* 11 9 10');
    const cut = await plan(track, 0.5, 0.7);
    assert.deepEqual([cut?.from, cut?.to, cut?.end], [4, 8, 8]);
  });

  it('shows nothing that was hidden', async () => {
    const track = trackOf('0* 1 2 3 4 5', { shift: -2, shownFrom: 0, shownTo: 99 });
    assert.equal(await plan(track, 0, 0.2), null);
  });
});

describe('pieces laid end to end', () => {
  it('are decoded at rising times and shown when they should be', () => {
    const [head, body] = [trackOf('0* 2 1'), trackOf('9* 12 10 11')];
    const joined = joinPieces(
      [
        { file: 1, track: head, from: 0, to: 3 },
        { file: 0, track: body, from: 0, to: 4 },
      ],
      [
        [0, 1, 2],
        [3, 4, 5, 6],
      ],
      7,
    );
    const { samples, mediaTime = 0 } = joined ?? {};
    const decoded = [0];
    for (const each of samples?.durations ?? []) decoded.push((decoded.at(-1) ?? 0) + each);
    const shown = Array.from(samples?.delays ?? [], (delay, at) => (decoded[at] ?? 0) + delay - mediaTime);
    assert.deepEqual(shown, [0, 2, 1, 3, 6, 4, 5]);
    assert.deepEqual(Array.from(samples?.files ?? []), [1, 1, 1, 0, 0, 0, 0]);
    assert.equal(decoded.at(-1), 7);
  });

  it('are refused when two pictures would be shown at one time', () => {
    const track = trackOf('0* 1');
    assert.equal(joinPieces([{ file: 0, track, from: 0, to: 2 }], [[3, 3]], 5), null);
  });
});

describe('sound', () => {
  const sound = trackOf('0* 1* 2* 3* 4* 5* 6* 7*', { kind: 'audio', entry: Buffer.from('0000mp4a') });

  it('is cut to whole packets, with one before for the decoder, and begins within them to the tick', () => {
    const cut = cutSound(sound, 0, { fromSec: 0.35, toSec: 0.52 });
    assert.equal(cut?.samples.count, 4);
    assert.deepEqual([cut?.mediaTime, cut?.silentSec], [2, 0]);
    assert.ok(Math.abs((cut?.lengthSec ?? 0) - 0.17) < 1e-9);
  });

  it('that begins later is silent first, and none is left out', () => {
    const later = { ...sound, shift: 5 };
    assert.ok(Math.abs((cutSound(later, 0, { fromSec: 0.2, toSec: 1 })?.silentSec ?? 0) - 0.3) < 1e-9);
    assert.equal(cutSound(later, 0, { fromSec: 0, toSec: 0.4 }), null);
  });

  it('keeps languages of three letters', () => {
    assert.equal(packLanguage('und'), 0x55c4);
    assert.equal(packLanguage('deu'), (4 << 10) | (5 << 5) | 21);
    assert.equal(packLanguage('de-AT'), 0x55c4);
  });

  it('stands in turns with the picture', () => {
    const samples = cutSound(sound, 0, { fromSec: 0, toSec: 9 })?.samples as never;
    const track = { ...sound, samples, silentSec: 0, mediaTime: 0, lengthSec: 1, timescale: 4 };
    assert.deepEqual(
      interleave([track, track]).map(({ track: owner, from, to }) => [owner, from, to]),
      [0, 2, 4, 6].flatMap((from) => [
        [0, from, from + 2],
        [1, from, from + 2],
      ]),
    );
  });
});

describe('the windows of a check', () => {
  it('are at the ends and the seams, those that touch as one', () => {
    assert.deepEqual(windowsOf({ lengthSec: 100, seamsSec: [1.5, 60] }), [
      { fromSec: 0, toSec: 2.5 },
      { fromSec: 59, toSec: 61 },
      { fromSec: 99, toSec: 100 },
    ]);
    assert.deepEqual(windowsOf({ lengthSec: 1, seamsSec: [] }), [{ fromSec: 0, toSec: 1 }]);
  });
});
