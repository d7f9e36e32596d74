import type { Upload } from '../../src/db/entities/upload.ts';
import { newId } from '../../src/db/ids.ts';
import type { Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { OPTIONAL_STEPS, type StepName } from '../../src/domain/video.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { uniqueName } from './stack.ts';

export interface StoredUpload {
  uploadId: string;
  videoId: string;
}

export interface UploadToStore {
  userId: string;
  /** What came; stored in this many segments, with an empty one among them. */
  bytes?: Buffer;
  pieces?: number;
  /** Whether every byte is here; without that, more are still expected. */
  isComplete?: boolean;
  expiresInSec?: number;
  externalId?: string | null;
  steps?: readonly StepName[];
}

/** Plays the API: leaves uploads as a client and a server leave them behind, and tells the engine nothing. */
export async function createUploadMaker(deps: { db: Db; databaseUrl: string; storage?: Storage }) {
  const orm = await openOrm({ databaseUrl: deps.databaseUrl, poolMax: 2 });
  const execute = <Row>(statement: string, values: unknown[] = []): Promise<Row[]> =>
    orm.em.fork().execute<Row[]>(statement, values);

  async function writeSegments(uploadId: string, bytes: Buffer, pieces: number): Promise<void> {
    const size = Math.ceil(bytes.length / pieces);
    const parts = Array.from({ length: pieces }, (_, piece) =>
      bytes.subarray(piece * size, (piece + 1) * size),
    );
    // As a writer leaves behind that was cut off before its first byte was durable.
    parts.splice(1, 0, Buffer.alloc(0));
    for (const [index, part] of parts.entries()) {
      const key = `uploads/${uploadId}/${index + 1}-${uniqueName('s')}/`;
      const segment = await deps.storage?.createSegment(key);
      // What was not made durable does not count, though it may be there.
      await segment?.write(Buffer.concat([part, Buffer.from('not counted')]));
      await segment?.sync();
      await segment?.close();
      await execute(
        `insert into upload_segments (id, upload_id, number, key, size_bytes, created_at) values (?, ?, ?, ?, ?, now())`,
        [newId(), uploadId, index + 1, key, part.length],
      );
    }
  }

  return {
    execute,
    async make(upload: UploadToStore): Promise<StoredUpload> {
      const { userId, bytes = Buffer.from('bytes'), pieces = 3, isComplete = true } = upload;
      const { expiresInSec = 3600, externalId = null, steps = OPTIONAL_STEPS } = upload;
      const uploadId = newId();
      const lengthBytes = bytes.length + (isComplete ? 0 : 1);
      const video = {
        userLabel: null,
        externalId,
        title: 'A test',
        description: null,
        tags: [],
        filename: null,
      };
      const row: Upload = await deps.db.transaction(({ uploads }) =>
        uploads.create(
          {
            id: uploadId,
            userId,
            protocol: 'tus',
            lengthBytes,
            metadata: null,
            optionalSteps: [...steps],
            expiresAt: new Date(Date.now() + expiresInSec * 1000),
            clientFileId: null,
            totalChunks: null,
            video,
          },
          { maxOpenUploads: 10_000, quotaBytes: 2 ** 40 },
        ),
      );
      await writeSegments(uploadId, bytes, pieces);
      await execute(
        `update uploads set offset_bytes = ?, state = ?, completed_at = case when ? then clock_timestamp() end where id = ?`,
        [bytes.length, isComplete ? 'complete' : 'open', isComplete, uploadId],
      );
      return { uploadId, videoId: row.video?.id ?? '' };
    },
    /** The row of an upload as it stands. */
    async read(uploadId: string): Promise<UploadRow | undefined> {
      const [row] = await execute<UploadRow>(
        `select state, video_id as "videoId", error_code as "errorCode",
                1000 * extract(epoch from started_at)::float8 as "startedAt",
                1000 * extract(epoch from cleared_at)::float8 as "clearedAt" from uploads where id = ?`,
        [uploadId],
      );
      return row;
    },
    close: () => orm.close(),
  };
}

/** Times are in milliseconds. */
export interface UploadRow {
  state: string;
  videoId: string | null;
  errorCode: string | null;
  startedAt: number | null;
  clearedAt: number | null;
}

export type UploadMaker = Awaited<ReturnType<typeof createUploadMaker>>;
