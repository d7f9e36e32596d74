import assert from 'node:assert/strict';
import fc from 'fast-check';
import { graphemesOf, keepsLimit, mostChars } from '../../src/captions/countLength.ts';
import { shorten } from '../../src/captions/shorten.ts';
import { CAPTION_PLATFORMS } from '../../src/domain/captionLimits.ts';
import { seed } from '../support/stack.ts';

const within = (max: number) => (text: string) => text.length <= max;

describe('a caption that is too long', () => {
  const cases: [string, number, string][] = [
    // Text, limit in UTF-16 units, what is left.
    ['It fits.', 8, 'It fits.'],
    ['One sentence here. Another one, which is long', 30, 'One sentence here.'],
    ['He asked: “Why?” Nobody knows what he meant', 24, 'He asked: “Why?”'],
    ['A. Then a sentence that goes on for long', 30, 'A. Then a sentence that goes…'],
    ['All words and no end of it', 15, 'All words and…'],
    ['One, two, three', 11, 'One, two…'],
    ['He said (and meant it)', 10, 'He said…'],
    ['Unbelievablylongword', 10, 'Unbelieva…'],
    ['Look at #averylonghashtag', 20, 'Look at…'],
    ['Look at #one #two', 16, 'Look at #one…'],
    ['See https://example.com/a/b/c/d for more of it', 20, 'See…'],
    ['See https://example.com/a/b for more of it', 29, 'See https://example.com/a/b …'],
    ['See example.com/a-b_c/d for more of it', 20, 'See…'],
    ['Thanks @somebody_else', 14, 'Thanks…'],
    ['https://example.com/a/b/c/d', 20, ''],
    ['日本語の文章です。次の文章は少し長いです', 12, '日本語の文章です。'],
    ['Title line\nand then more words', 14, 'Title line'],
    ['👨‍👩‍👧‍👦👨‍👩‍👧‍👦', 13, '👨‍👩‍👧‍👦…'],
    ['👨‍👩‍👧‍👦👨‍👩‍👧‍👦', 10, ''],
    ['🇩🇪🇫🇷🇮🇹', 10, '🇩🇪🇫🇷…'],
  ];
  for (const [text, max, left] of cases)
    it(`${JSON.stringify(text)} becomes ${JSON.stringify(left)}`, () =>
      assert.equal(shorten(text, within(max)), left));

  it('keeps every limit, and never breaks a character, a link or a hashtag', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.constantFrom(
        'https://example.com/long/path?x=1',
        '#hashtag',
        '👩🏽‍🚀',
        '🇩🇪',
        '日本語の文',
        'word',
        'End.',
        '\n',
      ),
    );
    const text = fc.array(piece, { minLength: 1, maxLength: 200 }).map((pieces) => pieces.join(' '));
    fc.assert(
      fc.property(text, fc.constantFrom(...CAPTION_PLATFORMS), (long, platform) => {
        const left = shorten(long, (candidate) => keepsLimit(candidate, platform));
        assert.ok(keepsLimit(left, platform));
        const kept = left.replace(/ ?…$/u, '');
        const whole = new Set(graphemesOf(long));
        for (const grapheme of graphemesOf(kept)) assert.ok(whole.has(grapheme), JSON.stringify(grapheme));
        for (const [link] of kept.matchAll(/https:\S*/g)) assert.ok(long.split(/\s/).includes(link), link);
      }),
      { seed: seed(), numRuns: 60 },
    );
  });

  it('is the same when no more of it is looked at than may fit', () => {
    const words = fc.array(fc.constantFrom('word', 'End.', '日本語。', '🇩🇪', '#tag', 'a.example/b/c', '-'), {
      ...{ minLength: 700, maxLength: 1400 },
    });
    fc.assert(
      fc.property(
        words,
        fc.constantFrom('x', 'bluesky', 'threads', 'telegram', 'mastodon'),
        (list, platform) => {
          const long = list.join(' ');
          const fits = (text: string) => keepsLimit(text, platform);
          assert.equal(shorten(long, fits, mostChars(platform)), shorten(long, fits));
        },
      ),
      { seed: seed(), numRuns: 20 },
    );
  });

  it('is not cut through where it is no longer looked at', () => {
    const fits = (text: string) => text.length < 20;
    assert.equal(shorten('See https://example.com/a/b/c/d for more', fits, 25), 'See…');
    assert.equal(shorten('👨‍👩‍👧‍👦👨‍👩‍👧‍👦', fits, 13), '👨‍👩‍👧‍👦…');
  });

  const RUNS = [
    'a',
    'a.',
    'a-',
    '-',
    ',',
    '…',
    '(',
    '\n',
    ' .',
    '#a',
    'https://',
    '👨‍👩‍👧‍👦',
    '日',
    'a. ',
    'a.co/(',
  ];
  for (const length of [12_000, 70_000])
    for (const platform of ['x', 'bluesky', 'mastodon', 'facebook'] as const)
      it(`of ${length} characters is soon dealt with for ${platform}, however it is made`, () => {
        for (const run of RUNS)
          for (const end of ['', ' and then words'.repeat(length / 80)]) {
            const long = `A day. ${run.repeat((length - end.length) / run.length)}${end}`;
            const startedAt = performance.now();
            const left = shorten(long, (text) => keepsLimit(text, platform), mostChars(platform));
            const ms = performance.now() - startedAt;
            assert.ok(ms < 1500, `${JSON.stringify(run)}: ${ms} ms`);
            assert.ok(keepsLimit(left, platform));
          }
      }).timeout(30_000);
});
