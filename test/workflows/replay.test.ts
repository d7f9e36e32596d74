import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { processVideoId, RECONCILE_ID, removeVideoId, SIGNALS } from '../../workflows/contract.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { installQuietRuntime } from '../support/quietRuntime.ts';
import { serveFile, startSource } from '../support/sources.ts';
import { waitFor } from '../support/stack.ts';

const HISTORIES = fileURLToPath(new URL('./histories', import.meta.url));
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** With RECORD_HISTORIES=1 the folder is filled anew from real runs; do that when a release is made. */
const isRecording = process.env.RECORD_HISTORIES === '1';

describe('replay of stored histories', () => {
  before(async function () {
    if (!isRecording) return;
    this.timeout(180_000);
    const engine = await startTestEngine({
      RECONCILE_INTERVAL_SEC: '10',
      EGRESS_ALLOW_CIDRS: '127.0.0.1/32',
    });
    try {
      await record(engine);
    } finally {
      await engine.close();
    }
  });

  it('finds that today’s workflows still decide as they did', async function () {
    this.timeout(60_000);
    installQuietRuntime();
    const files = (await readdir(HISTORIES)).filter((name) => name.endsWith('.json'));
    assert.ok(files.length >= 6, 'there are histories to replay');
    const histories = await Promise.all(
      files.map(async (name) => ({
        workflowId: name.replace('.json', ''),
        history: JSON.parse(await readFile(join(HISTORIES, name), 'utf8')),
      })),
    );
    const options = {
      workflowsPath: here('../../workflows/index.ts'),
      dataConverter: { failureConverterPath: here('../../workflows/failureConverter.ts') },
    };
    for await (const result of Worker.runReplayHistories(options, histories)) {
      assert.equal(result.error, undefined, `${result.workflowId}: ${result.error?.message}`);
    }
  });
});

async function record(engine: TestEngine): Promise<void> {
  await rm(HISTORIES, { recursive: true, force: true });
  await mkdir(HISTORIES, { recursive: true });
  const save = async (name: string, workflowId: string) => {
    const history = await engine.client.workflow.getHandle(workflowId).fetchHistory();
    await writeFile(
      join(HISTORIES, `${name}.json`),
      `${JSON.stringify(JSON.parse(historyToJSON(history)))}\n`,
    );
  };
  engine.startWorker();
  const run = async (name: string, file: string, act?: (id: string) => Promise<unknown>) => {
    const id = await engine.addVideo(file);
    await act?.(id);
    await engine.untilSettled(id);
    const handle = engine.client.workflow.getHandle(processVideoId(id, 1));
    await handle.result().catch(() => undefined);
    await save(name, processVideoId(id, 1));
    return id;
  };
  const working = (id: string) =>
    waitFor(
      async () =>
        (await engine.find(id)).steps
          .getItems()
          .some((step) => step.name === 'storyboard' && step.state === 'running'),
      { what: 'a storyboard at work', timeoutMs: 30_000 },
    );
  const ready = await run('processVideo-ready', await fixture('h264'));
  await run('processVideo-failed', await fixture('garbage'));
  await run('processVideo-cancelled', await fixture('bigOneKeyframe'), async (id) => {
    await working(id);
    await engine.db.videos.requestCancel(engine.userId, id);
    await engine.flows.cancelProcessing(id, [1]);
  });
  await run('processVideo-cancelSignal', await fixture('bigOneKeyframe'), async (id) => {
    await working(id);
    await engine.client.workflow.getHandle(processVideoId(id, 1)).signal(SIGNALS.cancel);
  });
  await run('processVideo-workerLost', await fixture('bigOneKeyframe'), async (id) => {
    await working(id);
    await engine.stopWorkers('SIGKILL');
    engine.startWorker();
  });
  await save('processVideo-fetched', await recordFetched(engine));
  await engine.db.videos.requestDelete(engine.userId, ready);
  await engine.flows.startRemoval(ready, engine.userId);
  await engine.client.workflow.getHandle(removeVideoId(ready)).result();
  await save('removeVideo', removeVideoId(ready));
  // An open run's history is replayable as long as it ends with a completed workflow task.
  await engine.stopWorkers('SIGTERM');
  await save('reconcile', RECONCILE_ID);
}

/** Has a video fetched from a source that is overloaded at first. @returns the workflow's id */
async function recordFetched(engine: TestEngine): Promise<string> {
  const bytes = await readFile(await fixture('h264'));
  const source = await startSource((request, response, count) =>
    count === 1
      ? response.writeHead(503, { 'Retry-After': '2' }).end()
      : serveFile(bytes)(request, response, count),
  );
  try {
    const video = await engine.db.transaction(({ videos }) =>
      videos.insertFetched({
        ...{ userId: engine.userId, userLabel: null, externalId: null, title: 'A test', description: null },
        ...{ tags: [], filename: null, sourceUrl: source.url, optionalSteps: ['thumbnail'] },
      }),
    );
    await engine.flows.startProcessing({ videoId: video.id, userId: engine.userId, run: 1 });
    await engine.untilSettled(video.id);
    await engine.client.workflow.getHandle(processVideoId(video.id, 1)).result();
    return processVideoId(video.id, 1);
  } finally {
    await source.close();
  }
}
