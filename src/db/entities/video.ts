import { defineEntity, p } from '@mikro-orm/core';
import type { MediaStream } from '../../domain/media.ts';
import { VIDEO_STATUSES } from '../../domain/video.ts';
import { newId } from '../ids.ts';
import { Asset } from './asset.ts';
import { Step } from './step.ts';
import { User } from './user.ts';

const schema = defineEntity({
  name: 'Video',
  tableName: 'videos',
  indexes: [
    {
      name: 'videos_user_newest',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.user} , ${c.id} desc) where ${c.deletedAt} is null`,
    },
    {
      name: 'videos_user_bytes',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.user}) include (${c.id}, ${c.sizeBytes}) where ${c.sourceKey} is not null`,
    },
    {
      name: 'videos_cancelling',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.id}) where ${c.cancelRequestedAt} is not null and ${c.deletedAt} is null`,
    },
    {
      name: 'videos_unstarted',
      expression: (c, t, name) => `create index "${name}" on ${t} (${c.id}) where ${c.startedRun} < ${c.run}`,
    },
    {
      name: 'videos_deleting',
      expression: (c, t, name) => `create index "${name}" on ${t} (${c.id}) where ${c.deletedAt} is not null`,
    },
    {
      name: 'videos_tags',
      expression: (c, t, name) => `create index "${name}" on ${t} using gin (${c.tags})`,
    },
  ],
  uniques: [
    {
      name: 'videos_external_id',
      expression: (c, t, name) =>
        `create unique index "${name}" on ${t} (${c.user}, coalesce(${c.userLabel}, ''), ${c.externalId}) where ${c.deletedAt} is null and ${c.externalId} is not null`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User),
    /** The end user in the caller's own system (`user_id` in the API). */
    userLabel: p.text().nullable(),
    /** The caller's own id of this video. */
    externalId: p.text().nullable(),
    title: p.text(),
    description: p.text().nullable(),
    tags: p.array().$type<string[]>(),
    filename: p.text().nullable(),
    status: p.enum(VIDEO_STATUSES),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    errorRetryable: p.boolean().nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    readyAt: p.datetime(3).nullable(),

    /** The newest run of `processVideo` that was asked for; part of the workflow id. */
    run: p.integer().default(1),
    /** The newest run that the engine is known to have started. */
    startedRun: p.integer().default(0),
    cancelRequestedAt: p.datetime(3).nullable(),
    deletedAt: p.datetime(3).nullable(),

    sourceKey: p.text().nullable().index(),
    /** Where the source step fetches the bytes from, sealed, since it may hold the caller's secrets; null once it has them. */
    sourceUrl: p.text().nullable(),
    sourceSha256: p.text().nullable(),
    contentType: p.text().nullable(),
    sizeBytes: p.bigint('number').nullable(),
    container: p.text().nullable(),
    durationSec: p.double().$type<number>().nullable(),
    width: p.integer().nullable(),
    height: p.integer().nullable(),
    fps: p.double().$type<number>().nullable(),
    rotation: p.integer().nullable(),
    videoCodec: p.text().nullable(),
    audioCodec: p.text().nullable(),
    hasAudio: p.boolean().nullable(),
    language: p.text().nullable(),
    videoStreamIndex: p.integer().nullable(),
    streams: p.json<MediaStream[]>().nullable(),
    /** Whether the index of an MP4 or MOV comes before the media; null for other containers. */
    isProgressive: p.boolean().nullable(),
    parents: p
      .array()
      .$type<string[]>()
      .onCreate(() => []),

    steps: () => p.oneToMany(Step).mappedBy('video'),
    assets: () => p.oneToMany(Asset).mappedBy('video'),
  },
});

/** One source file and all that is known of it. */
export class Video extends schema.class {}
schema.setClass(Video);
