import assert from 'node:assert/strict';
import pg from 'pg';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import type { NewVideo } from '../../src/db/newVideo.ts';
import { type TestDatabase, testDatabase, uniqueName, waitFor } from '../support/stack.ts';

const TROUBLE = { code: 'media_tool_failed', message: 'It failed', retryable: true };

describe('what two tell of a video at once', () => {
  let database: TestDatabase;
  let db: Db;
  let admin: pg.Client;
  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url, poolMax: 3 });
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
  });
  after(async () => {
    await admin?.end();
    await db?.close();
    await database?.drop();
  });

  const isWaiting = async (): Promise<boolean> => {
    const { rowCount } = await admin.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rowCount !== 0;
  };
  async function makeVideo(): Promise<{ userId: string; id: string }> {
    const account = { username: uniqueName('user'), passwordHash: 'none', name: null, scopes: [] };
    const { id: userId } = await db.users.insert(account);
    const id = newId();
    const video: NewVideo = {
      ...{ id, userId, userLabel: null, externalId: null, title: 'One', description: null, tags: [] },
      ...{ filename: null, contentType: 'video/mp4', sourceKey: `sources/${id}`, sourceSha256: null },
      ...{ sizeBytes: 1, optionalSteps: ['transcript'] },
    };
    await db.transaction((queries) => queries.videos.insert(video));
    await db.steps.beginRun(id, 1);
    return { userId, id };
  }

  /** Begins something while the owner's change of a video is told, but not numbered yet; waits for both. */
  async function meanwhile({ userId, id }: { userId: string; id: string }, change: () => Promise<void>) {
    let changing: Promise<void> | undefined;
    let isOver = false;
    await db.transaction(async (queries) => {
      await queries.videos.change(userId, id, { title: 'Another' });
      changing = change().finally(() => {
        isOver = true;
      });
      await waitFor(async () => isOver || (await isWaiting()), { what: 'the change', everyMs: 5 });
    });
    await changing;
  }
  const list = async (userId: string, videoId: string) =>
    (await db.events.list(userId, { afterSequence: 0, types: [], videoId, limit: 50 })).events;

  const transcript = (videoId: string) => ({ videoId, name: 'transcript', run: 1 }) as const;
  for (const [what, change] of Object.entries<(videoId: string) => Promise<void>>({
    'is skipped': (id) => db.steps.skipStep(transcript(id), TROUBLE),
    'waits for its next attempt': (id) => db.steps.waitForRetry(transcript(id), TROUBLE, new Date()),
    'is not needed': (id) => db.playbackSteps.skip(id),
    fails: (id) => db.steps.failStep(transcript(id), TROUBLE),
  }))
    it(`is never older than what was told before: a step ${what} while its owner changes the video`, async () => {
      const { userId, id } = await makeVideo();
      await meanwhile({ userId, id }, () => change(id));
      const events = await list(userId, id);
      assert.deepEqual(
        events.slice(-2).map(({ objectType }) => objectType),
        ['video', 'step'],
      );
    });

  it('is never older than what was told before: a video that is erased while its owner changes it', async () => {
    const { userId, id } = await makeVideo();
    await meanwhile({ userId, id }, () => db.transaction((queries) => queries.uploads.eraseVideo(id)));
    const last = (await list(userId, id)).at(-1);
    assert.deepEqual([last?.type, last?.data.title], ['video.deleted', 'Another']);
  });
});
