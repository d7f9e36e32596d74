import { defineEntity, p } from '@mikro-orm/core';
import { CAPTION_STATUSES, type CaptionUsage } from '../../domain/caption.ts';
import type { CaptionPlatform } from '../../domain/captionLimits.ts';
import { newId } from '../ids.ts';
import { User } from './user.ts';
import { Video } from './video.ts';

const schema = defineEntity({
  name: 'Caption',
  tableName: 'captions',
  indexes: [
    {
      name: 'captions_running',
      expression: (c, t, name) => `create index "${name}" on ${t} (${c.id}) where ${c.status} = 'running'`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    /** Whose transcript it is written from; null where there is only a prompt. */
    video: () => p.manyToOne(Video).deleteRule('cascade').nullable().index(),
    prompt: p.text().nullable(),
    /** Whose limits it keeps. */
    platform: p.text().$type<CaptionPlatform>().nullable(),
    /** The model that was asked for; null for the configured one. */
    wantedModel: p.text().nullable(),

    status: p.enum(CAPTION_STATUSES).default('running'),
    caption: p.text().nullable(),
    /** The model that really wrote it. */
    model: p.text().nullable(),
    usage: p.json<CaptionUsage>().nullable(),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    errorRetryable: p.boolean().nullable(),
    createdAt: p
      .datetime(3)
      .onCreate(() => new Date())
      .index(),
    endedAt: p.datetime(3).nullable(),
  },
});

/** One caption: what was asked for, and what was written. */
export class Caption extends schema.class {}
schema.setClass(Caption);
