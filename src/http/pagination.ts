import { z } from 'zod';
import type { Page } from '../db/videos.ts';

const UUID_BYTES = 16;

const toBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

function toId(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Gives the bytes in a cursor, or null when nothing of ours is so long. */
function readCursor(cursor: string, length: number): Buffer | null {
  const bytes = Buffer.from(cursor, 'base64url');
  return bytes.length === length && bytes.toString('base64url') === cursor ? bytes : null;
}

const encodeCursor = (id: string): string => toBytes(id).toString('base64url');

/** Gives the id in a cursor, or null when it is none that we made. */
function decodeCursor(cursor: string): string | null {
  const bytes = readCursor(cursor, UUID_BYTES);
  return bytes && toId(bytes);
}

/** A place in a ranking: the newest that was in it when its first page was given, and how many come before. */
export interface RankedPlace {
  newestId: string;
  offset: number;
}

/** Rankings end long before 65,536. */
const OFFSET_BYTES = 2;

export function encodeRankedCursor({ newestId, offset }: RankedPlace): string {
  const bytes = Buffer.concat([toBytes(newestId), Buffer.alloc(OFFSET_BYTES)]);
  bytes.writeUInt16BE(offset, UUID_BYTES);
  return bytes.toString('base64url');
}

/** Gives the place in a cursor of a ranking, or null when it is none that we made. */
export function decodeRankedCursor(cursor: string): RankedPlace | null {
  const bytes = readCursor(cursor, UUID_BYTES + OFFSET_BYTES);
  return bytes && { newestId: toId(bytes.subarray(0, UUID_BYTES)), offset: bytes.readUInt16BE(UUID_BYTES) };
}

const SEQUENCE_BYTES = 8;

/** The cursor of a list whose places are numbers. */
export function encodeSequenceCursor(sequence: number): string {
  const bytes = Buffer.alloc(SEQUENCE_BYTES);
  bytes.writeBigUInt64BE(BigInt(sequence));
  return bytes.toString('base64url');
}

/** Gives the number in such a cursor, or null when it is none that we made. */
export function decodeSequenceCursor(cursor: string): number | null {
  const sequence = readCursor(cursor, SEQUENCE_BYTES)?.readBigUInt64BE();
  return sequence === undefined || sequence > Number.MAX_SAFE_INTEGER ? null : Number(sequence);
}

const NOT_OURS = 'is not a cursor of this API';

const cursorField = (isOurs: (cursor: string) => boolean = () => true) =>
  z.string().refine(isOurs, NOT_OURS).optional().meta({ description: '`next_cursor` of the page before' });

/** The query fields of every list; spread them into the route's own `z.strictObject`. */
export const pageFields = {
  limit: z.coerce.number().int().min(1).max(100).default(20).meta({ description: 'How many at most' }),
  cursor: cursorField((cursor) => decodeCursor(cursor) !== null),
};

/** The same for a list whose places are numbers. */
export const sequencePageFields = {
  ...pageFields,
  cursor: cursorField((cursor) => decodeSequenceCursor(cursor) !== null),
};

/** The same for a list that is ranked when it is searched; `refineCursor` says which of the two cursors it has to be. */
export const searchablePageFields = {
  ...pageFields,
  cursor: cursorField(),
};

/** Refuses the cursor of a list in a search, and of a search in a list. */
export function refineCursor(
  { q, cursor }: { q?: string | undefined; cursor?: string | undefined },
  context: z.RefinementCtx,
): void {
  if (cursor === undefined) return;
  const isOurs = q === undefined ? decodeCursor(cursor) : decodeRankedCursor(cursor);
  if (!isOurs) context.addIssue({ code: 'custom', path: ['cursor'], message: NOT_OURS });
}

/** Gives the page that a parsed query asks for. */
export function toPage(query: { limit: number; cursor?: string | undefined }): Page {
  const beforeId = query.cursor === undefined ? null : decodeCursor(query.cursor);
  return beforeId === null ? { limit: query.limit } : { limit: query.limit, beforeId };
}

/**
 * Gives the body of a list from rows that were asked for with one more than the limit, which tells
 * whether there is a next page.
 */
export function toList<Row extends { id: string }, View>(
  rows: readonly Row[],
  { limit }: Page,
  toView: (row: Row) => View,
): { data: View[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(toView),
    next_cursor: rows.length > limit && last ? encodeCursor(last.id) : null,
  };
}

/** The schema of a list's body. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ data: z.array(item), next_cursor: z.string().nullable() });
