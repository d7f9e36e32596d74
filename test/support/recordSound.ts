import assert from 'node:assert/strict';
import { renderAudioId } from '../../workflows/contract.ts';
import type { TestEngine } from './engine.ts';
import { type FixtureName, fixture } from './mediaFixtures.ts';

/** Sound that is made, and sound that cannot be. */
export async function recordSound(
  engine: TestEngine,
  save: (name: string, workflowId: string) => Promise<void>,
): Promise<void> {
  engine.startWorker();
  const run = async (name: string, source: FixtureName) => {
    const videoId = await engine.addVideo(await fixture(source), { steps: [] });
    await engine.untilSettled(videoId);
    const wanted = { videoId, userId: engine.userId, format: 'mp3', isUrgent: true } as const;
    const { state } = await engine.flows.makeAudio(wanted);
    assert.equal(state, name);
    await save(`renderAudio-${name}`, renderAudioId(videoId, 'mp3'));
  };
  await run('done', 'h264');
  await run('failed', 'noAudio');
  await engine.stopWorkers('SIGTERM');
}
