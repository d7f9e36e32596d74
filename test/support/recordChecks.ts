import { checkAccountId } from '../../workflows/contract.ts';
import type { TestEngine } from './engine.ts';
import { serverError } from './fakes/behaviours.ts';
import { startFakeUploadPost, UploadPostWorld, uploadPostUrl } from './fakes/uploadPost.ts';
import { createAccountKeeper } from './keptAccounts.ts';
import { waitFor } from './stack.ts';

/** Each end that the check of an account's credentials may come to. */
export async function recordChecks(
  engine: TestEngine,
  save: (name: string, workflowId: string) => Promise<void>,
): Promise<void> {
  const world = new UploadPostWorld();
  const fakes = await startFakeUploadPost(world);
  engine.startWorker({ UPLOAD_POST_BASE_URL: uploadPostUrl(fakes), WORKER_QUEUES: 'workflows,notify' });
  const keeper = createAccountKeeper(engine);
  const run = async (name: string, act?: (workflowId: string) => Promise<unknown>) => {
    const username = `of-${name}`;
    world.addProfile(name, username, ['tiktok']);
    const accountId = await keeper.add({ key: name, username, platforms: ['tiktok'] });
    const workflowId = checkAccountId(accountId, 1);
    await engine.flows.checkAccount({ accountId, userId: engine.userId, revision: 1 });
    await act?.(workflowId);
    const { workflow } = engine.client;
    await workflow
      .getHandle(workflowId)
      .result()
      .catch(() => undefined);
    await save(`checkAccount-${name}`, workflowId);
  };
  await run('checked');
  fakes.behave(serverError());
  await run('troubled');
  fakes.reset();
  fakes.behave({ kind: 'hang' });
  await run('cancelled', async (workflowId) => {
    await waitFor(() => fakes.requests.length === 1, { what: 'the question' });
    await engine.client.workflow.getHandle(workflowId).cancel();
  });
  await engine.stopWorkers('SIGTERM');
  await fakes.close();
}
