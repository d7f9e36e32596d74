import assert from 'node:assert/strict';
import type { TranscriptContent } from '../../src/domain/transcript.ts';
import { type AnsweredChunk, joinAnswers } from '../../src/domain/transcriptJoin.ts';

const said = (text: string, startSec: number, endSec: number, more: object = {}) => ({
  ...{ startSec, endSec, text },
  ...more,
});
const chunk = (
  [startSec, endSec]: [number, number],
  segments: TranscriptContent['segments'],
  more: Partial<AnsweredChunk> = {},
  language: string | null = 'en',
): AnsweredChunk => ({
  ...{ startSec, endSec, answer: { language, segments } },
  voiced: [{ startSec: startSec + 0.5, endSec: endSec - 0.5 }],
  ...more,
});
const joined = (chunks: AnsweredChunk[]) => joinAnswers(chunks).segments;
const texts = (chunks: AnsweredChunk[]) => joined(chunks).map(({ text }) => text);

describe('joining what was answered about chunks', () => {
  it('counts times from the beginning of the video, and keeps them within their chunk', () => {
    const words = [said('Hello', 1, 1.4), said('there.', 1.5, 2)];
    const segments = joined([
      chunk([0, 10], [said(' Hello there. ', 1, 2, { words })]),
      chunk([12.34, 20], [said('And on.', 0.1, 99)]),
    ]);
    assert.deepEqual(segments, [said('Hello there.', 1, 2, { words }), said('And on.', 12.44, 20)]);
    const [first] = joined([chunk([100.06, 110], [said('Hello there.', 1, 2, { words })])]);
    assert.deepEqual(first?.words, [said('Hello', 101.06, 101.46), said('there.', 101.56, 102.06)]);
  });

  it('is empty where nobody says anything', () => {
    assert.deepEqual(joinAnswers([]), { language: null, segments: [] });
    assert.deepEqual(joinAnswers([chunk([0, 5], []), chunk([5, 9], [said('  ', 0, 1)])]).segments, []);
  });

  it('takes the language that most chunks are in, and none from those where nothing is said', () => {
    const word = [said('word', 1, 2)];
    const languages = ['de', 'en', 'en', null].map((each, at) =>
      chunk([at * 10, at * 10 + 9], word, {}, each),
    );
    const silent = [50, 60, 70].map((at) => chunk([at, at + 5], [], {}, 'fr'));
    assert.equal(joinAnswers([...languages, ...silent]).language, 'en');
  });

  it('tells the speakers of two chunks apart, for each chunk names them anew', () => {
    const by = (speaker: string, at: number) => said('word', at, at + 1, { speaker });
    const segments = joined([
      chunk([0, 10], [by('A', 1), by('B', 3)]),
      chunk([10, 20], [said('nobody', 1, 2)]),
      chunk([20, 30], [by('A', 1), by('C', 3)]),
    ]);
    assert.deepEqual(
      segments.map(({ speaker }) => speaker),
      ['A', 'B', undefined, 'A (2)', 'C (2)'],
    );
  });

  describe('words at a seam', () => {
    const spoken = (startSec: number, endSec: number) => ({ voiced: [{ startSec, endSec }] });
    const across = (before: string, behind: string, moreBehind: object = {}) => [
      chunk([0, 10], [said(before, 5, 10)], spoken(0, 10)),
      chunk([10, 20], [said(behind, 0, 5, moreBehind)], spoken(10, 20)),
    ];

    it('are taken once where the cut went through one of them', () => {
      assert.deepEqual(texts(across('Look at the Lighthouse', 'lighthouse, over there.')), [
        'Look at the Lighthouse',
        'over there.',
      ]);
      assert.deepEqual(texts(across('Stop', 'Stop!')), ['Stop']);
    });

    it('are left alone where the chunks are parted by silence: people do say things twice', () => {
      const chunks = [chunk([0, 10], [said('No, no', 5, 9)]), chunk([10, 20], [said('no, never.', 1, 5)])];
      assert.deepEqual(texts(chunks), ['No, no', 'no, never.']);
    });

    it('are taken once however many they are where chunks overlap', () => {
      const chunks = [
        chunk([0, 10], [said('we all went down to the sea', 5, 10)], spoken(0, 10)),
        chunk([9, 20], [said('To the sea', 0, 1), said('again and again', 2, 3)], spoken(9, 20)),
      ];
      assert.deepEqual(texts(chunks), ['we all went down to the sea', 'again and again']);
    });

    it('take their times with them', () => {
      const words = [said('light-house', 0, 0.6), said('over', 1, 1.2), said('there', 1.3, 2)];
      const segments = joined(across('the lighthouse', 'light-house over there', { words }));
      assert.deepEqual(segments[1], {
        ...said('over there', 11, 15),
        words: [said('over', 11, 11.2), said('there', 11.3, 12)],
      });
    });

    it('end with what is no word at all', () => {
      assert.deepEqual(texts(across('— —', '— well')), ['— —', '— well']);
    });
  });

  describe('a text without times', () => {
    const untimed = (text: string, voiced: [number, number][]) =>
      joined([
        chunk([100, 160], [said(text, 0, 60)], {
          voiced: voiced.map(([startSec, endSec]) => ({ startSec, endSec })),
        }),
      ]);

    it('is laid over what is voiced, sentence by sentence', () => {
      const segments = untimed('One two three. Four five six.', [
        [101, 103],
        [104, 106],
      ]);
      assert.deepEqual(
        segments.map(({ text }) => text),
        ['One two three.', 'Four five six.'],
      );
      for (const [at, [from, to]] of [
        [101, 103],
        [104, 106],
      ].entries()) {
        assert.ok(Math.abs((segments[at]?.startSec ?? 0) - (from ?? 0)) < 0.3);
        assert.ok(Math.abs((segments[at]?.endSec ?? 0) - (to ?? 0)) < 0.3);
      }
    });

    it('never stands over a long pause', () => {
      const segments = untimed('and so it went on for a very long time until nobody was left to tell of it', [
        [100, 104],
        [140, 144],
      ]);
      assert.deepEqual([segments[0]?.startSec, segments.at(-1)?.endSec], [100, 144]);
      for (const { startSec, endSec } of segments) assert.ok(endSec <= 104 || startSec >= 140);
      assert.equal(
        segments.map(({ text }) => text).join(' '),
        'and so it went on for a very long time until nobody was left to tell of it',
      );
    });

    it('is cut into parts of about seven seconds, between words', () => {
      const sentence = Array.from({ length: 60 }, (_, at) => `word${at}`).join(' ');
      const segments = untimed(sentence, [[100, 160]]);
      assert.equal(segments.map(({ text }) => text).join(' '), sentence);
      for (const { startSec, endSec } of segments) assert.ok(endSec - startSec <= 8 && endSec > startSec);
    });

    it('is cut where a script has no spaces, too', () => {
      const text =
        '今日はとても良い天気ですね。その後で昼ご飯を食べて映画を見に行くつもりですがあなたも一緒に来ませんか。';
      const segments = untimed(text, [[100, 130]]);
      assert.ok(segments.length >= 4);
      assert.equal(segments.map((segment) => segment.text).join(''), text);
    });

    it('is nowhere when nothing is voiced but for its chunk', () => {
      assert.deepEqual(untimed('Somewhere.', []), [said('Somewhere.', 100, 160)]);
    });
  });
});
