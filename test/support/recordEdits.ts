import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { editVideoId, SIGNALS } from '../../workflows/contract.ts';
import { type EditToAdd, editsOf } from './edits.ts';
import type { TestEngine } from './engine.ts';
import { fixture } from './mediaFixtures.ts';
import { findProcesses } from './processes.ts';
import { waitFor } from './stack.ts';

const QUEUES = { WORKER_QUEUES: 'workflows,media,net,encode', ENCODE_SLOTS: '1' };

/** Each way through an edit that makes its workflow decide otherwise. */
export async function recordEdits(
  engine: TestEngine,
  save: (name: string, workflowId: string) => Promise<void>,
): Promise<void> {
  engine.startWorker(QUEUES);
  const edits = editsOf(engine);
  const [minute, short, heavy, webm, garbage] = await Promise.all(
    (['minute', 'h264', 'bigOneKeyframe', 'vp9', 'garbage'] as const).map(async (name) =>
      engine.addVideo(await fixture(name), { steps: [] }),
    ),
  );
  for (const id of [minute, short, heavy, webm, garbage]) await engine.untilSettled(id ?? '');
  const run = async (name: string, edit: EditToAdd, act?: (id: string) => Promise<unknown>) => {
    const id = await edits.add(edit);
    await act?.(id);
    await edits
      .handle(id)
      .result()
      .catch(() => undefined);
    await save(`editVideo-${name}`, editVideoId(id, 1));
  };
  const encoding = () =>
    waitFor(
      async () =>
        (await findProcesses(engine.config.DATA_DIR)).some(({ commandLine }) =>
          /libx264.*\/result\.mp4/.test(commandLine),
        ),
      { what: 'an encoding ffmpeg', timeoutMs: 30_000 },
    );
  const toEncode = { parents: [heavy ?? ''], startSec: 10, endSec: 25 };
  await run('trimmed', { parents: [minute ?? ''], startSec: 3.5, endSec: 21 });
  await run('merged', { parents: [short ?? '', webm ?? ''], kind: 'merge' });
  await run('failed', { parents: [garbage ?? ''] });
  await run('cancelled', toEncode, async (id) => {
    await encoding();
    await edits.cancel(id);
  });
  const source = join(engine.config.STORAGE_DIR, 'sources', short ?? '');
  await rename(source, `${source}.away`);
  await run('waited', { parents: [short ?? ''] }, async (id) => {
    await edits.until(id, ({ nextAttemptAt }) => Boolean(nextAttemptAt), 'waiting to be repeated');
    await rename(`${source}.away`, source);
    await edits.handle(id).signal(SIGNALS.retryNow);
  });
  await run('workerLost', toEncode, async () => {
    await encoding();
    await engine.stopWorkers('SIGKILL');
    engine.startWorker(QUEUES);
  });
}
