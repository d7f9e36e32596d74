import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Config } from '../config.ts';
import { SourceMissingError } from '../errors.ts';
import type { Log } from '../log.ts';
import { onDisk } from './diskErrors.ts';
import { createHostCache } from './hostCache.ts';
import { isUnfinished, segmentsOf, segmentsOfPrefix, segmentsOfRemovable } from './keys.ts';
import { watchBody } from './s3Body.ts';
import { type Bucket, openBucket } from './s3Client.ts';
import { listOlderThan, removeObject, removePrefix, removeUnfinished } from './s3Listing.ts';
import { joinS3Segments, openS3Segment } from './s3Segments.ts';
import { openS3Writer, partBytesFor } from './s3Writer.ts';
import type { ByteRange, ObjectWriter, Storage, StoredObject } from './storage.ts';

const READ_BYTES = 1024 * 1024;
const PING_KEY = '.ping';

export interface S3StorageOptions {
  s3: S3Config;
  /** Where objects are fetched to; shared by all processes of this machine. */
  cacheDir: string;
  cacheMaxBytes: number;
  /** The greatest object that must fit. */
  maxObjectBytes: number;
  log: Log;
}

/**
 * Storage in a bucket of an S3-compatible store, for workers on any number of machines. An object is seen only when
 * the request that makes it, or completes its multipart upload, was carried out.
 */
export function createS3Storage(options: S3StorageOptions): Storage {
  const { s3, cacheDir, cacheMaxBytes, maxObjectBytes, log } = options;
  const bucket = openBucket(s3);
  const cache = createHostCache({ dir: cacheDir, maxBytes: cacheMaxBytes, log });
  const partBytes = partBytesFor(maxObjectBytes);
  const checked = (key: string): string => segmentsOf(key).join('/');
  const checkedPrefix = (prefix: string): string =>
    segmentsOfPrefix(prefix)
      .map((segment) => `${segment}/`)
      .join('');
  const openWriter = (key: string, isRepeatable = false) =>
    openS3Writer({ bucket, key: checked(key), partBytes, isRepeatable, log });

  return {
    createWriter: async (key) => openWriter(key),
    createSegment: async (key) => openS3Segment({ bucket, prefix: checkedPrefix(key), log }),
    join: async (key, segments, options) => {
      const checkedSegments = segments.map((segment) => ({ ...segment, key: checkedPrefix(segment.key) }));
      return joinS3Segments(bucket, checkedSegments, openWriter(key, true), options);
    },
    put: async (key, localPath) => putFile(openWriter(key), localPath),
    open: async (key, range) => openObject(bucket, checked(key), range),
    stat: async (key) => statObject(bucket, checked(key)),
    fetch: async (key, scratchDir) => {
      const found = await statObject(bucket, checked(key));
      if (!found) throw new SourceMissingError('The stored object is not there');
      const original = {
        identity: `${bucket.address}/${key} ${found.version}`,
        sizeBytes: found.sizeBytes,
        open: () => openObject(bucket, key),
      };
      return cache.fetch(original, scratchDir);
    },
    remove: async (keyOrPrefix) => {
      if (keyOrPrefix.endsWith('/')) return removePrefix(bucket, checkedPrefix(keyOrPrefix));
      const key = segmentsOfRemovable(keyOrPrefix).join('/');
      return isUnfinished(key) ? removeUnfinished(bucket, key) : removeObject(bucket, key);
    },
    listOlderThan: (prefix, before) => listOlderThan(bucket, checkedPrefix(prefix), before),
    freeBytes: async () => null,
    ping: async () => {
      await bucket.send(new PutObjectCommand({ Bucket: bucket.name, Key: PING_KEY, Body: 'ping' }));
      await bucket.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: PING_KEY }));
    },
  };
}

async function putFile(writer: ObjectWriter, localPath: string): Promise<{ sizeBytes: number }> {
  return onDisk(async () => {
    await stat(localPath);
    try {
      await pipeline(createReadStream(localPath, { highWaterMark: READ_BYTES }), writer.stream);
      return await writer.commit();
    } catch (error) {
      await writer.abort();
      throw error;
    }
  });
}

async function openObject(bucket: Bucket, key: string, range?: ByteRange): Promise<Readable> {
  const Range = range && `bytes=${range.start}-${range.end}`;
  const { Body } = await bucket.send(new GetObjectCommand({ Bucket: bucket.name, Key: key, Range }));
  return watchBody(Body as Readable);
}

/** @returns also what changes when other bytes are stored under the key */
async function statObject(bucket: Bucket, key: string): Promise<(StoredObject & { version: string }) | null> {
  try {
    const head = await bucket.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }));
    const { ContentLength: sizeBytes = 0, LastModified: modifiedAt = new Date(), ETag: version = '' } = head;
    return { sizeBytes, modifiedAt, version };
  } catch (error) {
    if (error instanceof SourceMissingError) return null;
    throw error;
  }
}
