import assert from 'node:assert/strict';
import { makeCertificate } from '../support/certificates.ts';
import { answering, comeBackAfter, gone, leadingTo } from '../support/fakes/hookTrouble.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/fakes/webhookReceiver.ts';
import { waitFor } from '../support/stack.ts';

describe('the receiver of webhooks that tests have', () => {
  let receiver: WebhookReceiver;
  before(async () => {
    receiver = await startWebhookReceiver();
  });
  after(() => receiver.close());
  afterEach(() => receiver.reset());

  const post = (path: string, body = 'ä', signal?: AbortSignal) =>
    fetch(receiver.url(path), {
      ...{ method: 'POST', body, headers: { 'webhook-id': 'one' }, redirect: 'manual' as const },
      ...(signal && { signal }),
    });

  it('remembers by path what came, byte by byte', async () => {
    assert.equal((await post('/a?x=1')).status, 204);
    await post('/b');
    const [arrival, ...others] = receiver.at('/a');
    assert.deepEqual(others, []);
    assert.ok(arrival);
    assert.deepEqual(arrival.body, Buffer.from('ä'));
    assert.equal(arrival.target, '/a?x=1');
    assert.equal(arrival.headers['webhook-id'], 'one');
    assert.ok(Math.abs(Date.now() - arrival.receivedAt) < 5000);
    assert.equal(receiver.arrivals.length, 2);
  });

  it('misbehaves by a script for each path, then well', async () => {
    const away = 'http://127.0.0.1:1/';
    receiver.behave('/a', gone(), comeBackAfter('7'), comeBackAfter('9', 503), leadingTo(away));
    receiver.behave('/a', { kind: 'echo', status: 500 }, answering(201, {}, 'made'));
    assert.equal((await post('/b')).status, 204);
    assert.equal((await post('/a')).status, 410);
    assert.equal((await post('/a')).headers.get('retry-after'), '7');
    assert.equal((await post('/a')).status, 503);
    assert.equal((await post('/a')).headers.get('location'), away);
    assert.match(await (await post('/a', 'whole')).text(), /"webhook-id":"one".*whole$/s);
    assert.equal(await (await post('/a')).text(), 'made');
    assert.equal((await post('/a')).status, 204);
  });

  it('does not answer, not at once, not to the end, or without end', async () => {
    receiver.behave('/a', { kind: 'drop' }, { kind: 'cut' }, { kind: 'slow', ms: 50 });
    receiver.behave('/a', { kind: 'giant', status: 200, sizeBytes: 1_000_001 }, { kind: 'hang' });
    await assert.rejects(post('/a'));
    await assert.rejects(post('/a').then((answer) => answer.text()));
    assert.equal((await post('/a')).status, 204);
    assert.equal((await (await post('/a')).arrayBuffer()).byteLength, 1_000_001);
    await assert.rejects(post('/a', '', AbortSignal.timeout(100)), { name: 'TimeoutError' });
    for (const kind of ['endless', 'drip'] as const) {
      receiver.behave('/a', { kind, status: 200, everyMs: 10 });
      const answer = await post('/a', '', AbortSignal.timeout(300));
      assert.equal(answer.status, 200);
      await assert.rejects(answer.arrayBuffer(), { name: 'TimeoutError' });
    }
    await waitFor(() => receiver.arrivals.at(-1)?.isAbandoned, { what: 'the receiver to notice' });
  });

  it('is down, and comes back at the same port', async () => {
    await receiver.goDown();
    await assert.rejects(post('/a'));
    assert.equal(receiver.arrivals.length, 0);
    await receiver.comeBack();
    assert.equal((await post('/a')).status, 204);
  });

  it('has a certificate that only those trust who were told to', async () => {
    const secure = await startWebhookReceiver({ tls: await makeCertificate('127.0.0.1') });
    await assert.rejects(
      fetch(secure.url('/a')),
      ({ cause }: Error) => (cause as { code: string }).code === 'DEPTH_ZERO_SELF_SIGNED_CERT',
    );
    assert.deepEqual(secure.arrivals, []);
    assert.equal(secure.connections(), 1);
    await secure.close();
  });
});
