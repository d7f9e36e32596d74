import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';
import { Upload } from './upload.ts';

const schema = defineEntity({
  name: 'UploadSegment',
  tableName: 'upload_segments',
  uniques: [{ properties: ['upload', 'number'] }],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    upload: () => p.manyToOne(Upload).deleteRule('cascade'),
    /** The epoch of the lease that wrote it, or the chunk's number from 1 on: the order of the bytes either way. */
    number: p.integer(),
    /** Where the bytes are in the storage, as `openSegment` takes it. Only one writer ever knows it. */
    key: p.text(),
    /** How many of its bytes are durable and belong to the upload; what the object holds beyond counts for nothing. */
    sizeBytes: p.bigint('number').default(0),
    /** Of a whole chunk, in hex. */
    sha256: p.text().nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** A run of bytes that one writer sent. */
export class UploadSegment extends schema.class {}
schema.setClass(UploadSegment);
