import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { create as contentDisposition } from 'content-disposition';
import type { Context } from 'koa';
import { SourceMissingError } from '../../errors.ts';
import type { ByteRange, Storage } from '../../storage/storage.ts';
import { HttpProblem, notFound } from '../problem.ts';
import { parseRange } from './ranges.ts';

/** One file as it is given out. */
export interface Representation {
  sizeBytes: number;
  modifiedAt: Date;
  /** Changes whenever the bytes do; strong, so that ranges of two answers can be put together. */
  etag: string;
  contentType: string;
  disposition: { type: 'inline' | 'attachment'; filename: string };
  open(range?: ByteRange): Promise<Readable>;
}

/** Opened by itself, a browser shows a file inside a page of its own making, which must be able to load it. */
const SHOWN_ALONE =
  "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** A reader that takes nothing for so long is gone, or pauses and will ask again from where it was. */
const STALLED_MS = 300_000;

/** What never changes under a key is known by its key. */
export const etagOf = (...parts: (string | number)[]): string =>
  `"${createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 27)}"`;

/**
 * Describes a stored object.
 *
 * @throws HttpProblem `not_found` when its bytes are gone
 */
export async function representObject(
  storage: Storage,
  key: string,
  facts: Pick<Representation, 'contentType' | 'disposition'>,
): Promise<Representation> {
  const stored = await storage.stat(key);
  if (!stored) throw notFound();
  const open = (range?: ByteRange) =>
    storage.open(key, range).catch((error) => {
      // A removal may come between the two looks.
      throw error instanceof SourceMissingError ? notFound() : error;
    });
  return { ...facts, ...stored, etag: etagOf(key, stored.sizeBytes), open };
}

/**
 * Gives out a file or the parts asked for: conditional requests, HEAD, single and multiple ranges
 * (RFC 9110 §13 and §14). A client that leaves, or stops reading, releases the file.
 *
 * @param options.beforeBytes runs when the file is open and before its first byte is sent, so not for HEAD, 304, 416 and a
 *   file that is gone; it may refuse
 * @throws HttpProblem `precondition_failed`, `range_not_satisfiable`
 */
export async function sendBytes(
  ctx: Context,
  file: Representation,
  { stalledMs = STALLED_MS, beforeBytes }: { stalledMs?: number; beforeBytes?: () => Promise<void> } = {},
): Promise<undefined> {
  ctx.res.setTimeout(stalledMs, () => ctx.res.destroy());
  if (!isStillWanted(ctx, file)) throw new HttpProblem('precondition_failed');
  if (isUnchanged(ctx, file)) {
    ctx.status = 304;
    ctx.set(describe(file));
    return;
  }
  const asked = isRangeWanted(ctx, file) ? parseRange(ctx.get('Range'), file.sizeBytes) : null;
  if (asked?.kind === 'unsatisfiable') {
    const headers = { 'Content-Range': `bytes */${file.sizeBytes}` };
    throw new HttpProblem('range_not_satisfiable', undefined, { headers });
  }
  await setBody(ctx, file, { body: toBody(file, asked?.kind === 'parts' ? asked.parts : []), beforeBytes });
}

const describe = (file: Representation) => ({
  'Accept-Ranges': 'bytes',
  'Cache-Control': 'private, no-cache',
  'Content-Disposition': contentDisposition(file.disposition.filename, { type: file.disposition.type }),
  'Content-Security-Policy': SHOWN_ALONE,
  // Signed addresses are made for the pages of other origins.
  'Cross-Origin-Resource-Policy': 'cross-origin',
  ETag: file.etag,
  'Last-Modified': file.modifiedAt.toUTCString(),
  'X-Content-Type-Options': 'nosniff',
});

/** HTTP knows no fractions of seconds. */
const modifiedMs = (file: Representation) => Math.floor(file.modifiedAt.getTime() / 1000) * 1000;

/** If-Match goes before If-Unmodified-Since (§13.2.2), compares strongly, and a date that is none is ignored. */
function isStillWanted(ctx: Context, file: Representation): boolean {
  const wanted = ctx.get('If-Match');
  if (wanted) return wanted.split(',').some((tag) => ['*', file.etag].includes(tag.trim()));
  const since = Date.parse(ctx.get('If-Unmodified-Since'));
  return Number.isNaN(since) || modifiedMs(file) <= since;
}

/**
 * If-None-Match goes before If-Modified-Since (§13.2.2). Not Koa's `fresh`: it looks away when the request
 * says `Cache-Control: no-cache`, which speaks to caches, and which every `fetch` with a condition says.
 */
function isUnchanged(ctx: Context, file: Representation): boolean {
  const known = ctx.get('If-None-Match');
  if (known === '*') return true;
  if (known) return known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === file.etag);
  const since = Date.parse(ctx.get('If-Modified-Since'));
  return modifiedMs(file) <= since;
}

/** "A server MUST ignore a Range header with a method other than GET" (§14.2), and when If-Range fails (§13.1.5). */
function isRangeWanted(ctx: Context, file: Representation): boolean {
  if (ctx.method !== 'GET' || !ctx.get('Range')) return false;
  const condition = ctx.get('If-Range');
  if (condition === '') return true;
  if (condition.startsWith('"') || condition.startsWith('W/')) return condition === file.etag;
  return condition === file.modifiedAt.toUTCString();
}

interface Body {
  status: number;
  contentType: string;
  length: number;
  headers?: Record<string, string>;
  open: () => Promise<Readable>;
}

function toBody(file: Representation, parts: ByteRange[]): Body {
  const { contentType, sizeBytes } = file;
  const [part] = parts;
  if (!part) return { status: 200, contentType, length: sizeBytes, open: () => file.open() };
  if (parts.length > 1) return toMultipart(file, parts);
  return {
    status: 206,
    contentType,
    length: lengthOf(part),
    headers: { 'Content-Range': contentRange(part, sizeBytes) },
    open: () => file.open(part),
  };
}

/** `multipart/byteranges` (§14.6). */
function toMultipart(file: Representation, parts: ByteRange[]): Body {
  const boundary = randomBytes(18).toString('hex');
  const pieces = parts.map((part) => ({
    part,
    head: Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: ${file.contentType}\r\nContent-Range: ${contentRange(part, file.sizeBytes)}\r\n\r\n`,
    ),
  }));
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length = pieces.reduce((sum, { part, head }) => sum + head.length + lengthOf(part), tail.length);
  async function* write(first: Readable) {
    for (const [at, { part, head }] of pieces.entries()) {
      yield head;
      yield* at === 0 ? first : await file.open(part);
    }
    yield tail;
  }
  return {
    status: 206,
    contentType: `multipart/byteranges; boundary=${boundary}`,
    length,
    open: async () => {
      const first = await file.open(parts[0]);
      // One that is never begun to be read would not let go of it.
      return Readable.from(write(first), { objectMode: false }).once('close', () => first.destroy());
    },
  };
}

/** Says nothing of the file before it is open: a refusal must not carry its headers. */
async function setBody(
  ctx: Context,
  file: Representation,
  { body, beforeBytes }: { body: Body; beforeBytes: (() => Promise<void>) | undefined },
): Promise<void> {
  const stream = ctx.method === 'GET' ? await body.open() : null;
  if (stream) {
    // Too late for another status: what was announced cannot be sent, so the client must see a break.
    stream.once('error', () => ctx.res.destroy());
    await beforeBytes?.().catch((refusal) => {
      stream.destroy();
      throw refusal;
    });
  }
  ctx.status = body.status;
  ctx.set({ ...describe(file), 'Content-Type': body.contentType, ...body.headers });
  if (stream) ctx.body = stream;
  ctx.length = body.length;
}

const lengthOf = ({ start, end }: ByteRange): number => end - start + 1;
const contentRange = ({ start, end }: ByteRange, sizeBytes: number) => `bytes ${start}-${end}/${sizeBytes}`;
