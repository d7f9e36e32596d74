import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequiredEntityData } from '@mikro-orm/core';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDeps } from '../../activities/index.ts';
import { createUploadActivities } from '../../activities/uploads.ts';
import { User } from '../../src/db/entities/user.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { createLog } from '../../src/log.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { type TestDatabase, testDatabase, uniqueName } from '../support/stack.ts';
import { createUploadMaker, type UploadMaker } from '../support/storedUpload.ts';
import { listStored } from '../support/uploading.ts';

const log = createLog({ level: 'silent', program: 'test' });
const config = { MAX_UPLOAD_BYTES: 1000, MAX_OPEN_UPLOADS: 10, QUOTA_BYTES: 1000 };

describe('clearing what an upload left', () => {
  let database: TestDatabase;
  let dir: string;
  let db: Db;
  let storage: Storage;
  let maker: UploadMaker;

  before(async () => {
    database = await testDatabase();
    dir = await mkdtemp(join(tmpdir(), 'vf-clearing-'));
    db = await createDb({ databaseUrl: database.url, poolMax: 3 });
    storage = createLocalStorage({ dir, log, minFreeBytes: 1 });
    maker = await createUploadMaker({ db, databaseUrl: database.url, storage });
  });
  after(async () => {
    await maker?.close();
    await db?.close();
    await database?.drop();
    await rm(dir, { recursive: true, force: true });
  });

  async function addUser(): Promise<string> {
    const orm = await openOrm({ databaseUrl: database.url, poolMax: 1 });
    const em = orm.em.fork();
    const columns = { username: uniqueName('u'), passwordHash: 'x', scopes: ['read', 'write'] };
    const user = em.create(User, columns as RequiredEntityData<User>);
    await em.flush();
    await orm.close();
    return user.id;
  }
  const activities = () => createUploadActivities({ config, db, storage, log } as unknown as ActivityDeps);
  const run = (name: 'joinUpload' | 'acceptUpload' | 'clearUpload', uploadId: string) =>
    new MockActivityEnvironment().run(activities()[name] as (input: object) => Promise<unknown>, {
      uploadId,
    });
  const stored = async (uploadId: string) =>
    (await listStored(storage)).filter((key) => key.includes(uploadId));

  it('removes the source of one that nobody accepted', async () => {
    const { uploadId } = await maker.make({ userId: await addUser() });
    await run('joinUpload', uploadId);
    await db.uploadHandover.terminate(uploadId);
    await run('clearUpload', uploadId);
    assert.deepEqual(await stored(uploadId), []);
    assert.ok((await maker.read(uploadId))?.clearedAt);
  });

  it('keeps the source of a video, also once the upload itself is forgotten', async () => {
    const { uploadId } = await maker.make({ userId: await addUser() });
    await run('joinUpload', uploadId);
    assert.equal(await run('acceptUpload', uploadId), 'accepted');
    await run('clearUpload', uploadId);
    assert.deepEqual(await stored(uploadId), [`sources/${uploadId}`]);
    await maker.execute('delete from uploads where id = ?', [uploadId]);
    await run('clearUpload', uploadId);
    assert.deepEqual(await stored(uploadId), [`sources/${uploadId}`]);
  });
});
