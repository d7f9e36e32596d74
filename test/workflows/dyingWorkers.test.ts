import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { seededRandom, waitFor } from '../support/stack.ts';
import { createUploadMaker, type StoredUpload, type UploadMaker } from '../support/storedUpload.ts';

const COUNT = 20;
const DEATHS = 8;
const MIB = 1024 * 1024;

describe('uploads under workers that die at random moments (CAMPAIGN=1)', () => {
  let engine: TestEngine;
  let maker: UploadMaker;

  before(async function () {
    if (!process.env.CAMPAIGN) return this.skip();
    this.timeout(60_000);
    engine = await startTestEngine();
    const { db, config, storage } = engine;
    maker = await createUploadMaker({ db, databaseUrl: config.DATABASE_URL, storage });
  });
  after(async () => {
    await maker?.close();
    await engine?.close();
  });

  const pathOf = (key: string) => join(engine.config.STORAGE_DIR, key);

  async function assertEnded({ uploadId, videoId }: StoredUpload, state: string): Promise<void> {
    const ended = await waitFor(
      async () => {
        const row = await maker.read(uploadId);
        return row?.clearedAt ? row : null;
      },
      { what: `an upload to be ${state}`, timeoutMs: 300_000 },
    );
    assert.equal(ended.state, state);
    assert.equal(existsSync(pathOf(`uploads/${uploadId}`)), false);
    const video = await engine.db.videos.find(engine.userId, videoId);
    assert.equal(video?.run, state === 'accepted' ? 1 : undefined);
  }

  it(`all ${3 * COUNT} come to their true ends`, async function () {
    this.timeout(600_000);
    const random = seededRandom('dying workers');
    const bytes = Buffer.alloc(24 * MIB, 'what it is made of');
    for (let offset = 0; offset < bytes.length; offset += MIB) bytes.writeUInt32BE(offset, offset);
    const make = (kind: object) =>
      Promise.all(
        Array.from({ length: COUNT }, () => maker.make({ userId: engine.userId, steps: [], ...kind })),
      );
    const accepted = await make({ bytes });
    const expired = await make({ isComplete: false, expiresInSec: 5 });
    const terminated = await make({ isComplete: false });
    for (const upload of [...accepted, ...expired, ...terminated])
      if (random.next() < 0.7) await engine.flows.receiveUpload({ ...upload, userId: engine.userId });
    for (const { uploadId } of terminated) await engine.db.uploadHandover.terminate(uploadId);
    for (let death = 0; death < DEATHS; death++) {
      await engine.stopWorkers('SIGKILL');
      engine.startWorker();
      await delay(random.int(800, 6000));
    }
    for (const [state, uploads] of Object.entries({ accepted, expired, terminated }))
      for (const upload of uploads) await assertEnded(upload, state);
    for (const { uploadId } of accepted)
      assert.ok(bytes.equals(await readFile(pathOf(`sources/${uploadId}`))), 'the bytes are others');
  });
});
