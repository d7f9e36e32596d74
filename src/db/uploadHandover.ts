import { LockMode, type RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { LIVE_UPLOAD_STATES, type UploadState } from '../domain/upload.ts';
import { type StepName, stepsFor } from '../domain/video.ts';
import { Step } from './entities/step.ts';
import { Upload } from './entities/upload.ts';
import { User } from './entities/user.ts';
import { Video } from './entities/video.ts';
import { tellChanges, tellUpload } from './events.ts';
import type { StoredError } from './storedError.ts';
import { QuotaExceededError, type QuotaLimits, UploadQueries } from './uploads.ts';

/** What an upload's workflow decides by; `gone` when the row went with its video or its user. */
export interface UploadSight {
  state: UploadState | 'gone';
  /** How long an open upload has at least, counted by the database's clock; 0 when it may expire now. */
  waitMs: number;
  /** Whether an ended upload's segments were removed. */
  isCleared: boolean;
}

/** The first bytes of one stored segment. */
export interface SegmentToJoin {
  key: string;
  sizeBytes: number;
}

export interface HandoverLimits extends QuotaLimits {
  maxUploadBytes: number;
}

/** `ended` when the upload had come to another end before. */
export type Handover = 'accepted' | 'refused' | 'ended' | 'gone';

/** While somebody still sends beyond the expiry, it is not asked more often than this whether that has ended. */
const LEASED_WAIT = `interval '15 seconds'`;

/**
 * The records of uploads: what their workflow writes. Every change happens under the row's lock and only from
 * the state that it is meant for, so that a late or repeated one changes nothing.
 */
export class UploadHandoverQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Tells how an upload stands, and notes that its workflow has seen it so. */
  async look(uploadId: string): Promise<UploadSight> {
    const [row] = await this.#em.execute<{ state: UploadState; waitMs: string; isCleared: boolean }[]>(
      `update uploads set started_at = now() where id = ?
       returning state, cleared_at is not null as "isCleared",
         ceil(1000 * extract(epoch from greatest(now(), expires_at,
           case when lease_until > now() then greatest(lease_until, now() + ${LEASED_WAIT}) end) - now())) as "waitMs"`,
      [uploadId],
    );
    return row ? { ...row, waitMs: Number(row.waitMs) } : { state: 'gone', waitMs: 0, isCleared: true };
  }

  /**
   * Gives the segments that make the file, in their order, with the length that they must have together; null when
   * nobody waits for it any more.
   */
  async findSegments(uploadId: string): Promise<{ segments: SegmentToJoin[]; sizeBytes: number } | null> {
    const upload = await this.#em.findOne(
      Upload,
      { id: uploadId, state: 'complete', video: { deletedAt: null } },
      { populate: ['segments'], orderBy: { segments: { number: 'asc' } } },
    );
    if (!upload) return null;
    const segments = upload.segments.getItems().map(({ key, sizeBytes }) => ({ key, sizeBytes }));
    return {
      segments: segments.filter(({ sizeBytes }) => sizeBytes > 0),
      sizeBytes: upload.lengthBytes ?? upload.offsetBytes,
    };
  }

  /**
   * Gives the video its source and its steps, if all that was true at the upload's beginning still is; else refuses
   * the upload with the reason. A video that was made for it then fails with the same reason; a library entry goes
   * on waiting.
   */
  accept(uploadId: string, sourceKey: string, limits: HandoverLimits): Promise<Handover> {
    return this.#em.transactional(async (tx) => {
      const held = await hold(tx, uploadId);
      if (!held) return 'gone';
      const { upload, video } = held;
      if (upload.state !== 'complete') return upload.state === 'accepted' ? 'accepted' : 'ended';
      if (!video || video.deletedAt) {
        await end(tx, uploadId, 'terminated');
        await tellUpload(tx, uploadId);
        return 'ended';
      }
      const refusal = await findRefusal(tx, { upload, video, owner: held.owner }, limits);
      if (refusal) {
        await refuseHeld(tx, held, refusal);
        return 'refused';
      }
      await end(tx, uploadId, 'accepted');
      const steps = giveSource(tx, upload, video, sourceKey);
      await tellUpload(tx, uploadId);
      await tellChanges(tx, video.id, ['video', ...steps]);
      return 'accepted';
    });
  }

  /** Refuses a complete upload for a reason from outside. */
  refuse(uploadId: string, error: StoredError): Promise<void> {
    return this.#em.transactional(async (tx) => {
      const held = await hold(tx, uploadId);
      if (held?.upload.state === 'complete') await refuseHeld(tx, held, error);
    });
  }

  /** Shows why the hand-over of a complete upload has to wait. */
  async showTrouble(uploadId: string, { code, message }: StoredError): Promise<void> {
    await this.#em.execute(
      `update uploads set error_code = ?, error_message = ? where id = ? and state = 'complete'`,
      [code, message, uploadId],
    );
  }

  /** Ends an open upload whose time is over, unless somebody is sending. */
  async expire(uploadId: string): Promise<void> {
    await this.#endAll(
      'expired',
      `id = ? and state = 'open' and expires_at <= now() and (lease_until is null or lease_until <= now())`,
      uploadId,
    );
  }

  /** Ends an upload that nobody wants any more; one that has ended stays as it is. */
  async terminate(uploadId: string): Promise<void> {
    await this.#endAll('terminated', `id = ? and state in ('open', 'complete')`, uploadId);
  }

  /** Ends all uploads of a deleted video that have not ended. @returns whom they belong to */
  terminateAllOf(videoId: string): Promise<{ uploadId: string; userId: string }[]> {
    return this.#endAll('terminated', `video_id = ? and state in ('open', 'complete')`, videoId);
  }

  #endAll(
    state: UploadState,
    condition: string,
    id: string,
  ): Promise<{ uploadId: string; userId: string }[]> {
    return this.#em.transactional(async (tx) => {
      const ended = await tx.execute<{ uploadId: string; userId: string }[]>(
        `update uploads set state = ?, ended_at = clock_timestamp() where ${condition}
         returning id as "uploadId", user_id as "userId"`,
        [state, id],
      );
      for (const { uploadId } of ended) await tellUpload(tx, uploadId);
      return ended;
    });
  }

  /** All uploads that a video ever had. */
  listOf(videoId: string): Promise<{ uploadId: string }[]> {
    return this.#em.execute('select id as "uploadId" from uploads where video_id = ? order by id', [videoId]);
  }

  /**
   * Erases the video of an upload that expired or was terminated, if it was made for it, never got bytes, and waits
   * for no other upload's meanwhile.
   */
  eraseVideo(uploadId: string): Promise<void> {
    return this.#em.transactional(async (tx) => {
      const held = await hold(tx, uploadId);
      if (!held?.video || !isOnlyOf(held.upload, held.video)) return;
      const live = { video: held.video.id, state: [...LIVE_UPLOAD_STATES] };
      if ((await tx.count(Upload, live)) === 0) await new UploadQueries(tx).eraseVideo(held.video.id);
    });
  }

  /** Whether a video has an object as its source. The upload that brought it may be long forgotten. */
  async isSource(key: string): Promise<boolean> {
    return (await this.#em.count(Video, { sourceKey: key })) > 0;
  }

  /** The run to start for an accepted upload; null when it was begun, or is no longer wanted. */
  async findUnstarted(uploadId: string): Promise<{ videoId: string; userId: string; run: number } | null> {
    const upload = await this.#em.findOne(
      Upload,
      { id: uploadId, state: 'accepted', video: { deletedAt: null } },
      { populate: ['video'] },
    );
    if (!upload?.video || upload.video.startedRun >= upload.video.run) return null;
    return { videoId: upload.video.id, userId: upload.user.id, run: upload.video.run };
  }

  /** Notes that nothing of an ended upload is left in the storage. */
  async noteCleared(uploadId: string): Promise<void> {
    await this.#em.execute(
      `update uploads set cleared_at = now() where id = ? and state not in ('open', 'complete')`,
      [uploadId],
    );
  }
}

interface Held {
  upload: Upload;
  video: Video | null;
  owner: User;
}

/** Locks an upload with all it touches; user, video, upload is the order that everybody keeps. */
async function hold(tx: EntityManager, uploadId: string): Promise<Held | null> {
  const lockMode = LockMode.PESSIMISTIC_WRITE;
  const [ids] = await tx.execute<{ userId: string; videoId: string | null }[]>(
    `select user_id as "userId", video_id as "videoId" from uploads where id = ?`,
    [uploadId],
  );
  if (!ids) return null;
  await new UploadQueries(tx).holdUser(ids.userId);
  const owner = await tx.findOne(User, { id: ids.userId });
  const video = ids.videoId ? await tx.findOne(Video, { id: ids.videoId }, { lockMode }) : null;
  const upload = await tx.findOne(Upload, { id: uploadId }, { lockMode });
  return owner && upload ? { upload, video, owner } : null;
}

/** What was checked when the upload began and may have changed since; the upload's own bytes count as used. */
async function findRefusal(
  tx: EntityManager,
  { upload, video, owner }: Held & { video: Video },
  limits: HandoverLimits,
): Promise<StoredError | null> {
  if (video.status !== 'awaiting_upload')
    return refusal('not_awaited', 'The video got its bytes on another way meanwhile');
  if (!owner.scopes.includes('write'))
    return refusal('insufficient_scope', 'The owner may not upload any more');
  if ((upload.lengthBytes ?? 0) > limits.maxUploadBytes)
    return refusal('too_large', 'The file is larger than what is taken here');
  try {
    await new UploadQueries(tx).assertRoom(owner.id, 0, limits);
    return null;
  } catch (error) {
    if (error instanceof QuotaExceededError) return refusal(error.code, error.message);
    throw error;
  }
}

const refusal = (code: string, message: string): StoredError => ({ code, message, retryable: false });

async function refuseHeld(tx: EntityManager, { upload, video }: Held, error: StoredError): Promise<void> {
  await end(tx, upload.id, 'refused', error);
  await tellUpload(tx, upload.id);
  if (!upload.hasOwnVideo || video?.status !== 'awaiting_upload') return;
  video.status = 'failed';
  video.errorCode = error.code;
  video.errorMessage = error.message;
  // Without a source there is nothing that a retry could work on.
  video.errorRetryable = false;
  await tellChanges(tx, video.id, ['video']);
}

function giveSource(tx: EntityManager, upload: Upload, video: Video, sourceKey: string): StepName[] {
  video.status = 'pending';
  video.sourceKey = sourceKey;
  video.sizeBytes = upload.lengthBytes ?? upload.offsetBytes;
  const steps = stepsFor(upload.optionalSteps);
  for (const name of steps) tx.create(Step, { video, name, state: 'queued' } as RequiredEntityData<Step>);
  return steps;
}

const end = (tx: EntityManager, uploadId: string, state: UploadState, error?: StoredError) =>
  tx.execute(
    'update uploads set state = ?, ended_at = clock_timestamp(), error_code = ?, error_message = ? where id = ?',
    [state, error?.code ?? null, error?.message ?? null, uploadId],
  );

/** Whether a video is nothing without this upload, which has ended without it. */
const isOnlyOf = (upload: Upload, video: Video): boolean =>
  upload.hasOwnVideo &&
  ['expired', 'terminated'].includes(upload.state) &&
  video.status === 'awaiting_upload' &&
  !video.deletedAt &&
  !video.sourceUrl;
