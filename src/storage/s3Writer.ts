import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { VideoflowError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Bucket, toS3Error } from './s3Client.ts';
import { removeObject } from './s3Listing.ts';
import { createMultipart, type Multipart } from './s3Multipart.ts';
import type { ObjectWriter } from './storage.ts';

/** S3 takes no smaller part but the last, and no more parts than this. */
const LEAST_PART_BYTES = 5 * 1024 * 1024;
const MOST_PARTS = 10_000;

/** The size of the parts, all the same (some stores insist), that an object of the greatest size fits into. */
export const partBytesFor = (maxObjectBytes: number): number =>
  Math.max(LEAST_PART_BYTES, Math.ceil(maxObjectBytes / MOST_PARTS));

interface Target {
  bucket: Bucket;
  key: string;
  partBytes: number;
  /** Whoever repeats the work writes the same bytes to the same key, and may have ended it already. */
  isRepeatable?: boolean;
  log: Log;
}

/** Writes one object: at once when it fits into one part, else by a multipart upload; it is seen when `commit` ends. */
export function openS3Writer({ bucket, key, partBytes, isRepeatable = false, log }: Target): ObjectWriter {
  const multipart = createMultipart(bucket, key);
  const gathering = createGathering(multipart, partBytes, (error) => stream.destroy(error));
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) =>
      void gathering.take(chunk).then(
        () => done(),
        (error) => done(toS3Error(error)),
      ),
  });
  // Whoever writes gets the error from the write or from `commit`; unheard it would end the process.
  stream.on('error', (error) => {
    if (error instanceof VideoflowError) log.warn({ err: error }, 'an object could not be written');
  });
  let visible: 'not yet' | 'perhaps' | 'durably' = 'not yet';
  return {
    stream,
    commit: async () => {
      stream.end();
      await finished(stream).catch((error) => {
        throw toS3Error(error);
      });
      visible = 'perhaps';
      const sizeBytes = await gathering.finish();
      visible = 'durably';
      return { sizeBytes };
    },
    abort: async () => {
      if (visible === 'durably') return;
      stream.destroy();
      // What another try has made, and perhaps told of, is not ours to take away.
      const isOursThere = visible === 'perhaps' && !isRepeatable;
      const drops = await Promise.allSettled([
        multipart.drop().then(gathering.settle),
        isOursThere && removeObject(bucket, key),
      ]);
      // The store cannot be asked: the sweep finds what is left.
      for (const drop of drops)
        if (drop.status === 'rejected')
          log.warn({ err: drop.reason }, 'an unfinished object could not be dropped');
    },
  };
}

/**
 * Gathers bytes until they make a part. While one part is on its way the next one gathers: two are in memory.
 *
 * @param onFailure told at once when a part could not be sent; whoever writes may have nothing to write for long
 */
function createGathering(
  multipart: Multipart,
  partBytes: number,
  onFailure: (error: VideoflowError) => void,
) {
  let part: Buffer | undefined;
  let spare: Buffer | undefined;
  let partFilled = 0;
  let sizeBytes = 0;
  let inFlight: Promise<void> = Promise.resolve();

  const filled = () => (part ?? Buffer.alloc(0)).subarray(0, partFilled);
  const ship = async (): Promise<void> => {
    await inFlight;
    const [bytes, sent] = [filled(), part];
    [part, spare, partFilled] = [spare, undefined, 0];
    inFlight = multipart.sendPart(bytes).then(() => {
      spare = sent;
    });
    inFlight.catch((error) => onFailure(toS3Error(error)));
  };

  return {
    async take(chunk: Buffer): Promise<void> {
      for (let taken = 0; taken < chunk.length; ) {
        if (partFilled === partBytes) await ship();
        part ??= Buffer.allocUnsafe(partBytes);
        const copied = chunk.copy(part, partFilled, taken);
        taken += copied;
        partFilled += copied;
        sizeBytes += copied;
      }
    },
    /** Makes the object of all that was taken; gives its size. */
    async finish(): Promise<number> {
      if (!multipart.isBegun) {
        await multipart.putWhole(filled());
        return sizeBytes;
      }
      await ship();
      await inFlight;
      await multipart.complete();
      return sizeBytes;
    },
    settle: () => inFlight.catch(() => {}),
  };
}
