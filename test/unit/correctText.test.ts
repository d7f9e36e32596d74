import assert from 'node:assert/strict';
import fc from 'fast-check';
import { layText } from '../../src/domain/layText.ts';
import type { TranscriptSegment } from '../../src/domain/transcript.ts';

const RANGE = { startSec: 0, endSec: 1000 };

/** Lines of different words, one every ten seconds, with a pause of two. */
const spoken = (count: number): TranscriptSegment[] =>
  Array.from({ length: count }, (_, index) => ({
    startSec: index * 10,
    endSec: index * 10 + 8,
    text: `one${index} two${index} three${index} four${index}`,
  }));

const BEFORE = spoken(92);
const LINES = BEFORE.map(({ text }) => text);
const lay = (lines: readonly string[], before = BEFORE) => layText(lines.join('\n'), before, RANGE);
const timesOf = (segments: readonly TranscriptSegment[]) =>
  segments.map(({ startSec, endSec, text }) => [startSec, endSec, text]);

/** All lines that are as they were, at the time at which they were. */
function assertKept(laid: readonly TranscriptSegment[], except: readonly string[] = []): void {
  const before = new Map(BEFORE.map((segment) => [segment.text, segment]));
  for (const segment of laid) {
    const old = before.get(segment.text);
    if (old && !except.includes(old.text)) assert.deepEqual(segment, old);
  }
}

/** What people do to one line, by its index; the lines before it are done. */
const EDITS: Record<string, (line: string, index: number, done: readonly string[]) => string[]> = {
  keep: (line, _, done) => [...done, line],
  drop: (_line, _, done) => [...done],
  fix: (line, index, done) => [...done, line.replace(`two${index}`, 'fixed')],
  rewrite: (_, index, done) => [...done, `all of it anew, ${index}.`],
  add: (line, index, done) => [...done, line, `added after ${index}`],
  join: (line, _, done) => [...done.slice(0, -1), `${done.at(-1) ?? ''} ${line}`.trim()],
};
const edit = (done: string[], what: string, index: number): string[] =>
  EDITS[what]?.(LINES[index] ?? '', index, done) ?? done;

function assertInTurn(laid: readonly TranscriptSegment[]): void {
  for (const [index, { startSec, endSec }] of laid.entries()) {
    assert.ok(endSec > startSec && startSec >= (laid[index - 1]?.endSec ?? 0), JSON.stringify(laid));
  }
}

describe('a corrected text', () => {
  it('leaves the times of what is gone empty', () => {
    for (const kept of [
      LINES.slice(3),
      LINES.slice(-1),
      LINES.slice(0, 1),
      LINES.filter((_, at) => at !== 40),
    ]) {
      const laid = lay(kept);
      assert.equal(laid.length, kept.length);
      assertKept(laid);
    }
    const fixed = LINES.slice(0, -5).map((line, index) => (index === 7 ? line.replace('two', 'TOO') : line));
    const laid = lay(fixed);
    assertKept(laid);
    assert.deepEqual(timesOf(laid)[7], [70, 78, fixed[7]]);
  });

  it('gives an added line the time between its neighbours, or of the one before it', () => {
    const added = (at: number, before = BEFORE) =>
      lay([...LINES.slice(0, at), 'a brand new line', ...LINES.slice(at)], before);
    const laid = added(20);
    assert.deepEqual(timesOf(laid)[20], [198, 200, 'a brand new line']);
    assert.equal(laid.length, 93);
    assertKept(laid);
    assert.deepEqual(timesOf(added(92))[92], [918, 1000, 'a brand new line']);
    const close = BEFORE.map((segment) => ({ ...segment, endSec: segment.startSec + 10 }));
    const [one, two, three] = timesOf(added(20, close)).slice(19, 22) as [number, number, string][];
    assert.deepEqual([one?.[0], three?.[0]], [190, 200]);
    assert.deepEqual([one?.[1], two?.[1]], [two?.[0], 200]);
    assert.deepEqual(
      timesOf(added(0))
        .slice(0, 2)
        .map(([from, to]) => [from, Math.round(Number(to))]),
      [
        [0, 3],
        [timesOf(added(0))[0]?.[1], 8],
      ],
    );
  });

  it('gives what was written anew the time of what it replaces', () => {
    assert.deepEqual(timesOf(lay(['mine'])), [[0, 918, 'mine']]);
    const one = lay([...LINES.slice(0, 30), 'in place of three', ...LINES.slice(33)]);
    assert.deepEqual(timesOf(one)[30], [300, 328, 'in place of three']);
    assertKept(one);
    const same = lay(LINES.map((_, index) => `otherwise ${'so '.repeat(index % 7)}${index}x`));
    assert.deepEqual(
      same.map(({ startSec, endSec }) => [startSec, endSec]),
      BEFORE.map(({ startSec, endSec }) => [startSec, endSec]),
    );
  });

  it('is parted at the words that stayed where lines are joined or split', () => {
    const words = (LINES[10] ?? '').split(' ');
    const split = lay([
      ...LINES.slice(0, 10),
      words.slice(0, 1).join(' '),
      words.slice(1).join(' '),
      ...LINES.slice(11),
    ]);
    assert.deepEqual(
      [split[10]?.startSec, split[11]?.endSec, split[10]?.endSec],
      [100, 108, split[11]?.startSec],
    );
    assertKept(split);
    const timed = BEFORE.map((segment) => ({
      ...segment,
      words: segment.text.split(' ').map((text, index) => ({
        ...{ startSec: segment.startSec + index, endSec: segment.startSec + index + 0.5, text },
      })),
    }));
    const parted = lay(
      [...LINES.slice(0, 10), words[0] ?? '', words.slice(1).join(' '), ...LINES.slice(11)],
      timed,
    );
    assert.equal(parted[11]?.startSec, 101);
    assert.deepEqual(parted[12], timed[11], 'with its words');
    assertKept(lay([LINES.join(' ')]));
    assert.equal(lay([LINES.join(' ')]).length, 92);
    assertKept(lay([LINES.slice(0, 2).join(' '), ...LINES.slice(2)]));
  });

  it('of half a million characters takes no long time, whatever is in it', () => {
    let seed = 1;
    const next = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const lines = (word: () => string, words: number) =>
      Array.from({ length: 20_000 }, () => Array.from({ length: words }, word).join(' '));
    const letter = () => 'abcdefgh'.charAt(next(8));
    const texts = {
      'the same line': () => lines(() => 'a', 12),
      'few words': () => lines(letter, 12),
      'few lines': () => lines(letter, 1),
      'rare words': () => lines(() => String(next(30_000)), 4),
      'one line': () => [lines(letter, 12).join(' ')],
      'other order': () => lines(() => String(next(100_000)), 1),
    };
    for (const [name, write] of Object.entries(texts)) {
      const before = write().map((text, index) => ({ startSec: index, endSec: index + 0.5, text }));
      const text = write().join('\n');
      const begun = process.cpuUsage().user;
      layText(text, before, { startSec: 0, endSec: 21_600 });
      const tookMs = (process.cpuUsage().user - begun) / 1000;
      assert.ok(tookMs < 2000, `${name}: ${tookMs} ms`);
    }
  });

  it('keeps the exact times of lines that stayed, whatever was done to others, and the order', () => {
    const change = fc.constantFrom('keep', 'keep', ...Object.keys(EDITS));
    fc.assert(
      fc.property(fc.array(change, { minLength: 30, maxLength: 30 }), (changes) => {
        const lines = changes.reduce(edit, []);
        const laid = lay(lines, BEFORE.slice(0, 30));
        assertKept(laid);
        const kept = LINES.filter((_, at) => changes[at] === 'keep' && changes[at + 1] !== 'join');
        assert.deepEqual(
          kept.filter((line) => !laid.some(({ text }) => text === line)),
          [],
        );
        assertInTurn(laid);
      }),
      { numRuns: 300 },
    );
  });
});
