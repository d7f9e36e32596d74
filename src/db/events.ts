import type { RequiredEntityData } from '@mikro-orm/core';
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
import { toStepView, toVideoView } from '../views/videos.ts';
import { Edit } from './entities/edit.ts';
import { Event } from './entities/event.ts';
import { Share } from './entities/share.ts';
import { Step } from './entities/step.ts';
import { Upload } from './entities/upload.ts';
import { User } from './entities/user.ts';
import { Video } from './entities/video.ts';

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
  const em = withoutMemory(tx);
  for (const { userId, object, ...event } of events) {
    const user = em.getReference(User, userId);
    const columns = { ...event, user, objectType: object.type, objectId: object.id };
    em.create(Event, columns as RequiredEntityData<Event>);
  }
  await em.flush();
}

/** Tells of a video, in its present state unless something else is said to have happened to it. */
export async function tellVideo(tx: EntityManager, id: string, type?: EventType): Promise<void> {
  const video = await (await asWritten(tx)).findOneOrFail(
    Video,
    { id },
    { populate: ['steps'], strategy: 'joined' },
  );
  await tell(tx, [
    {
      userId: video.user.id,
      type: type ?? videoEvent(video.status),
      object: { type: 'video', id },
      videoId: id,
      data: toVideoView(video, null),
    },
  ]);
}

/** Tells of steps of one video, each in its present state. */
export async function tellSteps(
  tx: EntityManager,
  videoId: string,
  names: readonly StepName[],
): Promise<void> {
  if (names.length === 0) return;
  const steps = await (await asWritten(tx)).find(
    Step,
    { video: videoId, name: { $in: [...names] } },
    { populate: ['video'] },
  );
  await tell(
    tx,
    steps.map((step) => ({
      userId: step.video.user.id,
      type: stepEvent(step.state),
      object: { type: 'step', id: step.id },
      videoId,
      data: { video_id: videoId, ...toStepView(step) },
    })),
  );
}

/** Tells of an edit, in its present state unless something else is said to have happened to it. */
export async function tellEdit(tx: EntityManager, id: string, type?: EventType): Promise<void> {
  const edit = await (await asWritten(tx)).findOneOrFail(
    Edit,
    { id },
    { populate: ['video', 'video.steps'] },
  );
  await tell(tx, [
    {
      userId: edit.user.id,
      type: type ?? editEvent(edit.status),
      object: { type: 'edit', id },
      videoId: edit.video?.id ?? null,
      data: toEditView(edit),
    },
  ]);
}

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

async function asWritten(tx: EntityManager): Promise<EntityManager> {
  await tx.flush();
  return withoutMemory(tx);
}
