import { defineEntity, p } from '@mikro-orm/core';
import { EDIT_KINDS, EDIT_METHODS, EDIT_STATUSES, MERGE_FITS, TRIM_MODES } from '../../domain/edit.ts';
import { newId } from '../ids.ts';
import { User } from './user.ts';
import { Video } from './video.ts';

const schema = defineEntity({
  name: 'Edit',
  tableName: 'edits',
  indexes: [
    {
      name: 'edits_user_newest',
      expression: (c, t, name) => `create index "${name}" on ${t} (${c.user}, ${c.id} desc)`,
    },
    {
      name: 'edits_unfinished',
      expression: (c, t, name) =>
        `create index "${name}" on ${t} (${c.id}) where ${c.status} in ('queued', 'running')`,
    },
  ],
  properties: {
    id: p.uuid().primary().onCreate(newId),
    user: () => p.manyToOne(User).deleteRule('cascade'),
    kind: p.enum(EDIT_KINDS),
    status: p.enum(EDIT_STATUSES).default('queued'),
    /** The videos it is made of, in order; one may stand there more than once. */
    parents: p.array().$type<string[]>(),
    /** Of the result. */
    title: p.text(),

    /** What was asked for; a trim has the first three, a merge has the last. */
    startSec: p.double().$type<number>().nullable(),
    endSec: p.double().$type<number>().nullable(),
    mode: p.enum(TRIM_MODES).nullable(),
    fit: p.enum(MERGE_FITS).nullable(),

    /** How it was made, and which range of the parent the result really shows. */
    method: p.enum(EDIT_METHODS).nullable(),
    usedStartSec: p.double().$type<number>().nullable(),
    usedEndSec: p.double().$type<number>().nullable(),
    /** When each of the videos of a merge begins in the result; null for trims, and for merges from before it was noted. */
    startsSec: p.json<number[]>().nullable(),
    /** The result; from the moment its file is stored until it is deleted. */
    video: () => p.manyToOne(Video).deleteRule('set null').nullable().index(),
    /** When the file was stored: what follows is the processing of the new video. */
    renderedAt: p.datetime(3).nullable(),

    /** The newest run of `editVideo` that was asked for; part of the workflow id. */
    run: p.integer().default(1),
    /** The newest run that the engine is known to have started. */
    startedRun: p.integer().default(0),
    /** Raised at every beginning of work; a write carries the attempt it began with. */
    attempt: p.integer().default(0),
    percent: p.integer().default(0),
    nextAttemptAt: p.datetime(3).nullable(),
    cancelRequestedAt: p.datetime(3).nullable(),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    errorRetryable: p.boolean().nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    startedAt: p.datetime(3).nullable(),
    endedAt: p.datetime(3).nullable(),
    updatedAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** A trim or a merge: what was asked for, and how far it is. */
export class Edit extends schema.class {}
schema.setClass(Edit);
