import type { EntityManager } from '@mikro-orm/postgresql';
import {
  type EventObject,
  type EventType,
  editEvent,
  stepEvent,
  uploadEvent,
  videoEvent,
} from '../domain/event.ts';
import type { StepName } from '../domain/video.ts';
import { toEditView } from '../views/edits.ts';
import { toShareView } from '../views/shares.ts';
import { toUploadView } from '../views/uploads.ts';
import { stepsOf, toStepView, toVideoView } from '../views/videos.ts';
import { Edit } from './entities/edit.ts';
import { Event } from './entities/event.ts';
import { Share } from './entities/share.ts';
import type { Step } from './entities/step.ts';
import { Upload } from './entities/upload.ts';
import { Video } from './entities/video.ts';
import { newId } from './ids.ts';

/** What has happened to which of whose objects. */
export interface NewEvent {
  userId: string;
  type: EventType;
  object: { type: EventObject; id: string };
  /** The video that it is about, or belongs to. */
  videoId: string | null;
  /** The object as the API shows it, without addresses. */
  data: Record<string, unknown>;
}

/**
 * The writers of events. Each is called in the transaction of the change, after it, and tells of the object as it is
 * then; the database gives the number when the transaction commits (trigger `number_event`). What is rolled back,
 * also to a savepoint, was never told.
 */
export async function tell(tx: EntityManager, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const createdAt = new Date();
  await tx.insertMany(
    Event,
    events.map(({ userId, object, ...event }) => ({
      ...event,
      id: newId(),
      user: userId,
      objectType: object.type,
      objectId: object.id,
      createdAt,
    })),
  );
}

/** Tells what was done to a video. */
export async function tellVideo(
  tx: EntityManager,
  id: string,
  type: 'video.updated' | 'video.deleted',
): Promise<void> {
  await tell(tx, [videoTold(await readVideo(await asWritten(tx), id), type)]);
}

/** Tells of a new video, and of the steps that it has. */
export async function tellBirth(tx: EntityManager, id: string): Promise<void> {
  const video = await readVideo(await asWritten(tx), id);
  await tell(tx, [videoTold(video, 'video.created'), ...stepsOf(video).map(stepTold)]);
}

/** What has another state: a video, the edit that it came from, or one of its steps. */
export type ChangedPart = 'video' | 'edit' | StepName;

/**
 * Tells of what has changed of a video, in the order given, each in its present state. Nothing more is told of a video
 * that is deleted.
 */
export async function tellChanges(
  tx: EntityManager,
  videoId: string,
  parts: readonly ChangedPart[],
): Promise<void> {
  if (parts.length === 0) return;
  const em = await asWritten(tx);
  const video = await readVideo(em, videoId);
  if (video.deletedAt) return;
  const edits = parts.includes('edit') ? await em.find(Edit, { video: videoId }) : [];
  await tell(
    tx,
    parts.flatMap((part) => {
      if (part === 'video') return [videoTold(video, videoEvent(video.status))];
      if (part === 'edit') return edits.map((edit) => editTold(edit, editEvent(edit.status)));
      return stepsOf(video)
        .filter(({ name }) => name === part)
        .map(stepTold);
    }),
  );
}

const readVideo = (em: EntityManager, id: string): Promise<Video> =>
  em.findOneOrFail(Video, { id }, { populate: ['steps'], strategy: 'joined' });

const videoTold = (video: Video, type: EventType): NewEvent => ({
  userId: video.user.id,
  type,
  object: { type: 'video', id: video.id },
  videoId: video.id,
  data: toVideoView(video, null),
});

const stepTold = (step: Step): NewEvent => ({
  userId: step.video.user.id,
  type: stepEvent(step.state),
  object: { type: 'step', id: step.video.id },
  videoId: step.video.id,
  data: { video_id: step.video.id, ...toStepView(step) },
});

/** Tells of an edit, in its present state unless something else is said to have happened to it. */
export async function tellEdit(tx: EntityManager, id: string, type?: 'edit.waiting_retry'): Promise<void> {
  const edit = await (await asWritten(tx)).findOneOrFail(
    Edit,
    { id },
    { populate: ['video', 'video.steps'] },
  );
  await tell(tx, [editTold(edit, type ?? editEvent(edit.status))]);
}

const editTold = (edit: Edit, type: EventType): NewEvent => ({
  userId: edit.user.id,
  type,
  object: { type: 'edit', id: edit.id },
  videoId: edit.video?.id ?? null,
  data: toEditView(edit),
});

/** Tells of an upload in its present state. */
export async function tellUpload(tx: EntityManager, id: string): Promise<void> {
  const upload = await (await asWritten(tx)).findOneOrFail(Upload, { id });
  await tell(tx, [
    {
      userId: upload.user.id,
      type: uploadEvent(upload.state),
      object: { type: 'upload', id },
      videoId: upload.video?.id ?? null,
      data: toUploadView(upload),
    },
  ]);
}

/** Tells what was done to a share. */
export async function tellShare(
  tx: EntityManager,
  id: string,
  type: 'share.created' | 'share.revoked',
): Promise<void> {
  const share = await (await asWritten(tx)).findOneOrFail(Share, { id });
  await tell(tx, [
    {
      userId: share.user.id,
      type,
      object: { type: 'share', id },
      videoId: share.video.id,
      data: toShareView(share),
    },
  ]);
}

/** The same transaction through other eyes: rows changed by a statement look old to whoever has read them before. */
const withoutMemory = (tx: EntityManager): EntityManager =>
  tx.fork({ clear: true, keepTransactionContext: true });

/** Flushes, and reads through other eyes: what is told is the object as it was written. */
export async function asWritten(tx: EntityManager): Promise<EntityManager> {
  await tx.flush();
  return withoutMemory(tx);
}
