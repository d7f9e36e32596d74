import { z } from 'zod';
import type { NewEdit, Parent } from '../db/edits.ts';
import {
  isWithin,
  judgeParent,
  MAX_MERGE_INPUTS,
  MERGE_FITS,
  MIN_MERGE_INPUTS,
  resultTitle,
  TRIM_MODES,
} from '../domain/edit.ts';
import { parseTimecode } from '../domain/timecode.ts';
import { idField } from './parse.ts';
import { type FieldError, HttpProblem, invalidRequest, notFound } from './problem.ts';
import { titleField } from './uploads/videoFields.ts';

const TIME = 'must be seconds, not negative, or HH:MM:SS.mmm';

/** A time within a video; kept as seconds. */
const timeField = z
  .union([z.number(), z.string()], TIME)
  .transform((given, context) => {
    const timeSec = parseTimecode(given);
    if (timeSec !== null) return timeSec;
    context.addIssue({ code: 'custom', message: TIME });
    return z.NEVER;
  })
  .meta({ description: 'Seconds, as a number or text, or `HH:MM:SS.mmm`', examples: [1.5, '00:01:02.500'] });

export const trimBody = z
  .strictObject({
    start_time: timeField,
    end_time: timeField,
    mode: z.enum(TRIM_MODES).default('exact').meta({
      description:
        '`exact` keeps every frame from `start_time` up to, not including, `end_time`; `keyframe` only copies, and begins and ends where it can; the edit fails as `not_copyable` where nothing can be copied',
    }),
    title: titleField.optional(),
  })
  .refine(({ start_time, end_time }) => start_time < end_time, {
    path: ['end_time'],
    message: 'must be after start_time',
  });

export const mergeBody = z.strictObject({
  video_ids: z
    .array(idField)
    .min(MIN_MERGE_INPUTS, `must name at least ${MIN_MERGE_INPUTS} videos`)
    .max(MAX_MERGE_INPUTS, `must not name more than ${MAX_MERGE_INPUTS} videos`)
    .meta({ description: 'In the order of the result; the same one may stand there more than once' }),
  fit: z.enum(MERGE_FITS).default('contain').meta({
    description:
      'How a picture of another shape comes into the common one: with bars around it, or cut to it',
  }),
  title: titleField.optional(),
});

type Birth = Omit<NewEdit, 'userId'>;

/** Gives the edit that a trim is. @throws HttpProblem `not_found`, `video_not_usable`, `invalid_request` */
export function toTrim(body: z.output<typeof trimBody>, parent: Parent | null): Birth {
  if (!parent) throw notFound();
  assertUsable([parent]);
  assertWithin(body, parent.durationSec);
  return {
    kind: 'trim',
    parents: [parent.id],
    title: body.title ?? resultTitle('trim', parent.title),
    startSec: body.start_time,
    endSec: body.end_time,
    mode: body.mode,
    fit: null,
  };
}

/** Gives the edit that a merge is. @throws HttpProblem `not_found`, `video_not_usable`, `invalid_request` */
export function toMerge(
  body: z.output<typeof mergeBody>,
  found: (Parent | null)[],
  maxDurationSec: number,
): Birth {
  const parents = assertFound(found);
  assertUsable(parents);
  const knownSec = parents.reduce((sum, { durationSec }) => sum + (durationSec ?? 0), 0);
  if (knownSec > maxDurationSec)
    throw invalidRequest([
      { path: 'video_ids', message: `are together longer than ${maxDurationSec} seconds` },
    ]);
  return {
    kind: 'merge',
    parents: parents.map(({ id }) => id),
    title: body.title ?? resultTitle('merge', parents[0]?.title ?? ''),
    startSec: null,
    endSec: null,
    mode: null,
    fit: body.fit,
  };
}

/**
 * A video that is not there is a 404 wherever its id stands, so that another user's looks like a missing one
 * everywhere; among several the answer says which, by its place.
 */
function assertFound(found: (Parent | null)[]): Parent[] {
  const errors = found.flatMap((parent, at) =>
    parent ? [] : [{ path: `video_ids.${at}`, message: 'there is no such video' }],
  );
  if (errors.length > 0) throw new HttpProblem('not_found', 'Not all of the videos are there', { errors });
  return found.filter((parent) => parent !== null);
}

/** Says that something can be made of videos, now or once they are processed. @throws HttpProblem `video_not_usable` */
export function assertUsable(parents: readonly Parent[]): void {
  const unusable = parents.find((parent) => judgeParent(parent) === 'unusable');
  if (!unusable) return;
  const { id, status } = unusable;
  const words: Partial<Record<Parent['status'], string>> = {
    awaiting_upload: 'has no bytes yet',
    failed: 'has failed',
    cancelled: 'was cancelled',
  };
  throw new HttpProblem('video_not_usable', `The video ${id} ${words[status] ?? 'is being cancelled'}`, {
    // Its bytes may be on their way; all else is for its owner to bring to an end first.
    retryable: status === 'awaiting_upload',
  });
}

/** Before the probe nobody knows: then the edit finds out, before it begins. */
function assertWithin({ start_time, end_time }: z.output<typeof trimBody>, durationSec: number | null): void {
  if (durationSec === null) return;
  const message = `lies beyond the end of the video, at ${durationSec} seconds`;
  const errors: FieldError[] = [];
  if (start_time >= durationSec) errors.push({ path: 'start_time', message });
  if (!isWithin(end_time, durationSec)) errors.push({ path: 'end_time', message });
  if (errors.length > 0) throw invalidRequest(errors);
}
