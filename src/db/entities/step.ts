import { defineEntity, p } from '@mikro-orm/core';
import type { TranscriptWish } from '../../domain/transcript.ts';
import { STEP_NAMES, STEP_STATES } from '../../domain/video.ts';
import { newId } from '../ids.ts';
import { Video } from './video.ts';

const schema = defineEntity({
  name: 'Step',
  tableName: 'steps',
  uniques: [{ properties: ['video', 'name'] }],
  indexes: [
    {
      name: 'steps_unfinished',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.video}) where ${c.state} in ('queued', 'running', 'waiting_retry')`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    video: () => p.manyToOne(Video).deleteRule('cascade'),
    name: p.enum(STEP_NAMES),
    state: p.enum(STEP_STATES),
    /** The run that owns the step: a run's writes to a step that another run owns change nothing. */
    run: p.integer().default(1),
    /** Raised at every beginning of work; a write carries the attempt it began with. */
    attempt: p.integer().default(0),
    percent: p.integer().default(0),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    errorRetryable: p.boolean().nullable(),
    /** What its caller wants of it beside its being done, as `TranscriptWish`; null for nothing. */
    options: p.json<TranscriptWish>().nullable(),
    nextAttemptAt: p.datetime(3).nullable(),
    startedAt: p.datetime(3).nullable(),
    endedAt: p.datetime(3).nullable(),
    updatedAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** One part of a video's processing. */
export class Step extends schema.class {}
schema.setClass(Step);
