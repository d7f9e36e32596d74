import assert from 'node:assert/strict';
import type { RequiredEntityData } from '@mikro-orm/core';
import { User } from '../../src/db/entities/user.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { type TestDatabase, testDatabase, uniqueName } from '../support/stack.ts';
import { createUploadMaker, type UploadMaker } from '../support/storedUpload.ts';

const LIMITS = { maxUploadBytes: 100, maxOpenUploads: 10, quotaBytes: 1000 };

describe('the records of uploads', () => {
  let database: TestDatabase;
  let db: Db;
  let maker: UploadMaker;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
    maker = await createUploadMaker({ db, databaseUrl: database.url });
  });
  after(async () => {
    await maker?.close();
    await db?.close();
    await database?.drop();
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
  const addEntry = async (userId: string, externalId: string): Promise<string> => {
    const entry = { userLabel: null, title: 'An entry', description: null, tags: [], filename: null };
    const video = await db.transaction(({ videos }) =>
      videos.takeOrCreateEntry({ ...entry, userId, externalId }),
    );
    return video.id;
  };
  const accept = (uploadId: string, limits = LIMITS) =>
    db.uploadHandover.accept(uploadId, `sources/${uploadId}`, limits);
  const untold = async (uploadId: string) =>
    (await db.untoldUploads.list(null)).some((row) => row.uploadId === uploadId);

  /** Rows keep milliseconds, and what happened within one counts as not seen. */
  const look = async (uploadId: string): Promise<void> => {
    await maker.execute('select pg_sleep(0.002)');
    await db.uploadHandover.look(uploadId);
  };

  it('give the segments that count, in the order of their numbers', async () => {
    const { uploadId } = await maker.make({ userId: await addUser(), bytes: Buffer.alloc(12), pieces: 3 });
    await maker.execute('update upload_segments set number = 100 - number where upload_id = ?', [uploadId]);
    const found = await db.uploadHandover.findSegments(uploadId);
    assert.equal(found?.sizeBytes, 12);
    assert.deepEqual(
      found?.segments.map(({ key, sizeBytes }) => [Number(key.split('/')[2]?.split('-')[0]), sizeBytes]),
      [
        [4, 4],
        [3, 4],
        [1, 4],
      ],
    );
  });

  it('hand over once: the video has its source, its size and its steps', async () => {
    const userId = await addUser();
    const { uploadId, videoId } = await maker.make({ userId, bytes: Buffer.alloc(50), steps: ['thumbnail'] });
    const outcomes = await Promise.all([accept(uploadId), accept(uploadId), accept(uploadId)]);
    assert.deepEqual(outcomes, ['accepted', 'accepted', 'accepted']);
    const video = await db.videos.find(userId, videoId);
    assert.equal(video?.status, 'pending');
    assert.equal(video?.sourceKey, `sources/${uploadId}`);
    assert.equal(video?.sizeBytes, 50);
    assert.deepEqual(video?.steps.map((step) => `${step.name} ${step.state} ${step.run}`).sort(), [
      'playback queued 1',
      'probe queued 1',
      'source queued 1',
      'thumbnail queued 1',
    ]);
    assert.deepEqual(await db.uploadHandover.findUnstarted(uploadId), { videoId, userId, run: 1 });
    assert.ok((await db.reconciliation.listUnstarted(null)).some((row) => row.videoId === videoId));
    assert.equal(await db.uploads.usedBytes(userId), 50, 'its bytes are counted once');
  });

  it('take nothing that is not complete', async () => {
    const { uploadId } = await maker.make({ userId: await addUser(), isComplete: false });
    assert.equal(await accept(uploadId), 'ended');
    assert.equal((await maker.read(uploadId))?.state, 'open');
    assert.equal(await accept(newId()), 'gone');
  });

  it('refuse what is too large by now, and let the video say why', async () => {
    const userId = await addUser();
    const { uploadId, videoId } = await maker.make({ userId, bytes: Buffer.alloc(101) });
    assert.equal(await accept(uploadId), 'refused');
    const row = await maker.read(uploadId);
    assert.deepEqual([row?.state, row?.errorCode], ['refused', 'too_large']);
    const video = await db.videos.find(userId, videoId);
    assert.deepEqual([video?.status, video?.errorCode, video?.sourceKey], ['failed', 'too_large', null]);
    assert.equal((await db.videos.requestRetry(userId, videoId)).outcome, 'not_possible');
  });

  it('count the bytes of the upload itself once against a quota that was cut meanwhile', async () => {
    const userId = await addUser();
    const fits = await maker.make({ userId, bytes: Buffer.alloc(60) });
    assert.equal(await accept(fits.uploadId, { ...LIMITS, quotaBytes: 60 }), 'accepted');
    const over = await maker.make({ userId, bytes: Buffer.alloc(60) });
    assert.equal(await accept(over.uploadId, { ...LIMITS, quotaBytes: 119 }), 'refused');
    assert.equal((await maker.read(over.uploadId))?.errorCode, 'quota_exceeded');
    assert.equal(await db.uploads.usedBytes(userId), 60, 'refused bytes are not counted any more');
  });

  it('refuse an owner who may not write any more', async () => {
    const userId = await addUser();
    const { uploadId, videoId } = await maker.make({ userId });
    await db.users.change(userId, { scopes: ['read'] });
    assert.equal(await accept(uploadId), 'refused');
    assert.equal((await db.videos.find(userId, videoId))?.errorCode, 'insufficient_scope');
  });

  it('leave a library entry waiting when its upload is refused, expires or is taken back', async () => {
    const userId = await addUser();
    const entry = await addEntry(userId, 'mine');
    const refused = await maker.make({ userId, externalId: 'mine', bytes: Buffer.alloc(101) });
    assert.equal(refused.videoId, entry);
    assert.equal(await accept(refused.uploadId), 'refused');
    const expired = await maker.make({ userId, externalId: 'mine', isComplete: false, expiresInSec: -1 });
    assert.equal(expired.videoId, entry);
    await db.uploadHandover.expire(expired.uploadId);
    await db.uploadHandover.eraseVideo(expired.uploadId);
    assert.equal((await maker.read(expired.uploadId))?.videoId, entry);
    const video = await db.videos.find(userId, entry);
    assert.deepEqual([video?.status, video?.errorCode], ['awaiting_upload', null]);
    const third = await maker.make({ userId, externalId: 'mine' });
    assert.equal(third.videoId, entry);
    assert.equal(await accept(third.uploadId), 'accepted');
  });

  it('refuse an entry that got its bytes on another way meanwhile', async () => {
    const userId = await addUser();
    const { uploadId, videoId } = await maker.make({ userId });
    await maker.execute(`update videos set status = 'ready', source_key = 'sources/other' where id = ?`, [
      videoId,
    ]);
    assert.equal(await accept(uploadId), 'refused');
    const video = await db.videos.find(userId, videoId);
    assert.deepEqual([video?.status, video?.sourceKey], ['ready', 'sources/other']);
  });

  it('give nothing to a video that was deleted meanwhile', async () => {
    const userId = await addUser();
    const { uploadId, videoId } = await maker.make({ userId });
    await db.videos.requestDelete(userId, videoId);
    assert.equal(await db.uploadHandover.findSegments(uploadId), null);
    assert.equal(await accept(uploadId), 'ended');
    assert.equal((await maker.read(uploadId))?.state, 'terminated');
    await db.uploadHandover.eraseVideo(uploadId);
    assert.equal((await maker.read(uploadId))?.videoId, videoId, 'the removal of the video comes for it');
  });

  it('expire only what is open, over its time, and held by nobody', async () => {
    const userId = await addUser();
    const make = (expiresInSec: number, isComplete = false) =>
      maker.make({ userId, isComplete, expiresInSec });
    const [early, complete, leased, due] = [
      await make(60),
      await make(-1, true),
      await make(-1),
      await make(-1),
    ];
    await maker.execute(
      `update uploads set lease_holder = 'x', lease_until = now() + interval '5 s' where id = ?`,
      [leased.uploadId],
    );
    const states = [];
    for (const { uploadId } of [early, complete, leased, due]) {
      await db.uploadHandover.expire(uploadId);
      states.push((await maker.read(uploadId))?.state);
    }
    assert.deepEqual(states, ['open', 'complete', 'open', 'expired']);
    const earlySight = await db.uploadHandover.look(early.uploadId);
    assert.ok(earlySight.waitMs > 58_000 && earlySight.waitMs <= 60_000, `${earlySight.waitMs} ms`);
    const leasedSight = await db.uploadHandover.look(leased.uploadId);
    assert.ok(leasedSight.waitMs > 4000 && leasedSight.waitMs <= 15_000, `${leasedSight.waitMs} ms`);
    await maker.execute("update uploads set lease_until = now() - interval '1 s' where id = ?", [
      leased.uploadId,
    ]);
    assert.equal((await db.uploadHandover.look(leased.uploadId)).waitMs, 0);
  });

  it('erase the video that was made for an expired upload, and still know the upload', async () => {
    const userId = await addUser();
    const made = await maker.make({ userId, externalId: 'again', isComplete: false, expiresInSec: -1 });
    await db.uploadHandover.eraseVideo(made.uploadId);
    assert.ok(await db.videos.find(userId, made.videoId), 'an open upload keeps its video');
    await db.uploadHandover.expire(made.uploadId);
    await db.uploadHandover.eraseVideo(made.uploadId);
    assert.equal(await db.videos.find(userId, made.videoId), null);
    const upload = await db.uploads.find(userId, made.uploadId);
    assert.deepEqual([upload?.state, upload?.video ?? null], ['expired', null]);
    assert.notEqual((await maker.make({ userId, externalId: 'again' })).videoId, made.videoId);
  });

  it('leave the video of an ended upload to the next one that came for it before it was erased', async () => {
    const userId = await addUser();
    const again = { userId, externalId: 'at once', isComplete: false };
    const first = await maker.make({ ...again, expiresInSec: -1 });
    await db.uploadHandover.expire(first.uploadId);
    const second = await maker.make({ ...again, expiresInSec: -1 });
    assert.equal(second.videoId, first.videoId);
    await db.uploadHandover.eraseVideo(first.uploadId);
    assert.equal((await maker.read(second.uploadId))?.videoId, first.videoId);
    await db.uploadHandover.expire(second.uploadId);
    await db.uploadHandover.eraseVideo(second.uploadId);
    assert.equal(await db.videos.find(userId, first.videoId), null, 'it was no library entry before');
    const states = [await maker.read(first.uploadId), await maker.read(second.uploadId)];
    assert.deepEqual(
      states.map((row) => [row?.state, row?.videoId]),
      [
        ['expired', null],
        ['expired', null],
      ],
    );
  });

  it('list what the engine has not seen as it is, and nothing else', async () => {
    const userId = await addUser();
    const { uploadId } = await maker.make({ userId, isComplete: false });
    assert.ok(await untold(uploadId), 'a new one');
    await look(uploadId);
    assert.ok(!(await untold(uploadId)), 'one that was seen');
    await maker.execute(
      `update uploads set state = 'complete', completed_at = clock_timestamp() where id = ?`,
      [uploadId],
    );
    assert.ok(await untold(uploadId), 'one that was completed after that');
    await look(uploadId);
    assert.ok(!(await untold(uploadId)));
    await maker.execute(`update uploads set started_at = now() - interval '6 minutes' where id = ?`, [
      uploadId,
    ]);
    assert.ok(await untold(uploadId), 'one that still waits after a while');
    await look(uploadId);
    assert.equal(await accept(uploadId), 'accepted');
    assert.ok(await untold(uploadId), 'one that ended and is not cleared');
    await db.uploadHandover.noteCleared(uploadId);
    assert.ok(!(await untold(uploadId)), 'one that is done with');
  });

  it('list an open upload again when its time is over', async () => {
    const { uploadId } = await maker.make({ userId: await addUser(), isComplete: false });
    await db.uploadHandover.look(uploadId);
    await maker.execute(
      `update uploads set started_at = now() - interval '2 s', expires_at = now() - interval '1 s' where id = ?`,
      [uploadId],
    );
    const row = (await db.untoldUploads.list(null)).find((found) => found.uploadId === uploadId);
    assert.ok(row);
    await db.untoldUploads.noteTold(uploadId, row.seenAt);
    assert.ok(!(await untold(uploadId)));
  });

  it('count those as stuck that nobody dealt with for long', async () => {
    const stuck = async () => (await db.health.countStuck()).uploads;
    const userId = await addUser();
    const before = await stuck();
    const age = (column: string, { uploadId }: { uploadId: string }) =>
      maker.execute(`update uploads set ${column} = now() - interval '2 hours' where id = ?`, [uploadId]);
    const [complete, untold, overdue, sending] = [
      await maker.make({ userId }),
      await maker.make({ userId, isComplete: false }),
      await maker.make({ userId, isComplete: false }),
      await maker.make({ userId, isComplete: false }),
    ];
    for (const { uploadId } of [overdue, sending]) await db.uploadHandover.look(uploadId);
    assert.equal(await stuck(), before);
    await age('completed_at', complete);
    await age('created_at', untold);
    await age('expires_at', overdue);
    await age('expires_at', sending);
    await maker.execute('update uploads set lease_until = now() where id = ?', [sending.uploadId]);
    assert.equal(await stuck(), before + 3);
    await accept(complete.uploadId);
    assert.equal(await stuck(), before + 2);
  });

  it('page through many, and find every unsettled one', async () => {
    const userId = await addUser();
    const made = await maker.execute<{ id: string }>(
      `insert into uploads (id, user_id, protocol, optional_steps, expires_at, created_at)
       select gen_random_uuid(), ?, 'tus', '{}', now() + interval '1 hour', now() from generate_series(1, 405)
       returning id`,
      [userId],
    );
    const found = new Set<string>();
    let after: string | null = null;
    for (;;) {
      const page = await db.untoldUploads.listUnsettled(after);
      const last = page.at(-1);
      if (!last) break;
      for (const row of page) found.add(row.uploadId);
      after = last.uploadId;
    }
    assert.ok(made.every(({ id }) => found.has(id)));
  });
});
