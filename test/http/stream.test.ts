import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { get } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import Koa from 'koa';
import { SourceMissingError } from '../../src/errors.ts';
import { type Representation, sendBytes } from '../../src/http/bytes/sendBytes.ts';
import { listen } from '../../src/http/listen.ts';
import { HttpProblem, notFound } from '../../src/http/problem.ts';
import { createSigner } from '../../src/secrets/signing.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { FACTS, makeReady, PICTURES, playWorker, upload } from '../support/processedVideo.ts';
import { seededRandom, waitFor } from '../support/stack.ts';
import { MIB, videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(3 * MIB + 123, 'stream');
const SIZE = bytes.length;
const random = seededRandom('stream');

describe('the bytes of a video', () => {
  let api: TestApi;
  let user: TestUser;
  let id: string;
  /** Signed addresses by file, without the host. */
  let signed: Record<'stream' | 'download' | 'thumbnail' | 'storyboard', string>;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    id = await makeReady(api, user, { bytes, query: `?filename=${encodeURIComponent('Ünï "q".mp4')}` });
    const { body } = await api.call(`/v1/videos/${id}`, { token: user.token });
    const local = (url: string) => url.slice('http://videoflow.test'.length);
    signed = {
      stream: local(body.stream_url),
      download: local(body.download_url),
      thumbnail: local(body.thumbnail_url),
      storyboard: local(body.storyboard_url),
    };
  });
  after(() => api.close());

  /** Asks with the owner's token unless the address is signed. */
  const fetchBytes = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const auth: Record<string, string> = path.includes('sig=')
      ? {}
      : { authorization: `Bearer ${user.token}` };
    const response = await fetch(api.url + path, { method, headers: { ...auth, ...headers } });
    return {
      status: response.status,
      headers: response.headers,
      bytes: Buffer.from(await response.arrayBuffer()),
    };
  };
  const stream = (headers?: Record<string, string>, method?: string) =>
    fetchBytes(`/v1/videos/${id}/stream`, headers, method);
  const assertSaysNothingOfTheFile = ({ headers }: { headers: Headers }) => {
    for (const name of ['etag', 'last-modified', 'content-disposition', 'accept-ranges'])
      assert.equal(headers.get(name), null, name);
    assert.match(headers.get('content-security-policy') ?? '', /form-action 'none'/);
  };
  const codeOf = (answer: { bytes: Buffer }) => JSON.parse(answer.bytes.toString()).code;

  describe('whole', () => {
    it('stream inline and download as an attachment, with the uploaded name', async () => {
      const inline = await stream();
      assert.equal(inline.status, 200);
      assert.ok(inline.bytes.equals(bytes));
      const { headers } = inline;
      assert.equal(headers.get('content-type'), 'video/mp4');
      assert.equal(headers.get('content-length'), String(SIZE));
      assert.equal(headers.get('accept-ranges'), 'bytes');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(headers.get('cache-control') ?? '', /private/);
      assert.match(headers.get('etag') ?? '', /^"[\w-]+"$/);
      assert.ok(!Number.isNaN(Date.parse(headers.get('last-modified') ?? '')));
      assert.equal(headers.get('cross-origin-resource-policy'), 'cross-origin');
      const named = `filename="?n? \\"q\\".mp4"; filename*=UTF-8''%C3%9Cn%C3%AF%20%22q%22.mp4`;
      assert.equal(headers.get('content-disposition'), `inline; ${named}`);

      const attached = await fetchBytes(`/v1/videos/${id}/download`);
      assert.ok(attached.bytes.equals(bytes));
      assert.equal(attached.headers.get('content-disposition'), `attachment; ${named}`);
    });

    it('have the media type of their container, whatever was sent along', async () => {
      for (const [container, type] of [
        ['mov', 'video/quicktime'],
        ['mkv', 'video/x-matroska'],
        ['webm', 'video/webm'],
        ['mpegts', 'video/mp2t'],
        ['something new', 'application/octet-stream'],
      ] as const) {
        const facts = { ...FACTS, container };
        const other = await makeReady(api, user, {
          bytes: videoBytes(100),
          query: '?filename=x.html',
          facts,
        });
        const { headers } = await fetchBytes(`/v1/videos/${other}/stream`);
        assert.equal(headers.get('content-type'), type);
      }
    });

    it('answer HEAD like GET, without bytes', async () => {
      for (const path of [`/v1/videos/${id}/stream`, signed.stream, signed.storyboard]) {
        const [head, full] = [await fetchBytes(path, {}, 'HEAD'), await fetchBytes(path)];
        assert.equal(head.status, 200);
        assert.equal(head.bytes.length, 0);
        for (const name of ['content-length', 'content-type', 'etag', 'last-modified', 'accept-ranges']) {
          assert.equal(head.headers.get(name), full.headers.get(name), name);
        }
      }
    });
  });

  describe('ranges', () => {
    for (const [header, start, end] of [
      ['bytes=0-0', 0, 0],
      ['bytes=0-', 0, SIZE - 1],
      ['bytes=1000-1999', 1000, 1999],
      ['bytes=-1', SIZE - 1, SIZE - 1],
      ['bytes=-500000', SIZE - 500_000, SIZE - 1],
      [`bytes=-${SIZE * 2}`, 0, SIZE - 1],
      [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE - 1],
      [`bytes=5-${SIZE * 9}`, 5, SIZE - 1],
      ['BYTES=7-8', 7, 8],
      ['bytes=0-99,50-149', 0, 149],
      [`bytes=10-19,${SIZE}-`, 10, 19],
    ] as [string, number, number][]) {
      it(`${header} gives one part`, async () => {
        const answer = await stream({ range: header });
        assert.equal(answer.status, 206);
        assert.equal(answer.headers.get('content-range'), `bytes ${start}-${end}/${SIZE}`);
        assert.equal(answer.headers.get('content-length'), String(end - start + 1));
        assert.ok(answer.bytes.equals(bytes.subarray(start, end + 1)));
      });
    }

    for (const header of [
      'bytes=5-2',
      'bytes=a-b',
      'bytes=-',
      'items=0-1',
      'bytes',
      'bytes=0-1;2-3',
      'bytes= ',
    ]) {
      it(`${header} is ignored`, async () => {
        const answer = await stream({ range: header });
        assert.equal(answer.status, 200);
        assert.equal(answer.bytes.length, SIZE);
      });
    }

    for (const header of [`bytes=${SIZE}-`, 'bytes=999999999-9999999999', 'bytes=-0', `bytes=${SIZE}-,-0`]) {
      it(`${header} lies outside`, async () => {
        const answer = await stream({ range: header });
        assert.equal(answer.status, 416);
        assert.equal(answer.headers.get('content-range'), `bytes */${SIZE}`);
        assert.equal(codeOf(answer), 'range_not_satisfiable');
        assertSaysNothingOfTheFile(answer);
      });
    }

    it('may be several, and come as parts in the order asked', async () => {
      const wanted = [
        [1_000_000, 1_300_000],
        [0, 9],
        [SIZE - 5, SIZE - 1],
      ] as const;
      const answer = await stream({ range: 'bytes=1000000-1300000, 0-9, -5' });
      assert.equal(answer.status, 206);
      assert.equal(answer.headers.get('content-range'), null);
      assert.equal(answer.headers.get('content-length'), String(answer.bytes.length));
      const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(
        answer.headers.get('content-type') ?? '',
      )?.[1];
      const expected = Buffer.concat([
        ...wanted.flatMap(([start, end]) => [
          Buffer.from(
            `\r\n--${boundary}\r\nContent-Type: video/mp4\r\nContent-Range: bytes ${start}-${end}/${SIZE}\r\n\r\n`,
          ),
          bytes.subarray(start, end + 1),
        ]),
        Buffer.from(`\r\n--${boundary}--\r\n`),
      ]);
      assert.ok(answer.bytes.equals(expected));
    });

    it('are not cut into confetti', async () => {
      const many = Array.from({ length: 50 }, (_, n) => `${n * 10}-${n * 10}`).join(',');
      const more = Array.from({ length: 900 }, () => '0-').join(',');
      for (const header of [`bytes=${many}`, `bytes=${more}`]) {
        const answer = await stream({ range: header });
        assert.equal(answer.status, 200);
        assert.equal(answer.bytes.length, SIZE);
      }
    });

    it('mean nothing to HEAD', async () => {
      const answer = await stream({ range: 'bytes=0-9' }, 'HEAD');
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-length'), String(SIZE));
    });

    it('at random give the very bytes', async () => {
      for (let round = 0; round < 30; round += 1) {
        const start = random.int(0, SIZE - 1);
        const end = random.int(start, SIZE - 1);
        const answer = await fetchBytes(signed.stream, { range: `bytes=${start}-${end}` });
        assert.equal(answer.status, 206);
        assert.ok(answer.bytes.equals(bytes.subarray(start, end + 1)), `${start}-${end}`);
      }
    });
  });

  describe('conditions', () => {
    it('answer 304 to who has the bytes already', async () => {
      const { headers } = await stream();
      const etag = headers.get('etag') as string;
      const modified = headers.get('last-modified') as string;
      for (const condition of [
        { 'if-none-match': etag },
        { 'if-none-match': `"other", W/${etag}` },
        { 'if-none-match': '*' },
        { 'if-modified-since': modified },
        { 'if-none-match': etag, range: 'bytes=0-1' },
      ]) {
        const answer = await stream(condition);
        assert.equal(answer.status, 304, JSON.stringify(condition));
        assert.equal(answer.headers.get('etag'), etag);
        assert.equal(answer.bytes.length, 0);
      }
      for (const condition of [
        { 'if-none-match': '"other"' },
        { 'if-modified-since': new Date(0).toUTCString() },
        { 'if-none-match': '"other"', 'if-modified-since': modified },
      ]) {
        assert.equal((await stream(condition)).status, 200, JSON.stringify(condition));
      }
    });

    it('answer 412 to who wants another file than this', async () => {
      const { headers } = await stream();
      const etag = headers.get('etag') as string;
      const modified = headers.get('last-modified') as string;
      for (const condition of [
        { 'if-match': '"other"' },
        { 'if-match': `W/${etag}` },
        { 'if-unmodified-since': new Date(0).toUTCString() },
        { 'if-match': '"other"', 'if-unmodified-since': modified },
        { 'if-match': '"other"', 'if-none-match': etag, range: 'bytes=0-1' },
      ]) {
        const answer = await stream(condition as Record<string, string>);
        assert.equal(answer.status, 412, JSON.stringify(condition));
        assert.equal(codeOf(answer), 'precondition_failed');
        assertSaysNothingOfTheFile(answer);
      }
      for (const [condition, status] of [
        [{ 'if-match': etag }, 200],
        [{ 'if-match': `"other", ${etag}` }, 200],
        [{ 'if-match': '*', range: 'bytes=0-1' }, 206],
        [{ 'if-unmodified-since': modified }, 200],
        [{ 'if-unmodified-since': 'nonsense' }, 200],
        [{ 'if-match': etag, 'if-unmodified-since': new Date(0).toUTCString() }, 200],
        [{ 'if-match': etag, 'if-none-match': etag }, 304],
      ] as [Record<string, string>, number][]) {
        assert.equal((await stream(condition)).status, status, JSON.stringify(condition));
      }
    });

    it('give the whole when If-Range does not hold', async () => {
      const { headers } = await stream();
      const etag = headers.get('etag') as string;
      const range = 'bytes=0-9';
      for (const [ifRange, status] of [
        [etag, 206],
        [headers.get('last-modified') as string, 206],
        ['"other"', 200],
        [`W/${etag}`, 200],
        [new Date(0).toUTCString(), 200],
        ['nonsense', 200],
      ] as const) {
        assert.equal((await stream({ range, 'if-range': ifRange })).status, status, ifRange);
      }
      assert.equal((await stream({ range: `bytes=${SIZE}-`, 'if-range': '"other"' })).status, 200);
    });
  });

  describe('pictures', () => {
    it('are given out as they were made', async () => {
      const thumbnail = await fetchBytes(`/v1/videos/${id}/thumbnail.jpg`);
      assert.equal(thumbnail.headers.get('content-type'), 'image/jpeg');
      assert.ok(thumbnail.bytes.equals(PICTURES.thumbnail));
      const sheet = await fetchBytes(`/v1/videos/${id}/storyboard.jpg`);
      assert.ok(sheet.bytes.equals(PICTURES.sheet));
      assert.equal((await fetchBytes(signed.thumbnail, { range: 'bytes=4-8' })).bytes.toString(), 'bytes');
    });

    it('come with an index that leads to the sheet by the way it was reached itself', async () => {
      const plain = await fetchBytes(`/v1/videos/${id}/storyboard.vtt`);
      assert.equal(plain.headers.get('content-type'), 'text/vtt; charset=utf-8');
      assert.equal(plain.bytes.toString(), PICTURES.index);

      const index = await fetchBytes(signed.storyboard);
      const lines = index.bytes.toString().split('\n');
      assert.equal(lines.length, PICTURES.index.split('\n').length);
      const sheets = lines.filter((line) => line.includes('#xywh='));
      assert.equal(sheets.length, 2);
      for (const line of sheets) {
        assert.match(
          line,
          /^http:\/\/videoflow\.test\/v1\/videos\/.*\/storyboard\.jpg\?.*#xywh=\d+,0,160,90$/,
        );
        const { pathname, search } = new URL(line);
        assert.ok((await fetchBytes(pathname + search)).bytes.equals(PICTURES.sheet));
      }
      assert.notEqual(index.headers.get('etag'), plain.headers.get('etag'));
      const part = await fetchBytes(signed.storyboard, { range: 'bytes=0-5' });
      assert.equal(part.bytes.toString(), 'WEBVTT');
    });

    it('that are not there have codes of their own, and so has a video that cannot be played yet', async () => {
      const other = await upload(api, user, videoBytes(100));
      for (const [file, status, code] of [
        ['thumbnail.jpg', 404, 'no_thumbnail'],
        ['storyboard.jpg', 404, 'no_storyboard'],
        ['storyboard.vtt', 404, 'no_storyboard'],
        ['stream', 409, 'not_ready'],
      ] as const) {
        const answer = await fetchBytes(`/v1/videos/${other}/${file}`);
        assert.equal(answer.status, status);
        assert.equal(codeOf(answer), code);
      }
      assert.equal((await fetchBytes(`/v1/videos/${other}/download`)).status, 200);
    });

    it('that are not there are worth another try only while somebody works on them', async () => {
      const other = await upload(api, user, videoBytes(100));
      const isRetryable = async (file: string): Promise<boolean> =>
        JSON.parse((await fetchBytes(`/v1/videos/${other}/${file}`)).bytes.toString()).retryable;
      const files = ['stream', 'thumbnail.jpg', 'storyboard.vtt'];
      for (const file of files) assert.equal(await isRetryable(file), true, file);
      await playWorker(api, other).fail('probe', 'not_a_video');
      for (const file of files) assert.equal(await isRetryable(file), false, file);
    });

    it('change their ETag when they are made again', async () => {
      const other = await upload(api, user, videoBytes(100));
      const worker = playWorker(api, other);
      await worker.complete('thumbnail', { assets: [await worker.thumbnail()] });
      const first = await fetchBytes(`/v1/videos/${other}/thumbnail.jpg`);
      const again = await worker.thumbnail(Buffer.from('another picture'));
      await api.db.transaction(async ({ videos }) => {
        const video = await videos.find(user.id, other);
        const asset = video?.assets.getItems()[0];
        if (asset) Object.assign(asset, { key: again.key, sizeBytes: again.sizeBytes });
      });
      const second = await fetchBytes(`/v1/videos/${other}/thumbnail.jpg`, {
        'if-none-match': first.headers.get('etag') as string,
      });
      assert.equal(second.status, 200);
      assert.equal(second.bytes.toString(), 'another picture');
    });

    it('take no parameters that they do not know', async () => {
      for (const file of ['thumbnail.jpg', 'storyboard.jpg', 'storyboard.vtt']) {
        const answer = await fetchBytes(`/v1/videos/${id}/${file}?foo=1`);
        assert.equal(answer.status, 422);
        assert.equal(codeOf(answer), 'invalid_request');
      }
    });
  });

  describe('signed addresses', () => {
    const assertRefused = async (path: string, why: string, method = 'GET') => {
      const response = await fetch(api.url + path, { method });
      assert.ok(
        [401, 403, 404, 405, 422].includes(response.status),
        `${why}: ${response.status} for ${path}`,
      );
      assert.ok(!(await response.text()).includes('the bytes of'), why);
    };

    it('need no token, for GET and HEAD', async () => {
      assert.ok((await fetchBytes(signed.stream)).bytes.equals(bytes));
      assert.ok((await fetchBytes(signed.download)).bytes.equals(bytes));
      assert.equal((await fetchBytes(signed.download, {}, 'HEAD')).status, 200);
    });

    it('are refused with any one character changed, added or left out', async () => {
      const start = signed.thumbnail.indexOf('expires=');
      for (let at = start; at < signed.thumbnail.length; at += 1) {
        const [left, char, right] = [
          signed.thumbnail.slice(0, at),
          signed.thumbnail[at] as string,
          signed.thumbnail.slice(at + 1),
        ];
        // Next in the alphabet of base64url too: its last character has spare bits that many decoders ignore.
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        const next = alphabet[(alphabet.indexOf(char) + 1) % alphabet.length] as string;
        const doubled = left + char + char + right;
        // An empty parameter between two `&` is nothing, to everybody.
        const harmless = char === '&' ? doubled : signed.thumbnail;
        for (const tampered of [left + next + right, left + right, doubled]) {
          if (tampered !== harmless) await assertRefused(tampered, `at ${at}`);
        }
      }
    }).timeout(120_000);

    it('are refused with any bit of the signature flipped', async () => {
      const url = new URL(signed.thumbnail, api.url);
      const sig = Buffer.from(url.searchParams.get('sig') as string, 'base64url');
      assert.equal(sig.length, 32);
      for (let bit = 0; bit < sig.length * 8; bit += 1) {
        const flipped = Buffer.from(sig);
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        url.searchParams.set('sig', flipped.toString('base64url'));
        await assertRefused(url.pathname + url.search, `bit ${bit}`);
      }
    }).timeout(120_000);

    it('are good for one file of one video, and for reading only', async () => {
      const { search } = new URL(signed.thumbnail, api.url);
      const other = await makeReady(api, user, { bytes: videoBytes(100) });
      await assertRefused(`/v1/videos/${id}/storyboard.jpg${search}`, 'another file');
      await assertRefused(`/v1/videos/${id}/download${search}`, 'another file');
      await assertRefused(`/v1/videos/${other}/thumbnail.jpg${search}`, 'another video');
      await assertRefused(`/v1/videos/${id}${search}`, 'the video itself');
      await assertRefused(`/v1/videos/${id}/thumbnail.jpg/${search}`, 'a longer path');
      await assertRefused(`/v1/videos/${id.toUpperCase()}/thumbnail.jpg${search}`, 'another spelling');
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        await assertRefused(signed.thumbnail, method, method);
      }
    });

    it('say why they are refused, without saying more', async () => {
      const answer = await fetchBytes(signed.thumbnail.replace('sig=', 'sig=x'));
      assert.equal(answer.status, 403);
      assert.equal(codeOf(answer), 'invalid_signature');
    });

    it('last until their end, give or take a minute between clocks', async () => {
      const signer = createSigner(api.config.SIGNING_KEYS);
      const path = `/v1/videos/${id}/thumbnail.jpg`;
      const nowSec = Math.floor(Date.now() / 1000);
      for (const [ended, status] of [
        [-5, 200],
        [50, 200],
        [65, 403],
        [86_400, 403],
      ] as const) {
        const query = new URLSearchParams({ ...signer.sign(path, nowSec - ended) });
        assert.equal((await fetchBytes(`${path}?${query}`)).status, status, `${ended} s after its end`);
      }
    });

    it('live on while keys are changed, and die with their key', () => {
      const [old, young] = [
        { id: 'old', bytes: Buffer.alloc(32, 1) },
        { id: 'young', bytes: Buffer.alloc(32, 2) },
      ];
      const signature = createSigner([old]).sign('/x', 100);
      assert.ok(createSigner([young, old]).verify('/x', signature, 50));
      assert.ok(!createSigner([young]).verify('/x', signature, 50));
      assert.ok(!createSigner([{ ...young, id: 'old' }]).verify('/x', signature, 50));
      assert.equal(createSigner([young, old]).sign('/x', 100).key, 'young');
    });

    it('do not reach the log', () => {
      assert.ok(!JSON.stringify(api.logLines()).includes('sig='));
    });
  });

  it('are let go of when the client leaves', async () => {
    const big = await makeReady(api, user, { bytes: videoBytes(64 * MIB, 'leaving') });
    /** How often this process holds the video open. */
    const openCount = async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) =>
        readlink(`/proc/self/fd/${fd}`).catch(() => ''),
      );
      return (await Promise.all(links)).filter((target) => target.endsWith(big)).length;
    };
    for (const range of [undefined, 'bytes=0-40000000,41000000-']) {
      const request = get(`${api.url}/v1/videos/${big}/download`, {
        headers: { authorization: `Bearer ${user.token}`, ...(range ? { range } : {}) },
      });
      request.on('error', () => {});
      await new Promise((resolve) => request.once('response', (response) => response.once('data', resolve)));
      assert.equal(await openCount(), 1);
      request.destroy();
      await waitFor(async () => (await openCount()) === 0, { what: 'the file to be closed' });
    }
  });

  it('are let go of when the client stops reading', async () => {
    let isClosed = false;
    const app = new Koa().use((ctx) =>
      sendBytes(
        ctx,
        {
          sizeBytes: 1024 * MIB,
          modifiedAt: new Date(),
          etag: '"x"',
          contentType: 'video/mp4',
          disposition: { type: 'inline', filename: 'x.mp4' },
          open: async () => {
            const endless = new Readable({ read: () => void endless.push(Buffer.alloc(64 * 1024)) });
            return endless.once('close', () => {
              isClosed = true;
            });
          },
        },
        { stalledMs: 200 },
      ),
    );
    const server = await listen(app, { host: '127.0.0.1', port: 0, publicUrl: 'http://videoflow.test' });
    const stalled = connect(server.port, '127.0.0.1');
    stalled.on('error', () => {});
    stalled.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    stalled.pause();
    await waitFor(() => isClosed, { what: 'the file to be closed' });
    stalled.destroy();
    await server.close(1);
  });

  it('are let go of when their first byte is refused, and never asked about when they are gone', async () => {
    for (const range of ['', 'bytes=0-9', 'bytes=0-9,20-29']) {
      let [openCount, askedCount, isGone] = [0, 0, false];
      const file: Representation = {
        sizeBytes: 100,
        modifiedAt: new Date(),
        etag: '"x"',
        contentType: 'video/mp4',
        disposition: { type: 'inline', filename: 'x.mp4' },
        open: async () => {
          if (isGone) throw notFound();
          openCount += 1;
          return Readable.from([Buffer.alloc(100)]).once('close', () => {
            openCount -= 1;
          });
        },
      };
      const beforeBytes = async () => {
        assert.equal(openCount, 1);
        askedCount += 1;
        throw new HttpProblem('share_used_up');
      };
      const app = new Koa().use((ctx) =>
        sendBytes(ctx, file, { beforeBytes }).catch(({ status }) => {
          ctx.status = status;
        }),
      );
      const server = await listen(app, { host: '127.0.0.1', port: 0, publicUrl: 'http://videoflow.test' });
      try {
        const ask = () => fetch(`http://127.0.0.1:${server.port}/`, { headers: { range } });
        const refused = await ask();
        assert.equal(refused.status, 410);
        assert.equal(refused.headers.get('etag'), null);
        await waitFor(() => openCount === 0, { what: 'the file to be closed' });
        isGone = true;
        assert.equal((await ask()).status, 404);
        assert.equal(askedCount, 1);
      } finally {
        await server.close(1);
      }
    }
  });

  it('that go between the two looks are not found, and nothing is said of them', async () => {
    const { open } = api.storage;
    try {
      api.storage.open = async () => {
        throw new SourceMissingError('The stored object is not there');
      };
      for (const range of ['', 'bytes=0-1']) {
        const answer = await stream({ range });
        assert.equal(answer.status, 404);
        assert.equal(answer.headers.get('content-range'), null);
        assertSaysNothingOfTheFile(answer);
      }
    } finally {
      api.storage.open = open;
    }
  });

  it('that are gone from the storage are not found', async () => {
    const other = await makeReady(api, user, { bytes: videoBytes(100) });
    await api.storage.remove(`sources/${other}`);
    const answer = await fetchBytes(`/v1/videos/${other}/stream`);
    assert.equal(answer.status, 404);
    assert.equal(codeOf(answer), 'not_found');
  });
});
