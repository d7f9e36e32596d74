import { posix } from 'node:path';

const MAX_LENGTH = 255;
const MAX_EXTENSION = 16;

/** Control characters, and those that turn the direction of text so that a name reads as another. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
const UNSHOWABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Gives the name that a sent file name may be shown under: its last part, for it may be a whole path of
 * any system, without characters that do not show. It is never used to name a file of ours.
 *
 * @returns null when nothing is left of it
 */
export function cleanFilename(sent: string | undefined): string | null {
  const [last = ''] = (sent ?? '').toWellFormed().split(/[\\/]/).slice(-1);
  const name = last.replace(UNSHOWABLE, '').trim();
  if (name === '' || name === '.' || name === '..') return null;
  if (name.length <= MAX_LENGTH) return name;
  const extension = posix.extname(name).slice(0, MAX_EXTENSION);
  const stem = name.slice(0, MAX_LENGTH - extension.length);
  // The cut may have gone through a pair of surrogates.
  return (stem.isWellFormed() ? stem : stem.slice(0, -1)) + extension;
}

/** Gives the title of a video that was sent without one. */
export const titleFromFilename = (filename: string | null): string =>
  (filename && posix.parse(filename).name.trim()) || 'Untitled video';
