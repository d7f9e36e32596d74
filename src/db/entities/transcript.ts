import { defineEntity, p } from '@mikro-orm/core';
import { TRANSCRIPT_KINDS, type TranscriptSegment } from '../../domain/transcript.ts';
import { newId } from '../ids.ts';
import { Video } from './video.ts';

const schema = defineEntity({
  name: 'Transcript',
  tableName: 'transcripts',
  uniques: [{ properties: ['video', 'version'] }],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    video: () => p.manyToOne(Video).deleteRule('cascade'),
    /** 1 for the first of its video; never changed and never given again. Not every number stays. */
    version: p.integer(),
    kind: p.enum(TRANSCRIPT_KINDS),
    language: p.text().nullable(),
    /** Who made it, where a machine did. */
    model: p.text().nullable(),
    segments: p.json<TranscriptSegment[]>(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** One version of what is said in a video. */
export class Transcript extends schema.class {}
schema.setClass(Transcript);
