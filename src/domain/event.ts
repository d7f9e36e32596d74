/** What is told of, and in which words. Imports nothing of ours but the states that the words are made of. */
import type { EditStatus } from './edit.ts';
import type { UploadState } from './upload.ts';
import type { StepState, VideoStatus } from './video.ts';

/** What things happen to; each is an object of the API. A step's id is its video's, a target's its post's. */
export const EVENT_OBJECTS = [
  'video',
  'step',
  'edit',
  'upload',
  'share',
  'account',
  'post',
  'target',
  'webhook',
  'telegram',
] as const;
export type EventObject = (typeof EVENT_OBJECTS)[number];

/** An upload's states, as what happened to it. */
const UPLOAD_EVENTS = {
  open: 'upload.created',
  complete: 'upload.completed',
  accepted: 'upload.accepted',
  refused: 'upload.refused',
  expired: 'upload.expired',
  terminated: 'upload.terminated',
} as const satisfies Record<UploadState, string>;

/**
 * Everything that can be told of, in the order in which it is documented: a resource, and its new state or what was done to it.
 * `webhook.disabled` and `telegram.disabled` say that one of the other ways of telling has ended.
 */
export const EVENT_TYPES = [
  'video.created',
  'video.pending',
  'video.processing',
  'video.ready',
  'video.failed',
  'video.cancelled',
  'video.updated',
  'video.deleted',
  'step.queued',
  'step.running',
  'step.waiting_retry',
  'step.succeeded',
  'step.skipped',
  'step.failed',
  'step.cancelled',
  'edit.queued',
  'edit.running',
  'edit.waiting_retry',
  'edit.succeeded',
  'edit.failed',
  'edit.cancelled',
  'upload.created',
  'upload.completed',
  'upload.accepted',
  'upload.refused',
  'upload.expired',
  'upload.terminated',
  'share.created',
  'share.revoked',
  'account.created',
  'account.updated',
  'account.reauth_required',
  'account.deleted',
  'post.scheduled',
  'post.updated',
  'post.cancelled',
  'target.cancelled',
  'webhook.disabled',
  'telegram.disabled',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/**
 * How far something is, told to whoever listens right now and to nobody later: these have no number, are not kept, and go to
 * no webhook.
 */
export const PROGRESS_TYPES = ['step.progress', 'edit.progress'] as const;

/** What is being done right now: a step of a video, or an edit that makes its file. */
export interface Progress {
  object: 'step' | 'edit';
  id: string;
  /** Null while an edit has not made its video yet. */
  videoId: string | null;
  /** The step's, or the kind of the edit. */
  name: string;
  attempt: number;
  percent: number;
}

/** A video in `awaiting_upload` has just been created; nothing else brings one there. */
export const videoEvent = (status: VideoStatus): EventType =>
  status === 'awaiting_upload' ? 'video.created' : `video.${status}`;

export const stepEvent = (state: StepState): EventType => `step.${state}`;

export const editEvent = (status: EditStatus): EventType => `edit.${status}`;

export const uploadEvent = (state: UploadState): EventType => UPLOAD_EVENTS[state];

/** Says whether a type is among those that were chosen; an empty choice is everything. */
export const isChosen = (type: string, patterns: readonly string[]): boolean =>
  patterns.length === 0 ||
  patterns.some((pattern) => pattern === '*' || pattern === type || pattern === `${type.split('.')[0]}.*`);

/** What somebody may choose events by: one type, all of a resource as in `video.*`, or `*`. */
export const EVENT_PATTERNS: readonly string[] = [
  '*',
  ...new Set(EVENT_TYPES.map((type) => `${type.split('.')[0]}.*`)),
  ...EVENT_TYPES,
];

/** Says whether a pattern can ever choose anything. */
export const isKnownPattern = (pattern: string): boolean => EVENT_PATTERNS.includes(pattern);
