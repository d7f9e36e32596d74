import assert from 'node:assert/strict';
import type { TranscriptContent, TranscriptWord } from '../../src/domain/transcript.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNWANTED = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffd]/;

const isWithin = ({ startSec, endSec }: TranscriptWord, from: number, to: number): boolean =>
  Number.isFinite(startSec) &&
  Number.isFinite(endSec) &&
  startSec >= from &&
  endSec <= to &&
  startSec <= endSec;

/** Checks everything that the adapter promises of any answer: whoever stores and shows it relies on it. */
export function assertReliable({ language, segments }: TranscriptContent, durationSec: number): void {
  assert.ok(language === null || /^[a-z]{2,3}(-[A-Za-z0-9]+)*$/.test(language), `language ${language}`);
  const lengthChars = segments.reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(lengthChars <= 1000 + 100 * Math.ceil(durationSec) + 1, `${lengthChars} characters`);
  assert.ok(segments.length <= 100 + 10 * durationSec, `${segments.length} segments`);
  for (const [index, segment] of segments.entries()) {
    const previous = segments[index - 1];
    assert.ok(
      isWithin(segment, 0, durationSec) && segment.endSec > segment.startSec,
      JSON.stringify(segment),
    );
    assert.ok(!previous || previous.startSec <= segment.startSec, 'segments are out of order');
    const isAnothers = previous?.speaker !== undefined && previous.speaker !== segment.speaker;
    assert.ok(!previous || isAnothers || previous.endSec <= segment.startSec, 'segments overlap');
    assertWords(segment.words, segment);
    for (const text of [segment.text, segment.speaker ?? 'A']) {
      assert.ok(text !== '' && text === text.trim() && text.isWellFormed() && !UNWANTED.test(text), text);
    }
  }
}

function assertWords(words: TranscriptWord[] | undefined, segment: TranscriptWord): void {
  if (!words) return;
  const bare = (text: string) => text.replace(/\s/gu, '');
  assert.equal(bare(words.map(({ text }) => text).join('')), bare(segment.text));
  for (const [index, word] of words.entries()) {
    assert.ok(isWithin(word, segment.startSec, segment.endSec), JSON.stringify({ word, segment }));
    assert.ok((words[index - 1]?.startSec ?? 0) <= word.startSec, 'words are out of order');
  }
}
