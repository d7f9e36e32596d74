/** The words of edits: a trim or a merge, which makes a new video. Imports nothing of ours. */

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
