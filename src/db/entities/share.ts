import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../ids.ts';
import { User } from './user.ts';
import { Video } from './video.ts';

const schema = defineEntity({
  name: 'Share',
  tableName: 'shares',
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade'),
    video: () => p.manyToOne(Video).deleteRule('cascade').index(),
    /** SHA-256 of the handle, in hex: whoever reads the table can open no link. */
    handleHash: p.text().unique(),
    expiresAt: p.datetime(3),
    /** Null: as often as anybody likes. */
    maxViews: p.integer().nullable(),
    /** Sessions that got bytes. */
    views: p.integer().default(0),
    allowDownload: p.boolean().default(false),
    revokedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** A link to one video that expires and can be taken back. */
export class Share extends schema.class {}
schema.setClass(Share);
