import { Context } from '@temporalio/activity';
import type { Handover, UploadSight } from '../src/db/uploadHandover.ts';
import { uploadPrefix, uploadSourceKey } from '../src/domain/upload.ts';
import { SourceMissingError } from '../src/errors.ts';
import type { UploadFailureInput, UploadInput } from '../workflows/contract.ts';
import { quotaLimits } from './attempt.ts';
import type { ActivityDeps } from './index.ts';
import { endIfCancelled, withPulse } from './longWork.ts';

/** What the workflow of an upload asks for. Everything here may be repeated at any time. */
export function createUploadActivities({ config, db, flows, storage }: ActivityDeps) {
  const limits = () => ({ ...quotaLimits(config), maxUploadBytes: config.MAX_UPLOAD_BYTES });

  return {
    readUpload: ({ uploadId }: UploadInput): Promise<UploadSight> => db.uploadHandover.look(uploadId),

    expireUpload: ({ uploadId }: UploadInput): Promise<void> => db.uploadHandover.expire(uploadId),

    terminateUpload: ({ uploadId }: UploadInput): Promise<void> => db.uploadHandover.terminate(uploadId),

    /** Makes one object of the bytes that came; nothing when nobody waits for it any more. */
    joinUpload: ({ uploadId }: UploadInput): Promise<void> =>
      withPulse<void, { joinedBytes: number }>(async (tell) => {
        const found = await db.uploadHandover.findSegments(uploadId);
        if (!found) return;
        const joined = await storage
          .join(uploadSourceKey(uploadId), found.segments, {
            signal: Context.current().cancellationSignal,
            onProgress: (joinedBytes) => tell({ joinedBytes }),
          })
          .catch((error: unknown) => {
            endIfCancelled();
            throw error;
          });
        if (joined.sizeBytes !== found.sizeBytes)
          throw new SourceMissingError('The received bytes are fewer than they were when they came');
      }),

    acceptUpload: ({ uploadId }: UploadInput): Promise<Handover> =>
      db.uploadHandover.accept(uploadId, uploadSourceKey(uploadId), limits()),

    refuseUpload: ({ uploadId, error }: UploadFailureInput): Promise<void> =>
      db.uploadHandover.refuse(uploadId, error),

    showUploadTrouble: ({ uploadId, error }: UploadFailureInput): Promise<void> =>
      db.uploadHandover.showTrouble(uploadId, error),

    eraseUploadVideo: ({ uploadId }: UploadInput): Promise<void> => db.uploadHandover.eraseVideo(uploadId),

    /** Starts the processing of an accepted upload; the reconciler repeats what does not get through. */
    async startAccepted({ uploadId, requestId }: UploadInput): Promise<void> {
      const run = await db.uploadHandover.findUnstarted(uploadId);
      if (run) await flows.startProcessing({ ...run, requestId });
    },

    /** Removes what an upload left in the storage, but never what a video has as its source. */
    clearUpload: ({ uploadId }: UploadInput): Promise<void> =>
      withPulse(async () => {
        await storage.remove(uploadPrefix(uploadId));
        const source = uploadSourceKey(uploadId);
        if (!(await db.uploadHandover.isSource(source))) await storage.remove(source);
        await db.uploadHandover.noteCleared(uploadId);
      }),
  };
}
