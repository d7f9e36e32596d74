import { defineEntity, p } from '@mikro-orm/core';
import { ASSET_KINDS } from '../../domain/video.ts';
import { newId } from '../ids.ts';
import { Video } from './video.ts';

const schema = defineEntity({
  name: 'Asset',
  tableName: 'assets',
  uniques: [{ properties: ['video', 'kind', 'variant'] }],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    video: () => p.manyToOne(Video).deleteRule('cascade'),
    kind: p.enum(ASSET_KINDS),
    /** Tells apart files of one kind, such as pictures of several times and sizes; empty where there is only one. */
    variant: p.text().default(''),
    /** Where the bytes are in the storage; made under an attempt's own name, so never half-written. */
    key: p.text(),
    contentType: p.text(),
    sizeBytes: p.bigint('number'),
    width: p.integer().nullable(),
    height: p.integer().nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    /** When a file that is made on demand was asked for last; others have none. */
    usedAt: p.datetime(3).nullable(),
  },
});

/** A file made from a video. */
export class Asset extends schema.class {}
schema.setClass(Asset);
