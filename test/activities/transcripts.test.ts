import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { ActivityDeps } from '../../activities/index.ts';
import { createTranscriptActivities } from '../../activities/transcripts.ts';
import { newId } from '../../src/db/ids.ts';
import { createDb, type Db } from '../../src/db/index.ts';
import type { MediaFacts } from '../../src/domain/media.ts';
import { createScratch } from '../../src/media/scratch.ts';
import type { Transcriber } from '../../src/transcriber/index.ts';
import { newEdit } from '../support/edits.ts';
import { keepingLog } from '../support/mediaAdapter.ts';
import { FACTS } from '../support/processedVideo.ts';
import { type TestDatabase, testDatabase } from '../support/stack.ts';
import { openStoredWorld, type StoredWorld } from '../support/storedWorld.ts';

const SOUND = { index: 1, type: 'audio', codec: 'aac' } as MediaFacts['streams'][number];

const CONFIGURED = { config: { TRANSCRIBE_CONCURRENCY: 1 } };

describe('choosing how a video comes to its transcript', () => {
  let database: TestDatabase;
  let world: StoredWorld;
  let db: Db;
  let userId: string;

  before(async () => {
    database = await testDatabase();
    db = await createDb({ databaseUrl: database.url });
    world = await openStoredWorld({ databaseUrl: database.url, storageDir: '/nowhere' });
    const user = await db.users.insert({ username: 'u', passwordHash: 'none', name: null, scopes: [] });
    userId = user.id;
  });
  after(async () => {
    await Promise.all([db?.close(), world?.close()]);
    await database?.drop();
  });

  const addVideo = async (streams = [SOUND]): Promise<string> => {
    const videoId = newId();
    const words = { userLabel: null, externalId: null, title: 't', description: null, tags: [] };
    const source = { contentType: null, sourceKey: `sources/${videoId}`, sourceSha256: null, sizeBytes: 1 };
    const rest = { filename: null, optionalSteps: ['transcript' as const] };
    await db.videos.insert({ id: videoId, userId, ...words, ...source, ...rest });
    for (const name of ['source', 'probe'] as const) {
      const begun = await db.steps.beginStep({ videoId, name, run: 1 });
      const attempt = begun.outcome === 'go' ? begun.attempt : 0;
      await db.steps.completeStep(
        { videoId, name, attempt },
        name === 'probe' ? { facts: { ...FACTS, streams } } : {},
      );
    }
    return videoId;
  };
  /** A video that was trimmed out of another one. */
  const trim = async (parent: string): Promise<string> => {
    const result = await addVideo();
    const { id } = await db.transaction(({ edits }) => edits.insert(newEdit({ parents: [parent] }, userId)));
    await world.sql('update edits set video_id = ? where id = ?', [result, id]);
    return result;
  };
  const skip = (videoId: string) =>
    db.steps.skipStep({ videoId, run: 1, name: 'transcript' }, { code: 'x', message: 'x', retryable: false });
  const write = (videoId: string, kind: 'machine' | 'edited') =>
    db.transcripts.add({ videoId, kind, language: null, model: null, segments: [] });
  const choose = (videoId: string, { isConfigured = true, run = 1 } = {}) => {
    const transcriber = isConfigured ? ({ defaultModel: 'whisper-1' } as Transcriber) : null;
    return createTranscriptActivities({ ...CONFIGURED, db, transcriber } as ActivityDeps).chooseTranscript({
      videoId,
      run,
    });
  };
  /** Does a part of the step at a worker without a transcriber. */
  const play = async (name: 'carryTranscript' | 'extractSpeech' | 'transcribeSpeech', videoId: string) => {
    const dir = await mkdtemp(join(tmpdir(), 'vf-transcripts-'));
    const { log } = keepingLog();
    const scratch = createScratch({ dir, log });
    const deps = { ...CONFIGURED, db, log, scratch, transcriber: null } as unknown as ActivityDeps;
    const context = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
    try {
      return await context.run(() => createTranscriptActivities(deps)[name]({ videoId, run: 1 }));
    } finally {
      await scratch.dispose();
      await rm(dir, { recursive: true, force: true });
    }
  };
  const stepOf = async (videoId: string) =>
    (await db.videos.find(userId, videoId))?.steps.find(({ name }) => name === 'transcript');

  it('transcribes what has sound, where somebody can', async () => {
    assert.equal(await choose(await addVideo()), 'transcribe');
    for (const [code, streams, isConfigured] of [
      ['no_transcriber', [SOUND], false],
      ['no_audio', [], true],
      ['no_audio', [{ ...SOUND, codec: 'none' }], true],
    ] as const) {
      const id = await addVideo([...streams]);
      assert.equal(await choose(id, { isConfigured }), 'none');
      const step = await stepOf(id);
      assert.deepEqual([step?.state, step?.errorCode], ['skipped', code]);
      assert.equal(await choose(id, { isConfigured }), 'none', 'it is over');
    }
  });

  it('carries over what is said in the parents, also where nobody can transcribe', async () => {
    const parent = await addVideo();
    await write(parent, 'edited');
    const result = await trim(parent);
    // The parent's own step is still open, and need not be waited for.
    assert.equal(await choose(result, { isConfigured: false }), 'carry');
    assert.equal(await choose(await trim(result), { isConfigured: false }).catch(() => 'waits'), 'waits');
  });

  it('waits while the words of a parent are being found, and no longer', async () => {
    const [parent, silent] = [await addVideo(), await addVideo()];
    const [result, other] = [await trim(parent), await trim(silent)];
    const isWaiting = (error: unknown) => error instanceof ApplicationFailure && !error.nonRetryable;
    await assert.rejects(choose(result), isWaiting);
    await write(parent, 'machine');
    await assert.rejects(choose(result), isWaiting, 'it is being made again');
    await skip(parent);
    assert.equal(await choose(result), 'carry');
    await skip(silent);
    assert.equal(await choose(other), 'transcribe', 'there will be none');
  });

  it('waits also while it carries over, for as long as for anything outside', async () => {
    const parent = await addVideo();
    await write(parent, 'machine');
    const result = await trim(parent);
    const isOutside = (error: unknown) =>
      error instanceof ApplicationFailure && error.details?.[0] === 'outside';
    await assert.rejects(play('carryTranscript', result), isOutside);
    await skip(parent);
    assert.equal(await play('carryTranscript', result), 'done');
  });

  it('is skipped by a worker that knows no transcriber, whichever part it takes up', async () => {
    for (const name of ['extractSpeech', 'transcribeSpeech'] as const) {
      const id = await addVideo();
      assert.equal(await play(name, id), 'done');
      const step = await stepOf(id);
      assert.deepEqual([step?.state, step?.errorCode], ['skipped', 'no_transcriber']);
    }
  });

  it('finds its own words when a parent is deleted, and when somebody asks for that', async () => {
    const [parent, gone] = [await addVideo(), await addVideo()];
    for (const id of [parent, gone]) await write(id, 'edited');
    const [result, orphan] = [await trim(parent), await trim(gone)];
    await db.videos.requestDelete(userId, gone);
    assert.equal(await choose(orphan), 'transcribe');
    await skip(result);
    await db.transcriptRequests.request(userId, result, {});
    assert.equal(await choose(result, { run: 2 }), 'transcribe');
  });
});
