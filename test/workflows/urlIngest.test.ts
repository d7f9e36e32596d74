import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Step } from '../../src/db/entities/step.ts';
import type { StepState } from '../../src/domain/video.ts';
import { createSealer } from '../../src/secrets/sealing.ts';
import { processVideoId } from '../../workflows/contract.ts';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';
import { historyText } from '../support/historyText.ts';
import { scratchJobsIn } from '../support/leftovers.ts';
import { fixture } from '../support/mediaFixtures.ts';
import {
  type Handler,
  rangeStart,
  type Source,
  serveFile,
  startRawSource,
  startSource,
} from '../support/sources.ts';
import { waitFor } from '../support/stack.ts';
import { listStored, MIB, videoBytes } from '../support/uploading.ts';

const SECRET = 'sig=very-secret';
const MAX_UPLOAD_BYTES = 4 * MIB;
/** One round of bad sources says as much as is needed every time; CAMPAIGN=1 makes the full number. */
const isCampaign = process.env.CAMPAIGN === '1';
const ROUNDS = isCampaign ? 20 : 1;
/** What may lie in the storage of one source beyond the cap. */
const SLACK_BYTES = 8 * MIB;
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('URL ingest', () => {
  let engine: TestEngine;
  const open: Source[] = [];

  before(async function () {
    this.timeout(60_000);
    engine = await startTestEngine({
      EGRESS_ALLOW_CIDRS: '127.0.0.1/32',
      MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES),
      INGEST_MAX_SEC: '6',
      MIN_FREE_BYTES: '1',
    });
    engine.startWorker();
  });
  after(async () => {
    await Promise.all(open.map((source) => source.close()));
    await engine?.close();
  });

  const serve = async (handler: Handler): Promise<string> => {
    const source = await startSource(handler);
    open.push(source);
    return `${source.url}/v.mp4?${SECRET}`;
  };
  /** Accepts a video as the API does; the reconciler starts it. */
  const addFetched = async (sourceUrl: string): Promise<string> => {
    const { seal } = createSealer(engine.config.ENCRYPTION_KEYS);
    const sealSourceUrl = (videoId: string) => seal(sourceUrl, `videos/${videoId}`);
    const entry = {
      userId: engine.userId,
      userLabel: null,
      externalId: null,
      title: 'A test',
      description: null,
    };
    const video = await engine.db.transaction(({ videos }) =>
      videos.insertFetched({ ...entry, tags: [], filename: null, sealSourceUrl, optionalSteps: [] }),
    );
    return video.id;
  };
  const sourceStep = async (videoId: string): Promise<Step> => {
    const step = (await engine.find(videoId)).steps.getItems().find(({ name }) => name === 'source');
    if (!step) throw new Error('no source step');
    return step;
  };
  const untilSource = (videoId: string, state: StepState) =>
    waitFor(async () => ((await sourceStep(videoId)).state === state ? sourceStep(videoId) : null), {
      what: `the source to be ${state}`,
      timeoutMs: 40_000,
    });
  const storedOf = async (videoId: string) =>
    (await listStored(engine.storage)).filter((key) => key.includes(videoId));

  /** Sends so many bytes a second until the end. */
  const dripping =
    (bytes: Buffer, bytesPerSec: number): Handler =>
    (request, response) => {
      response.writeHead(200, { 'Content-Length': bytes.length });
      let at = 0;
      const timer = setInterval(() => {
        response.write(bytes.subarray(at, at + bytesPerSec / 20));
        at += bytesPerSec / 20;
        if (at >= bytes.length) response.end();
      }, 50);
      request.socket.on('close', () => clearInterval(timer));
    };

  describe('through the API', () => {
    let api: ApiProcess;
    before(async function () {
      this.timeout(60_000);
      api = await engine.startApi();
    });

    const call = async (path: string, json?: unknown, headers = {}) => {
      const response = await fetch(api.url + path, {
        method: json === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/json', ...headers },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
      return { status: response.status, body: (await response.json()) as any };
    };

    it('takes a video to ready although the source cuts the connection twice, and shows how far it is', async function () {
      this.timeout(60_000);
      const bytes = await readFile(await fixture('oneKeyframe'));
      assert.ok(bytes.length > 300_000 && bytes.length < MAX_UPLOAD_BYTES, `${bytes.length} bytes`);
      const third = Math.floor(bytes.length / 3);
      let requests = 0;
      const url = await serve((request, response, count) => {
        requests = count;
        const pause = count === 1 ? 0 : 1500;
        setTimeout(() => serveFile(bytes, { cutsAfter: [third, third] })(request, response, count), pause);
      });
      const answer = await call('/v1/videos', { url, title: 'Fetched', process: ['thumbnail'] });
      assert.equal(answer.status, 202);
      const percents = new Set<number>();
      const ready = await waitFor(
        async () => {
          const { body } = await call(`/v1/videos/${answer.body.id}`);
          const { body: steps } = await call(`/v1/videos/${answer.body.id}/steps`);
          percents.add(steps.data[0].percent);
          return ['ready', 'failed'].includes(body.status) ? body : null;
        },
        { what: 'the video to be ready', timeoutMs: 40_000 },
      );
      assert.equal(ready.status, 'ready', JSON.stringify(ready.error));
      assert.equal(ready.size_bytes, bytes.length);
      assert.equal(requests, 3);
      assert.ok(percents.has(33) && percents.has(66), `seen: ${[...percents]}`);
      const download = await fetch(ready.download_url.replace(/^https?:\/\/[^/]+/, api.url));
      assert.equal(hash(Buffer.from(await download.arrayBuffer())), hash(bytes));
      await assertForgotten(answer.body.id, JSON.stringify([answer.body, ready]));
    });
  });

  /** The address may hold secrets: it is in no answer, no history, no log, and no row that needs it no more. */
  async function assertForgotten(videoId: string, shown: string): Promise<void> {
    const history = await historyText(engine.client, processVideoId(videoId, 1));
    const logs = await Promise.all(
      ['worker.log', 'api.log'].map((name) => readFile(join(engine.config.DATA_DIR, name), 'utf8')),
    );
    for (const text of [shown, history, ...logs]) assert.ok(!text.includes('very-secret'));
    assert.ok(history.includes('fetchSource') && logs[0]?.includes('working'), 'these are the right texts');
  }

  describe('from a bad source', () => {
    const page = '<!doctype html><html><body>Log in first</body></html>';
    const good = videoBytes(200_000, 'liar');
    const answer =
      (status: number, body: string | Buffer = '', headers = {}): Handler =>
      (_request, response) =>
        response.writeHead(status, headers).end(body);

    interface Expected {
      code: string;
      says: RegExp;
      waits?: true;
    }
    const LARGE_HEAD: Expected = { code: 'source_bad_answer', says: /head of the answer/ };

    /** What each does, and what the video says of it in the end: failed, or waiting to try once more. */
    const SOURCES: Record<string, Expected & { handler: Handler }> = {
      'an endless body': {
        handler: (request, response) => {
          const more = () => {
            while (!request.socket.destroyed && response.write(good));
          };
          response.on('drain', more);
          more();
        },
        code: 'too_large',
        says: /4194304 bytes/,
      },
      'a length beyond the cap': {
        handler: (_request, response) => response.writeHead(200, { 'Content-Length': 1e12 }).flushHeaders(),
        code: 'too_large',
        says: /4194304 bytes/,
      },
      'a byte a second': { handler: dripping(good, 20), code: 'source_timeout', says: /6 seconds/ },
      'a length that is too long': {
        handler: (_request, response) => {
          response.writeHead(200, { 'Content-Length': good.length + 5 });
          response.write(good, () => response.destroy());
        },
        // Six more tries do not fit into the time that this test gives it.
        code: 'source_timeout',
        says: /6 seconds/,
      },
      'a gzip bomb': {
        handler: answer(200, gzipSync(Buffer.alloc(8 * MIB)), { 'Content-Encoding': 'gzip' }),
        code: 'source_bad_answer',
        says: /compressed/,
      },
      'a gzip bomb without its name': {
        handler: answer(200, gzipSync(Buffer.alloc(8 * MIB))),
        code: 'unsupported_media',
        says: /something else/,
      },
      'a page': {
        handler: answer(200, page, { 'Content-Type': 'text/html' }),
        code: 'unsupported_media',
        says: /a web page/,
      },
      'a sound file': {
        handler: answer(200, `ID3${'x'.repeat(999)}`),
        code: 'unsupported_media',
        says: /a sound file/,
      },
      nothing: { handler: answer(200), code: 'empty_file', says: /empty/ },
      'a refusal': { handler: answer(404, page), code: 'source_refused', says: /127\.0\.0\.1 answered 404/ },
      'a redirect inwards': {
        handler: answer(302, '', { Location: 'http://169.254.169.254/' }),
        code: 'address_not_allowed',
        says: /169\.254\.169\.254/,
      },
      'a lie about ranges': {
        handler: (request, response, count) => {
          if (count === 1) return serveFile(good, { cutsAfter: [100_000] })(request, response, count);
          const start = rangeStart(request) ?? 0;
          response.setHeader('Content-Range', `bytes ${start}-${good.length - 1}/${good.length}`);
          return response.writeHead(start > 0 ? 206 : 404).end(good.subarray(0, good.length - start));
        },
        code: 'source_refused',
        says: /404/,
      },
      'an overload': {
        handler: answer(503, '', { 'Retry-After': '600' }),
        code: 'source_unavailable',
        says: /503/,
        waits: true,
      },
    };

    /** Watches the largest object there is until it is told to stop. */
    function watchSizes(): () => Promise<number> {
      let [largest, isWatching] = [0, true];
      const watching = (async () => {
        while (isWatching) {
          for (const key of await listStored(engine.storage)) {
            const found = await stat(join(engine.config.STORAGE_DIR, key)).catch(() => null);
            largest = Math.max(largest, found?.size ?? 0);
          }
          await delay(50);
        }
      })();
      return async () => {
        isWatching = false;
        await watching;
        return largest;
      };
    }

    async function tryAll(): Promise<void> {
      const raw = await startRawSource((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nX-Large: ${'x'.repeat(100_000)}\r\n\r\n`);
      });
      open.push(raw);
      const started: [what: string, id: string, expected: Expected][] = [
        ['a head of 100 kB', await addFetched(`${raw.url}/?${SECRET}`), LARGE_HEAD],
      ];
      for (const [what, { handler, ...expected }] of Object.entries(SOURCES)) {
        started.push([what, await addFetched(await serve(handler)), expected]);
      }
      for (const [what, id, { code, says, waits }] of started) {
        const step = await untilSource(id, waits ? 'waiting_retry' : 'failed');
        assert.equal(step.errorCode, code, `${what}: ${step.errorMessage}`);
        assert.match(step.errorMessage ?? '', says, what);
        assert.ok(!step.errorMessage?.includes('secret'));
        assert.deepEqual(await storedOf(id), [], what);
        if (waits) assert.ok(Number(step.nextAttemptAt) - Date.now() > 500_000, 'as long as it was asked to');
        else assert.equal((await engine.find(id)).status, 'failed');
      }
    }

    it('says why, keeps to its caps and leaves nothing behind', async function () {
      this.timeout(60_000 * ROUNDS);
      let largest = 0;
      const stopWatching = watchSizes();
      try {
        for (let round = 0; round < ROUNDS; round++) await tryAll();
      } finally {
        largest = await stopWatching();
      }
      assert.ok(largest <= MAX_UPLOAD_BYTES + SLACK_BYTES, `${largest} bytes lay in the storage`);
      assert.deepEqual(await scratchJobsIn(engine.config.SCRATCH_DIR), []);
    });
  });

  it('is done again by a retry, from the address that was kept', async function () {
    this.timeout(40_000);
    const bytes = await readFile(await fixture('faststart'));
    let isThere = false;
    const url = await serve((request, response, count) =>
      isThere ? serveFile(bytes)(request, response, count) : response.writeHead(403).end(),
    );
    const id = await addFetched(url);
    assert.equal((await engine.untilSettled(id)).status, 'failed');
    isThere = true;
    const retry = await engine.db.videos.requestRetry(engine.userId, id);
    assert.equal(retry.outcome, 'accepted');
    const video = await engine.untilSettled(id);
    assert.equal(video.status, 'ready');
    assert.equal(video.sourceUrl, null);
    assert.deepEqual(await storedOf(id), [video.sourceKey]);
  });

  it('stops when it is cancelled or the video deleted, and leaves nothing', async function () {
    this.timeout(40_000);
    const slow = dripping(videoBytes(3 * MIB, 'slow'), 400_000);
    const [cancelled, deleted] = [await addFetched(await serve(slow)), await addFetched(await serve(slow))];
    for (const id of [cancelled, deleted]) {
      await waitFor(async () => (await storedOf(id)).length > 0 && (await sourceStep(id)).percent > 0, {
        what: 'bytes in the storage',
        timeoutMs: 10_000,
      });
    }
    await engine.db.videos.requestCancel(engine.userId, cancelled);
    await engine.flows.cancelProcessing(cancelled, [1]);
    assert.equal((await engine.untilSettled(cancelled, 5000)).status, 'cancelled');
    await waitFor(async () => (await storedOf(cancelled)).length === 0, { what: 'nothing', timeoutMs: 2000 });
    // A dead worker may have left a part of it.
    const folder = join(engine.config.STORAGE_DIR, 'sources', deleted);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, '1-0'), 'left behind');
    await engine.db.videos.requestDelete(engine.userId, deleted);
    await engine.flows.startRemoval(deleted, engine.userId);
    await engine.client.workflow.getHandle(`video/${deleted}/remove`).result();
    assert.deepEqual(await storedOf(deleted), []);
  });

  // Last: what a killed worker leaves in its scratch folder is for a later sweep.
  describe('when its worker is killed', () => {
    it('begins anew, and keeps nothing of the first attempt for good', async function () {
      // The engine needs half a minute to notice.
      if (!isCampaign) return this.skip();
      this.timeout(180_000);
      const bytes = await readFile(await fixture('oneKeyframe'));
      const id = await addFetched(await serve(dripping(bytes, 200_000)));
      await waitFor(async () => (await sourceStep(id)).percent > 0, {
        what: 'a transfer',
        timeoutMs: 20_000,
      });
      await engine.stopWorkers('SIGKILL');
      assert.equal((await storedOf(id)).length, 1);
      engine.startWorker({ INGEST_MAX_SEC: '60' });
      const video = await engine.untilSettled(id, 120_000);
      assert.equal(video.status, 'ready');
      assert.equal((await sourceStep(id)).attempt, 2);
      await engine.db.videos.requestDelete(engine.userId, id);
      await engine.flows.startRemoval(id, engine.userId);
      await engine.client.workflow.getHandle(`video/${id}/remove`).result();
      assert.deepEqual(await storedOf(id), []);
    });
  });
});

describe('URL ingest at the quota', () => {
  it('is refused before and after the bytes came, and leaves nothing', async function () {
    this.timeout(60_000);
    const engine = await startTestEngine({
      EGRESS_ALLOW_CIDRS: '127.0.0.1/32',
      QUOTA_BYTES: '150000',
      MIN_FREE_BYTES: '1',
    });
    const bytes = videoBytes(200_000, 'quota');
    let served = 0;
    const source = await startSource(({ url }, response) => {
      if (url === '/announced') response.setHeader('Content-Length', bytes.length);
      response.write(bytes.subarray(0, 1000));
      setTimeout(() => {
        served += 1;
        response.end(bytes.subarray(1000));
      }, 300);
    });
    try {
      engine.startWorker();
      const entry = {
        userId: engine.userId,
        userLabel: null,
        externalId: null,
        title: 'A test',
        description: null,
      };
      for (const path of ['/announced', '/unannounced']) {
        const { id } = await engine.db.transaction(({ videos }) =>
          videos.insertFetched({
            ...entry,
            ...{ tags: [], filename: null, optionalSteps: [] },
            // As older versions kept it.
            sealSourceUrl: () => source.url + path,
          }),
        );
        const video = await engine.untilSettled(id);
        assert.equal(video.errorCode, 'quota_exceeded');
        assert.equal(video.sourceKey, null);
      }
      assert.equal(served, 2);
      assert.deepEqual(await listStored(engine.storage), []);
    } finally {
      await Promise.all([source.close(), engine.close()]);
    }
  });
});
