import assert from 'node:assert/strict';
import { createWebhookSender } from '../../src/notifiers/webhook/index.ts';

describe('the sender of webhooks', () => {
  const sent: string[] = [];
  const sender = createWebhookSender({
    send: async ({ url }) => {
      sent.push(url);
      return { status: 204, durationMs: 1, retryAfter: null, text: '' };
    },
    timeoutSec: 1,
  });
  const message = { id: 'msg_1', body: Buffer.from('{}') };
  const target = (...secrets: string[]) => ({ url: `https://hook.example/${secrets.length}`, secrets });
  const KEY = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`;

  it('sends nothing where a secret is no key, which is one attempt', async () => {
    for (const secret of ['', 'whsec_', 'whsec_not base64']) {
      const outcome = await sender.send(target(KEY, secret), message);
      assert.deepEqual([outcome.status, outcome.errorCode], [null, 'secret_unreadable'], secret);
    }
    assert.deepEqual(sent, []);
    assert.equal((await sender.send(target(KEY), message)).status, 204);
  });
});
