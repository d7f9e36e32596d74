import { z } from 'zod';
import type { ParamFields, ParamValue } from '../../domain/postParams.ts';
import { normalizePostText } from '../../domain/postTexts.ts';

type GivenValue = ParamValue | null;
type GivenParams = Record<string, GivenValue | ParamFields>;

type Given = Record<string, unknown>;

const isRecord = (value: unknown): value is Given =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isScalar = (value: unknown): boolean => value === null || typeof value !== 'object';
const isValue = (value: unknown): boolean =>
  isScalar(value) || (Array.isArray(value) && value.every(isScalar));
const isParam = (value: unknown): boolean =>
  isValue(value) || (isRecord(value) && Object.values(value).every(isValue));

const SHAPE =
  'must be a text, a number, true or false, a list of these, or an object of fields under the name of a platform';

/** A post, its events and the answer about it hold them once each, and of a group as often as it has accounts. */
const MAX_JSON_CHARS = 65_536;
/** Of a name, that no answer repeats more of what nobody knows. */
const MAX_NAME_CHARS = 100;

type Wrong = { path: string[]; message: string };

const areNamesShort = (fields: Given): boolean =>
  Object.keys(fields).every((name) => name.length <= MAX_NAME_CHARS);

/** Says what is wrong with the outer form of params; in this order, since each takes the one before for granted. */
function findWrong(params: Given): Wrong | null {
  const ofPlatforms = Object.values(params).filter(isRecord);
  if (![params, ...ofPlatforms].every(areNamesShort))
    return { path: [], message: `must not have names of more than ${MAX_NAME_CHARS} characters` };
  const deep = Object.keys(params).find((name) => !isParam(params[name]));
  if (deep !== undefined) return { path: [deep], message: SHAPE };
  const { length } = JSON.stringify(params);
  if (length <= MAX_JSON_CHARS) return null;
  return { path: [], message: `must have at most ${MAX_JSON_CHARS} characters as JSON, and has ${length}` };
}

/** Reads the texts in params, however they are held, as those of the post. */
function mapTexts(value: unknown): unknown {
  if (typeof value === 'string') return normalizePostText(value);
  if (Array.isArray(value)) return value.map(mapTexts);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mapTexts(part)]));
}

/**
 * The provider's own fields. Here it is only seen to that they are no deeper, and no more, than any of them is: what is
 * checked, copied and kept of them takes that for granted. Which there are, and what they take, is for `checkParams` to say.
 */
export const paramsField = z
  .record(z.string(), z.unknown(), 'must be an object of fields; leave it out where there are none')
  .superRefine((params, context) => {
    const wrong = findWrong(params);
    if (wrong) context.addIssue({ code: 'custom', ...wrong });
  })
  .transform((params) => mapTexts(params) as GivenParams)
  .meta({
    description: [
      "The provider's own fields, for all platforms; under the name of a platform those for it alone, which win. A platform may be given",
      'its own `title`, `description` and `first_comment`. Which there are `GET /v1/platforms` says; others are refused. All of them may have 65,536 characters as JSON.',
    ].join(' '),
    examples: [{ youtube: { privacyStatus: 'unlisted' } }],
  });
