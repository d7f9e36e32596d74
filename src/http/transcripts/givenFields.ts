import { z } from 'zod';
import type { TranscriptSegment } from '../../domain/transcript.ts';
import { parsePart } from '../parse.ts';
import { type FieldError, HttpProblem, invalidRequest } from '../problem.ts';
import { segmentSchema, wordSchema } from './transcriptViews.ts';

export const MAX_SEGMENTS = 20_000;
/** Enough to find out what is wrong with the rest. */
export const MAX_ERRORS = 20;

/** @returns the tag as it is commonly written, or null for what is no tag */
function canonicalTag(tag: string): string | null {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null;
  } catch {
    return null;
  }
}

export const languageField = z
  .string()
  .max(35)
  .refine((tag) => canonicalTag(tag) !== null, 'must be a language tag, such as en or pt-BR')
  .transform((tag) => canonicalTag(tag))
  .meta({ description: 'A BCP 47 tag; that of the version before where it is left out', example: 'en' });

const textField = z.string().meta({
  description:
    'Laid over the times of the version before: lines that stayed keep theirs; left unread where there are segments',
  examples: ['Hello and welcome.'],
});

/** What is got may be sent back as it came. */
const ignored = z.unknown().optional().meta({ description: 'Left unread' });
const ignoredFields = { version: ignored, kind: ignored, model: ignored, created_at: ignored };

/** The body as it is documented. */
export const editBody = z.strictObject({
  text: textField.optional(),
  segments: z.array(segmentSchema).max(MAX_SEGMENTS).optional(),
  language: languageField.nullable().optional(),
  ...ignoredFields,
});

/** Lists are looked at item by item: there may be a hundred thousand wrong ones, or one that goes down as far as the body is long. */
const bodyFields = editBody.omit({ segments: true });
const segmentFields = segmentSchema.omit({ words: true });

/** What somebody gives for a transcript: segments, else a text. */
export interface GivenFields {
  text?: string;
  segments?: TranscriptSegment[];
  language?: string | null;
}

/** @throws HttpProblem `invalid_json`, `invalid_request` */
export function parseGivenFields(json: string): GivenFields {
  const { list, rest } = takeOut('segments', parseJson(json));
  const { text, language } = parsePart(bodyFields, rest) as z.output<typeof bodyFields>;
  if (text === undefined && list === undefined) {
    throw invalidRequest([{ path: 'text', message: 'must be there, or else segments' }]);
  }
  return {
    ...(language === undefined ? {} : { language }),
    ...(list === undefined ? { text: text ?? '' } : { segments: parseSegments(list) }),
  };
}

/** Takes a list out of an object, so that the rest can be checked without it. */
function takeOut(name: string, value: unknown): { list: unknown; rest: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { list: undefined, rest: value };
  }
  const { [name]: list, ...rest } = value as Record<string, unknown>;
  return { list, rest };
}

/** As bodies of JSON are read everywhere: an object or a list. */
function parseJson(json: string): unknown {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null) return value;
    throw new TypeError('The JSON is no object');
  } catch (cause) {
    throw new HttpProblem('invalid_json', undefined, { cause });
  }
}

function parseSegments(given: unknown): TranscriptSegment[] {
  if (Array.isArray(given) && given.length > MAX_SEGMENTS) {
    throw invalidRequest([{ path: 'segments', message: `may be ${MAX_SEGMENTS} at most` }]);
  }
  const errors: FieldError[] = [];
  const segments = parseEach(given, 'segments', errors, (value, path) => {
    const { list, rest } = takeOut('words', value);
    const { start_sec, end_sec, text, speaker } = parsePart(segmentFields, rest) as z.output<
      typeof segmentFields
    >;
    return {
      ...{ startSec: start_sec, endSec: end_sec, text },
      ...(speaker === undefined ? {} : { speaker }),
      ...(list === undefined ? {} : { words: parseEach(list, `${path}.words`, errors, parseWord) }),
    };
  });
  if (errors.length > 0) throw invalidRequest(errors);
  return segments;
}

function parseWord(value: unknown) {
  const { start_sec, end_sec, text } = parsePart(wordSchema, value) as z.output<typeof wordSchema>;
  return { startSec: start_sec, endSec: end_sec, text };
}

/** Parses the items of a list one by one, and gives up when there are enough errors. */
function parseEach<T>(
  items: unknown,
  path: string,
  errors: FieldError[],
  parse: (item: unknown, path: string) => T,
): T[] {
  const parsed: T[] = [];
  if (!Array.isArray(items)) {
    errors.push({ path, message: 'must be an array' });
    return parsed;
  }
  for (const [index, item] of items.entries()) {
    if (errors.length >= MAX_ERRORS) break;
    try {
      parsed.push(parse(item, `${path}.${index}`));
    } catch (error) {
      if (!(error instanceof HttpProblem) || !error.errors) throw error;
      const found = error.errors.map(({ path: within, message }) => ({
        path: [path, index, within].filter((part) => part !== '').join('.'),
        message,
      }));
      errors.push(...found.slice(0, MAX_ERRORS - errors.length));
    }
  }
  return parsed;
}
