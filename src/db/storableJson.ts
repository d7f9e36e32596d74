/** Postgres takes neither the character U+0000 nor half a surrogate pair in its JSON; nobody misses them in a text. */
const storableText = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** Gives the same value with every text in it as Postgres can keep it. */
export const storableJson = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value, (_, inner) => (typeof inner === 'string' ? storableText(inner) : inner)));
