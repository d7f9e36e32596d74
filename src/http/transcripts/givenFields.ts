import { z } from 'zod';
import { cleanText, unwrapText } from '../../domain/cueText.ts';
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
    'Laid over the times of the version before, line by line if it has as many lines as that had segments',
  examples: ['Hello and welcome.'],
});

const REASON = 'must have either text or segments';
const isEither = ({ text, segments }: { text?: unknown; segments?: unknown }) =>
  (text === undefined) !== (segments === undefined);

/** The body as it is documented. */
export const editBody = z.strictObject({
  text: textField.optional(),
  segments: z.array(segmentSchema).max(MAX_SEGMENTS).optional(),
  language: languageField.nullable().optional(),
});

/** The same without a look into the segments: those are checked one by one, until there are enough errors. */
const looseBody = z
  .strictObject({
    ...editBody.shape,
    segments: z
      .unknown()
      .refine(Array.isArray, 'must be an array')
      .refine(
        (list) => !Array.isArray(list) || list.length <= MAX_SEGMENTS,
        `may have ${MAX_SEGMENTS} items at most`,
      )
      .optional(),
  })
  .refine(isEither, { error: REASON, path: ['text'] });

const looseSegment = z.strictObject({ ...segmentSchema.shape, words: z.array(z.unknown()).optional() });

/** What somebody gives for a transcript. */
export interface GivenFields {
  text?: string;
  segments?: TranscriptSegment[];
  language?: string | null;
}

/** @throws HttpProblem `invalid_json`, `invalid_request` */
export function parseGivenFields(json: string): GivenFields {
  const fields = parsePart(looseBody, parseJson(json)) as z.output<typeof looseBody>;
  const { text, segments, language } = fields;
  return {
    ...(language === undefined ? {} : { language }),
    ...(text === undefined ? {} : { text }),
    ...(segments === undefined ? {} : { segments: parseSegments(segments as unknown[]) }),
  };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new HttpProblem('invalid_json', undefined, { cause });
  }
}

function parseSegments(given: readonly unknown[]): TranscriptSegment[] {
  const errors: FieldError[] = [];
  const segments = parseEach(given, 'segments', errors, (value, path) => {
    const { start_sec, end_sec, text, speaker, words } = parsePart(looseSegment, value) as z.output<
      typeof looseSegment
    >;
    const name = unwrapText(cleanText(speaker ?? ''));
    return {
      ...{ startSec: start_sec, endSec: end_sec, text },
      ...(name === '' ? {} : { speaker: name }),
      ...(words === undefined ? {} : { words: parseEach(words, `${path}.words`, errors, parseWord) }),
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
  items: readonly unknown[],
  path: string,
  errors: FieldError[],
  parse: (item: unknown, path: string) => T,
): T[] {
  const parsed: T[] = [];
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
