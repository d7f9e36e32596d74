import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { createEgress } from '../../src/egress/index.ts';

const HOST = '127.0.0.2';

/** Answers after a while, whatever the rest of the process does, and says when it was asked. */
const ANSWERING = `
  const { createServer } = require('node:http');
  const { parentPort } = require('node:worker_threads');
  const server = createServer((request, response) => {
    parentPort.postMessage('asked');
    setTimeout(() => response.writeHead(200).end('taken'), 100);
  });
  server.listen(0, '${HOST}', () => parentPort.postMessage(server.address().port));`;

/** Opens files until there are no more, and then sends. */
const EXHAUSTED = `
  import { openSync } from 'node:fs';
  import { createEgress } from '${new URL('../../src/egress/index.ts', import.meta.url)}';
  const { send } = createEgress({ config: { EGRESS_ALLOW_CIDRS: ['${HOST}/32'] } });
  const { signal } = new AbortController();
  const request = { url: 'http://${HOST}:1/', headers: {}, body: Buffer.from('{}'), timeoutMs: 2000, signal };
  const codes = [await send(request).catch(({ code }) => code)];
  try { for (;;) openSync('/dev/null', 'r'); } catch {}
  codes.push(await send(request).catch(({ code }) => code));
  process.stdout.write(codes.join(' '));`;

describe('sending from a process in trouble', () => {
  it('takes the answer that came while it was frozen', async () => {
    const receiver = new Worker(ANSWERING, { eval: true });
    try {
      const [port] = await once(receiver, 'message');
      const { send } = createEgress({ config: { EGRESS_ALLOW_CIDRS: [`${HOST}/32`] } });
      const plain = { headers: {}, body: Buffer.from('{}'), signal: new AbortController().signal };
      const sent = send({ url: `http://${HOST}:${port}/`, ...plain, timeoutMs: 600 });
      await once(receiver, 'message');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800);
      const { status, text } = await sent;
      assert.deepEqual([status, text], [200, 'taken']);
    } finally {
      await receiver.terminate();
    }
  });

  it('says nothing of the other side when it is here that no connection can be opened', async () => {
    const command = `ulimit -n 64; exec "$0" --input-type=module --eval "$1"`;
    const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, EXHAUSTED]);
    assert.equal(stdout, 'unreachable network_trouble');
  });
});
