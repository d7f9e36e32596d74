import { processVideoId } from '../../workflows/contract.ts';
import { editsOf } from './edits.ts';
import type { TestEngine } from './engine.ts';
import { rateLimited } from './fakes/behaviours.ts';
import { startFakeTranscriber } from './fakes/openai.ts';
import { soundClip } from './speechFixtures.ts';
import { toneVideo } from './toneVideos.ts';

/** Each way to a transcript that makes `processVideo` decide otherwise. */
export async function recordTranscripts(
  engine: TestEngine,
  save: (name: string, workflowId: string) => Promise<void>,
): Promise<void> {
  const fake = await startFakeTranscriber();
  engine.startWorker({ OPENAI_BASE_URL: fake.baseUrl, OPENAI_API_KEY: fake.apiKey });
  const end = async (name: string, id: string) => {
    await engine.untilSettled(id);
    await engine.client.workflow.getHandle(processVideoId(id, 1)).result();
    await save(`processVideo-${name}`, processVideoId(id, 1));
    return id;
  };
  const add = (file: string) => engine.addVideo(file, { steps: ['transcript'] });
  await end('mute', await add(await soundClip('mute')));
  fake.behave(rateLimited());
  const spoken = await end('transcribed', await add(await toneVideo()));
  const edits = editsOf(engine);
  const { video } = await edits.untilEnded(await edits.add({ parents: [spoken], startSec: 1, endSec: 7 }));
  await end('carried', video?.id ?? '');
  await engine.stopWorkers('SIGTERM');
  await fake.close();
}
