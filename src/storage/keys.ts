import { randomUUID } from 'node:crypto';
import { StorageUnavailableError } from '../errors.ts';

/** No leading dot: that is where unfinished writes live, and it rules out `.` and `..`. */
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;
const UNFINISHED = /^\.([A-Za-z0-9_-][A-Za-z0-9._-]{0,199})\.[0-9a-f-]{36}\.part$/;

/** A key that no caller may ever build: a mistake of the program, never of a user. */
export class InvalidKeyError extends StorageUnavailableError {}

/**
 * Splits a key into its plain segments.
 *
 * @throws InvalidKeyError for anything that could point outside of the storage or at an unfinished write
 */
export function segmentsOf(key: string): string[] {
  const segments = key.split('/');
  if (!segments.every((segment) => SEGMENT.test(segment))) throw invalidKey();
  return segments;
}

/** The same for a prefix, which is empty or ends in `/`. */
export function segmentsOfPrefix(prefix: string): string[] {
  if (prefix === '') return [];
  if (!prefix.endsWith('/')) throw invalidKey();
  return segmentsOf(prefix.slice(0, -1));
}

/** The same for what a sweep may remove: a key, or the name of an unfinished write as listed. */
export function segmentsOfRemovable(key: string): string[] {
  const folder = key.split('/');
  const name = folder.pop() ?? '';
  if (!UNFINISHED.test(name)) return segmentsOf(key);
  return [...(folder.length > 0 ? segmentsOf(folder.join('/')) : []), name];
}

/**
 * Gives a hidden name for a write to `name` that is still under way.
 *
 * @param mark what tells it from other writes to `name`: 36 hexadecimal digits or dashes
 */
export const unfinishedName = (name: string, mark: string = randomUUID()): string => `.${name}.${mark}.part`;

/** Tells whether a key that may be removed is the name of an unfinished write. */
export const isUnfinished = (key: string): boolean => UNFINISHED.test(key.slice(key.lastIndexOf('/') + 1));

/** Gives the key that the unfinished write of this name is going to. */
export const keyOfUnfinished = (key: string): string => {
  const at = key.lastIndexOf('/') + 1;
  return key.slice(0, at) + key.slice(at).replace(UNFINISHED, '$1');
};

const invalidKey = () => new InvalidKeyError('The storage was asked for an object by an impossible key');
