import assert from 'node:assert/strict';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type ActivityDeps, groupActivities } from '../../activities/index.ts';
import { newId } from '../../src/db/ids.ts';
import { createLog } from '../../src/log.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { fixture } from '../support/mediaFixtures.ts';

const DAY_MS = 24 * 3600 * 1000;

describe('sweepStorage', () => {
  let engine: TestEngine;

  beforeEach(async () => {
    engine = await startTestEngine();
  });
  afterEach(() => engine?.close());

  const age = async (key: string, days: number): Promise<void> => {
    const then = new Date(Date.now() - days * DAY_MS);
    await utimes(join(engine.config.STORAGE_DIR, key), then, then);
  };
  const store = async (key: string, days: number): Promise<string> => {
    const path = join(engine.config.STORAGE_DIR, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'bytes');
    await age(key, days);
    return key;
  };
  const sweep = (): Promise<void> => {
    const { db, flows, storage, config } = engine;
    const log = createLog({ level: 'silent', program: 'test' });
    const { sweepStorage } = groupActivities({ db, flows, storage, config, log } as ActivityDeps).storage;
    return new MockActivityEnvironment().run(sweepStorage) as Promise<void>;
  };
  const isThere = async (key: string): Promise<boolean> => (await engine.storage.stat(key)) !== null;

  it('removes old objects that no row speaks of, and nothing else', async () => {
    const used = `sources/${await engine.addVideo(await fixture('h264'), { start: false })}`;
    await age(used, 30);
    const orphans = [
      await store(`sources/${newId()}`, 3),
      await store(`assets/${newId()}/1-1-thumbnail.jpg`, 3),
    ];
    const young = await store(`sources/${newId()}`, 1);
    await sweep();
    for (const key of orphans) assert.equal(await isThere(key), false, key);
    for (const key of [used, young]) assert.equal(await isThere(key), true, key);
  });

  it('removes nothing when there are more than deaths explain: the database may have been restored', async () => {
    const orphans = await Promise.all(Array.from({ length: 101 }, () => store(`sources/${newId()}`, 3)));
    await sweep();
    assert.ok(await isThere(orphans[0] ?? ''));
  });
});
