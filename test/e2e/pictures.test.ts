import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Picture, pictureVariant } from '../../src/domain/picture.ts';
import { EngineUnavailableError, NoWorkerError } from '../../src/errors.ts';
import { createFlows } from '../../src/flows.ts';
import { createLog } from '../../src/log.ts';
import { PRIORITY, renderPictureId } from '../../workflows/contract.ts';
import { callUrl } from '../support/api.ts';
import {
  type ApiProcess,
  prepareTestNamespace,
  startTestEngine,
  type TestEngine,
} from '../support/engine.ts';
import { type FixtureName, fixture } from '../support/mediaFixtures.ts';
import { frameOf, likenessDb } from '../support/pictures.ts';
import { uniqueName, waitFor } from '../support/stack.ts';

const FIRST: Picture = { timeSec: 1.5, width: 160, height: 120, format: 'jpg' };
const SECOND: Picture = { ...FIRST, timeSec: 0.5 };

describe('pictures made on demand', () => {
  let engine: TestEngine;
  let api: ApiProcess;
  let folder: string;
  let id: string;

  before(async function () {
    this.timeout(120_000);
    folder = await mkdtemp(join(tmpdir(), 'videoflow-pictures-'));
    engine = await startTestEngine({ WORKER_QUEUES: 'workflows,media,net' });
    engine.startWorker();
    api = await engine.startApi();
    id = await addReady('h264');
  });
  after(async function () {
    this.timeout(30_000);
    await engine?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = (path: string, options = {}) => callUrl(`${api.url}${path}`, { token: api.token, ...options });
  const fetchPicture = async (id: string, query: string) => {
    const headers = { authorization: `Bearer ${api.token}` };
    const answer = await fetch(`${api.url}/v1/videos/${id}/thumbnail.${query}`, { headers });
    const path = join(folder, uniqueName('picture'));
    await writeFile(path, Buffer.from(await answer.arrayBuffer()));
    return { status: answer.status, etag: answer.headers.get('etag'), path };
  };
  /** Uploads a video over HTTP; it is one of the API's user. */
  const addReady = async (name: FixtureName): Promise<string> => {
    const body = new Uint8Array(await readFile(await fixture(name)));
    const headers = { 'content-type': 'video/mp4' };
    const video = (await ask('/v1/videos?process=thumbnail', { body, headers })).body.id;
    await waitFor(async () => (await ask(`/v1/videos/${video}`)).body.status === 'ready', {
      what: 'the video to be ready',
      timeoutMs: 60_000,
    });
    return video;
  };
  const storedPictures = async (id: string): Promise<string[]> => {
    const names = await readdir(join(engine.config.STORAGE_DIR, 'assets', id)).catch(() => []);
    return names.filter((name) => name.includes('picture'));
  };
  const isMade = async (id: string, picture: Picture): Promise<boolean> =>
    (await engine.db.pictures.find(id, pictureVariant(picture))) !== null;

  it('are made once for two who ask at once, in front of other work, and show the exact frame', async function () {
    this.timeout(60_000);
    const answers = await Promise.all(
      ['jpg?time=1.23', 'jpg?time=1.2'].map((query) => fetchPicture(id, query)),
    );
    const [one, other] = answers;
    assert.ok(one && other);
    assert.deepEqual([one.status, other.status, one.etag], [200, 200, other.etag]);
    assert.equal((await storedPictures(id)).length, 1);
    const shown = await frameOf(await fixture('h264'), 1.2, folder);
    const beside = await frameOf(await fixture('h264'), 1.2 + 1 / 30, folder);
    const likeness = await likenessDb(one.path, shown);
    assert.ok(likeness > 32 && likeness > (await likenessDb(one.path, beside)) + 3, `${likeness} dB`);
    assert.equal((await fetchPicture(id, 'webp?time=1.2')).status, 200);
    const { events } = await engine.client.workflow
      .getHandle(renderPictureId(id, '1.2s-320x240.jpg'))
      .fetchHistory();
    const scheduled = events?.find((event) => event.activityTaskScheduledEventAttributes);
    const { priority } = scheduled?.activityTaskScheduledEventAttributes ?? {};
    assert.equal(priority?.priorityKey, PRIORITY.interactive);
    assert.equal(priority?.fairnessKey, await engine.db.videos.findOwner(id));
  });

  it('are made again after they made way for others', async function () {
    this.timeout(60_000);
    const first = await fetchPicture(id, 'jpg?time=1&width=160');
    const keys = await engine.db.pictures.removeUnused(new Date(Date.now() + 60_000));
    assert.equal(keys.length, 3);
    const again = await fetchPicture(id, 'jpg?time=1&width=160');
    assert.equal(again.status, 200);
    assert.notEqual(again.etag, first.etag);
    assert.ok((await readFile(again.path)).equals(await readFile(first.path)));
  });

  it('that cannot be made are refused with a reason, every time', async function () {
    this.timeout(60_000);
    const damaged = await addReady('noiseInside');
    for (let count = 0; count < 2; count++) {
      const { status, body } = await ask(`/v1/videos/${damaged}/thumbnail.jpg?time=1`);
      assert.deepEqual([status, body.code, body.retryable], [404, 'no_picture', false]);
    }
    assert.deepEqual(await storedPictures(damaged), []);
  });

  it('are served without a worker, go on when nobody waits, and leave nothing of a deleted video', async function () {
    this.timeout(120_000);
    const [kept, deleted] = [id, await addReady('h264')];
    const userId = (await engine.db.videos.findOwner(kept)) as string;
    const made = await fetchPicture(kept, 'webp?time=1');
    await engine.stopWorkers('SIGTERM');
    const again = await fetchPicture(kept, 'webp?time=1');
    assert.deepEqual([made.status, again.status, again.etag], [200, 200, made.etag]);
    const want = (videoId: string, picture: Picture, waitMs: number) =>
      engine.flows.makePicture({ ...picture, videoId, userId, isUrgent: true }, { waitMs });
    assert.deepEqual(await want(kept, FIRST, 50), { state: 'running' });
    assert.deepEqual(await want(kept, SECOND, 50), { state: 'running' });
    assert.deepEqual(await want(deleted, FIRST, 50), { state: 'running' });
    const gone = new AbortController();
    const leaving = engine.flows.makePicture(
      { ...FIRST, videoId: kept, userId, isUrgent: true },
      { signal: gone.signal },
    );
    gone.abort();
    assert.deepEqual(await leaving, { state: 'running' });
    await engine.db.videos.requestDelete(userId, deleted);
    engine.startWorker();
    assert.equal((await want(kept, FIRST, 30_000)).state, 'done');
    assert.equal((await want(deleted, FIRST, 30_000)).state, 'done');
    await waitFor(() => isMade(kept, SECOND), { what: 'the picture nobody waits for', timeoutMs: 30_000 });
    assert.deepEqual([await isMade(deleted, FIRST), await storedPictures(deleted)], [false, []]);
    assert.ok(await isMade(kept, FIRST));
  });

  it('are refused at once where no worker, or no engine, could make them', async () => {
    const log = createLog({ level: 'silent', program: 'test' });
    const wanted = { ...FIRST, videoId: uniqueName(), userId: uniqueName(), isUrgent: true };
    const empty = { ...engine.config, TEMPORAL_NAMESPACE: uniqueName('vf') };
    await prepareTestNamespace(empty);
    const idle = createFlows({ config: empty, log });
    await assert.rejects(idle.makePicture(wanted), NoWorkerError);
    await idle.close();
    const away = createFlows({ config: { ...engine.config, TEMPORAL_ADDRESS: '127.0.0.1:9' }, log });
    const startedAt = Date.now();
    await assert.rejects(away.makePicture(wanted), EngineUnavailableError);
    assert.ok(Date.now() - startedAt < 5000);
    // Not closed: the client is still trying, and would find its channel gone.
  }).timeout(30_000);
});
