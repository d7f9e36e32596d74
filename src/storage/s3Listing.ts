import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import { StorageUnavailableError } from '../errors.ts';
import { keyOfUnfinished, unfinishedName } from './keys.ts';
import { BULKY, type Bucket, UploadGoneError } from './s3Client.ts';

export interface ListedObject {
  key: string;
  sizeBytes: number;
  modifiedAt: Date;
}

/** Gives all objects whose keys begin so, in the order of their keys. */
export async function* listObjects(bucket: Bucket, prefix: string): AsyncGenerator<ListedObject> {
  const send = bucket.sendWith({ patience: BULKY });
  let ContinuationToken: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await send(
      new ListObjectsV2Command({ Bucket: bucket.name, Prefix: prefix, ContinuationToken }),
    );
    for (const { Key, Size, LastModified } of page.Contents ?? [])
      if (Key) yield { key: Key, sizeBytes: Size ?? 0, modifiedAt: LastModified ?? new Date() };
    ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (ContinuationToken);
}

interface UnfinishedUpload {
  key: string;
  uploadId: string;
  begunAt: Date;
}

async function* listUnfinished(bucket: Bucket, prefix: string): AsyncGenerator<UnfinishedUpload> {
  const send = bucket.sendWith({ patience: BULKY });
  let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
  while (markers) {
    const page: ListMultipartUploadsCommandOutput = await send(
      new ListMultipartUploadsCommand({ Bucket: bucket.name, Prefix: prefix, ...markers }),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? [])
      if (Key && UploadId) yield { key: Key, uploadId: UploadId, begunAt: Initiated ?? new Date() };
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    markers = page.IsTruncated ? { KeyMarker, UploadIdMarker } : undefined;
  }
}

/** An upload's own id is of any form; the name that the sweep knows it by is made of it. */
function nameOf({ key, uploadId }: UnfinishedUpload): string {
  const at = key.lastIndexOf('/') + 1;
  const hash = createHash('sha256').update(uploadId).digest('hex');
  return key.slice(0, at) + unfinishedName(key.slice(at), hash.slice(0, 36));
}

/** Gives the keys of objects and unfinished uploads that were last written before a time. */
export async function* listOlderThan(bucket: Bucket, prefix: string, before: Date): AsyncGenerator<string> {
  for await (const { key, modifiedAt } of listObjects(bucket, prefix)) if (modifiedAt < before) yield key;
  for await (const upload of listUnfinished(bucket, prefix))
    if (upload.begunAt < before) yield nameOf(upload);
}

export async function removeObject(bucket: Bucket, key: string): Promise<void> {
  await bucket.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: key }));
}

/** Drops the one unfinished upload that was listed by this name. */
export async function removeUnfinished(bucket: Bucket, name: string): Promise<void> {
  await abortUnfinished(bucket, keyOfUnfinished(name), (upload) => nameOf(upload) === name);
}

/** Removes all objects whose keys begin so, and drops the unfinished uploads to such keys. */
export async function removePrefix(bucket: Bucket, prefix: string): Promise<void> {
  let batch: string[] = [];
  for await (const { key } of listObjects(bucket, prefix)) {
    batch.push(key);
    if (batch.length < MOST_PER_REMOVAL) continue;
    await removeBatch(bucket, batch);
    batch = [];
  }
  if (batch.length > 0) await removeBatch(bucket, batch);
  await abortUnfinished(bucket, prefix, () => true);
}

/** As many as S3 takes at once. */
const MOST_PER_REMOVAL = 1000;

async function removeBatch(bucket: Bucket, keys: readonly string[]): Promise<void> {
  const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
  const remove = bucket.sendWith({ patience: BULKY });
  const { Errors = [] } = await remove(new DeleteObjectsCommand({ Bucket: bucket.name, Delete }));
  const [first] = Errors;
  if (!first) return;
  const cause = new Error(`S3: ${Errors.length} objects, ${first.Code ?? 'no reason'}`);
  throw new StorageUnavailableError('The storage did not remove everything', { cause });
}

async function abortUnfinished(
  bucket: Bucket,
  prefix: string,
  isMeant: (upload: UnfinishedUpload) => boolean,
): Promise<void> {
  const meant: UnfinishedUpload[] = [];
  for await (const upload of listUnfinished(bucket, prefix)) if (isMeant(upload)) meant.push(upload);
  for (const { key, uploadId } of meant) await abortUpload(bucket, key, uploadId);
}

/** Drops an unfinished upload; missing is fine. */
async function abortUpload(bucket: Bucket, key: string, uploadId: string): Promise<void> {
  await bucket
    .send(new AbortMultipartUploadCommand({ Bucket: bucket.name, Key: key, UploadId: uploadId }))
    .catch((error) => {
      if (!(error instanceof UploadGoneError)) throw error;
    });
}
