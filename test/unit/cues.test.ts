import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Cue, toCues } from '../../src/domain/cues.ts';
import { cleanText } from '../../src/domain/cueText.ts';
import type { TranscriptSegment } from '../../src/domain/transcript.ts';
import { MAX_CHARACTERS } from '../../src/http/transcripts/settleSegments.ts';
import { assertLinear } from '../support/growth.ts';
import { anySegments } from '../support/spokenWords.ts';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const lengthOf = (line: string) => [...graphemes.segment(line)].length;
const bare = (text: string) => text.replace(/\s+/gu, '');
const linesOf = (cues: Cue[]) => cues.map(({ lines }) => lines);
const said = (text: string, endSec: number, more: Partial<TranscriptSegment> = {}): TranscriptSegment => ({
  startSec: 0,
  endSec,
  text,
  ...more,
});

describe('cues', () => {
  it('keep their limits, their order and every character, whatever is said', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        const cues = toCues(segments);
        for (const [index, { startMs, endMs, lines }] of cues.entries()) {
          assert.ok(Number.isInteger(startMs) && Number.isInteger(endMs));
          assert.ok(endMs > startMs && endMs - startMs <= 7000, `${startMs} to ${endMs}`);
          assert.ok(startMs <= (cues[index + 1]?.startMs ?? startMs), 'they are in order');
          assert.ok(lines.length === 1 || lines.length === 2);
          for (const line of lines) {
            assert.ok(line.trim() !== '' && lengthOf(line) <= 42, line);
            assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('are shown while they are said, whoever else speaks, and those of a segment one after the other', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        const ofEach = segments.map((segment) => toCues([segment]));
        for (const [at, cues] of ofEach.entries()) {
          const { startSec, endSec, text } = segments[at] as TranscriptSegment;
          assert.equal(bare(cues.flatMap(({ lines }) => lines).join('')), bare(cleanText(text)));
          // A segment of no length has a millisecond for each.
          const lastMs = endSec * 1000 + 1000 + cues.length;
          for (const [index, { startMs, endMs }] of cues.entries()) {
            assert.ok(startMs >= startSec * 1000 - 1 && endMs <= lastMs, `${startMs} to ${endMs}`);
            assert.ok(endMs <= (cues[index + 1]?.startMs ?? endMs), 'none overlaps the next');
          }
        }
        // One that stays for a second makes way for those of others.
        const namesOf = (cues: Cue[]) => cues.map(({ endMs: _, ...cue }) => JSON.stringify(cue)).sort();
        assert.deepEqual(namesOf(toCues(segments)), namesOf(ofEach.flat()));
      }),
      { numRuns: 400 },
    );
  });

  it('end with sentences, else at commas, else between words', () => {
    const text =
      'We came late. Nobody was there any more, so we went home. The next day we asked around and found out that it had been the wrong house all along.';
    assert.deepEqual(linesOf(toCues([said(text, 12)])), [
      ['We came late. Nobody was there', 'any more, so we went home.'],
      ['The next day we asked around and found out'],
      ['that it had been the', 'wrong house all along.'],
    ]);
  });

  it('leave a segment that fits as it is, with the lines it has', () => {
    const text = 'Two lines\nof my own.';
    assert.deepEqual(toCues([said(text, 5, { speaker: 'Ann' })]), [
      { startMs: 0, endMs: 5000, lines: ['Two lines', 'of my own.'], speaker: 'Ann' },
    ]);
    assert.deepEqual(linesOf(toCues([said('One\ntwo\nthree.', 5)])), [['One two three.']]);
  });

  it('go by the times of the words where those are known, and by the share of the characters else', () => {
    const text = 'First sentence here. Second sentence there.';
    const words = [0, 0.4, 0.8, 10, 10.4, 10.8].map((startSec, index) => ({
      startSec,
      endSec: startSec + 0.4,
      text: text.split(' ')[index] ?? '',
    }));
    const times = (cues: Cue[]) => cues.map(({ startMs, endMs }) => [startMs, endMs]);
    assert.deepEqual(times(toCues([said(text, 12, { words })])), [
      [0, 1200],
      [10000, 11200],
    ]);
    assert.deepEqual(times(toCues([said(text, 12)])), [
      [0, 5684],
      [5684, 12000],
    ]);
    // Words that are another text's are shared out over it.
    const [first] = toCues([said(text, 12, { words: [{ startSec: 4, endSec: 6, text: 'Hm' }] })]);
    assert.deepEqual([first?.startMs, first?.endMs], [4000, 6000]);
  });

  it('of a word between are shown while it is said, and hold up nobody who goes on', () => {
    const long =
      'We went down to the harbour in the morning, and there was nobody to be seen on the whole quay, so we waited for the boat until it was noon.';
    const cues = toCues([
      said(long, 14, { speaker: 'Ann' }),
      { startSec: 2, endSec: 2.6, text: 'Yes.', speaker: 'Bob' },
    ]);
    assert.deepEqual(
      cues.filter(({ speaker }) => speaker === 'Ann'),
      toCues([said(long, 14, { speaker: 'Ann' })]),
    );
    const [yes] = cues.filter(({ speaker }) => speaker === 'Bob');
    assert.deepEqual([yes?.startMs, yes?.endMs], [2000, 3000]);
  });

  it('begin anew with every speaker, at once when they speak at once', () => {
    const cues = toCues([
      { startSec: 0, endSec: 4, text: 'I was saying', speaker: 'Ann' },
      { startSec: 3.5, endSec: 5, text: 'No!', speaker: 'Bob' },
      { startSec: 5, endSec: 5.2, text: 'Yes.', speaker: 'Ann' },
    ]);
    assert.deepEqual(
      cues.map(({ startMs, endMs, speaker }) => [startMs, endMs, speaker]),
      [
        [0, 4000, 'Ann'],
        [3500, 5000, 'Bob'],
        [5000, 6000, 'Ann'],
      ],
    );
  });

  it('stay for a second where nothing else comes', () => {
    const cues = toCues([said('Yes.', 0.2), { startSec: 0.7, endSec: 0.8, text: 'No.' }]);
    assert.deepEqual(
      cues.map(({ startMs, endMs }) => [startMs, endMs]),
      [
        [0, 700],
        [700, 1700],
      ],
    );
  });

  it('break text without spaces between its words, and leave characters of several signs whole', () => {
    const japanese =
      '何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。吾輩はここで始めて人間というものを見た。';
    for (const lines of linesOf(toCues([said(japanese, 10)]))) {
      for (const line of lines) {
        assert.ok([...line].length <= 21, 'these take two columns each');
        assert.doesNotMatch(line, /^[。、]/u);
      }
    }
    const family = '👨‍👩‍👧‍👦';
    for (const line of linesOf(toCues([said(family.repeat(100), 10)])).flat()) {
      assert.equal(line.replaceAll(family, ''), '');
    }
  });

  it('are made in the time of the length of what is said', () => {
    for (const part of ['word ', '漢', 'x', 'e\u0301 ', '. ', 'สวัสดี', '👨‍👩‍👧', 'a\n']) {
      assertLinear(JSON.stringify(part), MAX_CHARACTERS, (length) => {
        const text = part.repeat(length / part.length);
        return () => toCues([said(text, 6 * 3600)]);
      });
    }
  });
});
