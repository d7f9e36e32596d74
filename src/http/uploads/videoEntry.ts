import type { NewEntry } from '../../db/newVideo.ts';
import { cleanFilename, titleFromFilename } from './filename.ts';
import type { UploadFields } from './videoFields.ts';

/**
 * Gives what a sender says of a video, as its row begins; the same on every road in.
 *
 * @param sentFilename as sent, and thus not to be trusted
 */
export function toVideoEntry(
  fields: Omit<UploadFields, 'process'>,
  sentFilename: string | undefined,
): Omit<NewEntry, 'id' | 'userId'> {
  const filename = cleanFilename(sentFilename);
  return {
    userLabel: fields.user_id ?? null,
    externalId: fields.external_id ?? null,
    title: fields.title ?? titleFromFilename(filename),
    isTitleDerived: fields.title === undefined,
    description: fields.description ?? null,
    tags: fields.tags ?? [],
    filename,
  };
}
