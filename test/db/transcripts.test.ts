import assert from 'node:assert/strict';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import { rangeKey } from '../../src/db/speechAnswers.ts';
import { type TestDatabase, testDatabase } from '../support/stack.ts';
import { openStoredWorld, type StoredWorld } from '../support/storedWorld.ts';

const segments = (text: string) => [{ startSec: 0, endSec: 1.5, text }];
const machine = { kind: 'machine', language: 'en', model: 'whisper-1' } as const;

describe('the rows of transcripts', () => {
  let database: TestDatabase;
  let world: StoredWorld;
  let db: Db;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
    world = await openStoredWorld({ databaseUrl: database.url, storageDir: '/nowhere' });
  });
  after(async () => {
    await Promise.all([db?.close(), world?.close()]);
    await database?.drop();
  });

  const userOf = async (username: string): Promise<string> => {
    const id = newId();
    await world.sql(
      `insert into users (id, username, password_hash, scopes, notices, created_at) values (?, ?, 'none', '{}', '{}', now())`,
      [id, username],
    );
    return id;
  };
  const addVideo = async (userId: string, sourceSha256: string | null = null): Promise<string> => {
    const id = newId();
    const words = { userLabel: null, externalId: null, title: 't', description: null, tags: [] };
    const source = { contentType: null, sourceKey: `sources/${id}`, sourceSha256, sizeBytes: 1 };
    await db.videos.insert({ id, userId, ...words, filename: null, ...source, optionalSteps: [] });
    return id;
  };

  it('counts versions, also of two that are added at once, and keeps each of them', async () => {
    const videoId = await addVideo(await userOf('versions'));
    const texts = ['one', 'two', 'three', 'four', 'five'];
    const added = await Promise.all(
      texts.map((text) => db.transcripts.add({ videoId, ...machine, segments: segments(text) })),
    );
    assert.deepEqual(added.map((each) => each?.version).sort(), [1, 2, 3, 4, 5]);
    for (const each of added) {
      const found = await db.transcripts.findVersion(videoId, each?.version ?? 0);
      assert.deepEqual(found?.segments, each?.segments);
    }
    assert.equal(await db.transcripts.findVersion(videoId, 6), null);
  });

  it('let go of the extracted sound when its step has ended, and not before', async () => {
    const videoId = await addVideo(await userOf('sound'));
    const keysOf = async () => (await db.transcriptSteps.findSpeech(videoId))?.index.key ?? null;
    const step = { videoId, name: 'transcript' } as const;
    const extract = async (run: number) => {
      const begun = await db.steps.beginStep({ ...step, run });
      assert.ok(begun.outcome === 'go', begun.outcome);
      const about = { contentType: 'application/json', sizeBytes: 1, width: null, height: null };
      const assets = [{ kind: 'speech_index' as const, key: `assets/${videoId}/${run}`, ...about }];
      await db.stepHandBack.handBack({ ...step, attempt: begun.attempt }, { assets });
      await db.steps.beginStep({ ...step, run });
    };
    const error = { code: 'x', message: 'x', retryable: true };
    const ENDS: ((run: number) => Promise<void>)[] = [
      (run) => db.steps.failStep({ ...step, run }, error),
      (run) => db.steps.settleRun(videoId, run, { state: 'cancelled' }),
      (run) => db.steps.skipStep({ ...step, run }, error),
    ];
    await world.sql(`insert into steps (id, video_id, name, state, run, attempt, percent, updated_at)
      values (gen_random_uuid(), '${videoId}', 'transcript', 'queued', 1, 0, 0, now())`);
    for (const end of ENDS) {
      await world.sql(
        `update steps set state = 'queued', run = 2 where video_id = ? and name = 'transcript'`,
        [videoId],
      );
      await extract(2);
      await db.steps.settleRun(videoId, 1, { state: 'cancelled' });
      await db.steps.failStep({ ...step, name: 'thumbnail', run: 2 }, error);
      assert.notEqual(await keysOf(), null);
      await end(2);
      assert.equal(await keysOf(), null);
    }
  });

  it('uses the newest that a person has edited before any of a machine', async () => {
    const videoId = await addVideo(await userOf('current'));
    assert.equal(await db.transcripts.findCurrent(videoId), null);
    const add = (kind: 'machine' | 'edited', text: string) =>
      db.transcripts.add({ videoId, ...machine, kind, segments: segments(text) });
    await add('machine', 'first');
    await add('machine', 'second');
    assert.equal((await db.transcripts.findCurrent(videoId))?.version, 2);
    await add('edited', 'third');
    await add('edited', 'fourth');
    await add('machine', 'fifth');
    assert.equal((await db.transcripts.findCurrent(videoId))?.version, 4);
    assert.equal((await db.transcripts.findVersion(videoId, 'machine'))?.version, 5);
    assert.equal((await db.transcripts.findVersion(videoId, 'edited'))?.version, 4);
  });

  it('keeps those of machines and the newest that were edited, and gives no number again', async () => {
    const videoId = await addVideo(await userOf('many'));
    const add = (kind: 'machine' | 'edited', text: string) =>
      db.transcripts.add({ videoId, ...machine, kind, segments: segments(text) });
    await add('machine', 'first');
    for (let at = 2; at <= 102; at++) await add('edited', `edit ${at}`);
    const isThere = async (version: number) => (await db.transcripts.findVersion(videoId, version)) !== null;
    assert.deepEqual([await isThere(1), await isThere(2), await isThere(3)], [true, false, true]);
    assert.equal((await add('machine', 'again'))?.version, 103);
    assert.equal(await isThere(3), true, 'what a machine adds takes no place');
    const added = await Promise.all([add('edited', 'one'), add('edited', 'two'), add('edited', 'three')]);
    assert.deepEqual(added.map((each) => each?.version).sort(), [104, 105, 106]);
    assert.equal((await db.transcripts.findCurrent(videoId))?.version, 106);
    const rows = await world.sql(
      'select kind, min(version)::int as first, count(*)::int as count from transcripts where video_id = ? group by kind order by kind',
      [videoId],
    );
    assert.deepEqual(rows, [
      { kind: 'edited', first: 6, count: 100 },
      { kind: 'machine', first: 1, count: 2 },
    ]);
  });

  it('says what language a video is in that did not say so itself', async () => {
    const userId = await userOf('language');
    const videoId = await addVideo(userId);
    await db.transcripts.add({ videoId, ...machine, language: 'sv', segments: [] });
    await db.transcripts.add({ videoId, ...machine, language: 'de', segments: [] });
    assert.equal((await db.videos.find(userId, videoId))?.language, 'sv');
  });

  it('keeps no text that the database would refuse', async () => {
    const videoId = await addVideo(await userOf('odd'));
    const added = await db.transcripts.add({ videoId, ...machine, segments: segments('a\0b\ud800c😀') });
    const found = await db.transcripts.findVersion(videoId, added?.version ?? 0);
    assert.equal(found?.segments[0]?.text, 'ab\ufffdc😀');
  });

  it('adds nothing to a video that is deleted', async () => {
    const userId = await userOf('deleted');
    const videoId = await addVideo(userId);
    await db.videos.requestDelete(userId, videoId);
    assert.equal(await db.transcripts.add({ videoId, ...machine, segments: [] }), null);
  });

  describe('answers of transcribers', () => {
    const range = { startSec: 0.1, endSec: 30.25 };
    const question = (userId: string, sourceSha256: string) => ({
      ...{ userId, sourceSha256, encoder: 'flac', model: 'whisper-1', optionsSha256: 'none' },
    });
    const answer = { language: 'en', segments: segments('hello') };

    it('are kept once, for their user alone', async () => {
      const [one, other] = [await userOf('one'), await userOf('other')];
      await db.speechAnswers.add(question(one, 'same'), range, answer);
      await db.speechAnswers.add(question(one, 'same'), range, { language: 'de', segments: [] });
      const kept = await db.speechAnswers.findAll(question(one, 'same'));
      assert.deepEqual([...kept], [[rangeKey(range), answer]]);
      assert.equal((await db.speechAnswers.findAll(question(other, 'same'))).size, 0);
      const asked = { ...question(one, 'same'), model: 'another' };
      assert.equal((await db.speechAnswers.findAll(asked)).size, 0);
    });

    it('go also when both videos that have the bytes go at once', async () => {
      const userId = await userOf('both');
      for (let round = 0; round < 5; round++) {
        const videos = [await addVideo(userId, 'twice'), await addVideo(userId, 'twice')];
        await db.speechAnswers.add(question(userId, 'twice'), range, answer);
        for (const videoId of videos) await db.videos.requestDelete(userId, videoId);
        await Promise.all(videos.map((videoId) => db.reconciliation.erase(videoId)));
        assert.equal((await db.speechAnswers.findAll(question(userId, 'twice'))).size, 0);
      }
    });

    it('go with the last video of their user that has the bytes', async () => {
      const [one, other] = [await userOf('last'), await userOf('stranger')];
      const videos = [await addVideo(one, 'bytes'), await addVideo(one, 'bytes')];
      await addVideo(other, 'bytes');
      for (const userId of [one, other]) await db.speechAnswers.add(question(userId, 'bytes'), range, answer);
      await db.speechAnswers.add(question(one, 'more'), range, answer);
      for (const [at, videoId] of videos.entries()) {
        await db.videos.requestDelete(one, videoId);
        await db.reconciliation.erase(videoId);
        assert.equal((await db.speechAnswers.findAll(question(one, 'bytes'))).size, at === 0 ? 1 : 0);
      }
      assert.equal((await db.speechAnswers.findAll(question(other, 'bytes'))).size, 1);
      assert.equal((await db.speechAnswers.findAll(question(one, 'more'))).size, 1);
    });
  });
});
