import assert from 'node:assert/strict';
import { signMessage } from '../../src/notifiers/webhook/sign.ts';
import { makeWebhookSecret } from '../../src/secrets/webhookSecret.ts';
import { sample } from '../support/sample.ts';
import { seededRandom } from '../support/stack.ts';
import { holdsByOpenssl, holdsByRule, verifyByLibrary } from '../support/verifying.ts';
import { makePayload } from '../support/webhookPayloads.ts';

const PAYLOADS = 1000;
/** A shell and four programs each. */
const BY_OPENSSL = 40;

describe('signatures of deliveries', () => {
  const random = seededRandom('signatures');
  const nowSec = () => Math.floor(Date.now() / 1000);
  const id = 'evt.1,ä 🎬';
  const body = Buffer.from('{"type":"video.ready"}');
  const messages = Array.from({ length: PAYLOADS }, (_, at) => ({
    payload: makePayload(random),
    secret: makeWebhookSecret(),
    id: `id-${at}`,
  }));
  const write = (payload: unknown): Buffer => Buffer.from(JSON.stringify(payload));

  it('hold for the library of Standard Webhooks, and by its rule written out, whatever is in a payload', () => {
    for (const { payload, secret, id } of messages) {
      const headers = signMessage({ id, timestampSec: nowSec(), body: write(payload) }, [secret]);
      assert.deepEqual(verifyByLibrary(secret, headers, write(payload)), JSON.parse(JSON.stringify(payload)));
      assert.ok(holdsByRule(secret, headers, write(payload)));
    }
  });

  it('hold for ten lines of shell and OpenSSL', async function () {
    this.timeout(PAYLOADS * 100);
    for (const { payload, secret, id } of sample('openssl', messages, BY_OPENSSL)) {
      const headers = signMessage({ id, timestampSec: nowSec(), body: write(payload) }, [secret]);
      assert.ok(await holdsByOpenssl(secret, headers, write(payload)), JSON.stringify(payload));
      const [old, ...others] = headers['webhook-signature']?.split(' ') ?? [];
      assert.deepEqual(others, []);
      assert.match(old ?? '', /^v1,[A-Za-z0-9+/]{43}=$/);
    }
  });

  it('are of all secrets during a rotation, and of no other', async () => {
    const secrets = [makeWebhookSecret(), makeWebhookSecret(), makeWebhookSecret()];
    const headers = signMessage({ id: 'one', timestampSec: nowSec(), body }, secrets);
    for (const secret of secrets) {
      assert.deepEqual(verifyByLibrary(secret, headers, body), { type: 'video.ready' });
      assert.ok(await holdsByOpenssl(secret, headers, body));
    }
    const foreign = makeWebhookSecret();
    assert.throws(() => verifyByLibrary(foreign, headers, body), /No matching signature/);
    assert.equal(await holdsByOpenssl(foreign, headers, body), false);
  });

  it('hold for the very bytes, id and time only', async () => {
    const secret = makeWebhookSecret();
    const headers = signMessage({ id, timestampSec: nowSec(), body }, [secret]);
    verifyByLibrary(secret, headers, body);
    const changed = {
      body: [headers, Buffer.from(`${body} `)],
      id: [{ ...headers, 'webhook-id': 'another' }, body],
      time: [{ ...headers, 'webhook-timestamp': String(nowSec() + 1) }, body],
      version: [{ ...headers, 'webhook-signature': headers['webhook-signature']?.replace('v1', 'v2') }, body],
    } as const;
    for (const [part, [others, bytes]] of Object.entries(changed)) {
      assert.throws(() => verifyByLibrary(secret, others, bytes), /No matching signature/, part);
      assert.equal(await holdsByOpenssl(secret, others, bytes), false, part);
    }
  });

  it('are refused by receivers when they are old', () => {
    const secret = makeWebhookSecret();
    const at = (timestampSec: number) => signMessage({ id, timestampSec, body }, [secret]);
    assert.throws(() => verifyByLibrary(secret, at(nowSec() - 301), body), /too old/);
    assert.throws(() => verifyByLibrary(secret, at(nowSec() + 302), body), /too new/);
    verifyByLibrary(secret, at(nowSec() - 290), body);
  });

  it('take secrets of every length that the specification allows, with and without their prefix', async () => {
    for (const length of [24, 25, 26, 32, 63, 64]) {
      const encoded = random.bytes(length).toString('base64');
      const headers = signMessage({ id, timestampSec: nowSec(), body }, [encoded]);
      verifyByLibrary(`whsec_${encoded}`, headers, body);
      assert.ok(await holdsByOpenssl(`whsec_${encoded}`, headers, body));
    }
  });
});
