import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchSource } from '../support/fetching.ts';
import { type Canary, type Source, startCanary, startSource } from '../support/sources.ts';

const run = promisify(execFile);

/** The only address that is allowed; names under `inner` are the canary's. */
const HOST = '127.0.0.2';
const resolve = async (name: string) => [name.startsWith('inner') ? '127.0.0.1' : HOST];

describe('egress: redirects', () => {
  let source: Source;
  let canary: Canary;
  /** Where `/to/<n>` leads, in the words of the header. */
  let targets: string[] = [];

  before(async () => {
    source = await startSource(
      ({ url = '' }, response) => {
        const [, kind, number] = url.split('/');
        if (kind === 'file') return response.end('good');
        const location =
          kind === 'hops' ? `/${Number(number) > 1 ? `hops/${Number(number) - 1}` : 'file'}` : '';
        const status = kind === 'to' ? 302 + (Number(number) % 2) * 5 : 301;
        const to = kind === 'to' ? targets[Number(number)] : location;
        // Not an array of headers: a bad value must reach the other side as it is.
        response.writeHead(status, kind === 'nowhere' ? {} : { Location: to ?? '' });
        return response.end('a page about the new place');
      },
      { host: HOST },
    );
    canary = await startCanary([80, 443, source.port]);
  });
  after(async () => {
    await Promise.all([source?.close(), canary?.close()]);
  });

  const fetch = (path: string, more = {}) =>
    fetchSource(`http://start.test:${source.port}${path}`, { allow: [`${HOST}/32`], resolve, ...more });

  it('are followed three times at most', async () => {
    for (const hops of [1, 2, 3]) assert.equal((await fetch(`/hops/${hops}`)).bytes.toString(), 'good');
    for (const hops of [4, 30]) assert.equal((await fetch(`/hops/${hops}`)).error?.code, 'source_redirects');
    assert.equal((await fetch('/nowhere')).error?.code, 'source_redirects');
  });

  it('to an inner address are refused in every form, at the first hop and at a later one', async () => {
    const { port } = source;
    targets = [
      ...[
        `http://127.0.0.1:${port}/`,
        `//127.0.0.1:${port}/`,
        `http://inner.test:${port}/`,
        'http://inner.test/',
      ],
      ...[
        'http://127.1/',
        'http://2130706433/',
        'http://0x7f.1/',
        'http://0177.0.0.1/',
        'http://0/',
        'http://[::1]/',
      ],
      ...[
        `http://[::ffff:127.0.0.1]:${port}/`,
        'http://[::7f00:1]/',
        'http://[64:ff9b::7f00:1]/',
        'http://localhost/',
      ],
      ...[
        'http://169.254.169.254/latest/meta-data/',
        'http://10.0.0.1/',
        'http://user:pass@start.test/',
        '///127.0.0.1/',
      ],
      ...[
        'file:///etc/passwd',
        'ftp://127.0.0.1/',
        'gopher://127.0.0.1:80/_',
        'javascript:alert(1)',
        'data:,x',
      ],
      ...[
        'http:\\\\127.0.0.1\\',
        'http://start.test@127.0.0.1/',
        'https://inner.test/',
        '\\\\127.0.0.1\\share',
      ],
      ...['http://127.0.0.1%2f@start.test/', 'unix:/var/run/docker.sock', 'http://[fe80::1%25lo]/'],
    ];
    assert.ok(targets.length >= 25);
    const through: string[] = [];
    for (const [number, target] of targets.entries()) {
      const { error } = await fetch(`/to/${number}`);
      if (error?.code !== 'address_not_allowed') through.push(`${target}: ${error?.code}`);
    }
    assert.deepEqual(through, []);
    targets = [`http://start.test:${port}/to/1`, `http://127.0.0.1:${port}/`];
    assert.equal((await fetch('/to/0')).error?.code, 'address_not_allowed');
    assert.equal(canary.hits, 0);
  });

  it('from https to http are refused, and a certificate has to hold for the name', async function () {
    this.timeout(20_000);
    const folder = await mkdtemp(join(tmpdir(), 'vf-tls-'));
    const [keyPath, certPath] = [join(folder, 'key'), join(folder, 'cert')];
    const subject = ['-subj', '/CN=secure.test', '-addext', 'subjectAltName=DNS:secure.test'];
    const files = ['-keyout', keyPath, '-out', certPath];
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      ...files,
      ...subject,
    ]);
    const [key, cert] = await Promise.all([readFile(keyPath), readFile(certPath)]);
    const names: unknown[] = [];
    const SNICallback = (name: string, done: (error: null) => void) => {
      names.push(name);
      done(null);
    };
    const server = createServer({ key, cert, SNICallback });
    server.on('request', ({ url }, response) => {
      if (url === '/file') return response.end('secret');
      return response.writeHead(302, { Location: `http://start.test:${source.port}/file` }).end();
    });
    await new Promise<void>((done) => server.listen(0, HOST, done));
    const { port } = server.address() as AddressInfo;
    const at = (name: string, path: string, ca?: Buffer) =>
      fetchSource(`https://${name}:${port}${path}`, {
        allow: [`${HOST}/32`],
        resolve,
        ...(ca ? { ca } : {}),
      });
    try {
      assert.equal((await at('secure.test', '/file', cert)).bytes.toString(), 'secret');
      assert.deepEqual(names, ['secure.test']);
      assert.equal((await at('secure.test', '/away', cert)).error?.code, 'source_redirects');
      assert.equal((await at('other.test', '/file', cert)).error?.code, 'source_untrusted');
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
      assert.equal((await at('secure.test', '/file')).error?.code, 'source_untrusted');
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      await new Promise((done) => server.close(done));
      await rm(folder, { recursive: true });
    }
  });

  it('and proxies of the environment do not turn the way', async () => {
    const way = new URL('../../src/egress/index.ts', import.meta.url).href;
    const script = `const { createEgress } = await import(${JSON.stringify(way)});
      const egress = createEgress({ config: { EGRESS_ALLOW_CIDRS: ['${HOST}/32'] }, resolve: async () => ['${HOST}'] });
      let text = '';
      const sink = { begin: async () => {}, write: async (bytes) => { text += bytes; } };
      const signal = new AbortController().signal;
      await egress.download({ url: 'http://start.test:${source.port}/file', sink, maxBytes: 99, maxSec: 5, minBytesPerSec: 1, signal });
      console.log(text);`;
    const proxy = `http://127.0.0.1:${canary.places.at(-1)?.port}`;
    const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy };
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env });
    assert.equal(stdout.trim(), 'good');
    assert.equal(canary.hits, 0);
  });
});
