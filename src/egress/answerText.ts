import { readEscapes } from './escapes.ts';

/** What is kept of an answer's text. */
const MAX_TEXT_BYTES = 1024;
/** Of so much that is made: what is hidden becomes shorter. */
const MAX_SHOWN_BYTES = 4 * MAX_TEXT_BYTES;
/** Shorter pieces of an address say nothing, and are in every text. */
const MIN_SECRET_LENGTH = 8;
/** A character becomes so long, in bytes, when it is escaped: `\u002f`. */
const MAX_ESCAPE_BYTES = 6;

/** Controls but for tab and line feed, other ends of lines, and what turns the direction of text around (Unicode TR 36, 3.2). */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * Gives the first kilobyte of an answer as text that is safe to keep and to show: whole characters, no controls, and
 * nothing in it that is secret, be it as it was sent or escaped as JSON, HTML and addresses have it. An address counts
 * as secret in all its parts but the host.
 *
 * @param bytes as much of the answer as there is, up to 64 KiB: a secret must not be cut in two by their end
 */
export function toSafeText(bytes: Buffer, secrets: readonly string[]): string {
  // Most answers: none, or `ok`.
  if (bytes.length < MIN_SECRET_LENGTH) return toPlain(bytes);
  const needles = [
    ...new Set(secrets.flatMap(partsOf).flatMap((part) => readEscapes(part).map(({ text }) => text))),
  ].filter(({ length }) => length >= MIN_SECRET_LENGTH);
  const longest = Math.max(0, ...needles.map(({ length }) => length));
  // What begins in what is shown ends in what is looked at.
  const seen = bytes.subarray(0, MAX_SHOWN_BYTES + MAX_ESCAPE_BYTES * longest);
  const end = bytes.subarray(0, MAX_SHOWN_BYTES).toString('utf8').length;
  const text = toPlain(seen);
  return cutText(hide(text, findAll(text, needles), end));
}

const toPlain = (bytes: Buffer): string =>
  bytes.toString('utf8').replace(UNSAFE, (character) => (/[\t\n]/.test(character) ? character : ' '));

/** An address may come back whole, or taken apart by whoever reads it. */
function partsOf(secret: string): string[] {
  const url = URL.parse(secret);
  if (!url || !/^https?:$/.test(url.protocol)) return [secret];
  const { href, pathname, search, searchParams } = url;
  const pieces = [...pathname.split('/'), ...search.split(/[?&=]/), ...searchParams.values()];
  return [secret, href, pathname + search, pathname, search, ...pieces];
}

type Range = readonly [from: number, to: number];

/** Where any of them stands in a text, in whatever reading of it. */
function findAll(text: string, needles: readonly string[]): Range[] {
  const found: Range[] = [];
  for (const { text: read, begins } of readEscapes(text))
    for (const needle of needles)
      for (let at = read.indexOf(needle); at >= 0; at = read.indexOf(needle, at + needle.length))
        found.push([begins[at] ?? 0, begins[at + needle.length] ?? text.length]);
  return found.sort(([a], [b]) => a - b);
}

/** @param end nothing is given of what begins there or later */
function hide(text: string, ranges: readonly Range[], end: number): string {
  let shown = '';
  let at = 0;
  for (const [from, to] of ranges.filter(([begin]) => begin < end)) {
    if (from >= at) shown += `${text.slice(at, from)}[hidden]`;
    at = Math.max(at, to);
  }
  return shown + text.slice(at, end);
}

function cutText(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_TEXT_BYTES) return text;
  // Not through the middle of a character.
  return new TextDecoder().decode(bytes.subarray(0, MAX_TEXT_BYTES), { stream: true });
}
