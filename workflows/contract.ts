/** What the outside and the workflows agree on: ids, inputs, queues and signals. */
import { defineSearchAttributeKey } from '@temporalio/common';
import type { AudioFormat } from '../src/domain/audio.ts';
import type { Picture } from '../src/domain/picture.ts';
import type { StepName } from '../src/domain/video.ts';

export type * from './housekeepingContract.ts';

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
  /** Null for an upload that ended without its video and has something to be removed yet. */
  videoId: string | null;
  userId: string;
  requestId?: string | undefined;
}

export interface EditVideoInput {
  editId: string;
  userId: string;
  /** The number of this run; see `editVideoId`. */
  run: number;
  requestId?: string | undefined;
}

/** One picture of a video, made because somebody asked for it. */
export interface RenderPictureInput extends Picture {
  videoId: string;
  userId: string;
  /** Whether it comes before the processing of videos, since somebody waits for it. */
  isUrgent: boolean;
  requestId?: string | undefined;
}

/** The sound of a video in one format, made because somebody asked for it. */
export interface RenderAudioInput {
  videoId: string;
  userId: string;
  format: AudioFormat;
  /** As that of a picture. */
  isUrgent: boolean;
  requestId?: string | undefined;
}

/** One caption, whose row says what is wanted. */
export interface WriteCaptionInput {
  captionId: string;
  userId: string;
  requestId?: string | undefined;
}

/** One webhook, whose due deliveries are sent. */
export interface DeliverWebhookInput {
  webhookId: string;
  userId: string;
}

/** For so long, in seconds, somebody is at a ping. */
export const PINGING_SEC = 300;

/** One ping, whose row says where it goes. */
export interface PingWebhookInput {
  deliveryId: string;
  webhookId: string;
  userId: string;
  requestId?: string | undefined;
}

/** All notices of one bot; `bot` is the public number in front of its token. */
export interface SendNoticesInput {
  bot: string;
}

/** One revision of an account's credentials, whose provider is asked whether they are good; its row says the rest. */
export interface CheckAccountInput {
  accountId: string;
  userId: string;
  revision: number;
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

/** One run of an edit, as its activities are asked for it. */
export interface EditInput {
  editId: string;
  run: number;
  requestId?: string | undefined;
}

export interface EditFailureInput extends EditInput {
  error: { code: string; message: string; retryable: boolean };
}

/** One caption, as its activities are asked for it. */
export interface CaptionInput {
  captionId: string;
  requestId?: string | undefined;
}

export interface CaptionFailureInput extends CaptionInput {
  error: { code: string; message: string; retryable: boolean };
}

/** One revision of an account's credentials, as its activities are asked for it. */
export interface AccountCheckInput {
  accountId: string;
  revision: number;
  requestId?: string | undefined;
}

/** One upload, as its activities are asked for it. */
export interface UploadInput {
  uploadId: string;
  requestId?: string | undefined;
}

export interface UploadFailureInput extends UploadInput {
  error: { code: string; message: string; retryable: boolean };
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

/** The first run of an edit is `edit/<id>`, the n-th `edit/<id>/<n>`. */
export const editVideoId = (editId: string, run: number): string =>
  run === 1 ? `edit/${editId}` : `edit/${editId}/${run}`;

/** The edit and run of an `editVideo` workflow id; null for any other id. */
export function parseEditVideoId(workflowId: string): Pick<EditInput, 'editId' | 'run'> | null {
  const match = /^edit\/([0-9a-f-]{36})(?:\/(\d+))?$/.exec(workflowId);
  return match?.[1] ? { editId: match[1], run: match[2] ? Number(match[2]) : 1 } : null;
}

/** `variant` names the picture among those of the video, as its asset does. */
export const renderPictureId = (videoId: string, variant: string): string => `picture/${videoId}/${variant}`;

export const renderAudioId = (videoId: string, format: AudioFormat): string => `audio/${videoId}/${format}`;

export const writeCaptionId = (captionId: string): string => `caption/${captionId}`;

export const deliverWebhookId = (webhookId: string): string => `webhook/${webhookId}`;

export const pingWebhookId = (webhookId: string, deliveryId: string): string =>
  `webhook/${webhookId}/ping/${deliveryId}`;

export const sendNoticesId = (bot: string): string => `telegram/${bot}`;

export const checkAccountId = (accountId: string, revision: number): string =>
  `account/${accountId}/check/${revision}`;

/** The account and revision of a `checkAccount` workflow id; null for any other id. */
export function parseCheckAccountId(
  workflowId: string,
): Pick<AccountCheckInput, 'accountId' | 'revision'> | null {
  const match = /^account\/([0-9a-f-]{36})\/check\/(\d+)$/.exec(workflowId);
  return match?.[1] ? { accountId: match[1], revision: Number(match[2]) } : null;
}

export const removeVideoId = (videoId: string): string => `video/${videoId}/remove`;

export const receiveUploadId = (uploadId: string): string => `upload/${uploadId}`;

/** The upload of a `receiveUpload` workflow id; null for any other id. */
export const parseReceiveUploadId = (workflowId: string): string | null =>
  /^upload\/([0-9a-f-]{36})$/.exec(workflowId)?.[1] ?? null;

export const RECONCILE_ID = 'reconcile';

export const housekeepId = (id: string): string => `housekeep/${id}`;

/** The schedule's runs are `housekeep/scheduled-<time>`. */
export const HOUSEKEEPING_SCHEDULE_ID = 'housekeeping';

/** Names of the workflows, as the Web UI shows them; the functions themselves are only bundled. */
export const WORKFLOWS = {
  processVideo: 'processVideo',
  removeVideo: 'removeVideo',
  editVideo: 'editVideo',
  renderPicture: 'renderPicture',
  renderAudio: 'renderAudio',
  writeCaption: 'writeCaption',
  receiveUpload: 'receiveUpload',
  deliverWebhook: 'deliverWebhook',
  pingWebhook: 'pingWebhook',
  sendNotices: 'sendNotices',
  checkAccount: 'checkAccount',
  reconcile: 'reconcile',
  housekeep: 'housekeep',
} as const;

/** Signals that open runs take, also from the Web UI. */
export const SIGNALS = {
  cancel: 'cancel',
  retryNow: 'retryNow',
  reconcileNow: 'reconcileNow',
  /** The row of an upload has changed: look at it. */
  uploadChanged: 'uploadChanged',
  /** There may be something new to deliver: look at the rows. */
  news: 'news',
} as const;

/** What operators find runs by; registered when the engine is prepared. */
export const SEARCH_ATTRIBUTES = {
  user: defineSearchAttributeKey('VfUser', 'KEYWORD'),
  video: defineSearchAttributeKey('VfVideo', 'KEYWORD'),
  account: defineSearchAttributeKey('VfAccount', 'KEYWORD'),
  stage: defineSearchAttributeKey('VfStage', 'KEYWORD'),
} as const;

/** Of videos (`pictures` stands for all that comes after `ready`), of uploads (`receiving`, `joining`, `expired`) and of edits (`waiting`, `rendering`); all end as `done`, `failed` or `cancelled`. */
export type Stage =
  | 'accepted'
  | 'pictures'
  | 'receiving'
  | 'joining'
  | 'waiting'
  | 'rendering'
  | 'done'
  | 'failed'
  | 'cancelled'
  | 'expired';

/** 1 comes first: interactive, due post, new video, later steps of a video, housekeeping. */
export const PRIORITY = { interactive: 1, duePost: 2, newVideo: 3, laterStep: 4, housekeeping: 5 } as const;
