import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Answer } from '../../src/transcriber/answer.ts';
import { readAnswer } from '../../src/transcriber/answer.ts';
import { toContent } from '../../src/transcriber/content.ts';
import { readLanguage } from '../../src/transcriber/language.ts';
import { assertReliable } from '../support/reliableContent.ts';

/** What whisper-1 answers for these words, each one second long, in segments of these texts. */
function answerOf(texts: string[], words: string[]): Answer {
  let second = 0;
  const segments = texts.map((text) => {
    const start = second;
    second += text.split(/\s+/).length;
    return { start, end: second, text: ` ${text}`, speaker: null };
  });
  return {
    ...{ text: texts.join(' '), language: null, segments },
    words: words.map((word, index) => ({ start: index, end: index + 1, word })),
  };
}

const wordsOf = (texts: string[], words: string[]): (string[] | undefined)[] =>
  toContent(answerOf(texts, words), 100, null).segments.map((segment) =>
    segment.words?.map(({ text }) => text),
  );

describe('the words of a transcription', () => {
  const cases: [string, string[], string[], (string[] | undefined)[]][] = [
    [
      'get their punctuation back',
      ['"Well," she said, "it\'s $5 (or so)."'],
      ['Well', 'she', 'said', "it's", '5', 'or', 'so'],
      [['"Well,"', 'she', 'said,', '"it\'s', '$5', '(or', 'so)."']],
    ],
    [
      'are told apart in different segments',
      ['No, no.', 'No!'],
      ['No', 'no', 'No'],
      [['No,', 'no.'], ['No!']],
    ],
    [
      'may be parts of what is written as one',
      ['A well-known man'],
      ['A', 'well', 'known', 'man'],
      [['A', 'well-', 'known', 'man']],
    ],
    [
      'are found without spaces between them',
      ['你好吗？我很好。'],
      ['你好', '吗', '我', '很', '好'],
      [['你好', '吗？', '我', '很', '好。']],
    ],
    [
      'are left out when they are not in the text',
      ['I am here'],
      ['I', 'uh', 'am', 'am', 'here'],
      [['I', 'am', 'here']],
    ],
    [
      'leave theirs to the one before when they are not told',
      ['I really am here'],
      ['I', 'am', 'here'],
      [['I really', 'am', 'here']],
    ],
    [
      'are not looked for within others',
      ['This is what a man does'],
      ['is', 'a', 'man', 'does'],
      [['This is what', 'a', 'man', 'does']],
    ],
    ['are none where none is found', ['Hello', 'there'], ['there'], [undefined, ['there']]],
    ['may be in capitals', ['HELLO World'], ['hello', 'WORLD'], [['HELLO', 'World']]],
    [
      'may be Turkish, whose capitals have longer small forms',
      ["Ben Ali, İZMİR'den", 'Siz Nereden?'],
      ['ben', 'ali', "İzmir'den", 'siz', 'nereden'],
      [
        ['Ben', 'Ali,', "İZMİR'den"],
        ['Siz', 'Nereden?'],
      ],
    ],
  ];
  for (const [what, texts, words, expected] of cases) {
    it(what, () => assert.deepEqual(wordsOf(texts, words), expected));
  }
});

describe('the content of a transcription', () => {
  const time = fc.oneof(
    fc.double({ min: -5, max: 20, noNaN: true }),
    fc.constantFrom(0, 10, 1e300, -1e300, 9.9999, Number.NaN, null, '3'),
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.lorem({ maxCount: 4 }),
    fc.constantFrom('', ' ', '\u0000', '\ud800a', 'a\u202eb', '你好', 'é', 'İstanbul', 'a\ufffdb'),
  );
  const item = (name: string) =>
    fc.record({
      start: time,
      end: time,
      [name]: text,
      speaker: fc.constantFrom(undefined, null, 'A', 'B', ''),
    });
  const body = fc.record(
    {
      text: fc.oneof(text, fc.constant(null)),
      language: fc.oneof(text, fc.constantFrom('english', 'en', 'de-DE', 'x-klingon', null)),
      segments: fc.array(item('text'), { maxLength: 12 }),
      words: fc.array(item('word'), { maxLength: 30 }),
    },
    { requiredKeys: [] },
  );

  it('is reliable whatever the answer was', () => {
    fc.assert(
      fc.property(body, (answer) => {
        const heard = (() => {
          try {
            return readAnswer(answer, 10);
          } catch (error) {
            assert.equal((error as { code?: string }).code, 'transcriber_unavailable');
            return null;
          }
        })();
        if (heard) assertReliable(toContent(heard, 10, null), 10);
      }),
      { seed: Number(process.env.SEED ?? 1), numRuns: process.env.CAMPAIGN ? 100_000 : 2000 },
    );
  });

  it('has no half of a character where it is cut', () => {
    const text = `a${'😀'.repeat(1100)}`;
    const heard = toContent({ text, language: null, segments: [], words: [] }, 10, null);
    assert.equal(heard.segments[0]?.text, text.slice(0, 1999));
    const segments = [{ start: 0, end: 1, text: 'Hi', speaker: text }];
    const { speaker } = toContent({ text, language: null, segments, words: [] }, 10, null).segments[0] ?? {};
    assert.equal(speaker, text.slice(0, 99));
  });

  it('takes no time over as much as it may be told, and keeps the text of speakers that nobody can tell apart', () => {
    const [segmentCount, durationSec] = [14_000, 1400];
    const segments = Array.from({ length: segmentCount }, (_, at) => ({
      ...{ start: at / 10, end: durationSec, text: 'ab cd', speaker: `speaker ${at}` },
    }));
    const words = Array.from({ length: 2 * segmentCount }, (_, at) => ({
      ...{ start: at / 20, end: (at + 1) / 20, word: at % 2 === 0 ? 'ab' : 'cd' },
    }));
    const before = process.cpuUsage();
    const heard = toContent({ text: null, language: null, segments, words }, durationSec, null);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 2_000_000, `it took ${(user + system) / 1000} ms`);
    assert.equal(heard.segments.length, segmentCount);
    assert.equal(heard.segments.at(-1)?.words?.length, 2);
    assert.equal(new Set(heard.segments.map(({ speaker }) => speaker)).size, 101);
    const same = segments.map((segment) => ({
      ...segment,
      start: 0,
      end: 0,
      text: 'a'.repeat(100) + segment.speaker,
    }));
    const again = process.cpuUsage();
    toContent({ text: null, language: null, segments: same, words: [] }, durationSec, null);
    assert.ok(process.cpuUsage(again).user < 2_000_000);
  });

  it('lets two people speak at once, and one not', () => {
    const at = (start: number, end: number, speaker: string | null) => ({ start, end, text: 'Yes', speaker });
    const timesOf = (...segments: Answer['segments']) =>
      toContent({ text: null, language: null, segments, words: [] }, 10, null).segments.map(
        ({ startSec, endSec }) => [startSec, endSec],
      );
    assert.deepEqual(timesOf(at(0, 5, 'A'), at(2, 6, 'B')), [
      [0, 5],
      [2, 6],
    ]);
    assert.deepEqual(timesOf(at(0, 5, 'A'), at(1, 6, 'B'), at(2, 6, null), at(4, 7, 'A')), [
      [0, 2],
      [1, 2],
      [2, 4],
      [4, 7],
    ]);
    assert.deepEqual(timesOf(at(0, 5, null), at(2, 6, null)), [
      [0, 2],
      [2, 6],
    ]);
  });

  it('is in the language that was heard, else in the one that was asked for', () => {
    const languageOf = (language: string | null, asked: string | null) =>
      toContent({ ...answerOf(['Hi'], []), language }, 1, asked).language;
    assert.equal(languageOf('german', 'en'), 'de');
    assert.equal(languageOf(null, 'en'), 'en');
    assert.equal(languageOf('klingon', 'en'), 'en');
    assert.equal(languageOf(null, null), null);
  });
});

describe('readLanguage', () => {
  it('knows all names that Whisper gives', () => {
    const unknown = WHISPER.filter(([code, name]) => readLanguage(name) !== (code === 'jw' ? 'jv' : code));
    assert.deepEqual(unknown, []);
  });

  it('takes tags, and nothing else', () => {
    const cases = {
      en: 'en',
      'EN-us': 'en-US',
      'pt-BR': 'pt-BR',
      eng: 'en',
      ' Deutsch': null,
      '': null,
      '<b>': null,
    };
    for (const [answer, expected] of Object.entries(cases))
      assert.equal(readLanguage(answer), expected, answer);
    assert.equal(readLanguage(`en-${'a'.repeat(1e6)}`), null);
  });
});

/** Whisper's own list (`whisper/tokenizer.py`), the names of its aliases too. */
const WHISPER: [string, string][] =
  `en english;zh chinese;de german;es spanish;ru russian;ko korean;fr french;ja japanese;pt portuguese;
tr turkish;pl polish;ca catalan;nl dutch;ar arabic;sv swedish;it italian;id indonesian;hi hindi;fi finnish;vi vietnamese;
he hebrew;uk ukrainian;el greek;ms malay;cs czech;ro romanian;da danish;hu hungarian;ta tamil;no norwegian;th thai;
ur urdu;hr croatian;bg bulgarian;lt lithuanian;la latin;mi maori;ml malayalam;cy welsh;sk slovak;te telugu;fa persian;
lv latvian;bn bengali;sr serbian;az azerbaijani;sl slovenian;kn kannada;et estonian;mk macedonian;br breton;eu basque;
is icelandic;hy armenian;ne nepali;mn mongolian;bs bosnian;kk kazakh;sq albanian;sw swahili;gl galician;mr marathi;
pa punjabi;si sinhala;km khmer;sn shona;yo yoruba;so somali;af afrikaans;oc occitan;ka georgian;be belarusian;tg tajik;
sd sindhi;gu gujarati;am amharic;yi yiddish;lo lao;uz uzbek;fo faroese;ht haitian creole;ps pashto;tk turkmen;nn nynorsk;
mt maltese;sa sanskrit;lb luxembourgish;my myanmar;bo tibetan;tl tagalog;mg malagasy;as assamese;tt tatar;haw hawaiian;
ln lingala;ha hausa;ba bashkir;jw javanese;su sundanese;yue cantonese;my burmese;ca valencian;nl flemish;ht haitian;
lb letzeburgesch;ps pushto;pa panjabi;ro moldavian;ro moldovan;si sinhalese;es castilian;zh mandarin`
    .split(';')
    .map((entry) => {
      const [code = '', ...name] = entry.trim().split(' ');
      return [code, name.join(' ')];
    });
