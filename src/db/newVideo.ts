import type { StepName } from '../domain/video.ts';
import { VideoflowError } from '../errors.ts';
import type { Video } from './entities/video.ts';

/** Another video of the same user and label has this `external_id`. */
export class ExternalIdTakenError extends VideoflowError {
  readonly code = 'external_id_taken';
}

/** A video of which no byte is here yet. */
export interface NewEntry {
  /** Of the row, if one is made; a new one where it is left out. */
  id?: string;
  userId: string;
  userLabel: string | null;
  externalId: string | null;
  title: string;
  /** The title was made of the file's name: one that a waiting library entry has already is better. */
  isTitleDerived?: boolean;
  description: string | null;
  tags: string[];
  filename: string | null;
}

export interface NewVideo extends NewEntry {
  id: string;
  contentType: string | null;
  sourceKey: string;
  sourceSha256: string | null;
  sizeBytes: number;
  /** The videos it was made of, in their order. */
  parents?: string[];
  /** The steps wanted beside the core ones. */
  optionalSteps: StepName[];
}

/** A video whose source step fetches the bytes. */
export interface NewFetchedVideo extends NewEntry {
  /** Gives the address in the form in which the row of this id keeps it: sealed, and tied to that id. */
  sealSourceUrl: (videoId: string) => string;
  optionalSteps: StepName[];
}

/**
 * Writes down what an upload says of the entry that it fills; what it does not say stays.
 *
 * @returns whether something changed that searches find it by
 */
export function describeEntry(
  entry: Video,
  { title, isTitleDerived, description, tags, filename }: Omit<NewEntry, 'userId'>,
): boolean {
  const before = searchedBy(entry);
  if (!isTitleDerived) entry.title = title;
  entry.description = description ?? entry.description ?? null;
  if (tags.length > 0) entry.tags = tags;
  entry.filename = filename ?? entry.filename ?? null;
  return searchedBy(entry) !== before;
}

/** All that searches find a video by, besides its transcript. */
export const searchedBy = ({ title, description, tags }: Video): string =>
  JSON.stringify([title, description, tags]);
