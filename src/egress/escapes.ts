/** A text as it is, or as it reads when its escapes are taken for what they stand for. */
export interface Reading {
  text: string;
  /** Where each of its characters begins in the text as it is, and where that one ends. */
  begins: readonly number[];
}

/** What is put into JSON, that into HTML, and that into an address. */
const MAX_DEPTH = 3;

/** The escapes of JSON and JavaScript (RFC 8259, 7), of addresses in UTF-8 (RFC 3986, 2.1), and of HTML. */
const ESCAPE = new RegExp(
  [
    /\\u(?<unit>[\da-f]{4})/,
    /\\x(?<byte>[\da-f]{2})/,
    /\\(?<bare>[^a-z])/,
    /(?<percent>%[0-7][\da-f]|%[c-f][\da-f](?:%[89ab][\da-f]){1,3})/,
    /&#x(?<hex>[\da-f]{1,6});?/,
    /&#(?<decimal>\d{1,7});?/,
    /&(?<name>[a-z]{2,6});/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'giu',
);

/** Those of HTML that an address, or base64, may need. */
const NAMED: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", sol: '/', bsol: '\\', plus: '+', equals: '=' },
  ...{ quest: '?', num: '#', percnt: '%', colon: ':', semi: ';', comma: ',', period: '.', lowbar: '_' },
};

/** Gives a text in all its readings, the one as it is first: what was escaped twice is there in the third. */
export function readEscapes(text: string): Reading[] {
  const readings: Reading[] = [{ text, begins: Array.from({ length: text.length + 1 }, (_, at) => at) }];
  for (let last = readings[0]; last && readings.length <= MAX_DEPTH; last = readings.at(-1)) {
    const next = readOnce(last);
    if (next.text === last.text) break;
    readings.push(next);
  }
  return readings;
}

function readOnce({ text, begins }: Reading): Reading {
  const pieces: string[] = [];
  const found: number[] = [];
  let from = 0;
  const copyTo = (to: number) => {
    pieces.push(text.slice(from, to));
    for (let at = from; at < to; at++) found.push(begins[at] ?? 0);
  };
  for (const { 0: written, index, groups = {} } of text.matchAll(ESCAPE)) {
    const meant = toCharacter(groups) ?? written;
    if (meant === written) continue;
    copyTo(index);
    pieces.push(meant);
    for (let unit = 0; unit < meant.length; unit++) found.push(begins[index] ?? 0);
    from = index + written.length;
  }
  copyTo(text.length);
  found.push(begins[text.length] ?? 0);
  return { text: pieces.join(''), begins: found };
}

function toCharacter(groups: Record<string, string | undefined>): string | null | undefined {
  const { unit, byte, bare, percent, hex, decimal, name } = groups;
  if (bare !== undefined) return bare;
  if (name !== undefined) return NAMED[name.toLowerCase()];
  if (percent !== undefined) return decodePercent(percent);
  const code = decimal === undefined ? Number.parseInt(unit ?? byte ?? hex ?? '', 16) : Number(decimal);
  return code <= 0x10ffff ? String.fromCodePoint(code) : null;
}

function decodePercent(written: string): string | null {
  try {
    return decodeURIComponent(written);
  } catch {
    return null;
  }
}
