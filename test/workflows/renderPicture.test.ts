import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { PRIORITY, WORKFLOWS } from '../../workflows/contract.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { installQuietRuntime } from '../support/quietRuntime.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const PICTURE = { timeSec: 1, width: 320, height: 180, format: 'jpg' } as const;

/** One try: what it was allowed to come before, and how long it was given. */
interface Try {
  priority: number | undefined;
  limitMs: number;
}

describe('renderPicture and renderAudio', () => {
  let engine: TestEngine;
  let connection: NativeConnection;
  let tries: Try[];
  let outcomes: (Error | null)[];

  before(async () => {
    installQuietRuntime();
    engine = await startTestEngine();
    connection = await NativeConnection.connect({ address: engine.config.TEMPORAL_ADDRESS });
  });
  after(async () => {
    await connection?.close();
    await engine?.close();
  });
  beforeEach(() => {
    tries = [];
  });

  async function make(): Promise<void> {
    const { priority, startToCloseTimeoutMs: limitMs } = Context.current().info;
    tries.push({ priority: priority?.priorityKey, limitMs });
    const outcome = outcomes.shift();
    if (outcome) throw outcome;
  }

  async function render(
    isUrgent: boolean,
    workflow: 'renderPicture' | 'renderAudio' = 'renderPicture',
  ): Promise<void> {
    const options = { connection, namespace: engine.config.TEMPORAL_NAMESPACE };
    const [decider, maker] = await Promise.all([
      Worker.create({
        ...{ ...options, taskQueue: 'workflows', workflowsPath: here('../../workflows/index.ts') },
        dataConverter: { failureConverterPath: here('../../workflows/failureConverter.ts') },
      }),
      Worker.create({ ...options, taskQueue: 'media', activities: { makePicture: make, makeSound: make } }),
    ]);
    const asked = { videoId: 'a', userId: engine.userId, isUrgent };
    const input = workflow === 'renderAudio' ? { ...asked, format: 'mp3' } : { ...asked, ...PICTURE };
    await decider.runUntil(
      maker.runUntil(
        engine.client.workflow.execute(WORKFLOWS[workflow], {
          ...{ workflowId: `a-${workflow}`, taskQueue: 'workflows', args: [input] },
        }),
      ),
    );
  }

  it('comes before videos once and for ten seconds, and after trouble takes its turn', async () => {
    outcomes = [ApplicationFailure.create({ message: 'It failed', type: 'media_tool_failed' }), null];
    await render(true);
    assert.deepEqual(tries, [
      { priority: PRIORITY.interactive, limitMs: 10_000 },
      { priority: PRIORITY.laterStep, limitMs: 300_000 },
    ]);
  });

  it('is not tried again when it cannot be made', async () => {
    outcomes = [ApplicationFailure.nonRetryable('It is broken', 'corrupt_media')];
    await assert.rejects(render(true));
    assert.equal(tries.length, 1);
  });

  it('takes its turn from the beginning when nobody is in a hurry', async () => {
    outcomes = [null];
    await render(false);
    assert.deepEqual(
      tries.map(({ priority }) => priority),
      [PRIORITY.laterStep],
    );
  });

  it('gives sound the hours that a film may take, once its hurry is over', async () => {
    outcomes = [ApplicationFailure.create({ message: 'It failed', type: 'media_tool_failed' }), null];
    await render(true, 'renderAudio');
    assert.deepEqual(tries, [
      { priority: PRIORITY.interactive, limitMs: 10_000 },
      { priority: PRIORITY.laterStep, limitMs: 3 * 3600_000 },
    ]);
  });
});
