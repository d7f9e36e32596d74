import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cleanText, unwrapText } from '../../src/domain/cueText.ts';
import { layText } from '../../src/domain/layText.ts';
import { toPlainText } from '../../src/domain/subtitles/plainText.ts';
import { anySegments } from '../support/spokenWords.ts';

const RANGE = { startSec: 0, endSec: 100 };
const bare = (text: string) => text.replace(/\s+/gu, '');
const BEFORE = [
  { startSec: 1, endSec: 3, text: 'We came late.', speaker: 'Ann' },
  { startSec: 10, endSec: 14, text: 'Nobody was there any more.', speaker: 'Bob' },
  {
    startSec: 20,
    endSec: 21,
    text: 'So we left.',
    words: [{ startSec: 20, endSec: 21, text: 'So we left.' }],
  },
];

describe('text without times', () => {
  it('takes the times of the lines that were there, and keeps those of words that stay', () => {
    const laid = layText('We came too late.\nThere was nobody.\nSo we left.\n', BEFORE, RANGE);
    assert.deepEqual(laid, [
      { ...BEFORE[0], text: 'We came too late.' },
      { ...BEFORE[1], text: 'There was nobody.' },
      BEFORE[2],
    ]);
  });

  it('is shared out over what was there where its lines are others, in good places', () => {
    const laid = layText('We came late. There was nobody there any more. So we left.', BEFORE, RANGE);
    assert.deepEqual(
      laid.map(({ startSec, text }) => [startSec, text]),
      [
        [1, 'We came late.'],
        [10, 'There was nobody there any more.'],
        [20, 'So we left.'],
      ],
    );
    assert.deepEqual(
      layText('Gone.', BEFORE, RANGE).map(({ text }) => text),
      ['Gone.'],
    );
    assert.deepEqual(layText(' \n ', BEFORE, RANGE), []);
  });

  it('shares the whole time by its sentences where nothing was there', () => {
    assert.deepEqual(
      layText('Four. Five!\nSix', [], RANGE).map(({ startSec, endSec, text }) => [
        Math.round(startSec),
        Math.round(endSec),
        text,
      ]),
      [
        [0, 38, 'Four.'],
        [38, 77, 'Five!'],
        [77, 100, 'Six'],
      ],
    );
  });

  it('loses nothing, stays in order, and changes nothing when it is what was there', () => {
    fc.assert(
      fc.property(anySegments, fc.string({ unit: 'grapheme', maxLength: 300 }), (segments, text) => {
        const before = [...segments].sort((a, b) => a.startSec - b.startSec);
        const laid = layText(text, before, RANGE);
        assert.equal(bare(laid.map((segment) => segment.text).join('')), bare(cleanText(text)));
        for (const [index, { startSec }] of laid.entries()) {
          assert.ok(startSec >= (laid[index - 1]?.startSec ?? 0));
        }
        const same = layText(toPlainText(before), before, RANGE);
        assert.deepEqual(
          same,
          before.filter((segment) => unwrapText(cleanText(segment.text)) !== ''),
        );
      }),
      { numRuns: 300 },
    );
  });
});
