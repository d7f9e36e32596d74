import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { type FetchOptions, fetchSource } from '../support/fetching.ts';
import {
  type Handler,
  rangeStart,
  type Source,
  serveFile,
  startRawSource,
  startSource,
} from '../support/sources.ts';
import { seededRandom } from '../support/stack.ts';

const MIB = 1024 * 1024;
const FILE = seededRandom('download').bytes(300_000);
const allow = ['127.0.0.1/32'];
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('egress: downloads', () => {
  const open: Source[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((source) => source.close()));
  });

  async function fetchFrom(handler: Handler, options: FetchOptions = {}) {
    const source = await startSource(handler);
    open.push(source);
    return { source, ...(await fetchSource(`${source.url}/v.mp4?sig=secret`, { allow, ...options })) };
  }
  async function fetchRaw(answer: Parameters<typeof startRawSource>[0], options: FetchOptions = {}) {
    const source = await startRawSource(answer);
    open.push(source);
    return fetchSource(`${source.url}/`, { allow, ...options });
  }
  const assertWhole = (bytes: Buffer) => assert.equal(hash(bytes), hash(FILE));

  it('give the bytes, their number and their type, and ask for them unpacked', async () => {
    const { bytes, beginnings, source } = await fetchFrom(serveFile(FILE));
    assertWhole(bytes);
    assert.deepEqual(beginnings, [{ host: '127.0.0.1', totalBytes: FILE.length, contentType: 'video/mp4' }]);
    assert.equal(source.requests[0]?.headers['accept-encoding'], 'identity');
    assert.equal(source.requests[0]?.url, '/v.mp4?sig=secret');
  });

  it('go on where they were cut, as often as something new comes', async () => {
    const cutsAfter = [100_000, 8000, 5000, 70_000, 5000, 5000, 5000, 5000];
    const { bytes, beginnings, source } = await fetchFrom(serveFile(FILE, { cutsAfter }));
    assertWhole(bytes);
    assert.equal(beginnings.length, 1);
    assert.equal(source.requests.length, cutsAfter.length + 1);
    assert.equal(source.requests[1]?.headers['if-range'], '"v1"');
  });

  it('go on by date where there is no better mark, and only by one that is old enough', async () => {
    for (const [ageSec, beginnings] of [
      [3600, 1],
      [5, 2],
    ] as const) {
      const changed = new Date(Date.now() - ageSec * 1000).toUTCString();
      const serve: Handler = (request, response, count) => {
        response.setHeader('Last-Modified', changed);
        if (request.headers['if-range'] === changed) request.headers['if-range'] = '"v1"';
        return serveFile(FILE, { cutsAfter: [50_000] })(request, withoutEtag(response), count);
      };
      const fetched = await fetchFrom(serve);
      assertWhole(fetched.bytes);
      assert.equal(fetched.beginnings.length, beginnings, `${ageSec} s old`);
    }
  });

  it('begin anew where the source cannot go on, or has another file by now', async () => {
    const none = await fetchFrom(serveFile(FILE, { etag: null, cutsAfter: [100_000, 120_000] }));
    assertWhole(none.bytes);
    assert.equal(none.beginnings.length, 3);
    const other = Buffer.from(FILE).fill(7, 0, 1000);
    const changed = await fetchFrom((request, response, count) =>
      serveFile(count === 1 ? other : FILE, { etag: `"v${count}"`, cutsAfter: [90_000] })(
        request,
        response,
        count,
      ),
    );
    assertWhole(changed.bytes);
    const gone = await fetchFrom((request, response, count) =>
      count === 2
        ? response.writeHead(416).end()
        : serveFile(FILE, { cutsAfter: [9000] })(request, response, count),
    );
    assertWhole(gone.bytes);
  });

  const liars: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown> = {
    'sends the beginning under the right range': (request, response) => {
      const start = rangeStart(request) ?? 0;
      head206(response, `bytes ${start}-${FILE.length - 1}/${FILE.length}`, FILE.length - start);
      response.end(FILE.subarray(0, FILE.length - start));
    },
    'sends another range': (_request, response) => {
      head206(response, `bytes 0-${FILE.length - 1}/${FILE.length}`, FILE.length);
      response.end(FILE);
    },
    'names no range': (request, response) => {
      response.writeHead(206, { 'Content-Length': FILE.length - (rangeStart(request) ?? 0) });
      response.end(FILE.subarray(rangeStart(request) ?? 0));
    },
    'tells another length of the whole': (request, response) => {
      const start = rangeStart(request) ?? 0;
      head206(response, `bytes ${start}-${FILE.length}/${FILE.length + 1}`, FILE.length + 1 - start);
      response.end(Buffer.concat([FILE.subarray(start), Buffer.from('x')]));
    },
    'has another version by then': (request, response) => {
      const start = rangeStart(request) ?? 0;
      response.setHeader('ETag', '"v2"');
      head206(response, `bytes ${start}-${FILE.length - 1}/${FILE.length}`, FILE.length - start);
      response.end(FILE.subarray(start));
    },
    'sends more than its range': (request, response) => {
      const start = rangeStart(request) ?? 0;
      response.writeHead(206, { 'Content-Range': `bytes ${start}-${FILE.length - 1}/${FILE.length}` });
      response.end(Buffer.concat([FILE.subarray(start), Buffer.alloc(99)]));
    },
  };
  for (const [what, lie] of Object.entries(liars)) {
    it(`spoil nothing when a source ${what}`, async () => {
      const { bytes, error } = await fetchFrom((request, response, count) =>
        count === 2
          ? lie(request, response)
          : serveFile(FILE, { cutsAfter: [100_000] })(request, response, count),
      );
      if (error) assert.equal(error.code, 'source_bad_answer');
      else assertWhole(bytes);
    });
  }

  it('end when a source breaks off again and again, and say so', async () => {
    const { error, source } = await fetchFrom((request, response, count) =>
      serveFile(FILE, { cutsAfter: Array(count).fill(count === 1 ? 50_000 : 4096) })(
        request,
        response,
        count,
      ),
    );
    assert.equal(error?.code, 'source_interrupted');
    assert.equal(error?.retryClass, 'remote');
    assert.ok(source.requests.length <= 8);
  });

  it('notice a length that is too long and one that is too short', async () => {
    const long = await fetchFrom((_request, response) => {
      response.writeHead(200, { 'Content-Length': FILE.length + 1 });
      response.write(FILE, () => response.destroy());
    });
    assert.equal(long.error?.code, 'source_interrupted');
    const short = await fetchRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n`);
      socket.end(FILE);
    });
    assert.equal(short.error?.code, 'source_bad_answer');
    const torn = await fetchRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      socket.end();
    });
    assert.equal(torn.error?.code, 'source_interrupted');
  });

  it('stop at the size cap, announced or not', async () => {
    const announced = await fetchFrom(serveFile(FILE), { maxBytes: FILE.length - 1 });
    assert.equal(announced.error?.code, 'too_large');
    assert.deepEqual(announced.beginnings, []);
    const endless: Handler = (request, response) => {
      const more = () => {
        while (!request.socket.destroyed && response.write(FILE));
      };
      response.on('drain', more);
      more();
    };
    const stopped = await fetchFrom(endless, { maxBytes: 4 * MIB });
    assert.equal(stopped.error?.code, 'too_large');
    assert.ok(stopped.bytes.length <= 4 * MIB);
    assertWhole((await fetchFrom(serveFile(FILE), { maxBytes: FILE.length })).bytes);
  });

  const trickle: Handler = (request, response) => {
    response.writeHead(200, { 'Content-Length': MIB });
    const timer = setInterval(() => response.write('x'), 10);
    request.socket.on('close', () => clearInterval(timer));
  };

  it('stop when they are too slow, fall silent or take too long', async () => {
    const slow = await fetchFrom(trickle, { windowMs: 200, minBytesPerSec: 10_000 });
    assert.equal(slow.error?.code, 'source_too_slow');
    assert.match(slow.error?.message ?? '', /\d+ bytes a second/);
    const late = await fetchFrom(trickle, { maxSec: 0.3 });
    assert.equal(late.error?.code, 'source_timeout');
    const silent = await fetchFrom(
      (_request, response) => response.writeHead(200, { 'Content-Length': 9 }).flushHeaders(),
      {
        idleMs: 50,
      },
    );
    assert.equal(silent.error?.code, 'source_interrupted');
    const mute = await fetchFrom(() => {}, { headMs: 50 });
    assert.equal(mute.error?.code, 'source_unreachable');
  });

  it('do not hold our own slowness against the source', async () => {
    const { bytes, error } = await fetchFrom(serveFile(FILE), {
      windowMs: 50,
      minBytesPerSec: 10_000,
      writeMs: 20,
    });
    assert.equal(error, null);
    assertWhole(bytes);
  });

  it('take nothing packed', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * MIB));
    const packed = await fetchFrom((_request, response) =>
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb),
    );
    assert.equal(packed.error?.code, 'source_bad_answer');
    assert.equal(packed.bytes.length, 0);
    const transfer = await fetchRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    });
    assert.equal(transfer.error?.code, 'source_bad_answer');
  });

  it('take no head that is too large, and nothing that is not HTTP', async () => {
    const large = await fetchRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nX-Large: ${'x'.repeat(100_000)}\r\n\r\nhello`);
    });
    assert.equal(large.error?.code, 'source_bad_answer');
    const many = await fetchRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${'X-Many: 1\r\n'.repeat(10_000)}\r\nhello`);
    });
    assert.equal(many.error?.code, 'source_bad_answer');
    const foreign = await fetchRaw((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    assert.equal(foreign.error?.code, 'source_bad_answer');
    // The parser's own error would bring the bytes along.
    assert.deepEqual(Object.keys(foreign.error?.cause as Error), []);
    const twice = await fetchRaw((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!');
    });
    assert.equal(twice.error?.code, 'source_bad_answer');
    const endless = await fetchRaw(
      (socket) => {
        const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 5);
        socket.on('close', () => clearInterval(timer));
      },
      { headMs: 200 },
    );
    assert.equal(endless.error?.code, 'source_unreachable');
  });

  it('tell refusals from trouble, with the time that the source asks for', async () => {
    const answer = (status: number, headers = {}) =>
      fetchFrom((_request, response) => response.writeHead(status, headers).end('sorry'));
    for (const status of [400, 401, 403, 404, 410, 451]) {
      const { error } = await answer(status);
      assert.equal(error?.code, 'source_refused');
      assert.equal(error?.message, `127.0.0.1 answered ${status}`);
      assert.equal(error?.retryClass, 'permanent');
    }
    for (const status of [408, 425, 429, 500, 502, 503]) {
      const { error } = await answer(status);
      assert.equal(error?.code, 'source_unavailable');
      assert.equal(error?.retryClass, 'remote');
    }
    for (const status of [204, 206, 300, 304])
      assert.equal((await answer(status)).error?.code, 'source_bad_answer');
    const waits: [string, number | null][] = [
      ['120', 120_000],
      ['999999', 900_000],
      ['soon', null],
      ['-5', null],
    ];
    for (const [value, retryAfterMs] of waits) {
      const { error } = await answer(503, { 'Retry-After': value });
      assert.equal((error as { retryAfterMs?: number } | null)?.retryAfterMs, retryAfterMs);
    }
  });

  it('leave nothing of the address in their errors but the host', async () => {
    const source = await startSource((_request, response) => response.writeHead(403).end());
    open.push(source);
    const paths = ['/private/v.mp4?sig=secret#part'];
    const urls = [
      ...paths.map((path) => source.url + path),
      'http://a b/private?sig=secret',
      'http://127.0.0.1:1/?sig=secret',
    ];
    for (const url of urls) {
      const { error } = await fetchSource(url, { allow: url.startsWith(source.url) ? allow : [] });
      const all = JSON.stringify([error?.message, error?.stack, error?.cause, Object.entries(error ?? {})]);
      assert.doesNotMatch(all, /secret|private|part/);
    }
  });

  it('stop at once when nobody wants them any more', async () => {
    const stop = new AbortController();
    const reason = new Error('cancelled');
    setTimeout(() => stop.abort(reason), 50);
    const startedAt = Date.now();
    const { error } = await fetchFrom(trickle, { signal: stop.signal });
    assert.equal(error, reason);
    assert.ok(Date.now() - startedAt < 5000);
  });

  it('stop at once, too, while a name is looked up', async () => {
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const resolve = () => {
      setImmediate(() => stop.abort(reason));
      return new Promise<string[]>(() => {});
    };
    const startedAt = Date.now();
    const { error } = await fetchSource('http://slow.test/', { signal: stop.signal, resolve });
    assert.equal(error, reason);
    assert.ok(Date.now() - startedAt < 5000, 'sooner than the patience with names is over');
  });
});

const head206 = (response: ServerResponse, range: string, length: number) =>
  response.writeHead(206, { 'Content-Range': range, 'Content-Length': length });

/** Lets the handler of a good server run without the mark that it would send. */
function withoutEtag(response: ServerResponse): ServerResponse {
  const writeHead = response.writeHead.bind(response) as (status: number, headers: object) => ServerResponse;
  response.writeHead = ((status: number, { ETag: _, ...headers }: Record<string, unknown>) =>
    writeHead(status, headers)) as typeof response.writeHead;
  return response;
}
