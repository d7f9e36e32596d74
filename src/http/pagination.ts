import { z } from 'zod';
import type { Page } from '../db/videos.ts';

const UUID_BYTES = 16;

const encodeCursor = (id: string): string => Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');

/** Gives the id in a cursor, or null when it is none that we made. */
function decodeCursor(cursor: string): string | null {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length !== UUID_BYTES || bytes.toString('base64url') !== cursor) return null;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The query fields of every list; spread them into the route's own `z.strictObject`. */
export const pageFields = {
  limit: z.coerce.number().int().min(1).max(100).default(20).meta({ description: 'How many at most' }),
  cursor: z
    .string()
    .refine((cursor) => decodeCursor(cursor) !== null, 'is not a cursor of this API')
    .optional()
    .meta({ description: '`next_cursor` of the page before' }),
};

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
