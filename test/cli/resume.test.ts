import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openUploadMemory } from '../../src/cli/upload/memory.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { type Gate, openGate } from '../support/gate.ts';
import { waitFor } from '../support/stack.ts';
import { MIB, readArrived, videoBytes } from '../support/uploading.ts';
import { makePlace, type Place, readLines } from './session.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/videoflow.js', import.meta.url));
const SIZE = 32 * MIB;
/** What may have been on its way and is sent again. */
const AGAIN_PER_KILL = 16 * MIB;

/** Slow enough to be killed in the middle, with the disk in the way of nobody. */
const BYTES_PER_SEC = 24 * MIB;

describe('videoflow upload, cut off in the middle', function () {
  this.timeout(60_000);
  let api: TestApi;
  let gate: Gate;
  let user: TestUser;
  let place: Place;
  let file: string;
  const bytes = videoBytes(SIZE, 'resumed');

  before(async () => {
    api = await startApi();
    gate = await openGate({
      host: '127.0.0.1',
      port: Number(new URL(api.url).port),
      bytesPerSec: BYTES_PER_SEC,
    });
  });

  after(async () => {
    await gate.close();
    await api.close();
  });

  beforeEach(async () => {
    user = await api.makeUser();
    place = await makePlace();
    file = join(place.dir, 'film.mp4');
    await writeFile(file, bytes);
  });

  afterEach(() => place.remove());

  const url = () => `http://127.0.0.1:${gate.port}`;

  function start(...args: string[]) {
    const child: ChildProcess = spawn(process.execPath, [LAUNCHER, 'upload', '--json', ...args, file], {
      cwd: place.dir,
      env: {
        PATH: process.env.PATH,
        HOME: place.dir,
        VIDEOFLOW_URL: url(),
        VIDEOFLOW_TOKEN: user.token,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (chunk) => (stdout += chunk));
    child.stderr?.on('data', (chunk) => (stderr += chunk));
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }));
    return { child, ended };
  }

  const uploads = () =>
    api.sql(
      `select id, state, offset_bytes::int as offset, video_id as "videoId" from uploads where user_id = $1 order by id`,
      [user.id],
    );

  async function waitForOffset(offset: number) {
    await waitFor(async () => (await uploads()).some((upload) => upload.offset >= offset), {
      what: `byte ${offset}`,
      timeoutMs: 20_000,
      everyMs: 20,
    });
  }

  const assertArrived = async (uploadId: string) =>
    assert.ok((await readArrived(api, uploadId)).equals(bytes));

  it('goes on after SIGKILL, twice, where the server stands, and makes one video', async () => {
    let sentBytes = 0;
    for (const offset of [8 * MIB, 16 * MIB]) {
      const { child, ended } = start();
      await waitForOffset(offset);
      child.kill('SIGKILL');
      assert.equal((await ended).signal, 'SIGKILL');
    }
    const [standing] = await uploads();
    const { code, stdout, stderr } = await start().ended;
    assert.equal(code, 0, stderr);
    const [line] = readLines(stdout);
    const rows = await uploads();
    assert.equal(rows.length, 1, 'one upload, and thus one video');
    assert.deepEqual([rows[0].state, rows[0].offset], ['complete', SIZE]);
    assert.deepEqual(
      [line?.upload_id, line?.video_id, line?.state],
      [rows[0].id, rows[0].videoId, 'uploaded'],
    );
    assert.ok(line && line.resumed_from_bytes >= standing.offset && line.resumed_from_bytes >= 16 * MIB);
    sentBytes = line.sent_bytes + line.resumed_from_bytes;
    assert.equal(sentBytes, SIZE, 'nothing that the server had was sent again');
    assert.ok(gate.bytesIn() <= SIZE + 2 * AGAIN_PER_KILL, `${gate.bytesIn()} bytes crossed the network`);
    await assertArrived(rows[0].id);
  });

  it('finds the upload whose creation was never answered', async () => {
    const { size, mtimeMs } = await stat(file);
    const memory = openUploadMemory({
      dir: join(place.dir, '.local', 'state', 'videoflow'),
      onTrouble: (reason) => assert.fail(reason),
    });
    // As a call leaves it behind that was killed before the answer came.
    const { creationKey } = memory.open({
      server: url(),
      user: user.id,
      path: await realpath(file),
      sizeBytes: size,
      mtimeMs,
      metadata: { filename: 'film.mp4' },
    });
    const created = await api.call('/v1/uploads', {
      method: 'POST',
      token: user.token,
      headers: {
        'tus-resumable': '1.0.0',
        'upload-length': String(size),
        'upload-metadata': `filename ${Buffer.from('film.mp4').toString('base64')}`,
        'idempotency-key': creationKey,
      },
    });
    assert.equal(created.status, 201);
    const { code, stdout, stderr } = await start().ended;
    assert.equal(code, 0, stderr);
    assert.equal(readLines(stdout)[0]?.upload_id, created.body.id);
    assert.equal((await uploads()).length, 1);
  });

  it('goes on after Ctrl-C, which it tells of, and ends at once', async () => {
    const { child, ended } = start();
    await waitForOffset(8 * MIB);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 130);
    const [line] = readLines(stdout);
    const [row] = await uploads();
    assert.deepEqual([line?.state, line?.upload_id, line?.video_id], ['interrupted', row.id, row.videoId]);
    assert.equal(stderr, 'Interrupted. What has arrived is kept: the same command goes on where it was.\n');
    const again = await start().ended;
    assert.equal(again.code, 0, again.stderr);
    assert.equal((await uploads()).length, 1);
    await assertArrived(row.id);
  });

  it('goes on by itself when the network comes back', async () => {
    const { ended } = start();
    await waitForOffset(8 * MIB);
    gate.shut();
    setTimeout(() => gate.open(), 1000);
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 0, stderr);
    const [row] = await uploads();
    await assertArrived(row.id);
    assert.ok((readLines(stdout)[0]?.sent_bytes ?? 0) <= SIZE + AGAIN_PER_KILL);
  });
});
