import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { ActivityDeps } from '../../activities/index.ts';
import { createTranscriptActivities } from '../../activities/transcripts.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import type { MediaFacts } from '../../src/domain/media.ts';
import { createScratch, type Scratch } from '../../src/media/scratch.ts';
import type { Transcriber } from '../../src/transcriber/index.ts';
import { newEdit } from '../support/edits.ts';
import { keepingLog } from '../support/mediaAdapter.ts';
import { FACTS } from '../support/processedVideo.ts';
import { type TestDatabase, testDatabase } from '../support/stack.ts';

const SOUND = { index: 1, type: 'audio', codec: 'aac' } as MediaFacts['streams'][number];
const LENGTH_SEC = 10;
const ROOM = { maxOpenUploads: 10, quotaBytes: 1000 };

interface Kind {
  /** Whether it was uploaded with the step `transcript`. */
  isWanted?: boolean;
  isMute?: boolean;
  /** Its words, by a machine or a person. */
  said?: 'machine' | 'edited';
}

describe('the transcripts of results', () => {
  let database: TestDatabase;
  let db: Db;
  let userId: string;
  let dir: string;
  let scratch: Scratch;
  const { log } = keepingLog();

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
    userId = (await db.users.insert({ username: 'u', passwordHash: 'none', name: null, scopes: [] })).id;
    dir = await mkdtemp(join(tmpdir(), 'vf-inherited-'));
    scratch = createScratch({ dir, log });
  });
  after(async () => {
    await db?.close();
    await scratch?.dispose();
    await rm(dir, { recursive: true, force: true });
    await database?.drop();
  });

  const process = async (videoId: string, facts: Partial<MediaFacts>): Promise<void> => {
    for (const name of ['source', 'probe'] as const) {
      const begun = await db.steps.beginStep({ videoId, name, run: 1 });
      const attempt = begun.outcome === 'go' ? begun.attempt : 0;
      const results = name === 'probe' ? { facts: { ...FACTS, ...facts } } : {};
      await db.steps.completeStep({ videoId, name, attempt }, results);
    }
  };
  const skipTranscript = (videoId: string) =>
    db.steps.skipStep({ videoId, run: 1, name: 'transcript' }, { code: 'x', message: 'x', retryable: false });

  /** A video that is processed to its end. */
  const addVideo = async ({ isWanted = true, isMute = false, said }: Kind = {}): Promise<string> => {
    const id = newId();
    const words = { userLabel: null, externalId: null, title: 't', description: null, tags: [] };
    const source = { contentType: null, sourceKey: `sources/${id}`, sourceSha256: null, sizeBytes: 1 };
    const optionalSteps = isWanted ? (['transcript'] as const) : [];
    await db.videos.insert({
      id,
      userId,
      ...words,
      ...source,
      filename: null,
      optionalSteps: [...optionalSteps],
    });
    await process(id, { durationSec: LENGTH_SEC, streams: isMute ? [] : [SOUND] });
    await skipTranscript(id);
    if (said) {
      const segments = [{ startSec: 1, endSec: 2, text: `by ${said}` }];
      await db.transcripts.add({ videoId: id, kind: said, language: 'en', model: null, segments });
    }
    return id;
  };
  /** What is made of videos, itself processed but for its transcript: of one a trim, of several a merge. */
  const make = async (...parents: string[]): Promise<string> => {
    const kind = parents.length > 1 ? 'merge' : 'trim';
    const edit = newEdit({ kind, parents, ...(kind === 'trim' ? { startSec: 0, endSec: 5 } : {}) }, userId);
    const { id: editId } = await db.transaction(({ edits }) => edits.insert(edit));
    await db.editRecords.beginRun({ editId, run: 1 });
    const begun = await db.editRecords.beginAttempt({ editId, run: 1 }, { maxDurationSec: 3600 });
    assert.ok(begun.outcome === 'go', begun.outcome);
    const videoId = newId();
    const made = await db.editRecords.completeRender(
      { editId, attempt: begun.attempt },
      {
        ...{ videoId, sourceKey: `sources/${videoId}`, sizeBytes: 1, filename: 'a.mp4', userLabel: null },
        ...{ method: 'smart', usedStartSec: 0, usedEndSec: 5 },
        startsSec: kind === 'merge' ? parents.map((_, at) => at * LENGTH_SEC) : null,
      },
      ROOM,
    );
    assert.ok(made);
    await process(videoId, {
      durationSec: kind === 'merge' ? parents.length * LENGTH_SEC : 5,
      streams: [SOUND],
    });
    return videoId;
  };

  const activities = ({ isConfigured }: { isConfigured: boolean }) => {
    const transcriber = isConfigured ? ({ defaultModel: 'whisper-1' } as Transcriber) : null;
    return createTranscriptActivities({
      db,
      transcriber,
      scratch,
      log,
      config: {},
    } as unknown as ActivityDeps);
  };
  const choose = (videoId: string, { isConfigured = true, run = 1 } = {}) =>
    activities({ isConfigured }).chooseTranscript({ videoId, run });
  const play = (name: 'carryTranscript' | 'extractSpeech', videoId: string): Promise<string> =>
    new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') }).run(() =>
      activities({ isConfigured: true })[name]({ videoId, run: 1 }),
    );
  const stepOf = async (videoId: string) =>
    (await db.videos.find(userId, videoId))?.steps.find(({ name }) => name === 'transcript');
  const wordsOf = async (videoId: string) => {
    assert.equal(await play('carryTranscript', videoId), 'done');
    const transcript = await db.transcripts.findCurrent(videoId);
    return [transcript?.kind, transcript?.segments.map(({ startSec, text }) => `${startSec}: ${text}`)];
  };
  const assertNotSent = async (videoId: string) => {
    const step = await stepOf(videoId);
    assert.deepEqual([step?.state, step?.errorCode], ['skipped', 'not_wanted']);
  };

  describe('of which a person has edited a part', () => {
    it('hold it, whether or not there are words for the others, and nobody is paid', async () => {
      const [edited, failed] = [await addVideo({ said: 'edited' }), await addVideo()];
      for (const isConfigured of [false, true]) {
        const result = await make(failed, edited);
        assert.equal(await choose(result, { isConfigured }), 'carry');
        assert.deepEqual(await wordsOf(result), ['edited', ['11: by edited']]);
      }
    });

    it('hold it also where another part has gone meanwhile, at its own place', async () => {
      const [gone, edited] = [await addVideo({ said: 'machine' }), await addVideo({ said: 'edited' })];
      const result = await make(gone, edited);
      await db.videos.requestDelete(userId, gone);
      assert.equal(await choose(result), 'carry');
      assert.deepEqual(await wordsOf(result), ['edited', ['11: by edited']]);
    });

    it('are found anew where only a machine has written a part', async () => {
      const result = await make(await addVideo({ said: 'machine' }), await addVideo());
      assert.equal(await choose(result), 'transcribe');
    });
  });

  describe('of videos that were to have none', () => {
    it('are none, and those of the others are found', async () => {
      const unwanted = await addVideo({ isWanted: false });
      const trim = await make(unwanted);
      assert.equal(await stepOf(trim), undefined);
      assert.equal(await stepOf(await make(trim, unwanted)), undefined);
      assert.equal((await stepOf(await make(await addVideo())))?.options ?? null, null);
      assert.equal(await choose(await make(await addVideo(), await addVideo())), 'transcribe');
    });

    it('hold what there is, and nothing is sent', async () => {
      const [unwanted, machine] = [await addVideo({ isWanted: false }), await addVideo({ said: 'machine' })];
      const merge = await make(unwanted, machine);
      assert.equal(await choose(merge), 'carry');
      assert.deepEqual(await wordsOf(merge), ['machine', ['11: by machine']]);
      const without = await make(unwanted, await addVideo());
      assert.equal(await choose(without), 'none');
      await assertNotSent(without);
    });

    it('hold words that a person wrote for them; also what is made of these is not sent', async () => {
      const written = await addVideo({ isWanted: false, said: 'edited' });
      const trim = await make(written);
      const [again, later] = [await make(trim), await make(written)];
      assert.equal(await choose(trim), 'carry');
      assert.deepEqual(await wordsOf(trim), ['edited', ['1: by edited']]);
      await db.videos.requestDelete(userId, trim);
      assert.equal(await choose(again), 'none');
      await assertNotSent(again);
      assert.equal(await choose(later), 'carry');
      await db.videos.requestDelete(userId, written);
      assert.equal(await play('carryTranscript', later), 'handed_back');
      assert.equal(await play('extractSpeech', later), 'done');
      await assertNotSent(later);
    });

    it('are found where nothing is heard in those', async () => {
      const result = await make(await addVideo({ isWanted: false, isMute: true }), await addVideo());
      assert.equal(await choose(result), 'transcribe');
    });

    it('are made when somebody asks for them', async () => {
      const result = await make(await addVideo({ isWanted: false, said: 'edited' }));
      await skipTranscript(result);
      assert.equal((await db.transcriptRequests.request(userId, result, {})).outcome, 'accepted');
      assert.equal(await choose(result, { run: 2 }), 'transcribe');
    });
  });
});
