import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SendError } from '../../src/egress/errors.ts';
import { createEgress, type EgressParts, type SendRequest, type SentAnswer } from '../../src/egress/index.ts';
import { makeCertificate } from '../support/certificates.ts';
import { startWebhookReceiver } from '../support/fakes/webhookReceiver.ts';
import { INNER_HOSTS } from '../support/innerAddresses.ts';
import { type Canary, type Source, startCanary, startSource } from '../support/sources.ts';
import { waitFor } from '../support/stack.ts';

/** The only address that is allowed, but where a test says otherwise. */
const HOST = '127.0.0.2';
const MIB = 1024 * 1024;

type Sent = Partial<SentAnswer> & { code: string | null };

async function send(
  url: string,
  more: Partial<SendRequest> & { parts?: EgressParts; allow?: string[] } = {},
): Promise<Sent> {
  const { parts, allow = [`${HOST}/32`], ...request } = more;
  const egress = createEgress({ config: { EGRESS_ALLOW_CIDRS: allow }, ...parts });
  const plain = { headers: { 'x-test': 'yes' }, body: Buffer.from('{"a":1}'), timeoutMs: 5000 };
  try {
    const signal = new AbortController().signal;
    return { code: null, ...(await egress.send({ url, ...plain, signal, ...request })) };
  } catch (error) {
    return { code: (error as SendError).code };
  }
}

const CHUNK = Buffer.alloc(64 * 1024, 'x');
const giantTaken: number[] = [];

type Answering = (response: ServerResponse, query: string, url: string) => void;

/** By the first part of the path; all else is answered 204. */
const ANSWERS: Record<string, Answering> = {
  to: (response, query) => response.writeHead(307, { location: decodeURIComponent(query) }).end('elsewhere'),
  hang: () => undefined,
  drip: (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'), 50);
    response.on('close', () => clearInterval(timer));
  },
  giant: (response) => {
    const { socket } = response;
    // Whoever does not read on lets the buffers of the system fill up, and that is all.
    socket?.once('close', () => giantTaken.push(socket.bytesWritten));
    response.writeHead(500);
    const pour = () => {
      while (response.write(CHUNK));
    };
    response.on('drain', pour);
    pour();
  },
  busy: (response) => response.writeHead(429, { 'retry-after': '17' }).end(),
  head: (response) => response.writeHead(200, { 'x-big': 'x'.repeat(32 * 1024) }).end(),
  echo: (response, _query, url) => response.end(`${url} sesame-open \u0000\u001b[31m \u202e 🎬`),
};

describe('egress: sending', () => {
  let source: Source;
  let canary: Canary;
  let bodies: string[] = [];

  before(async () => {
    source = await startSource(
      async (request, response) => {
        bodies.push(`${request.method} ${request.headers['x-test']} ${(await request.toArray()).join('')}`);
        const [path = '', query = ''] = (request.url ?? '').split('?');
        const answer = ANSWERS[path.split('/')[1] ?? ''] ?? ((to) => void to.writeHead(204).end());
        answer(response, query, request.url ?? '');
      },
      { host: HOST },
    );
    canary = await startCanary([80, 443, source.port]);
  });
  after(async () => {
    await Promise.all([source?.close(), canary?.close()]);
  });
  beforeEach(() => {
    bodies = [];
  });

  const at = (path: string) => `http://${HOST}:${source.port}${path}`;

  it('posts the body and gives the answer', async () => {
    const { durationMs, ...answer } = await send(at('/'));
    assert.deepEqual(answer, { code: null, status: 204, retryAfter: null, text: '' });
    assert.ok(durationMs !== undefined && durationMs < 5000);
    assert.deepEqual(bodies, ['POST yes {"a":1}']);
    assert.equal((await send(at('/busy'))).retryAfter, '17');
  });

  it('takes a redirect for an answer, wherever it leads', async () => {
    const inner = [`http://127.0.0.1:${source.port}/`, 'file:///etc/passwd', '//127.1/', at('/')];
    for (const target of inner) {
      const { status } = await send(at(`/to?${encodeURIComponent(target)}`));
      assert.equal(status, 307, target);
    }
    assert.equal(bodies.length, inner.length);
    assert.equal(canary.hits, 0);
  });

  it('sends nothing to an inner address, in whatever form it is written', async () => {
    for (const host of INNER_HOSTS) {
      const { code } = await send(`http://${host}:${source.port}/`);
      assert.equal(code, 'refused', host);
    }
    assert.equal(canary.hits, 0);
  });

  it('asks for a name anew each time, and sends nothing when it has come to lead inwards', async () => {
    const url = `http://hook.test:${source.port}/`;
    let answers = [[HOST]];
    const parts = { resolve: async () => answers.shift() ?? [] };
    answers = [[HOST], ['127.0.0.1'], [HOST, '127.0.0.1'], ['::ffff:127.0.0.1'], []];
    assert.equal((await send(url, { parts })).status, 204);
    for (let left = answers.length; left > 0; left--)
      assert.equal((await send(url, { parts })).code, 'refused');
    assert.equal(canary.hits, 0);
  });

  it('heeds no proxy of the environment', async () => {
    const names = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
    for (const name of names)
      process.env[name] = name.startsWith('NODE') ? '1' : `http://127.0.0.1:${source.port}`;
    try {
      assert.equal((await send(at('/'))).status, 204);
    } finally {
      for (const name of names) delete process.env[name];
    }
    assert.equal(canary.hits, 0);
  });

  it('reads little of a giant answer and keeps a kilobyte', async () => {
    const { status, text } = await send(at('/giant'));
    assert.equal(status, 500);
    assert.equal(text, 'x'.repeat(1024));
    await waitFor(() => giantTaken.length === 1, { what: 'the end of the connection' });
    assert.ok((giantTaken[0] ?? 0) < 16 * MIB, `${giantTaken}`);
  });

  it('keeps an answer without controls, and without secrets that it says back', async () => {
    const path = '/echo/services/T0-very-secret?token=hidden%20value';
    const { text } = await send(at(path), { secrets: ['sesame-open'] });
    assert.equal(text, '[hidden] [hidden]   [31m   🎬');
  });

  it('cannot be held for longer than its time', async () => {
    for (const [path, code] of [
      ['/hang', 'unreachable'],
      ['/drip', 'timeout'],
    ] as const) {
      const startedAt = performance.now();
      assert.equal((await send(at(path), { timeoutMs: 300 })).code, code);
      assert.ok(performance.now() - startedAt < 1500, path);
    }
    const parts = { resolve: () => new Promise<string[]>(() => undefined) };
    assert.equal((await send('http://slow.test/', { timeoutMs: 300, parts })).code, 'unreachable');
  });

  it('ends with who asked', async () => {
    const asked = new AbortController();
    const sent = send(at('/hang'), { signal: asked.signal });
    setTimeout(() => asked.abort(new Error('enough')), 100);
    assert.deepEqual(await sent, { code: undefined });
  });

  it('tells closed, silent and foreign ports apart in nothing', async () => {
    const talks = (greet: (socket: Socket) => void) => listenAt(HOST, greet);
    const servers = await Promise.all([
      talks(() => undefined),
      talks((socket) => socket.destroy()),
      talks((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')),
      talks((socket) => socket.end('220 mail.test ESMTP\r\n')),
    ]);
    const closed = await talks(() => undefined);
    const ports = [...servers, closed].map((server) => (server.address() as AddressInfo).port);
    closed.close();
    try {
      for (const port of ports) {
        const told = await send(`http://${HOST}:${port}/`, { timeoutMs: 300 });
        assert.deepEqual(told, { code: 'unreachable' });
      }
    } finally {
      for (const server of servers) server.close();
    }
    assert.deepEqual(await send(at('/head')), { code: 'unreachable' });
  });

  it('trusts only certificates that hold', async () => {
    const tls = await makeCertificate('127.0.0.1');
    const receiver = await startWebhookReceiver({ tls });
    try {
      const allow = ['127.0.0.1/32'];
      assert.equal((await send(receiver.url('/'), { allow })).code, 'untrusted');
      assert.equal(receiver.arrivals.length, 0);
      assert.equal((await send(receiver.url('/'), { allow, parts: { ca: tls.cert } })).status, 204);
    } finally {
      await receiver.close();
    }
  });
});

async function listenAt(host: string, greet: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => greet(socket.on('error', () => undefined)));
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}
