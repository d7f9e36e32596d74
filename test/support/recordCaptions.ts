import { writeCaptionId } from '../../workflows/contract.ts';
import type { TestEngine } from './engine.ts';
import { startFakeWriter } from './fakes/chat.ts';
import { CHAT_TROUBLE } from './fakes/chatTrouble.ts';
import { waitFor } from './stack.ts';

/** Each end that the writing of a caption may come to. */
export async function recordCaptions(
  engine: TestEngine,
  save: (name: string, workflowId: string) => Promise<void>,
): Promise<void> {
  const fakes = await startFakeWriter();
  engine.startWorker({
    ...{ CAPTIONS_BASE_URL: fakes.baseUrl, OPENROUTER_API_KEY: fakes.apiKey },
    WORKER_QUEUES: 'workflows,net',
  });
  const { userId } = engine;
  const run = async (name: string, act?: (captionId: string) => Promise<unknown>) => {
    const asked = { videoId: null, prompt: 'a', platform: null, wantedModel: null };
    const captionId = await engine.db.captions.insert({ ...asked, userId });
    const start = () => engine.flows.writeCaption({ captionId, userId, videoId: null });
    const writing = waitFor(async () => start().then(() => true), { what: 'a worker', timeoutMs: 60_000 });
    await act?.(captionId);
    await writing;
    await save(`writeCaption-${name}`, writeCaptionId(captionId));
  };
  await run('written');
  fakes.behave(CHAT_TROUBLE.no_credit);
  await run('failed');
  fakes.reset();
  fakes.behave({ kind: 'hang' });
  await run('cancelled', async (captionId) => {
    await waitFor(() => fakes.requests.length === 1, { what: 'the request' });
    await engine.client.workflow.getHandle(writeCaptionId(captionId)).cancel();
  });
  await engine.stopWorkers('SIGTERM');
  await fakes.close();
}
