import { LockMode, type RequiredEntityData, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { LIVE_UPLOAD_STATES } from '../domain/upload.ts';
import { type StepName, stepsFor } from '../domain/video.ts';
import { Step } from './entities/step.ts';
import { Upload } from './entities/upload.ts';
import { User } from './entities/user.ts';
import { Video } from './entities/video.ts';
import { tellBirth, tellChanges, tellVideo } from './events.ts';
import { describeEntry, ExternalIdTakenError, type NewEntry } from './newVideo.ts';
import { indexVideo } from './searchIndex.ts';

interface AcceptedVideo {
  entry: NewEntry;
  /** What is known of the bytes, for the row of this id. */
  source: (id: string) => Partial<Video>;
  optionalSteps: StepName[];
}

/**
 * Makes a video in `pending` with its queued steps, of the library entry that waits for it or of a new row.
 *
 * @throws ExternalIdTakenError
 */
export async function acceptVideo(
  tx: EntityManager,
  { entry, source, optionalSteps }: AcceptedVideo,
): Promise<Video> {
  const { row, isNew } = await takeOrCreate(tx, entry);
  await tx.populate(row, ['steps', 'assets']);
  tx.assign(row, { ...source(row.id), status: 'pending' });
  const steps = stepsFor(optionalSteps);
  for (const name of steps)
    row.steps.add(tx.create(Step, { video: row, name, state: 'queued' } as RequiredEntityData<Step>));
  await keep(tx, row);
  await (isNew ? tellBirth(tx, row.id) : tellChanges(tx, row.id, ['video', ...steps]));
  return row;
}

/** Makes a library entry, which waits for its bytes. @throws ExternalIdTakenError */
export async function createEntry(tx: EntityManager, entry: NewEntry): Promise<Video> {
  const row = create(tx, entry);
  await keep(tx, row);
  await tellBirth(tx, row.id);
  return row;
}

/** Gives the library entry that waits for these bytes, or makes a new one. @throws ExternalIdTakenError */
export async function takeOrCreateEntry(tx: EntityManager, entry: NewEntry): Promise<Video> {
  const { row, isNew, isFoundOtherwise } = await takeOrCreate(tx, entry);
  await keep(tx, row);
  if (isNew) await tellBirth(tx, row.id);
  else if (isFoundOtherwise) await tellVideo(tx, row.id, 'video.updated');
  return row;
}

async function takeOrCreate(
  tx: EntityManager,
  entry: NewEntry,
): Promise<{ row: Video; isNew: boolean; isFoundOtherwise: boolean }> {
  const waiting = await findWaiting(tx, entry);
  if (!waiting) return { row: create(tx, entry), isNew: true, isFoundOtherwise: true };
  return { row: waiting, isNew: false, isFoundOtherwise: describeEntry(waiting, entry) };
}

const create = (tx: EntityManager, { userId, isTitleDerived: _, ...columns }: NewEntry): Video =>
  tx.create(Video, {
    ...columns,
    user: tx.getReference(User, userId),
    status: 'awaiting_upload',
  } as RequiredEntityData<Video>);

async function findWaiting(
  tx: EntityManager,
  { userId, userLabel, externalId }: NewEntry,
): Promise<Video | null> {
  if (externalId === null) return null;
  const video = await tx.findOne(
    Video,
    { user: userId, userLabel, externalId, status: 'awaiting_upload', deletedAt: null },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  if (!video) return null;
  const onTheirWay = await tx.count(Upload, { video: video.id, state: [...LIVE_UPLOAD_STATES] });
  return onTheirWay === 0 ? video : null;
}

async function keep(tx: EntityManager, row: Video): Promise<void> {
  await tx.flush().catch((error) => {
    // The only unique thing of a video, besides ids that we make ourselves.
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    throw new ExternalIdTakenError('Another video of the same user_id has this external_id', {
      cause: error,
    });
  });
  await indexVideo(tx, row.id);
}
