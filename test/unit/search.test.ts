import assert from 'node:assert/strict';
import { toSearchDocument } from '../../src/domain/searchDocument.ts';
import { parseSearch } from '../../src/domain/searchQuery.ts';
import { pairUp, searchWords } from '../../src/domain/searchWords.ts';

const ABOUT = { title: '', description: null, tags: [], segments: [] };

describe('the words of a search', () => {
  for (const [text, words] of [
    ['Café, CRÈME!', 'cafe creme'],
    ["l'été d’Anna", 'l ete d anna'],
    ['example.com/a_b', 'example com a b'],
    ['Straße ЁЖ', 'straße еж'],
    ['東京タワー', '東 京 タ ワ ー'],
    ['ไทย', 'ไ ท ย'],
    ['हिन्दी', 'हिन्दी'],
    ['ﬁlm № 5', 'film no 5'],
    ['— … !?', ''],
    ['🎉', ''],
  ] as const) {
    it(`of "${text}" are "${words}"`, () => assert.equal(searchWords(text).join(' '), words));
  }

  it('are the same however a text is composed', () => {
    for (const text of ['Ångström', 'ガギグ', '한국어']) {
      assert.deepEqual(searchWords(text.normalize('NFD')), searchWords(text.normalize('NFC')));
    }
  });

  it('are found in no time, however many accents a letter has', () => {
    for (const marks of [
      '\u0301'.repeat(60_000) + '\u0323'.repeat(60_000),
      '\u0301\u0301\uff9e'.repeat(20_000),
    ]) {
      const startedAt = performance.now();
      const [word = ''] = searchWords(`a${marks}`);
      assert.ok(word.startsWith('a') || word.startsWith('ạ'));
      // The square of it would be seconds.
      assert.ok(performance.now() - startedAt < 500);
    }
  });

  it('are looked for as pairs where they are characters', () => {
    const pairs = (text: string) => pairUp(searchWords(text)).map(({ word, place }) => `${place} ${word}`);
    assert.deepEqual(pairs('京タワ'), ['0 京タ', '1 タワ']);
    assert.deepEqual(pairs('新iPhone手机壳 pro 猫'), [
      '0 新',
      '1 iphone',
      '2 手机',
      '3 机壳',
      '5 pro',
      '6 猫',
    ]);
  });

  it('are cut when they are very long, between whole characters', () => {
    const [word] = searchWords(`a${'𝔞'.normalize('NFC')}${'𐐷'.repeat(100)}`);
    assert.ok(word && word.length <= 64 && word.isWellFormed());
  });
});

describe('what people write into a search field', () => {
  const show = (text: string) =>
    parseSearch(text).map((terms) =>
      terms
        .map((term) => `${term.isExcluded ? 'not ' : ''}${term.words.map(({ word }) => word).join('+')}`)
        .join(', '),
    );

  for (const [text, groups] of [
    ['red car', ['red, car']],
    ['"red car" -blue', ['red+car, not blue']],
    ['a OR b c', ['a', 'b, c']],
    ['-"old town" or', ['not old+town']],
    ['e-mail', ['e+mail']],
    ['"never closed', ['never+closed']],
    [`'; drop table videos; --`, ['drop, table, videos']],
    ['&|!():*<-> \\', []],
    ['- " " or or', []],
  ] as const) {
    it(`is understood: ${text}`, () => assert.deepEqual(show(text), groups));
  }
});

describe('a search document', () => {
  it('knows where each segment begins, and counts what is said', () => {
    const { words, segmentPositions, segments } = toSearchDocument({
      ...ABOUT,
      title: 'Sea',
      segments: [
        { startSec: 0, text: 'The sea' },
        { startSec: 5, text: '♪' },
        { startSec: 9, text: ' sea \n again ' },
      ],
    });
    assert.deepEqual(segmentPositions, [4, 6]);
    assert.deepEqual(segments, [
      [0, 'The sea'],
      [9, 'sea again'],
    ]);
    assert.deepEqual(words[0], { word: 'sea', places: '1A,5,6', timesSaid: 2 });
  });

  it('has characters and the pairs that they make, also from one segment into the next', () => {
    const { words } = toSearchDocument({
      ...ABOUT,
      title: '猫',
      segments: [
        { startSec: 0, text: '苹果' },
        { startSec: 5, text: '的。' },
        { startSec: 9, text: 'ok 的' },
      ],
    });
    assert.equal(
      words.map(({ word, places }) => `${word} ${places}`).join(', '),
      '猫 1A, 苹 4, 果 5, 苹果 4, 的 6,8, 果的 5, ok 7',
    );
  });

  it('holds six hours of a language without spaces', () => {
    const { segments } = toSearchDocument({
      ...ABOUT,
      segments: Array.from({ length: 1200 }, (_, at) => ({
        startSec: at,
        text: '这是我们的第几个句子'.repeat(10),
      })),
    });
    assert.equal(segments.at(-1)?.[0], 1199);
  });

  it('stays within what a tsvector holds, whatever the text', () => {
    const unlike = Array.from({ length: 80_000 }, (_, at) => `${'w'.repeat(50)}${at}`).join(' ');
    const { words } = toSearchDocument({ ...ABOUT, segments: [{ startSec: 0, text: unlike }] });
    const bytes = words.reduce((sum, { word }) => sum + word.length, 0);
    assert.ok(bytes < 900_000 && words.length > 1000, `${words.length} words in ${bytes} bytes`);
    const many = 'a b c '.repeat(50_000);
    const { words: few } = toSearchDocument({ ...ABOUT, segments: [{ startSec: 0, text: many }] });
    assert.deepEqual(
      few.map(({ word }) => word),
      ['a', 'b', 'c', 'beyond:'],
    );
    const [{ places, timesSaid } = { places: '', timesSaid: 0 }] = few;
    assert.deepEqual([places.split(',').length, timesSaid], [255, 20_000]);
  });
});
