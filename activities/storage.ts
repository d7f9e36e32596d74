import { uploadPrefix } from '../src/domain/upload.ts';
import type { ActivityDeps } from './index.ts';
import { endIfCancelled, withPulse } from './longWork.ts';

/** Removing the stored files of deleted videos. */
export function createStorageActivities({ db, storage }: ActivityDeps) {
  return {
    /** One removal may take longer than a worker may be silent: what was sent in crumbs is many objects. */
    removeVideoFiles: ({ videoId }: { videoId: string }): Promise<void> =>
      withPulse(async () => {
        const source = await db.reconciliation.sourceKeyOfDeleted(videoId);
        if (source) await storage.remove(source);
        // What attempts at fetching it left behind.
        await storage.remove(`sources/${videoId}/`);
        for (const { uploadId } of await db.uploadHandover.listOf(videoId)) {
          endIfCancelled();
          await storage.remove(uploadPrefix(uploadId));
        }
        await storage.remove(`assets/${videoId}/`);
      }),
  };
}
