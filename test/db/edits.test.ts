import assert from 'node:assert/strict';
import type { RequiredEntityData } from '@mikro-orm/core';
import type { Rendering } from '../../src/db/editRecords.ts';
import type { NewEdit } from '../../src/db/edits.ts';
import { User } from '../../src/db/entities/user.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { openOrm } from '../../src/db/orm.ts';
import { newEdit } from '../support/edits.ts';
import { FACTS } from '../support/processedVideo.ts';
import { type TestDatabase, testDatabase } from '../support/stack.ts';

const TROUBLE = { code: 'media_tool_failed', message: 'It failed', retryable: true };
const LIMITS = { maxDurationSec: 3600 };
const ROOM = { maxOpenUploads: 10, quotaBytes: 1000 };

describe('the records of edits', () => {
  let database: TestDatabase;
  let db: Db;
  let userId: string;
  let parent: string;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
    const orm = await openOrm({ databaseUrl: database.url, poolMax: 1 });
    const em = orm.em.fork();
    const row = { username: 'u', passwordHash: 'x', scopes: [] } as unknown as RequiredEntityData<User>;
    const user = em.create(User, row);
    await em.flush();
    userId = user.id;
    await orm.close();
    parent = await addVideo();
    await finish(parent);
  });
  after(async () => {
    await db?.close();
    await database?.drop();
  });

  async function addVideo(): Promise<string> {
    const id = newId();
    await db.videos.insert({
      ...{ id, userId, userLabel: null, externalId: null, title: 't', description: null, tags: [] },
      ...{ filename: null, contentType: null, sourceKey: `sources/${id}`, sourceSha256: null },
      ...{ sizeBytes: 1, optionalSteps: [] },
    });
    return id;
  }
  async function work(videoId: string, name: 'source' | 'probe', run: number, results = {}): Promise<void> {
    const begun = await db.steps.beginStep({ videoId, name, run });
    assert.ok(begun.outcome === 'go', begun.outcome);
    await db.steps.completeStep({ videoId, name, attempt: begun.attempt }, results);
  }
  async function finish(videoId: string, run = 1): Promise<void> {
    await work(videoId, 'source', run);
    await work(videoId, 'probe', run, { facts: FACTS });
  }

  const add = async (edit: Partial<NewEdit> = {}): Promise<string> => {
    const { id } = await db.transaction(({ edits }) =>
      edits.insert(newEdit({ parents: [parent], ...edit }, userId)),
    );
    return id;
  };
  const find = async (id: string) => {
    const edit = await db.edits.find(userId, id);
    assert.ok(edit);
    return edit;
  };
  const begin = async (editId: string, run = 1) => {
    await db.editRecords.beginRun({ editId, run });
    const begun = await db.editRecords.beginAttempt({ editId, run }, LIMITS);
    assert.ok(begun.outcome === 'go', begun.outcome);
    return { editId, attempt: begun.attempt };
  };
  const makeRendering = (sizeBytes = 10): Rendering => {
    const videoId = newId();
    return {
      ...{ videoId, sourceKey: `sources/${videoId}`, sizeBytes, filename: 'a-trim.mp4', userLabel: null },
      ...{ method: 'smart', usedStartSec: 0.5, usedEndSec: 1.5, startsSec: null },
    };
  };
  /** @returns the ids of an edit and its result */
  const render = async (): Promise<{ id: string; videoId: string }> => {
    const id = await add();
    const rendering = makeRendering();
    assert.ok(await db.editRecords.completeRender(await begin(id), rendering, ROOM));
    return { id, videoId: rendering.videoId };
  };
  const statusOf = async (id: string) => (await find(id)).status;

  it('take nothing from an attempt that another one followed, and make one video only', async () => {
    const id = await add();
    const frozen = await begin(id);
    const second = await begin(id);
    await db.editRecords.showProgress(frozen, 77);
    assert.equal((await find(id)).percent, 0);
    assert.equal(await db.editRecords.completeRender(frozen, makeRendering(), ROOM), null);
    const rendering = makeRendering();
    assert.deepEqual(await db.editRecords.completeRender(second, rendering, ROOM), { replacedKeys: [] });
    assert.equal(await db.editRecords.completeRender(second, makeRendering(), ROOM), null);
    assert.equal((await db.editRecords.beginAttempt({ editId: id, run: 1 }, LIMITS)).outcome, 'done');
    const edit = await find(id);
    assert.equal(edit.video?.id, rendering.videoId);
    const video = await db.videos.find(userId, rendering.videoId);
    assert.deepEqual([video?.status, video?.parents, video?.title], ['pending', [parent], 'An edit']);
    assert.deepEqual(
      video?.steps
        .getItems()
        .map(({ name }) => name)
        .sort(),
      ['playback', 'probe', 'source', 'storyboard', 'thumbnail'],
      'its parent was to have no transcript',
    );
  });

  it('take nothing from a run that another one followed', async () => {
    const id = await add();
    const late = await begin(id);
    await db.editRecords.fail({ editId: id, run: 1 }, TROUBLE);
    assert.equal(await db.editRecords.completeRender(late, makeRendering(), ROOM), null);
    assert.equal((await db.edits.requestRetry(userId, id)).outcome, 'accepted');
    const old = { editId: id, run: 1 };
    await db.editRecords.waitForRetry(old, TROUBLE, new Date());
    await db.editRecords.fail(old, TROUBLE);
    await db.editRecords.settle(old, { status: 'cancelled' });
    assert.equal((await db.editRecords.beginRun(old)).outcome, 'over');
    assert.equal((await db.editRecords.beginAttempt(old, LIMITS)).outcome, 'superseded');
    const edit = await find(id);
    assert.deepEqual([edit.status, edit.run, edit.errorCode], ['queued', 2, null]);
    await begin(id, 2);
    assert.equal(await statusOf(id), 'running');
  });

  it('bring nothing back that was cancelled, but for a run that begins anew', async () => {
    const id = await add();
    const atWork = await begin(id);
    assert.equal((await db.edits.requestCancel(userId, id)).outcome, 'accepted');
    assert.equal(await db.editRecords.completeRender(atWork, makeRendering(), ROOM), null);
    assert.equal((await db.editRecords.beginAttempt({ editId: id, run: 1 }, LIMITS)).outcome, 'cancelled');
    await db.editRecords.settle({ editId: id, run: 1 }, { status: 'cancelled' });
    assert.equal(await statusOf(id), 'cancelled');
    // What an operator's Reset does.
    assert.equal((await db.editRecords.beginRun({ editId: id, run: 1 })).outcome, 'go');
    assert.equal(await statusOf(id), 'queued');
  });

  it('wait for their encoder as queued, with no smaller percentage than before', async () => {
    const id = await add();
    const copying = await begin(id);
    await db.editRecords.showProgress(copying, 7);
    assert.deepEqual(await db.editRecords.handBack(copying), { replacedKeys: [] });
    const shown = async () => {
      const { status, percent } = await find(id);
      return [status, percent];
    };
    assert.deepEqual(await shown(), ['queued', 10]);
    assert.equal(await db.editRecords.handBack(copying), null, 'it was handed back already');
    const encoding = await begin(id);
    assert.equal(await db.editRecords.handBack(copying), null, 'another one is at work');
    assert.deepEqual(await shown(), ['running', 10]);
    await db.editRecords.showProgress(encoding, 60);
    await db.editRecords.waitForRetry({ editId: id, run: 1 }, TROUBLE, new Date());
    await db.editRecords.showProgress(await begin(id), 12);
    assert.deepEqual(await shown(), ['running', 60]);
    await db.editRecords.fail({ editId: id, run: 1 }, TROUBLE);
    await db.edits.requestRetry(userId, id);
    assert.deepEqual(await shown(), ['queued', 0]);
  });

  it('make no video that its owner has no room for', async () => {
    const id = await add();
    const attempt = await begin(id);
    await assert.rejects(db.editRecords.completeRender(attempt, makeRendering(1001), ROOM), {
      code: 'quota_exceeded',
    });
    assert.equal((await find(id)).video ?? null, null);
  });

  it('let either a cancel or a result come first', async () => {
    for (let round = 0; round < 20; round += 1) {
      const id = await add();
      const attempt = await begin(id);
      const [made, intent] = await Promise.all([
        db.editRecords.completeRender(attempt, makeRendering(0), ROOM),
        db.edits.requestCancel(userId, id),
      ]);
      assert.ok(intent.outcome === 'accepted');
      assert.equal(made === null, intent.result === null, 'the cancel went to what is not there');
      await db.editRecords.settle({ editId: id, run: 1 }, { status: 'cancelled' });
      const edit = await find(id);
      assert.deepEqual([edit.status, edit.video ?? null], ['cancelled', null]);
      if (intent.result) assert.equal(await db.videos.find(userId, intent.result.videoId), null);
    }
  });

  describe('follow their result', () => {
    it('to success', async () => {
      const { id, videoId } = await render();
      await work(videoId, 'source', 1);
      assert.equal(await statusOf(id), 'running');
      await work(videoId, 'probe', 1, { facts: FACTS });
      const edit = await find(id);
      assert.deepEqual([edit.status, edit.percent], ['succeeded', 100]);
      assert.ok(edit.endedAt);
    });

    it('to failure with its error, back by a retry, and when the engine loses its run', async () => {
      const { id, videoId } = await render();
      await db.steps.beginRun(videoId, 1);
      await db.steps.failStep({ videoId, name: 'probe', run: 1 }, TROUBLE);
      const failed = await find(id);
      assert.deepEqual(
        [failed.status, failed.errorCode, failed.errorRetryable],
        ['failed', TROUBLE.code, true],
      );
      const retry = await db.edits.requestRetry(userId, id);
      assert.ok(retry.outcome === 'accepted');
      assert.deepEqual([retry.runs, retry.result], [[], { videoId, runs: [2] }]);
      const again = await find(id);
      assert.deepEqual([again.status, again.errorCode, again.endedAt], ['running', null, null]);
      assert.equal(await db.reconciliation.passOnRun(videoId, 2), 3);
      await finish(videoId, 3);
      assert.equal(await statusOf(id), 'succeeded');
    });

    it('to a cancel, and back when the video itself is retried', async () => {
      const { id, videoId } = await render();
      await db.videos.requestCancel(userId, videoId);
      await db.steps.settleRun(videoId, 1, { state: 'cancelled' });
      assert.equal(await statusOf(id), 'cancelled');
      await db.videos.requestRetry(userId, videoId);
      assert.equal(await statusOf(id), 'running');
    });

    it('to its deletion, and are made again by a retry; what had succeeded stays so', async () => {
      const { id, videoId } = await render();
      await db.videos.requestDelete(userId, videoId);
      const edit = await find(id);
      assert.deepEqual([edit.status, edit.video ?? null], ['cancelled', null]);
      const retry = await db.edits.requestRetry(userId, id);
      assert.ok(retry.outcome === 'accepted');
      assert.deepEqual([retry.runs, retry.result], [[2], null]);
      await db.editRecords.completeRender(await begin(id, 2), makeRendering(), ROOM);
      const second = (await find(id)).video?.id ?? '';
      await finish(second);
      await db.videos.requestDelete(userId, second);
      const done = await find(id);
      assert.deepEqual([done.status, done.video ?? null], ['succeeded', null]);
    });
  });

  describe('look at the parents', () => {
    const look = async (edit: Partial<NewEdit>) =>
      db.editRecords.lookAtParents({ editId: await add(edit), run: 1 }, LIMITS);

    it('and wait for those that come, unless one of them never will', async () => {
      const [coming, failed, cancelled] = await Promise.all([addVideo(), addVideo(), addVideo()]);
      assert.deepEqual(await look({ parents: [parent, coming] }), { outcome: 'waiting', videoId: coming });
      await db.steps.failStep({ videoId: failed, name: 'probe', run: 1 }, { ...TROUBLE, retryable: false });
      const both = await look({ parents: [coming, failed] });
      assert.ok(both.outcome === 'unusable');
      assert.deepEqual([both.error.code, both.error.retryable], ['video_not_usable', false]);
      await db.videos.requestCancel(userId, cancelled);
      const stopped = await look({ parents: [cancelled] });
      assert.ok(stopped.outcome === 'unusable' && stopped.error.retryable);
      await finish(coming);
      assert.deepEqual(await look({ kind: 'merge', parents: [parent, coming] }), { outcome: 'ready' });
    });

    it('and refuse what is too long or beyond the end', async () => {
      const many = await look({ kind: 'merge', parents: Array(50).fill(parent) });
      assert.ok(many.outcome === 'unusable' && many.error.code === 'too_long');
      assert.equal((await look({ endSec: FACTS.durationSec })).outcome, 'ready');
      const beyond = await look({ endSec: FACTS.durationSec + 0.01 });
      assert.ok(beyond.outcome === 'unusable' && beyond.error.code === 'invalid_range');
    });

    it('and begin nothing while one of them is processed anew', async () => {
      const coming = await addVideo();
      const id = await add({ kind: 'merge', parents: [parent, coming, parent] });
      await db.editRecords.beginRun({ editId: id, run: 1 });
      const beginAttempt = () => db.editRecords.beginAttempt({ editId: id, run: 1 }, LIMITS);
      await assert.rejects(beginAttempt(), { code: 'still_processed', retryClass: 'outside' });
      assert.equal((await find(id)).attempt, 0);
      await finish(coming);
      const begun = await beginAttempt();
      assert.ok(begun.outcome === 'go');
      assert.deepEqual(
        begun.parents.map((video) => video.id),
        [parent, coming, parent],
      );
    });

    it('and begin nothing when one was deleted at the last moment', async () => {
      const doomed = await addVideo();
      await finish(doomed);
      const id = await add({ parents: [doomed] });
      await db.editRecords.beginRun({ editId: id, run: 1 });
      await db.videos.requestDelete(userId, doomed);
      await assert.rejects(db.editRecords.beginAttempt({ editId: id, run: 1 }, LIMITS), {
        code: 'video_not_usable',
      });
    });
  });

  it('tell the reconciler what is not begun, not cancelled and not ended, and nothing of what is rendered', async () => {
    const [unstarted, stopping, lost] = [await add(), await add(), await add()];
    const { id: rendered } = await render();
    await begin(stopping);
    await db.edits.requestCancel(userId, stopping);
    await begin(lost);
    const idsOf = (rows: { editId: string }[]) =>
      rows.map(({ editId }) => editId).filter((id) => [unstarted, stopping, lost, rendered].includes(id));
    const { editReconciliation: rows } = db;
    assert.deepEqual(idsOf(await rows.listUnstarted(null)), [unstarted]);
    assert.deepEqual(idsOf(await rows.listToCancel(null)), [stopping]);
    assert.deepEqual(idsOf(await rows.listUnfinished(null)), [stopping, lost]);
    assert.deepEqual(idsOf(await rows.listUnfinished(stopping)), [lost]);
    assert.equal(await rows.passOn({ editId: lost, run: 1 }), 2);
    assert.equal(await rows.passOn({ editId: lost, run: 1 }), null);
    assert.equal(await rows.passOn({ editId: rendered, run: 1 }), null);
    assert.equal(await rows.passOn({ editId: stopping, run: 1 }), 2);
    assert.equal((await db.editRecords.beginRun({ editId: stopping, run: 2 })).outcome, 'cancelled');
  });
});
