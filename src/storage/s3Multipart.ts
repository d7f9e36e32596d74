import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { StorageUnavailableError } from '../errors.ts';
import { BULKY, type Bucket, LENGTHY, UploadGoneError } from './s3Client.ts';

/** One object on its way to a bucket: whole, or part by part. */
export interface Multipart {
  readonly isBegun: boolean;
  /** Stores the object with one request; only where no part was sent. */
  putWhole(bytes: Buffer): Promise<void>;
  /** Sends the next part, after the one before has arrived; the first one begins the upload. */
  sendPart(bytes: Buffer): Promise<void>;
  /** Makes the parts the object. */
  complete(): Promise<void>;
  /** Stops what is on its way and takes the parts back. */
  drop(): Promise<void>;
}

/** Prepares an object; nothing is asked of the bucket yet. Parts and whole objects carry a CRC-32, which the store checks. */
export function createMultipart(bucket: Bucket, key: string): Multipart {
  const place = { Bucket: bucket.name, Key: key };
  const dropped = new AbortController();
  const carry = bucket.sendWith({ patience: BULKY, signal: dropped.signal });
  const parts: CompletedPart[] = [];
  let upload: Promise<string> | undefined;

  // Not until the signal: an upload that the store has begun must become known, to be dropped.
  const begin = async (): Promise<string> => {
    const { UploadId } = await bucket.send(
      new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'CRC32' }),
    );
    if (!UploadId) throw new StorageUnavailableError('The storage began no upload');
    return UploadId;
  };

  return {
    get isBegun() {
      return upload !== undefined;
    },
    async putWhole(bytes) {
      await carry(new PutObjectCommand({ ...place, ChecksumAlgorithm: 'CRC32', Body: bytes }));
    },
    async sendPart(bytes) {
      upload ??= begin();
      const PartNumber = parts.length + 1;
      const { ETag, ChecksumCRC32 } = await carry(
        new UploadPartCommand({
          ...place,
          ChecksumAlgorithm: 'CRC32',
          UploadId: await upload,
          PartNumber,
          Body: bytes,
        }),
      );
      parts.push({ PartNumber, ETag, ChecksumCRC32 });
    },
    async complete() {
      const send = bucket.sendWith({ patience: LENGTHY });
      const MultipartUpload = { Parts: parts };
      await send(new CompleteMultipartUploadCommand({ ...place, UploadId: await upload, MultipartUpload }));
    },
    async drop() {
      dropped.abort();
      const UploadId = await upload?.catch(() => undefined);
      if (!UploadId) return;
      await bucket.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch((error) => {
        if (!(error instanceof UploadGoneError)) throw error;
      });
    },
  };
}
