import type { Context, Middleware } from 'koa';
import type { Config } from '../../config.ts';
import { HttpProblem } from '../problem.ts';

/**
 * The protocol's headers, https://tus.io/protocols/resumable-upload (1.0.0).
 *
 * Our own handlers instead of a server library: its store knows no offset that is checkpointed and fenced by a
 * lease, it has no checksums, answers a full disk with a bare 500, and brings CORS and errors of its own, while
 * the routes' frame already gives tokens, limits, documentation and problems.
 */
export const TUS_VERSION = '1.0.0';
const EXTENSIONS = [
  'creation',
  'creation-with-upload',
  'creation-defer-length',
  'expiration',
  'termination',
  'checksum',
];
const CHECKSUM_ALGORITHMS = ['sha1', 'sha256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = { sha1: 20, sha256: 32 };

export const BODY_TYPE = 'application/offset+octet-stream';

/** Headers of the protocol that a page of another origin may read. */
export const TUS_HEADERS = [
  'Upload-Offset',
  'Upload-Length',
  'Upload-Defer-Length',
  'Upload-Metadata',
  'Upload-Expires',
  'Tus-Resumable',
  'Tus-Version',
  'Tus-Extension',
  'Tus-Max-Size',
  'Tus-Checksum-Algorithm',
];

const TUS_PATH = /^\/v1\/uploads(\/[^/]*)?$/;
const METHOD = /^[A-Z]+$/;

/**
 * For clients, and ways to us, that know no PATCH or DELETE: the header names the method, and "the actual method
 * MUST be ignored". Stands around whatever answers.
 */
export function methodOverrides(): Middleware {
  return async (ctx, next) => {
    const method = ctx.get('X-HTTP-Method-Override').toUpperCase();
    if (!TUS_PATH.test(ctx.path) || !METHOD.test(method)) return next();
    const sentMethod = ctx.method;
    ctx.method = method;
    await next();
    if (method !== 'HEAD' || sentMethod === 'HEAD') return;
    // The connection takes this for an answer with a body, and would wait for what the headers announce.
    const { status } = ctx;
    ctx.body = '';
    ctx.status = status;
  };
}

/**
 * What the protocol wants of every request to an upload, and tells in every answer. Plain GET and OPTIONS are no
 * part of the protocol, or come before its version is agreed.
 *
 * @throws HttpProblem `tus_version`
 */
export function tusProtocol({ MAX_UPLOAD_BYTES }: Pick<Config, 'MAX_UPLOAD_BYTES'>): Middleware {
  return async (ctx, next) => {
    if (!TUS_PATH.test(ctx.path)) return next();
    ctx.set('Tus-Resumable', TUS_VERSION);
    if (ctx.method === 'OPTIONS') {
      ctx.set({
        'Tus-Version': TUS_VERSION,
        'Tus-Extension': EXTENSIONS.join(','),
        'Tus-Max-Size': String(MAX_UPLOAD_BYTES),
        'Tus-Checksum-Algorithm': CHECKSUM_ALGORITHMS.join(','),
      });
    } else if (ctx.method !== 'GET' && ctx.get('Tus-Resumable') !== TUS_VERSION) {
      throw new HttpProblem('tus_version', undefined, { headers: { 'Tus-Version': TUS_VERSION } });
    }
    return next();
  };
}

/** @throws HttpProblem `invalid_header` */
const invalidHeader = (name: string, message: string): HttpProblem =>
  new HttpProblem('invalid_header', `${name} ${message}`);

/** Digits of a number that is exact. */
const WHOLE_NUMBER = /^\d{1,15}$/;

/** Gives a count of bytes from a header; null when it is not there. @throws HttpProblem `invalid_header` */
export function readByteCount(ctx: Context, name: 'Upload-Length' | 'Upload-Offset'): number | null {
  const text = ctx.get(name);
  if (text === '') return null;
  if (!WHOLE_NUMBER.test(text)) throw invalidHeader(name, 'must be a whole number of bytes');
  return Number(text);
}

/** @throws HttpProblem `invalid_header` */
export function requireOffset(ctx: Context): number {
  const offset = readByteCount(ctx, 'Upload-Offset');
  if (offset === null) throw invalidHeader('Upload-Offset', 'is missing');
  return offset;
}

/**
 * Gives the length of a new upload; null when the client will tell it later.
 *
 * @throws HttpProblem `invalid_header` unless it says exactly one of both
 */
export function readNewLength(ctx: Context): number | null {
  const length = readByteCount(ctx, 'Upload-Length');
  const deferred = ctx.get('Upload-Defer-Length');
  if (deferred !== '' && deferred !== '1') throw invalidHeader('Upload-Defer-Length', 'can only be 1');
  if ((length === null) === (deferred === ''))
    throw invalidHeader('Upload-Length', 'or else Upload-Defer-Length must be given, and not both');
  return length;
}

export interface ExpectedChecksum {
  algorithm: ChecksumAlgorithm;
  digest: Buffer;
}

/** Gives what the body must hash to, if the client says so. @throws HttpProblem `invalid_header`, `unsupported_checksum` */
export function readChecksum(ctx: Context): ExpectedChecksum | null {
  const text = ctx.get('Upload-Checksum');
  if (text === '') return null;
  const [name = '', encoded = '', ...more] = text.split(' ');
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === name);
  if (!algorithm) throw new HttpProblem('unsupported_checksum');
  const digest = Buffer.from(encoded, 'base64');
  if (more.length > 0 || digest.length !== DIGEST_BYTES[algorithm])
    throw invalidHeader('Upload-Checksum', `must be ${algorithm}, a space, and the digest in Base64`);
  return { algorithm, digest };
}

/** Says whether there is a body; its length may be unknown. */
export const hasBody = (ctx: Context): boolean =>
  ctx.request.length ? ctx.request.length > 0 : ctx.get('Transfer-Encoding') !== '';

/** @throws HttpProblem `unsupported_media_type` */
export function requireBodyType(ctx: Context): void {
  if (ctx.get('Content-Type') === BODY_TYPE) return;
  throw new HttpProblem('unsupported_media_type', `The Content-Type must be ${BODY_TYPE}`);
}
