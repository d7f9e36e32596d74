/** What the outside and the workflows agree on: ids, inputs, queues and signals. */
import { defineSearchAttributeKey } from '@temporalio/common';
import type { StepName } from '../src/domain/video.ts';

export interface ProcessVideoInput {
  videoId: string;
  userId: string;
  /** The number of this run; see `processVideoId`. */
  run: number;
  /** The HTTP request that asked for it, so that the worker's log can be read beside the API's. */
  requestId?: string | undefined;
}

export interface RemoveVideoInput {
  videoId: string;
  userId: string;
}

export interface ReceiveUploadInput {
  uploadId: string;
  videoId: string;
  userId: string;
  requestId?: string | undefined;
}

export interface ReconcileInput {
  /** Runs that closed before this time are settled; ISO 8601, null at the very first pass. */
  settledUntil: string | null;
  /** When open runs were last compared with all rows. */
  comparedAt: string | null;
}

/** One step of one run, as its activity is asked for it. */
export interface StepInput {
  videoId: string;
  run: number;
  requestId?: string | undefined;
}

export interface StepFailureInput extends StepInput {
  name: StepName;
  error: { code: string; message: string; retryable: boolean };
}

/** The first run of a video is `video/<id>`, the n-th `video/<id>/<n>`. */
export const processVideoId = (videoId: string, run: number): string =>
  run === 1 ? `video/${videoId}` : `video/${videoId}/${run}`;

/** The video and run of a `processVideo` workflow id; null for any other id. */
export function parseProcessVideoId(workflowId: string): Pick<StepInput, 'videoId' | 'run'> | null {
  const match = /^video\/([0-9a-f-]{36})(?:\/(\d+))?$/.exec(workflowId);
  return match?.[1] ? { videoId: match[1], run: match[2] ? Number(match[2]) : 1 } : null;
}

export const removeVideoId = (videoId: string): string => `video/${videoId}/remove`;

export const receiveUploadId = (uploadId: string): string => `upload/${uploadId}`;

export const RECONCILE_ID = 'reconcile';

/** Names of the workflows, as the Web UI shows them; the functions themselves are only bundled. */
export const WORKFLOWS = {
  processVideo: 'processVideo',
  removeVideo: 'removeVideo',
  receiveUpload: 'receiveUpload',
  reconcile: 'reconcile',
} as const;

/** Signals that open runs take, also from the Web UI. */
export const SIGNALS = {
  cancel: 'cancel',
  retryNow: 'retryNow',
  reconcileNow: 'reconcileNow',
  /** The row of an upload has changed: look at it. */
  uploadChanged: 'uploadChanged',
} as const;

/** What operators find runs by; registered when the engine is prepared. */
export const SEARCH_ATTRIBUTES = {
  user: defineSearchAttributeKey('VfUser', 'KEYWORD'),
  video: defineSearchAttributeKey('VfVideo', 'KEYWORD'),
  stage: defineSearchAttributeKey('VfStage', 'KEYWORD'),
} as const;

export type Stage = 'accepted' | 'pictures' | 'done' | 'failed' | 'cancelled';

/** 1 comes first: interactive, due post, new video, later steps of a video, housekeeping. */
export const PRIORITY = { interactive: 1, duePost: 2, newVideo: 3, laterStep: 4, housekeeping: 5 } as const;
