import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDeps } from '../../activities/index.ts';
import { createOrphanActivities } from '../../activities/orphans.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { StorageUnavailableError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { OrphanCounts, StoppedRemoval } from '../../workflows/contract.ts';
import { type TestDatabase, testDatabase } from '../support/stack.ts';
import { DAY_MS, openStoredWorld, type StoredWorld } from '../support/storedWorld.ts';
import { listStored } from '../support/uploading.ts';

const MINUTE_MS = 60_000;
const log = createLog({ level: 'silent', program: 'test' });

interface PassOptions {
  /** Minutes from now; no pass waits for the clock. */
  inMinutes?: number;
  force?: boolean;
  dryRun?: boolean;
  /** Between finding and removing. */
  meanwhile?: () => Promise<unknown>;
}

describe('orphans', () => {
  let database: TestDatabase;
  let dir: string;
  let db: Db;
  let storage: Storage;
  let world: StoredWorld;

  beforeEach(async () => {
    database = await testDatabase();
    dir = await mkdtemp(join(tmpdir(), 'vf-orphans-'));
    db = await createDb({ databaseUrl: database.url, poolMax: 3 });
    storage = createLocalStorage({ dir, log, minFreeBytes: 1 });
    world = await openStoredWorld({ databaseUrl: database.url, storageDir: dir });
  });
  afterEach(async () => {
    await Promise.all([world?.close(), db?.close()]);
    await database?.drop();
    await rm(dir, { recursive: true, force: true });
  });

  const activities = (parts: Partial<ActivityDeps> = {}) =>
    createOrphanActivities({ db, storage, log, ...parts } as ActivityDeps);
  const run = <Answer>(work: (input: never) => Promise<Answer>, input: object, info = {}): Promise<Answer> =>
    new MockActivityEnvironment(info).run(
      work as (input: object) => Promise<Answer>,
      input,
    ) as Promise<Answer>;

  /** One pass, as the workflow makes it. */
  async function pass({ inMinutes = 0, force = false, dryRun = false, meanwhile }: PassOptions = {}) {
    const seenAt = new Date(Date.now() + inMinutes * MINUTE_MS).toISOString();
    const { findOrphans, judgeOrphans, removeOrphans } = activities();
    const counts: OrphanCounts = await run(findOrphans, { seenAt, dryRun });
    const isAsked = counts.due > 0 && !force;
    const stopped: StoppedRemoval | null = isAsked ? await run(judgeOrphans, { due: counts.due }) : null;
    await meanwhile?.();
    if (dryRun || stopped) return { ...counts, removed: 0, failed: 0, stopped };
    return { ...counts, ...(await run(removeOrphans, { seenAt })), stopped };
  }
  const remembered = async (): Promise<string[]> =>
    (await world.sql('select key from orphans order by key')).map((row) => row.key);

  it('are removed by the second pass that finds them, ten minutes or more after the first', async () => {
    const used = await world.makeFinished(10);
    const orphans = await world.makeOrphans(2);
    const young = await world.makeOrphans(1, { ageMs: 1.9 * DAY_MS });
    const found = { listed: 42, seen: 2, failed: 0, stopped: null };
    const first = await pass();
    assert.deepEqual(first, { ...found, due: 0, removed: 0, sampleIds: [] });
    const soon = await pass({ inMinutes: 9 });
    assert.deepEqual(soon, { ...found, due: 0, removed: 0, sampleIds: [] });
    const { sampleIds, ...second } = await pass({ inMinutes: 11, force: true });
    assert.deepEqual(second, { ...found, due: 2, removed: 2 });
    assert.deepEqual(
      sampleIds.every((id) => orphans.some((key) => key.includes(id))),
      true,
    );
    assert.deepEqual(await listStored(storage), [...used, ...young].sort());
    assert.deepEqual(await remembered(), []);
  });

  it('stay when there are more than a hundred, until force takes them all', async () => {
    const used = await world.makeFinished(20);
    const orphans = await world.makeOrphans(100, { seenAgoMs: DAY_MS });
    const [late = ''] = await world.makeOrphans(1, { seenAgoMs: DAY_MS });
    const stopped = await pass();
    assert.deepEqual(stopped.stopped, { reason: 'too_many', count: 101 });
    assert.deepEqual(await listStored(storage), [...used, ...orphans, late].sort());
    assert.equal((await pass({ force: true })).removed, 101);
    assert.deepEqual(await listStored(storage), used.sort());
  });

  it('go when there are a hundred', async () => {
    await world.makeFinished(500);
    await world.makeOrphans(100, { seenAgoMs: DAY_MS });
    assert.equal((await pass()).removed, 100);
  });

  it('stay when they are more than 5 % of everything, and are taken by force over several pages', async () => {
    const used = await world.makeFinished(19);
    await world.makeOrphans(4, { seenAgoMs: DAY_MS });
    assert.equal((await pass()).removed, 4, '4 of 80 objects are 5 %');
    await world.makeOrphans(5, { seenAgoMs: DAY_MS });
    assert.deepEqual((await pass()).stopped, { reason: 'too_large_a_share', count: 5 });
    await world.makeOrphans(400, { seenAgoMs: DAY_MS });
    assert.equal((await pass({ force: true })).removed, 405);
    assert.deepEqual(await listStored(storage), used.sort());
  });

  it('cost nothing when the database was restored, though the files grow old little by little', async () => {
    await world.makeFinished(100);
    const lost = await world.makeFinished(30, 1 * DAY_MS);
    await world.sql(`delete from videos where id::text = any(string_to_array(?, ','))`, [
      lost
        .filter((key) => key.startsWith('sources/'))
        .map((key) => key.slice('sources/'.length))
        .join(','),
    ]);
    const before = await listStored(storage);
    for (const [index, key] of lost.slice(0, 3).entries()) {
      await world.store(key, 3 * DAY_MS);
      await pass({ inMinutes: index * 60 });
      const { due, stopped } = await pass({ inMinutes: index * 60 + 30 });
      assert.equal(due, index + 1);
      assert.deepEqual(stopped, { reason: 'too_many', count: 120 });
    }
    assert.deepEqual(await listStored(storage), before);
  });

  it('are forgotten when a row speaks of them again, or they are gone', async () => {
    const [back = '', gone = '', still = ''] = await world.makeOrphans(3);
    await pass();
    assert.equal((await remembered()).length, 3);
    await storage.remove(gone);
    const [used = ''] = await world.makeFinished(1);
    await world.sql('update videos set source_key = ? where source_key = ?', [back, used]);
    await storage.remove(used);
    await pass({ inMinutes: 5 });
    assert.deepEqual(await remembered(), [still]);
  });

  it('are looked up once more just before they are removed', async () => {
    const used = await world.makeFinished(30);
    const [taken = '', other = ''] = await world.makeOrphans(2, { seenAgoMs: DAY_MS });
    const meanwhile = () =>
      world.sql('update videos set source_key = ? where source_key = ?', [taken, used[0]]);
    const { due, removed } = await pass({ meanwhile });
    assert.deepEqual({ due, removed }, { due: 2, removed: 1 });
    assert.ok(await storage.stat(taken));
    assert.equal(await storage.stat(other), null);
  });

  it('are no bytes of an unfinished upload, however old, but those of one that has ended', async () => {
    await world.makeFinished(50);
    const waiting = await world.makeUploads(1, { state: 'open', expiresInMs: DAY_MS, ageMs: 9 * DAY_MS });
    const complete = await world.makeUploads(1, {
      state: 'complete',
      expiresInMs: -DAY_MS,
      ageMs: 9 * DAY_MS,
    });
    const joined = await world.store(`sources/${complete[0]?.uploadId}`, 9 * DAY_MS);
    const ended = await Promise.all(
      (['accepted', 'refused', 'expired', 'terminated'] as const).map((state) =>
        world.makeUploads(1, { state, expiresInMs: -DAY_MS, endedAgoMs: 1, ageMs: 9 * DAY_MS }),
      ),
    );
    assert.equal((await pass()).seen, 4);
    assert.equal((await pass({ inMinutes: 11 })).removed, 4);
    const left = await listStored(storage);
    for (const key of [waiting[0]?.key, complete[0]?.key, joined]) assert.ok(left.includes(key ?? ''), key);
    for (const [upload] of ended) assert.ok(!left.includes(upload?.key ?? ''));
  });

  it('are what a write left that died, but not what others keep in the folder', async () => {
    await world.makeFinished(30);
    const unfinished = await world.store(`sources/.${newId()}.${newId()}.part`, 3 * DAY_MS);
    const foreign = [
      await world.store('sources/.DS_Store', 3 * DAY_MS),
      await world.store('lost+found/x', 3 * DAY_MS),
      await world.store('uploads.txt', 3 * DAY_MS),
    ];
    await pass();
    assert.deepEqual(await remembered(), [unfinished]);
    assert.equal((await pass({ inMinutes: 11 })).removed, 1);
    const left = await listStored(storage);
    assert.ok(!left.includes(unfinished));
    for (const key of foreign) assert.ok(left.includes(key), key);
  });

  it('are only counted by a dry run, which changes nothing at all', async () => {
    await world.makeFinished(100);
    await world.makeOrphans(3, { seenAgoMs: DAY_MS });
    await world.makeOrphans(2);
    const before = [await listStored(storage), await world.sql('select * from orphans order by key')];
    const { seen, due, stopped } = await pass({ dryRun: true });
    assert.deepEqual({ seen, due, stopped }, { seen: 5, due: 3, stopped: null });
    assert.deepEqual(
      [await listStored(storage), await world.sql('select * from orphans order by key')],
      before,
    );
  });

  it('do not keep each other: what cannot be removed is counted, and stays remembered', async () => {
    await world.makeFinished(30);
    const orphans = await world.makeOrphans(3, { seenAgoMs: DAY_MS });
    const [stubborn = ''] = orphans.toSorted();
    const remove = (key: string) =>
      key === stubborn ? Promise.reject(new StorageUnavailableError('x')) : storage.remove(key);
    const { findOrphans, removeOrphans } = activities({ storage: { ...storage, remove } });
    const seenAt = new Date().toISOString();
    await run(findOrphans, { seenAt, dryRun: false });
    const repeated = { heartbeatDetails: { removed: 40, failed: 0 } };
    assert.deepEqual(await run(removeOrphans, { seenAt }, repeated), { removed: 42, failed: 1 });
    assert.deepEqual(await remembered(), [stubborn]);
  });

  it('show in the health of the system when they stay', async () => {
    const stuck = async () => (await db.health.countStuck()).orphans;
    await world.makeOrphans(101, { seenAgoMs: 3 * 60 * MINUTE_MS });
    assert.equal(await stuck(), 0, 'a next pass may still remove them');
    await pass();
    assert.equal(await stuck(), 101);
    await pass({ force: true });
    assert.equal(await stuck(), 0);
  });

  it('are sought without holding all keys at once', async () => {
    const count = Number(process.env.CAMPAIGN ? 1_000_000 : 20_000);
    let [given, ahead, largest] = [0, 0, 0];
    async function* listOlderThan(prefix: string) {
      for (let index = 0; prefix === 'sources/' && index < count; index += 1) {
        given += 1;
        ahead = Math.max(ahead, given);
        yield `sources/${newId()}`;
      }
    }
    const keysInUse = async (keys: string[]) => {
      largest = Math.max(largest, keys.length);
      given -= keys.length;
      return new Set(keys);
    };
    const housekeeping = { keysInUse, forgetOrphansUnseenSince: async () => {} };
    const parts = { storage: { listOlderThan }, db: { housekeeping } } as unknown as ActivityDeps;
    const counts = await run(activities(parts).findOrphans, {
      seenAt: new Date().toISOString(),
      dryRun: false,
    });
    assert.equal(counts.listed, count);
    assert.ok(largest <= 500 && ahead <= 501, `${largest} at once, ${ahead} ahead`);
  });
});
