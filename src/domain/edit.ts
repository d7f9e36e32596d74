/** The words and rules of edits: a trim or a merge, which makes a new video. */
import type { VideoStatus } from './video.ts';

export const EDIT_KINDS = ['trim', 'merge'] as const;
export type EditKind = (typeof EDIT_KINDS)[number];

/** `succeeded` when the result is stored, probed and can be streamed. */
export const EDIT_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type EditStatus = (typeof EDIT_STATUSES)[number];

/** An edit leaves these only by a retry. */
export const FINAL_EDIT_STATUSES = ['succeeded', 'failed', 'cancelled'] as const satisfies EditStatus[];

export const isFinalEdit = (status: EditStatus): boolean =>
  (FINAL_EDIT_STATUSES as readonly EditStatus[]).includes(status);

/**
 * - `copy`: nothing was encoded again
 * - `smart`: only what had to be, the rest was copied
 * - `encode`: everything was
 */
export const EDIT_METHODS = ['copy', 'smart', 'encode'] as const;
export type EditMethod = (typeof EDIT_METHODS)[number];

/** `exact` keeps every frame of the range and no other; `keyframe` begins and ends where copying can. */
export const TRIM_MODES = ['exact', 'keyframe'] as const;
export type TrimMode = (typeof TRIM_MODES)[number];

/** How a picture of another shape comes into the common one: with bars around it, or cut to it. */
export const MERGE_FITS = ['contain', 'cover'] as const;
export type MergeFit = (typeof MERGE_FITS)[number];

export const MIN_MERGE_INPUTS = 2;
export const MAX_MERGE_INPUTS = 50;

/** Of the whole; the rest is the processing of the new video. */
export const RENDERING_PERCENT = 90;
/** Where encoding begins to count. Copying stays below, since it may turn out that the result must be encoded. */
export const COPYING_PERCENT = 10;

const WORDS: Record<EditKind, { title: string; filename: string }> = {
  trim: { title: 'trimmed', filename: 'trim' },
  merge: { title: 'merged', filename: 'merged' },
};

const MAX_TITLE_LENGTH = 500;
const MAX_FILENAME_LENGTH = 255;

/** Cuts a text to a length, but no character in half. */
const cut = (text: string, length: number): string => {
  const start = text.slice(0, length);
  return start.isWellFormed() ? start : start.slice(0, -1);
};

/** Gives the title of a result that was asked for without one, from its first parent's. */
export function resultTitle(kind: EditKind, parentTitle: string): string {
  const end = ` (${WORDS[kind].title})`;
  return cut(parentTitle, MAX_TITLE_LENGTH - end.length) + end;
}

/** Gives the file name of a result from its first parent's; always an MP4. */
export function resultFilename(kind: EditKind, parentFilename: string | null): string {
  const base = parentFilename?.replace(/\.[^.]{0,16}$/, '').trim() || 'video';
  const end = `-${WORDS[kind].filename}.mp4`;
  return cut(base, MAX_FILENAME_LENGTH - end.length) + end;
}

/** How far a shown duration may lie from the real one: it is rounded to milliseconds on its way through a clock time. */
const ROUNDING_SEC = 0.001;

/** Says whether a time is still within a video, its very end included. */
export const isWithin = (timeSec: number, durationSec: number): boolean =>
  timeSec <= durationSec + ROUNDING_SEC;

/** What decides whether something can be made of a video. */
export interface ParentState {
  status: VideoStatus;
  /** Somebody asked for its processing to be cancelled, or it is deleted. */
  isUnwanted: boolean;
  /** Every byte is here, although its processing has not begun. */
  hasAllBytes: boolean;
}

/** `coming` when it can be waited for. */
export type ParentUse = 'ready' | 'coming' | 'unusable';

export function judgeParent({ status, isUnwanted, hasAllBytes }: ParentState): ParentUse {
  if (status === 'ready') return 'ready';
  if (isUnwanted) return 'unusable';
  if (status === 'awaiting_upload') return hasAllBytes ? 'coming' : 'unusable';
  return status === 'pending' || status === 'processing' ? 'coming' : 'unusable';
}
