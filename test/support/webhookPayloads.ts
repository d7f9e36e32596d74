import type { Random } from './stack.ts';

/** Texts that go wrong where bytes and characters are mistaken for each other, or JSON is written in two ways. */
const TEXTS = [
  ...[
    '',
    ' ',
    'a',
    'ß',
    'ä'.normalize('NFD'),
    'Zürich – „Straße“',
    'ﬁ',
    '日本語のタイトル',
    'עברית ואנגלית',
    'مرحبا',
  ],
  ...[
    '🎬',
    '👩‍👩‍👧‍👦',
    '🇺🇳',
    '\u{1F3F4}\u{E0067}\u{E0062}',
    '\u2028\u2029',
    '\u200b\u200e\u202e\ufeff',
    '\ufffd\uffff',
  ],
  ...[
    '"',
    '\\',
    '\\u0041',
    '\n\r\t\b\f',
    '\u007f\u0080\u009f',
    '</script><!--',
    '&amp;<b>',
    '{"a":1}',
    "'; drop--",
  ],
  ...['%00%0a', '.', '1.2.3', 'v1,AAAA', 'whsec_', 'null', 'NaN', 'x'.repeat(5000), '🎬'.repeat(1000)],
];

/** Numbers that not every reader of JSON gives back as they were. */
const NUMBERS = [
  ...[0, 1, -1, 0.1, 0.1 + 0.2, 1e21, 1e-7, 1e300, 5e-324, 1.7976931348623157e308, 123456789.125],
  ...[
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 32,
    2 ** 53,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    1e15 + 0.3,
  ],
];

const EMPTY = [null, '', [], {}, false, 0, [[]], [{}], { '': '' }, { a: null }];

/** An object as it might stand in an event: texts of every script, big numbers, and nothing in all its ways. */
export function makePayload(random: Random): Record<string, unknown> {
  const fields = Array.from({ length: random.int(0, 12) }, (_, at) => [
    random.pick([`field_${at}`, random.pick(TEXTS).slice(0, 40).toWellFormed()]),
    makeValue(random, 3),
  ]);
  return Object.fromEntries(fields);
}

function makeValue(random: Random, depth: number): unknown {
  const kind = random.int(0, depth > 0 ? 5 : 3);
  if (kind <= 1) return random.pick(TEXTS);
  if (kind === 2) return random.pick(NUMBERS);
  if (kind === 3) return random.pick(EMPTY);
  const values = Array.from({ length: random.int(0, 4) }, () => makeValue(random, depth - 1));
  if (kind === 4) return values;
  return Object.fromEntries(
    values.map((value, at) => [`${at}${random.pick(TEXTS).slice(0, 9).toWellFormed()}`, value]),
  );
}
