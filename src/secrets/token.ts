import { createHash, randomBytes } from 'node:crypto';

/** The prefix lets people and secret scanners see what a leaked string is. */
const PREFIX = 'vf_';
const TOKEN = /^vf_[\w-]{43}$/;

/** Makes a bearer token with 256 random bits. */
export const makeToken = (): string => PREFIX + randomBytes(32).toString('base64url');

/** Gives what is stored of a token: its SHA-256 in hex. Enough, because a token cannot be guessed. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Says whether a string can be one of our tokens at all. */
export const isTokenShaped = (token: string): boolean => TOKEN.test(token);
