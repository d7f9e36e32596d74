import { z } from 'zod';
import type { Post } from '../../db/entities/post.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { hasControls, MAX_POST_TEXT_CHARS, NO_CONTROLS, normalizePostText } from '../../domain/postTexts.ts';
import { idField } from '../parse.ts';
import { notFound } from '../problem.ts';
import type { RouteRequest } from '../route.ts';
import { paramsField } from './params.ts';
import { isReadableTime, TIME_FORM } from './times.ts';

export const TAG = 'Posts';

export const AUTO = 'auto';

const scheduledAtField = z
  .string(TIME_FORM)
  .refine((given) => given === AUTO || isReadableTime(given), TIME_FORM)
  .nullable()
  .meta({
    description: [
      'When it is to go out: a time of RFC 3339, not in the past and at most 365 days ahead. Without an offset it is read in the zone',
      'of the account: a time that is skipped when clocks go forward moves by as much, of one that comes twice the first is taken.',
      '`"auto"` takes the next free slot of the account. Null, or nothing: at once.',
    ].join(' '),
    examples: ['2026-12-24T18:00:00+01:00', '2026-12-24T18:00', AUTO],
  });

const platformsField = z
  .array(z.enum(PLATFORMS, `must be any of ${PLATFORMS.join(', ')}`))
  .min(1, 'must name at least one')
  .max(PLATFORMS.length * 2)
  .transform((platforms) => PLATFORMS.filter((platform) => platforms.includes(platform)))
  .meta({ description: 'Some of those that the account has; all of them without it' });

/** Text of many lines. */
const textField = z
  .string()
  .max(MAX_POST_TEXT_CHARS)
  .transform(normalizePostText)
  .refine((text) => !hasControls(text), NO_CONTROLS);

const titleField = textField
  .refine((text) => text !== '', 'must not be empty')
  .meta({
    description: 'The text of a post where a platform has only one, else its title; may have several lines',
    example: 'Holiday in Rome',
  });
/** An empty one is none. */
const descriptionField = textField
  .transform((text) => (text === '' ? null : text))
  .meta({
    description: 'The longer text where a platform has one beside the title',
  });

/** What may be changed of a post, all of it optional. */
const changeFields = {
  title: titleField.optional(),
  description: descriptionField.nullable().optional(),
  platforms: platformsField.optional(),
  params: paramsField.optional(),
  scheduled_at: scheduledAtField.optional(),
};

export const postBody = z
  .strictObject({
    video_id: idField,
    account_id: idField.optional().meta({ description: 'Who posts it' }),
    group_id: idField.optional().meta({ description: 'Or each account of a group' }),
    ...changeFields,
    title: titleField,
    notify: z
      .literal('telegram', 'must be telegram')
      .nullable()
      .optional()
      .meta({ description: 'Have its end told in your Telegram chat, too' }),
  })
  .superRefine(({ account_id, group_id }, context) => {
    if ((account_id === undefined) !== (group_id === undefined)) return;
    const message =
      account_id === undefined ? 'is needed, or else group_id' : 'must not stand beside group_id';
    context.addIssue({ code: 'custom', path: ['account_id'], message });
  })
  .meta({
    examples: [{ video_id: '…', account_id: '…', title: 'Holiday in Rome', scheduled_at: AUTO }],
  });

export const changeBody = z.strictObject(changeFields);

export type PostBody = z.output<typeof postBody>;
export type ChangeBody = z.output<typeof changeBody>;

/** Gives a user's post. @throws HttpProblem `not_found` */
export async function findPost({ deps, user }: RouteRequest, id: string): Promise<Post> {
  const post = await deps.db.posts.find(user.id, id);
  if (!post) throw notFound();
  return post;
}
