import assert from 'node:assert/strict';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { EngineUnavailableError, NoWorkerError } from '../../src/errors.ts';
import { writeCaption } from '../../src/flows/captions.ts';

const CAPTION = { captionId: 'c', userId: 'u', videoId: null };
const POLLER = { lastAccessTime: { seconds: Math.floor(Date.now() / 1000) } };

interface Behaviour {
  countPollers?: () => Promise<object>;
  start?: () => Promise<unknown>;
  result?: () => Promise<unknown>;
}

/** An engine whose answers can be lost: of a real one nobody knows at which call a connection breaks. */
function engineThat({ countPollers, start, result }: Behaviour) {
  const calls: string[] = [];
  const call = (name: string, answer: () => Promise<unknown>) => () => {
    calls.push(name);
    return answer();
  };
  const client = {
    options: { namespace: 'n' },
    withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
    workflowService: { describeTaskQueue: countPollers ?? (async () => ({ pollers: [POLLER] })) },
    workflow: {
      start: call('start', start ?? (async () => undefined)),
      getHandle: () => ({ result: call('result', result ?? (async () => undefined)) }),
    },
  };
  return { client: client as unknown as Client, calls };
}

const broken = () => Promise.reject(Object.assign(new Error('14 UNAVAILABLE'), { name: 'ServiceError' }));
const late = () => new Promise<never>(() => undefined);

describe('telling the engine of a caption', () => {
  it('begins and waits', async () => {
    const { client, calls } = engineThat({});
    await writeCaption(client, CAPTION);
    assert.deepEqual(calls, ['start', 'result']);
  });

  it('takes nothing back when the answer to the beginning is lost: it may be written', async () => {
    const { client, calls } = engineThat({ start: broken });
    await writeCaption(client, CAPTION);
    assert.deepEqual(calls, ['start', 'result'], 'it is waited for all the same');
    const unknown = new WorkflowNotFoundError('not found', 'caption/c', undefined);
    await writeCaption(engineThat({ start: broken, result: () => Promise.reject(unknown) }).client, CAPTION);
  });

  it('takes nothing back when that answer is late', async () => {
    const { client, calls } = engineThat({ start: late });
    await writeCaption(client, CAPTION);
    assert.deepEqual(calls, ['start', 'result']);
  }).timeout(6000);

  it('says that nobody was told when the engine was away before, and keeps to that', async () => {
    const away = engineThat({ countPollers: broken });
    await assert.rejects(writeCaption(away.client, CAPTION), EngineUnavailableError);
    const answers: ((pollers: object) => void)[] = [];
    const slow = engineThat({
      countPollers: () =>
        new Promise((resolve) => {
          answers.push(resolve);
        }),
    });
    await assert.rejects(writeCaption(slow.client, CAPTION), EngineUnavailableError);
    for (const answer of answers) answer({ pollers: [POLLER] });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([away.calls, slow.calls], [[], []]);
  }).timeout(6000);

  it('says that nobody is there', async () => {
    const { client, calls } = engineThat({ countPollers: async () => ({ pollers: [] }) });
    await assert.rejects(writeCaption(client, CAPTION), NoWorkerError);
    assert.deepEqual(calls, []);
  });
});
