import { defineEntity, p } from '@mikro-orm/core';
import { UPLOAD_PROTOCOLS, UPLOAD_STATES } from '../../domain/upload.ts';
import type { StepName } from '../../domain/video.ts';
import { newId } from '../ids.ts';
import { UploadSegment } from './uploadSegment.ts';
import { User } from './user.ts';
import { Video } from './video.ts';

const schema = defineEntity({
  name: 'Upload',
  tableName: 'uploads',
  indexes: [
    {
      name: 'uploads_live',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.user}) where ${c.state} in ('open', 'complete')`,
    },
    {
      name: 'uploads_due',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.expiresAt}) where ${c.state} in ('open', 'complete')`,
    },
    {
      name: 'uploads_at_work',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.id}) where case ${c.state} when 'open' then ${c.startedAt} is null when 'complete' then true else ${c.clearedAt} is null end`,
    },
    {
      name: 'uploads_chunked',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.user}, ${c.clientFileId}) where ${c.clientFileId} is not null`,
    },
  ],
  uniques: [
    {
      name: 'uploads_client_file_id',
      expression: (c, t, name) =>
        `create unique index "${name}" on ${t} (${c.user}, ${c.clientFileId}) where ${c.state} = 'open' and ${c.clientFileId} is not null`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade'),
    /**
     * The video that the bytes become; in `awaiting_upload` from the start, so its id is known. Null once the upload
     * has ended without it: then the row only tells what became of the upload.
     */
    video: () => p.manyToOne(Video).deleteRule('cascade').nullable().index(),
    /** Whether its video was made for it and is nothing without its bytes; a library entry was there before. */
    hasOwnVideo: p.boolean().default(false),
    protocol: p.enum(UPLOAD_PROTOCOLS),
    state: p.enum(UPLOAD_STATES).default('open'),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),

    /** Null while a client has not said yet how much it will send. */
    lengthBytes: p.bigint('number').nullable(),
    /** How many bytes are durable, from the first one on without a gap. */
    offsetBytes: p.bigint('number').default(0),
    /** `Upload-Metadata` as sent, which is given back as it was. */
    metadata: p.text().nullable(),
    /** The steps wanted beside the core ones, for the video's beginning. */
    optionalSteps: p.array().$type<StepName[]>(),

    /** Raised with every lease: what an earlier holder still writes counts for nothing. */
    epoch: p.integer().default(0),
    /** Who may write now, until when, and whether somebody else waits for it. All times are the database's. */
    leaseHolder: p.text().nullable(),
    leaseUntil: p.datetime(3).nullable(),
    leaseWantedAt: p.datetime(3).nullable(),

    /** The client's own id of a file sent in chunks. */
    clientFileId: p.text().nullable(),
    totalChunks: p.integer().nullable(),

    /** When the engine was last known to have been told of the row as it stood; null for never. */
    startedAt: p.datetime(3).nullable(),
    expiresAt: p.datetime(3),
    completedAt: p.datetime(3).nullable(),
    /** When it reached its final state. */
    endedAt: p.datetime(3).nullable(),
    /** When, after its end, its segments were removed from the storage. */
    clearedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),

    segments: () => p.oneToMany(UploadSegment).mappedBy('upload'),
  },
});

/** Bytes on their way in; resumable; expires. */
export class Upload extends schema.class {}
schema.setClass(Upload);
