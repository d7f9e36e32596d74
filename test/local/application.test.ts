import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { waitUntilHealthy } from '../../src/local/application.ts';
import { Refusal } from '../../src/local/refusal.ts';

describe('the wait for a healthy system', () => {
  let server: Server;
  let failing: string[] = [];
  const said: string[] = [];
  const wait = (timeoutMs?: number) => {
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return waitUntilHealthy([], { apiUrl, dataDir: tmpdir(), say: (line) => said.push(line) }, timeoutMs);
  };

  before((done) => {
    server = createServer((_request, response) => {
      const names = ['database', 'queues', 'stuck', 'disk'];
      const checks = names.map((name) => [name, { ok: !failing.includes(name), message: `about ${name}` }]);
      response.end(JSON.stringify({ checks: Object.fromEntries(checks) }));
    }).listen(0, '127.0.0.1', done);
  });
  beforeEach(() => {
    said.length = 0;
  });
  after(() => server.close());

  it('says nothing when all is well', async () => {
    failing = [];
    await wait();
    assert.deepEqual(said, []);
  });

  it('starts on a nearly full disk and beside stuck items, and says so', async () => {
    failing = ['stuck', 'disk'];
    await wait(1_000);
    assert.deepEqual(said, ['Attention, not all is well: stuck (about stuck), disk (about disk)']);
  });

  it('names what is not well when it gives up', async () => {
    failing = ['queues'];
    await assert.rejects(wait(200), (error) => {
      assert.ok(error instanceof Refusal);
      assert.match(error.message, /not ready after 0.2 s. Not well: queues \(about queues\)/);
      return true;
    });
  });
});
