import fc from 'fast-check';
import type { TranscriptSegment } from '../../src/domain/transcript.ts';

/** What would be something else than text if it stood in a file of captions as it is. */
export const ATTACKS = [
  '-->',
  '00:00:01.000 --> 00:00:02.000',
  '00:00:01,000 --> 00:00:02,000 X1:0',
  '\n\n00:01.000 --> 00:02.000\nnever said\n\n',
  '\r\n\r\n7\r\n00:00:01,000 --> 00:00:02,000\r\nnever said\r\n\r\n',
  '\u2028\u202800:01.000 --> 00:02.000\u2028x',
  '\u0085\u000b\u000c\u001c\u001d\u001e-->',
  'WEBVTT',
  'NOTE a comment',
  '\n\nNOTE\nmore\n\n',
  '\n\nSTYLE\n::cue { display: none }\n\n',
  '\n\nREGION\nid:a\n\n',
  'X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0',
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<v Somebody else>not me</v>',
  '</v><c.red>',
  '<00:00:01.000>',
  '<b><i><u><ruby>a<rt>b</rt></ruby>',
  '<',
  '<<<<',
  'a <b',
  '>> Yes',
  '&lt;b&gt;',
  '&amp;amp;',
  '&#60;script&#62;',
  '&notanentity; & R&D',
  '{\\an8}{\\pos(0,0)}',
  '{b:1}{Y:i}',
  '\\N\\n\\h',
  '\u0000\u0007\u001b[31m',
  '\ufeffWEBVTT',
  '\ud800',
  '\u202eright to left\u202c',
  'e\u0301'.repeat(60),
  `e${'\u0301'.repeat(500)}`,
  '👨‍👩‍👧‍👦'.repeat(50),
  '🇩🇪🇫🇷'.repeat(30),
  'x'.repeat(500),
  `http://example.com/${'a/'.repeat(80)}`,
  '漢'.repeat(200),
  '「「「吾輩は猫である。」」」名前はまだ無い、と思う。',
  'สวัสดีครับผมชื่อสมชายยินดีที่ได้รู้จักวันนี้อากาศดีมากเลยนะครับ',
  '안녕하세요 반갑습니다 오늘은 날씨가 좋네요',
  'مرحبا بكم في هذا الفيديو، اليوم سنتحدث عن الطقس',
  'Bonjour\u00a0! Voilà 10\u202f000\u00a0€',
  '\u200b\u2060\u00ad',
  '.'.repeat(300),
  '1\n2\n3\n4',
  'Ann --',
  '=SUM(A1:A9)',
  '"; drop table transcripts; --',
  '%s%n$x{{y}}',
] as const;

const PROSE =
  'Yes. I think that we should go now, because the weather is getting worse; nobody wants to be here when it rains! Do you?';

const words = fc
  .array(fc.constantFrom(...PROSE.split(' '), '吾輩は', '猫である。', '🎬', 'x'), {
    minLength: 1,
    maxLength: 60,
  })
  .map((all) => all.join(' '));
const text = fc
  .array(
    fc.oneof(
      words,
      fc.constantFrom(...ATTACKS),
      fc.string({ unit: 'grapheme', maxLength: 80 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((parts) => parts.join(' '));
const timeMs = fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 6 * 3_600_000 }));
const lengthMs = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 60_000 }));

const anySegment = fc
  .record({
    startMs: timeMs,
    lengthMs,
    text,
    speaker: fc.option(fc.oneof(fc.constantFrom('Ann', 'Bob'), text)),
    isWordTimed: fc.boolean(),
    seed: fc.nat(),
  })
  .map(({ startMs, lengthMs, text, speaker, isWordTimed, seed }): TranscriptSegment => {
    const range = { startSec: startMs / 1000, endSec: (startMs + lengthMs) / 1000 };
    return {
      ...range,
      text,
      ...(speaker === null ? {} : { speaker }),
      ...(isWordTimed ? { words: timeWords(text, range, seed) } : {}),
    };
  });

/** Gives the words of a text times, some of which are as wrong as those of models may be. */
function timeWords(text: string, { startSec, endSec }: { startSec: number; endSec: number }, seed: number) {
  const parts = text.split(/\s+/).filter(Boolean);
  const step = (endSec - startSec) / parts.length;
  return parts.map((part, index) => {
    const slip = ((seed + index * 7) % 5) - 2;
    return {
      startSec: startSec + (index + slip * 0.3) * step,
      endSec: startSec + (index + 1) * step,
      text: part,
    };
  });
}

/** Segments of every kind: in any order, one over the other, of no length, and with anything for a text. */
export const anySegments = fc.array(anySegment, { maxLength: 8 });
