import assert from 'node:assert/strict';
import { parseTimecode } from '../../src/domain/timecode.ts';

describe('timecodes', () => {
  for (const [given, seconds] of [
    [0, 0],
    [1.5, 1.5],
    ['0', 0],
    ['12', 12],
    ['12.345678', 12.345678],
    ['00:00:00', 0],
    ['00:00:01.5', 1.5],
    ['01:02:03.250', 3723.25],
    ['1:2:3', 3723],
    ['100:00:00', 360_000],
  ] as [unknown, number][]) {
    it(`reads ${JSON.stringify(given)}`, () => assert.equal(parseTimecode(given), seconds));
  }

  for (const given of [
    ...[-1, -0.001, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true, [1], { sec: 1 }],
    ...['', ' ', '-1', '+1', '1e3', '0x10', 'NaN', 'Infinity', '1,5', '.5', '1.', ' 1', '1 s'],
    ...['00:60:00', '00:00:60', '01:02', '1:2:3:4', '-00:00:01', '00:00:-1', '00:00:01.', '00:00:01,5', '١'],
  ]) {
    it(`takes ${typeof given} ${String(given)} for none`, () => assert.equal(parseTimecode(given), null));
  }
});
