import { Context } from '@temporalio/activity';
import { uploadPrefix } from '../src/domain/upload.ts';
import type { ActivityDeps } from './index.ts';

/** Removing the stored files of deleted videos. */
export function createStorageActivities({ db, storage }: ActivityDeps) {
  return {
    async removeVideoFiles({ videoId }: { videoId: string }): Promise<void> {
      const source = await db.reconciliation.sourceKeyOfDeleted(videoId);
      if (source) await storage.remove(source);
      // What attempts at fetching it left behind.
      await storage.remove(`sources/${videoId}/`);
      Context.current().heartbeat();
      for (const { uploadId } of await db.uploadHandover.listOf(videoId)) {
        await storage.remove(uploadPrefix(uploadId));
        Context.current().heartbeat();
      }
      await storage.remove(`assets/${videoId}/`);
    },
  };
}
