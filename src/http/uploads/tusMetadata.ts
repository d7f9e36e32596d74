import type { z } from 'zod';
import { parsePart } from '../parse.ts';
import { HttpProblem, invalidRequest } from '../problem.ts';
import { rawUploadFields } from './videoFields.ts';

export type TusFields = z.output<typeof rawUploadFields>;

const KEY = /^[^\s,]+$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What browsers' libraries call the file's name. */
const ALIASES: Readonly<Record<string, string>> = { name: 'filename' };
const KNOWN = Object.keys(rawUploadFields.shape);

/**
 * Reads what `Upload-Metadata` tells of the video. Other keys are the client's own: kept, given back, not looked at.
 *
 * @throws HttpProblem `invalid_header` when it is not built as the protocol says; `invalid_request` for wrong values
 */
export function parseMetadata(header: string): TusFields {
  const pairs = splitPairs(header);
  const fields = new Map<string, string>();
  for (const [key, encoded] of pairs) {
    const name = ALIASES[key] ?? key;
    // What is called by its own name goes before an alias.
    if (!KNOWN.includes(name) || (name !== key && pairs.has(name))) continue;
    fields.set(name, decode(key, encoded));
  }
  return parsePart(rawUploadFields, Object.fromEntries(fields)) as TusFields;
}

function splitPairs(header: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of header.split(',').map((text) => text.trim())) {
    const [key = '', value = '', ...more] = pair.split(' ');
    if (!KEY.test(key) || more.length > 0 || !BASE64.test(value)) throw malformed();
    if (pairs.has(key)) throw malformed();
    pairs.set(key, value);
  }
  return pairs;
}

const malformed = (): HttpProblem =>
  new HttpProblem(
    'invalid_header',
    'Upload-Metadata must be pairs with commas between them, of a key of its own, a space, and a Base64 value',
  );

function decode(key: string, encoded: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64'));
  } catch {
    throw invalidRequest([{ path: key, message: 'must be UTF-8' }]);
  }
}
