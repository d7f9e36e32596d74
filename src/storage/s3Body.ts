import { Readable } from 'node:stream';
import { StorageUnavailableError } from '../errors.ts';
import { toS3Error } from './s3Client.ts';

const STALLED_MS = 30_000;
const BUFFER_BYTES = 256 * 1024;

/**
 * Gives the body of an answer as a stream that fails with the storage's own errors, and also when nothing comes
 * although more is wanted. A reader in no hurry is none of its business.
 */
export function watchBody(body: Readable, stalledMs = STALLED_MS): Readable {
  let timer: NodeJS.Timeout | undefined;
  const watched = new Readable({
    highWaterMark: BUFFER_BYTES,
    read() {
      timer ??= setTimeout(() => watched.destroy(stalled()), stalledMs);
      body.resume();
    },
    destroy(error, done) {
      clearTimeout(timer);
      body.destroy();
      done(error);
    },
  });
  // It may fail before anybody reads it, and tells whoever begins to.
  watched.on('error', () => {});
  body.pause();
  body.on('data', (bytes: Buffer) => {
    clearTimeout(timer);
    timer = undefined;
    if (!watched.push(bytes)) body.pause();
  });
  body.on('end', () => {
    clearTimeout(timer);
    watched.push(null);
  });
  body.on('error', (error) => watched.destroy(toS3Error(error)));
  body.on('close', () => {
    if (!body.readableEnded) watched.destroy(stalled());
  });
  return watched;
}

const stalled = () => new StorageUnavailableError('The storage stopped in the middle of an object');
