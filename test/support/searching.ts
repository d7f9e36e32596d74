import { newId } from '../../src/db/ids.ts';
import type { Db } from '../../src/db/index.ts';
import type { NewVideo } from '../../src/db/newVideo.ts';

/** Makes a video that a search may find, without any bytes. @returns its id */
export async function addVideo(db: Db, userId: string, video: Partial<NewVideo> = {}): Promise<string> {
  const id = video.id ?? newId();
  const { id: madeId } = await db.transaction(({ videos }) =>
    videos.insert({
      ...{ id, userId, userLabel: null, externalId: null, title: 'Untitled', description: null, tags: [] },
      ...{ filename: null, contentType: null, sourceKey: `sources/${id}`, sourceSha256: null },
      ...{ sizeBytes: 1, optionalSteps: [] },
      ...video,
    }),
  );
  return madeId;
}

/** Adds a transcript whose segments are ten seconds each. */
export async function addTranscript(
  db: Db,
  videoId: string,
  texts: string[],
  kind: 'machine' | 'edited' = 'machine',
): Promise<void> {
  const segments = texts.map((text, at) => ({ startSec: at * 10, endSec: at * 10 + 10, text }));
  await db.transcripts.add({ videoId, kind, language: null, model: null, segments });
}
