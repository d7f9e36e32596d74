/** What is kept of an answer's text. */
const MAX_TEXT_BYTES = 1024;
/** Shorter pieces of an address say nothing, and are in every text. */
const MIN_SECRET_LENGTH = 8;

/** Controls but for tab and line feed, and what turns the direction of text around (Unicode TR 36, 3.2). */
const UNSAFE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * Gives the first kilobyte of an answer as text that is safe to keep and to show: whole characters, no controls, and
 * nothing in it that is secret. An address counts as secret in all its parts but the host.
 */
export function toSafeText(bytes: Buffer, secrets: readonly string[]): string {
  let text = bytes
    .toString('utf8')
    .replace(UNSAFE, (character) => (/[\t\n]/.test(character) ? character : ' '));
  for (const secret of secrets.flatMap(partsOf).sort((a, b) => b.length - a.length))
    text = text.replaceAll(secret, '[hidden]');
  return cutText(text);
}

/** An address may come back whole, or taken apart by whoever reads it. */
function partsOf(secret: string): string[] {
  const url = URL.parse(secret);
  if (!url || !/^https?:$/.test(url.protocol)) return [secret];
  const path = url.pathname.split('/');
  const parts = [secret, url.href, url.pathname + url.search, ...path, ...url.searchParams.values()];
  const plain = parts.flatMap((part) => [part, decode(part)]);
  return [...new Set(plain)].filter((part) => part.length >= MIN_SECRET_LENGTH);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function cutText(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_TEXT_BYTES) return text;
  // Not through the middle of a character.
  return new TextDecoder().decode(bytes.subarray(0, MAX_TEXT_BYTES), { stream: true });
}
