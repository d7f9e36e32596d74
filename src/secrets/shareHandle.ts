import { createHash, randomBytes } from 'node:crypto';

const HANDLE = /^[\w-]{43}$/;

/** Makes the secret part of a share's address, of 256 random bits. */
export const makeHandle = (): string => randomBytes(32).toString('base64url');

/** Gives what is stored of a handle: its SHA-256 in hex. Enough, because a handle cannot be guessed. */
export const hashHandle = (handle: string): string => createHash('sha256').update(handle).digest('hex');

/** Says whether a string can be one of our handles at all. */
export const isHandleShaped = (text: string): boolean => HANDLE.test(text);
