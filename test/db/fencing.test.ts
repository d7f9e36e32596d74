import assert from 'node:assert/strict';
import type { RequiredEntityData } from '@mikro-orm/core';
import { User } from '../../src/db/entities/user.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { type TestDatabase, testDatabase } from '../support/stack.ts';

const trouble = { code: 'media_tool_failed', message: 'It failed', retryable: true };
const picture = (key: string) => ({
  kind: 'thumbnail' as const,
  key,
  contentType: 'image/jpeg',
  sizeBytes: 1,
  width: 2,
  height: 2,
});

describe('the records', () => {
  let database: TestDatabase;
  let db: Db;
  let userId: string;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
    const orm = await openOrm({ databaseUrl: database.url, poolMax: 1 });
    const em = orm.em.fork();
    const user = em.create(User, {
      username: 'u',
      passwordHash: 'x',
      scopes: [],
    } as RequiredEntityData<User>);
    await em.flush();
    userId = user.id;
    await orm.close();
  });
  after(async () => {
    await db?.close();
    await database?.drop();
  });

  async function accept(): Promise<string> {
    const id = newId();
    await db.videos.insert({
      id,
      userId,
      userLabel: null,
      externalId: null,
      title: 't',
      description: null,
      tags: [],
      filename: null,
      contentType: null,
      sourceKey: `sources/${id}`,
      sourceSha256: null,
      sizeBytes: 1,
      optionalSteps: ['thumbnail'],
    });
    return id;
  }

  const begin = async (videoId: string, name: 'source' | 'probe' | 'thumbnail', run = 1) => {
    const beginning = await db.steps.beginStep({ videoId, name, run });
    assert.ok(beginning.outcome === 'go', beginning.outcome);
    return { videoId, name, attempt: beginning.attempt };
  };
  const stateOf = async (videoId: string, name: string) => {
    const video = await db.videos.find(userId, videoId);
    return video?.steps.getItems().find((step) => step.name === name)?.state;
  };

  it('take nothing from an attempt that another one followed', async () => {
    const id = await accept();
    const frozen = await begin(id, 'thumbnail');
    const second = await begin(id, 'thumbnail');
    assert.equal(await db.steps.completeStep(frozen, { assets: [picture('late')] }), null);
    assert.equal(await stateOf(id, 'thumbnail'), 'running');
    assert.deepEqual(await db.steps.completeStep(second, { assets: [picture('good')] }), {
      replacedKeys: [],
    });
    assert.equal(await db.steps.completeStep(frozen, { assets: [picture('later')] }), null);
    const video = await db.videos.find(userId, id);
    assert.deepEqual(
      video?.assets.getItems().map((asset) => asset.key),
      ['good'],
    );
  });

  it('take nothing from a run that another one followed', async () => {
    const id = await accept();
    await db.steps.beginRun(id, 1);
    await db.steps.failStep({ videoId: id, name: 'source', run: 1 }, trouble);
    const retry = await db.videos.requestRetry(userId, id);
    assert.ok(retry.outcome === 'accepted');
    assert.equal((await db.steps.beginStep({ videoId: id, name: 'source', run: 1 })).outcome, 'superseded');
    await db.steps.waitForRetry({ videoId: id, name: 'source', run: 1 }, trouble, new Date());
    await db.steps.failStep({ videoId: id, name: 'source', run: 1 }, trouble);
    await db.steps.settleRun(id, 1, { state: 'failed', error: trouble });
    assert.equal(await stateOf(id, 'source'), 'queued');
    assert.equal((await db.videos.find(userId, id))?.status, 'pending');
  });

  it('bring nothing back that was settled, but for a run that begins anew', async () => {
    const id = await accept();
    await db.steps.beginRun(id, 1);
    const atWork = await begin(id, 'source');
    await db.steps.settleRun(id, 1, { state: 'cancelled' });
    assert.equal(await db.steps.completeStep(atWork, {}), null);
    assert.equal((await db.steps.beginStep({ videoId: id, name: 'source', run: 1 })).outcome, 'superseded');
    assert.equal((await db.videos.find(userId, id))?.status, 'cancelled');
    // What an operator's Reset does.
    const again = await db.steps.beginRun(id, 1);
    assert.ok(again.outcome === 'go');
    assert.deepEqual(again.steps.sort(), ['playback', 'probe', 'source', 'thumbnail']);
    await begin(id, 'source');
    assert.equal((await db.videos.find(userId, id))?.status, 'processing');
  });

  it('never start again what was settled before it began', async () => {
    const id = await accept();
    assert.equal((await db.videos.requestCancel(userId, id)).outcome, 'accepted');
    const unstarted = async () => (await db.reconciliation.listUnstarted(null)).map((row) => row.videoId);
    assert.ok((await unstarted()).includes(id));
    await db.steps.settleRun(id, 1, { state: 'cancelled' });
    assert.ok(!(await unstarted()).includes(id));
    assert.equal((await db.videos.find(userId, id))?.status, 'cancelled');
  });

  it('find a lost run behind many that are deleted', async () => {
    for (let count = 0; count < 201; count++) {
      const id = await accept();
      await db.steps.beginRun(id, 1);
      await db.videos.requestDelete(userId, id);
    }
    const lost = await accept();
    await db.steps.beginRun(lost, 1);
    const page = await db.reconciliation.listUnfinished(null);
    assert.ok(page.some((row) => row.videoId === lost));
  });
});
