import { z } from 'zod';
import { OPTIONAL_STEPS } from '../../domain/video.ts';
import { parsePart } from '../parse.ts';
import type { FormFields } from './multipart.ts';

const MAX_TAGS = 50;

/** Text of one line, trimmed. */
export const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain control characters');

export const titleField = line(500).meta({ description: 'Shown to people', example: 'Holiday in Rome' });
export const descriptionField = z
  .string()
  .max(10_000)
  // A form turns every line break into CR LF on its way; the text is the same one.
  .transform((text) => text.replace(/\r\n?/g, '\n'))
  .meta({ description: 'Free text' });
export const userLabelField = line(200).meta({
  description: "The end user in the caller's own system; a label to filter by",
});
export const externalIdField = line(200).meta({
  description: "The caller's own id of the video, unique per user and `user_id`",
});
export const tagsField = z
  .array(line(100))
  .max(MAX_TAGS)
  .transform((tags) => [...new Set(tags)])
  .meta({ description: 'Words to filter by' });
export const processField = z
  .array(z.enum(OPTIONAL_STEPS, `must be any of ${OPTIONAL_STEPS.join(', ')}`))
  .transform((steps) => [...new Set(steps)])
  .meta({
    description:
      'The steps wanted beside the check of the file; `thumbnail`, `storyboard` and `transcript` unless told otherwise',
  });

/**
 * A list where there are only strings, in forms and addresses: the field several times, a JSON array, or
 * words with commas between them.
 */
const spelledOut = <Item extends z.ZodType>(list: Item) =>
  z.preprocess((value, context) => {
    const texts = [value].flat();
    try {
      return texts.flatMap((text) => (typeof text === 'string' ? splitList(text) : [text]));
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a JSON array' });
      return z.NEVER;
    }
  }, list);

function splitList(text: string): unknown[] {
  if (text.trim().startsWith('[')) return [JSON.parse(text)].flat();
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** An empty form field means "not given", as browsers send it. */
export const orEmpty = <Field extends z.ZodType>(field: Field) =>
  z.preprocess((value) => (value === '' ? undefined : value), field.optional());

/** What may be told of a video as it is sent, as a form's fields or in the address. */
export const uploadFields = z.strictObject({
  title: orEmpty(titleField),
  description: orEmpty(descriptionField),
  tags: spelledOut(tagsField).optional(),
  user_id: orEmpty(userLabelField),
  external_id: orEmpty(externalIdField),
  process: spelledOut(processField).optional(),
});

/** A raw body has no other place for its file name. */
export const rawUploadFields = uploadFields.extend({
  filename: z.string().max(1000).optional().meta({ description: 'The name of the file; gives the title' }),
});

export type UploadFields = z.output<typeof uploadFields>;

/**
 * Parses the fields of a form: one with one value is that value; the lists take several.
 *
 * @throws HttpProblem `invalid_request`
 */
export function parseForm<Fields extends z.ZodType>(schema: Fields, form: FormFields): z.output<Fields> {
  const given = [...form].map(([name, values]) => [name, values.length === 1 ? values[0] : [...values]]);
  return parsePart(schema, Object.fromEntries(given)) as z.output<Fields>;
}
