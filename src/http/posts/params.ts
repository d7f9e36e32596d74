import { z } from 'zod';
import type { ParamFields, ParamValue } from '../../domain/postParams.ts';

type GivenValue = ParamValue | null;
type GivenParams = Record<string, GivenValue | ParamFields>;

const isScalar = (value: unknown): boolean => value === null || typeof value !== 'object';
const isValue = (value: unknown): boolean =>
  isScalar(value) || (Array.isArray(value) && value.every(isScalar));
const isParam = (value: unknown): boolean =>
  isValue(value) || (!Array.isArray(value) && Object.values(value as object).every(isValue));

const SHAPE =
  'must be a text, a number, true or false, a list of these, or an object of fields under the name of a platform';

/**
 * The provider's own fields. Here it is only seen to that they are no deeper than any of them is: what is checked,
 * copied and kept of them takes that for granted. Which there are, and what they take, is for `checkParams` to say.
 */
export const paramsField = z
  .record(z.string(), z.unknown(), 'must be an object of fields; leave it out where there are none')
  .superRefine((params, context) => {
    const wrong = Object.keys(params).find((name) => !isParam(params[name]));
    if (wrong !== undefined) context.addIssue({ code: 'custom', path: [wrong], message: SHAPE });
  })
  .transform((params) => params as GivenParams)
  .meta({
    description: [
      "The provider's own fields, for all platforms; under the name of a platform those for it alone, which win. A platform may be given",
      'its own `title`, `description` and `first_comment`. Which there are `GET /v1/platforms` says; others are refused.',
    ].join(' '),
    examples: [{ youtube: { privacyStatus: 'unlisted' } }],
  });
