import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { editVideoId, processVideoId } from '../../workflows/contract.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { installQuietRuntime } from '../support/quietRuntime.ts';
import { waitFor } from '../support/stack.ts';

/** How much longer than the thumbnail the storyboard takes to let go. */
const SLOW_MS = 1500;

const WAYS = ['cancel', 'signal'] as const;
/** A cancel reaches an activity with its next heartbeat. */
const PROMPT = { maxHeartbeatThrottleInterval: '100 milliseconds' } as const;

/** Stand-ins for the activities of a run, to make two steps let go of their work at different speeds. */
function createStandIns() {
  const atWork = new Set<string>();
  /** Who was at work when a run was settled. */
  const stillAtWork: string[] = [];
  const untilCancelled = async (name: string, lettingGoMs: number): Promise<never> => {
    atWork.add(name);
    const pulse = setInterval(() => Context.current().heartbeat(), 100);
    try {
      return await Context.current().cancelled;
    } finally {
      clearInterval(pulse);
      await delay(lettingGoMs);
      atWork.delete(name);
    }
  };
  const activities = {
    beginRun: async () => ({ outcome: 'go', steps: ['thumbnail', 'storyboard'] }),
    checkSource: async () => 'done',
    probeVideo: async () => 'done',
    renderThumbnail: () => untilCancelled('thumbnail', 0),
    renderStoryboard: () => untilCancelled('storyboard', SLOW_MS),
    settleCancelled: async () => {
      stillAtWork.push(...atWork);
    },
  };
  return { atWork, stillAtWork, activities };
}

describe('runs that are cancelled', () => {
  let engine: TestEngine;
  let connection: NativeConnection;

  before(async function () {
    this.timeout(60_000);
    installQuietRuntime();
    engine = await startTestEngine();
    connection = await NativeConnection.connect({ address: engine.config.TEMPORAL_ADDRESS });
  });
  after(async () => {
    await connection?.close();
    await engine?.close();
  });

  /** Does the work while workers do these activities. */
  async function withWorkers(activities: object, work: () => Promise<void>): Promise<void> {
    const options = { connection, namespace: engine.config.TEMPORAL_NAMESPACE, activities };
    const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
    const workers = await Promise.all([
      Worker.create({ ...options, taskQueue: 'workflows', workflowsPath, ...PROMPT }),
      Worker.create({ ...options, taskQueue: 'media', ...PROMPT }),
    ]);
    const running = workers.map((worker) => worker.run());
    try {
      await work();
    } finally {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
    }
  }

  it('settle and close only when the last step of a video has let go', async function () {
    this.timeout(60_000);
    const { atWork, stillAtWork, activities } = createStandIns();
    await withWorkers(activities, async () => {
      for (const way of WAYS) {
        const videoId = randomUUID();
        await engine.flows.startProcessing({ videoId, userId: engine.userId, run: 1 });
        await waitFor(() => atWork.size === 2, { what: 'both steps at work', timeoutMs: 20_000 });
        const handle = engine.client.workflow.getHandle(processVideoId(videoId, 1));
        await (way === 'cancel' ? handle.cancel() : handle.signal('cancel'));
        await handle.result().catch(() => undefined);
        assert.deepEqual([...stillAtWork, ...atWork], [], `closed by ${way} while a step was at work`);
      }
    });
  });

  it('end as cancelled although an activity fails for now at that very moment', async function () {
    this.timeout(60_000);
    const waiting = new Set<string>();
    const settled: string[] = [];
    const activities = {
      beginEdit: async () => ({ outcome: 'go' }),
      awaitParents: async ({ editId }: { editId: string }) => {
        waiting.add(editId);
        const pulse = setInterval(() => Context.current().heartbeat(), 100);
        await Context.current().cancelled.catch(() => clearInterval(pulse));
        throw ApplicationFailure.retryable('The videos are not ready yet');
      },
      settleCancelledEdit: async ({ editId }: { editId: string }) => void settled.push(editId),
    };
    await withWorkers(activities, async () => {
      for (const way of WAYS) {
        const editId = randomUUID();
        await engine.flows.startEdit({ editId, userId: engine.userId, run: 1 });
        await waitFor(() => waiting.has(editId), { what: 'the edit to wait', timeoutMs: 20_000 });
        const handle = engine.client.workflow.getHandle(editVideoId(editId, 1));
        await (way === 'cancel' ? handle.cancel() : handle.signal('cancel'));
        await handle.result().catch(() => undefined);
        const { status } = await handle.describe();
        assert.equal(status.name, way === 'cancel' ? 'CANCELLED' : 'COMPLETED');
        assert.ok(settled.includes(editId));
      }
    });
  });
});
