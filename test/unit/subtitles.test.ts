import assert from 'node:assert/strict';
import fc from 'fast-check';
import SrtParser from 'srt-parser-2';
import webvtt, { type ParsedNode } from 'webvtt-parser';
import { toCues } from '../../src/domain/cues.ts';
import { toPlainText } from '../../src/domain/subtitles/plainText.ts';
import { readSubtitles, recognizeSubtitles } from '../../src/domain/subtitles/readSubtitles.ts';
import { toSubRip } from '../../src/domain/subtitles/subrip.ts';
import { toWebVtt } from '../../src/domain/subtitles/webvtt.ts';
import type { TranscriptSegment } from '../../src/domain/transcript.ts';
import { MAX_BYTES } from '../../src/http/transcripts/readText.ts';
import { assertLinear } from '../support/growth.ts';
import { ATTACKS, anySegments } from '../support/spokenWords.ts';

const textOf = ({ type, value = '', children = [] }: ParsedNode): string =>
  type === 'text' ? value : children.map(textOf).join('');
const decode = (text: string) =>
  text.replace(/&(lt|gt|amp);/g, (_, name: 'lt' | 'gt' | 'amp') => ({ lt: '<', gt: '>', amp: '&' })[name]);

/** What another's parser finds in our WebVTT, in the shape of cues. */
function readAsOthers(file: string) {
  const { cues, errors, styles } = new webvtt.WebVTTParser({ '&amp;': '&', '&lt;': '<', '&gt;': '>' }).parse(
    file,
    'subtitles',
  );
  assert.deepEqual([errors, styles], [[], []], file);
  return cues.map(({ id, startTime, endTime, tree }) => {
    assert.equal(id, '');
    const [voice] = tree.children;
    const isSpoken = voice?.type === 'object';
    if (isSpoken) assert.deepEqual([voice.name, tree.children.length], ['v', 1]);
    const times = { startMs: Math.round(startTime * 1000), endMs: Math.round(endTime * 1000) };
    const lines = tree.children.map(textOf).join('').split('\n');
    // It leaves the entities of a name as they are.
    return { ...times, lines, ...(isSpoken ? { speaker: decode(voice.value ?? '') } : {}) };
  });
}

/** Of a name that ends in hyphens those are left out: with the end of its tag they would be an arrow. */
const cuesAsNamed = (segments: TranscriptSegment[]) =>
  toCues(segments).map(({ speaker = '', ...cue }) => {
    const name = speaker.replace(/[\s-]+$/u, '');
    return name === '' ? cue : { ...cue, speaker: name };
  });

const withoutSpeakers = (segments: TranscriptSegment[]) =>
  segments.map(({ speaker: _, ...segment }) => segment);

describe('WebVTT and SubRip', () => {
  it('are read by parsers of others without an error, as the cues they were written from', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        assert.deepEqual(readAsOthers(toWebVtt(segments)), cuesAsNamed(segments));
        const subtitles = new SrtParser().fromSrt(toSubRip(segments));
        const cues = toCues(segments);
        assert.deepEqual(
          subtitles.map(({ id, startSeconds, endSeconds }) => [
            id,
            Math.round(startSeconds * 1000),
            Math.round(endSeconds * 1000),
          ]),
          cues.map(({ startMs, endMs }, index) => [String(index + 1), startMs, endMs]),
        );
        for (const [index, { text }] of subtitles.entries()) {
          assert.doesNotMatch(text, /<|-->|\{\\|\{\w/);
          const unjoined = (joined: string) => joined.replace(/([{\\])\u2060/gu, '$1').trim();
          assert.equal(
            unjoined(decode(text).replaceAll('\r', '')),
            unjoined(cues[index]?.lines.join('\n') ?? ''),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('come back as they were when they are read and written again', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        const vtt = toWebVtt(segments);
        assert.equal(toWebVtt(readSubtitles(vtt, 'vtt').segments), vtt);
        const srt = toSubRip(segments);
        assert.equal(toSubRip(readSubtitles(srt, 'srt').segments), srt);
      }),
      { numRuns: 300 },
    );
  });

  it('show what is said as text, whatever it looks like', () => {
    assert.ok(ATTACKS.length >= 50);
    for (const text of ATTACKS) {
      const segments = [
        { startSec: 1, endSec: 3, text: 'before' },
        { startSec: 3, endSec: 6, text, speaker: text },
        { startSec: 6, endSec: 8, text: 'after' },
      ];
      const vtt = toWebVtt(segments);
      assert.deepEqual(readAsOthers(vtt), cuesAsNamed(segments), text);
      const body = vtt.slice('WEBVTT\n'.length);
      const timings = body.split('\n').filter((line) => line.includes('-->'));
      assert.equal(timings.length, toCues(segments).length, text);
      assert.doesNotMatch(body, /<(?!v )|\n\n(?!\d)/, text);
      const srt = toSubRip(segments);
      assert.equal(srt.match(/-->/g)?.length, toCues(withoutSpeakers(segments)).length, text);
      assert.doesNotMatch(srt, /<|\{[^\u2060]|\\[^\u2060]|[^\r]\n|[^\P{Cc}\r\n]/u, text);
      const plain = toPlainText(segments);
      assert.ok([2, 3].includes(plain.trimEnd().split(/[\p{Cc}\u2028\u2029]/u).length), text);
    }
  });

  it('are read whatever is in them', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...ATTACKS,
        'WEBVTT',
        '\n',
        '\r\n',
        '\n\n',
        '1',
        ' --> ',
        '00:00:01.000',
        '<v Ann>',
        '</v>',
        '&lt;',
        '<',
      ),
      fc.string({ maxLength: 20 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        for (const format of ['vtt', 'srt'] as const) {
          for (const { text, startSec, endSec } of readSubtitles(pieces.join(''), format).segments) {
            assert.ok(text.trim() !== '' && Number.isFinite(startSec) && Number.isFinite(endSec));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are read in the time of their length', () => {
    const bombs = [
      '<',
      '<v ',
      '<b.a',
      '&#',
      '{\\',
      '<00:',
      '<c.',
      ' ',
      '\n',
      '1',
      '00:00 -->',
      '00:00 --> 00:01\n',
      '<v x>',
      '-->\n',
    ];
    // Begun once, and never ended.
    const openings = ['', '<v', '<v ', '<v.a', '&', '{\\', '<c.a '];
    const judge = (opening: string, bomb: string, format: 'vtt' | 'srt') =>
      assertLinear(`${format} ${JSON.stringify(opening + bomb)}`, MAX_BYTES, (length) => {
        const file = `WEBVTT\n\n00:00.000 --> 00:01.000\n${opening}${bomb.repeat(length / bomb.length)}`;
        return () => readSubtitles(file, format);
      });
    for (const bomb of bombs) {
      judge('', bomb, 'vtt');
      judge('', bomb, 'srt');
    }
    for (const opening of openings) {
      for (const bomb of [' ', 'a', '.', '\u00a0\t']) judge(opening, bomb, 'vtt');
    }
  });

  it('are recognized by what they begin with', () => {
    assert.equal(recognizeSubtitles('\ufeffWEBVTT\n'), 'vtt');
    assert.equal(recognizeSubtitles('\n\n1\n00:01,5 --> 00:02\nx'), 'srt');
    assert.equal(recognizeSubtitles('WEBVTTs are files'), null);
    assert.equal(recognizeSubtitles('At 10:30 --> we left'), null);
    assert.equal(recognizeSubtitles(''), null);
  });
});
