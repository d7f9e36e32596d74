import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { seededRandom, waitFor } from '../support/stack.ts';
import { listStored, MIB, makeForm, openRequest, videoBytes } from '../support/uploading.ts';

const LIMIT = 8 * MIB;
const random = seededRandom('uploads');

describe('uploading', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi({ MAX_UPLOAD_BYTES: String(LIMIT) });
  });
  after(() => api.close());
  beforeEach(async () => {
    user = await api.makeUser();
    await api.storage.remove('sources/');
    api.flowCalls.length = 0;
  });

  const sendRaw = (bytes: Buffer, query = '', headers: Record<string, string> = {}): Promise<Answer> =>
    api.call(`/v1/videos${query}`, {
      token: user.token,
      body: new Uint8Array(bytes),
      headers: { 'content-type': 'video/mp4', ...headers },
    });
  const sendForm = (
    entries: Parameters<typeof makeForm>[0],
    headers: Record<string, string> = {},
  ): Promise<Answer> => api.call('/v1/videos', { token: user.token, body: makeForm(entries), headers });
  const countVideos = async () =>
    (await api.call('/v1/videos', { token: user.token })).body.data.length as number;
  const storedBytes = async (id: string) => buffer(await api.storage.open(`sources/${id}`));
  /** Nothing in the storage, no row, no run: as if the request had never been made. */
  const assertNothingLeft = async () => {
    await waitFor(async () => (await listStored(api.storage)).length === 0, { what: 'an empty storage' });
    assert.equal(await countVideos(), 0);
    assert.deepEqual(api.flowCalls, []);
  };
  const assertRefused = async (answer: Answer, status: number, code: string) => {
    assert.equal(answer.body.code, code, JSON.stringify(answer.body));
    assert.equal(answer.status, status);
    await assertNothingLeft();
  };
  const fieldsOf = (answer: Answer) => answer.body.errors.map((error: { path: string }) => error.path);

  describe('a form', () => {
    it('becomes a pending video with its fields, wherever in the form they stand', async () => {
      const bytes = videoBytes(3 * MIB + 5, 'form');
      const answer = await sendForm([
        ['title', ' Holiday '],
        ['user_id', 'tg-17'],
        ['file', bytes, 'IMG_0001.MOV'],
        ['description', 'Two\nlines'],
        ['tags', 'sea'],
        ['tags', 'sun,sand'],
        ['external_id', 'e-1'],
      ]);
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      const { id, title, user_id, description, tags, external_id, filename, status, size_bytes } =
        answer.body;
      assert.deepEqual(
        { title, user_id, description, tags, external_id, filename, status, size_bytes },
        {
          title: 'Holiday',
          user_id: 'tg-17',
          description: 'Two\nlines',
          tags: ['sea', 'sun', 'sand'],
          external_id: 'e-1',
          filename: 'IMG_0001.MOV',
          status: 'pending',
          size_bytes: bytes.length,
        },
      );
      assert.equal(answer.headers.get('location'), `http://videoflow.test/v1/videos/${id}`);
      assert.ok((await storedBytes(id)).equals(bytes));
      const requestId = answer.headers.get('x-request-id');
      assert.deepEqual(api.flowCalls, [
        { command: 'startProcessing', input: { videoId: id, userId: user.id, run: 1, requestId } },
      ]);
    });

    it('needs nothing but the file; its name gives the title', async () => {
      const answer = await sendForm([['file', videoBytes(1000), 'My film.final.mp4']]);
      assert.equal(answer.body.title, 'My film.final');
      assert.equal(answer.body.description, null);
      assert.deepEqual(answer.body.tags, []);
    });

    it('takes empty fields for fields that were not given, as browsers send them', async () => {
      const answer = await sendForm([
        ['title', ''],
        ['tags', ''],
        ['external_id', ''],
        ['file', videoBytes(1000), 'a.mp4'],
      ]);
      assert.equal(answer.status, 202);
      assert.equal(answer.body.title, 'a');
      assert.equal(answer.body.external_id, null);
    });

    for (const [what, entries, paths] of [
      ['no file', [['title', 'x']], ['file']],
      [
        'two files',
        [
          ['file', videoBytes(500), 'a'],
          ['file', videoBytes(500), 'b'],
        ],
        ['file'],
      ],
      ['another file field', [['video', videoBytes(500), 'a']], ['video']],
      [
        'an unknown field',
        [
          ['file', videoBytes(500), 'a'],
          ['status', 'ready'],
        ],
        ['status'],
      ],
      [
        'a field with a hostile name',
        [
          ['__proto__', 'x'],
          ['file', videoBytes(500), 'a'],
        ],
        ['__proto__'],
      ],
      [
        'a title twice',
        [
          ['title', 'a'],
          ['title', 'b'],
          ['file', videoBytes(500), 'a'],
        ],
        ['title'],
      ],
      [
        'a title too long',
        [
          ['title', 'x'.repeat(501)],
          ['file', videoBytes(500), 'a'],
        ],
        ['title'],
      ],
      [
        'a field beyond all bounds',
        [
          ['description', 'x'.repeat(70_000)],
          ['file', videoBytes(500), 'a'],
        ],
        ['description'],
      ],
      [
        'control characters',
        [
          ['file', videoBytes(500), 'a'],
          ['external_id', 'a\u0007b'],
        ],
        ['external_id'],
      ],
      [
        'NUL',
        [
          ['file', videoBytes(500), 'a'],
          ['description', 'a\u0000b'],
        ],
        ['description'],
      ],
      [
        'tags that are no JSON',
        [
          ['file', videoBytes(500), 'a'],
          ['tags', '["a"'],
        ],
        ['tags'],
      ],
    ] as [string, Parameters<typeof makeForm>[0], string[]][]) {
      it(`is refused with ${what}, saying which field it is`, async () => {
        const answer = await sendForm(entries);
        assert.deepEqual(fieldsOf(answer), paths, JSON.stringify(answer.body));
        await assertRefused(answer, 422, 'invalid_request');
      });
    }

    it('takes lists in three spellings', async () => {
      for (const tags of [
        [
          ['tags', 'a'],
          ['tags', 'b'],
        ],
        [['tags', '["a","b"]']],
        [['tags', ' a , b,, a']],
      ]) {
        const answer = await sendForm([...(tags as [string, string][]), ['file', videoBytes(500), 'x.mp4']]);
        assert.deepEqual(answer.body.tags, ['a', 'b'], JSON.stringify(answer.body));
      }
    });

    it('lets the caller choose the steps', async () => {
      const stepsFor = async (process: [string, string][]) => {
        const { body } = await sendForm([...process, ['file', videoBytes(500), 'x.mp4']]);
        const steps = await api.call(`/v1/videos/${body.id}/steps`, { token: user.token });
        return steps.body.data.map((step: { name: string }) => step.name);
      };
      assert.deepEqual(await stepsFor([]), [
        'source',
        'probe',
        'thumbnail',
        'storyboard',
        'transcript',
        'playback',
      ]);
      assert.deepEqual(await stepsFor([['process', 'thumbnail']]), [
        'source',
        'probe',
        'thumbnail',
        'playback',
      ]);
      assert.deepEqual(await stepsFor([['process', '[]']]), ['source', 'probe', 'playback']);
    });

    it('names the steps there are when asked for others', async () => {
      const answer = await sendForm([
        ['process', 'thumbnail,teleport'],
        ['file', videoBytes(500), 'x.mp4'],
      ]);
      assert.match(answer.body.errors[0].message, /thumbnail, storyboard/);
      await assertRefused(answer, 422, 'invalid_request');
    });

    it('keeps every byte of a file that is full of almost its end', async () => {
      const boundary = '----boundary';
      const almost = [`\r\n--${boundary.slice(0, -1)}`, '\r\n--', '\r\n', '\r', '\r\r\n-', `x--${boundary}`];
      const pieces = [videoBytes(1000, 'almost')];
      for (let n = 0; n < 400; n += 1) {
        pieces.push(random.bytes(random.int(0, 2000)));
        for (let m = 0; m < 200; m += 1) pieces.push(Buffer.from(random.pick(almost)));
        // So that no random byte makes a true boundary of the last one.
        pieces.push(Buffer.from('.'));
      }
      const file = Buffer.concat(pieces);
      assert.ok(!file.includes(`\r\n--${boundary}`), 'the file holds no boundary');
      const body = Buffer.concat([
        Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`),
        file,
        Buffer.from(
          `\r\n--${boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nEnd\r\n--${boundary}--`,
        ),
      ]);
      const sending = openRequest(api, '/v1/videos', {
        headers: {
          authorization: `Bearer ${user.token}`,
          'content-type': `multipart/form-data; boundary=${boundary}`,
        },
      });
      for (let at = 0; at < body.length; ) {
        const size = random.int(1, 100_000);
        await sending.send(body.subarray(at, at + size));
        at += size;
      }
      sending.end();
      const { status, body: answer } = await sending.answer;
      assert.equal(status, 202, answer);
      assert.equal(JSON.parse(answer).title, 'End');
      assert.ok((await storedBytes(JSON.parse(answer).id)).equals(file));
    });

    it('is refused with parts that have no name', async () => {
      for (const kind of ['; filename="a"', '']) {
        const body = `--b\r\nContent-Disposition: form-data${kind}\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n${videoBytes(100).toString('latin1')}\r\n--b--`;
        const answer = await api.call('/v1/videos', {
          token: user.token,
          body: new Uint8Array(Buffer.from(body, 'latin1')),
          headers: { 'content-type': 'multipart/form-data; boundary=b' },
        });
        assert.deepEqual(fieldsOf(answer), ['(unnamed)']);
        await assertRefused(answer, 422, 'invalid_request');
      }
    });

    it('is refused with a file that has no filename, saying so', async () => {
      for (const [kind, sizeBytes] of [
        ['name="file"', 500],
        ['name="file"; filename=""', 500],
        ['name="file"', 100_000],
      ] as const) {
        const body = `--b\r\nContent-Disposition: form-data; ${kind}\r\nContent-Type: video/mp4\r\n\r\n${videoBytes(sizeBytes).toString('latin1')}\r\n--b--`;
        const answer = await api.call('/v1/videos', {
          token: user.token,
          body: new Uint8Array(Buffer.from(body, 'latin1')),
          headers: { 'content-type': 'multipart/form-data; boundary=b' },
        });
        assert.deepEqual(fieldsOf(answer), ['file']);
        assert.match(answer.body.errors[0].message, /filename/);
        await assertRefused(answer, 422, 'invalid_request');
      }
    });

    it('is refused when it is no form, or breaks off', async () => {
      const send = (type: string, body: string) =>
        api.call('/v1/videos', { token: user.token, body, headers: { 'content-type': type } });
      await assertRefused(await send('multipart/form-data', 'x'), 400, 'invalid_body');
      const part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
      for (const body of ['', 'no boundary at all', part, `${part}${videoBytes(2000).toString('latin1')}`]) {
        const answer = await send('multipart/form-data; boundary=b', body);
        const expected = body === '' ? [422, 'empty_file'] : [400, 'invalid_body'];
        await assertRefused(answer, ...(expected as [number, string]));
      }
    });
  });

  describe('a raw body', () => {
    it('becomes a video, with its fields in the address', async () => {
      const bytes = videoBytes(2 * MIB, 'raw');
      const query =
        '?title=Direct&tags=a,b&user_id=u&external_id=x&process=storyboard&filename=c:%5Cclip.mkv';
      const answer = await sendRaw(bytes, query);
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      const { title, tags, user_id, external_id, filename } = answer.body;
      assert.deepEqual(
        { title, tags, user_id, external_id, filename },
        { title: 'Direct', tags: ['a', 'b'], user_id: 'u', external_id: 'x', filename: 'clip.mkv' },
      );
      assert.ok((await storedBytes(answer.body.id)).equals(bytes));
    });

    it('may be called octets, or nothing at all', async () => {
      const octets = await sendRaw(videoBytes(1000), '', { 'content-type': 'application/octet-stream' });
      assert.equal(octets.status, 202);
      const plain = openRequest(api, '/v1/videos', { headers: { authorization: `Bearer ${user.token}` } });
      await plain.send(videoBytes(1000));
      plain.end();
      assert.equal((await plain.answer).status, 202);
    });

    it('is refused with unknown or wrong fields before it is read', async () => {
      const answer = await sendRaw(videoBytes(1000), '?tittle=x&process=teleport');
      assert.deepEqual(fieldsOf(answer).sort(), ['process.0', 'tittle']);
      await assertRefused(answer, 422, 'invalid_request');
    });

    it('is refused under a type that is not a video', async () => {
      const answer = await sendRaw(videoBytes(1000), '', { 'content-type': 'text/plain' });
      await assertRefused(answer, 415, 'unsupported_media_type');
    });
  });

  describe('the first bytes', () => {
    const NOT_VIDEOS: Record<string, string | Buffer> = {
      text: 'Dear diary, today I tried to upload a letter.'.repeat(100),
      'a short text': 'G',
      'an HLS playlist': '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n',
      'a concat script': "ffconcat version 1.0\nfile '/etc/passwd'\n",
      'a DASH manifest': '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
      'a session description': 'v=0\no=- 0 0 IN IP4 127.0.0.1\n',
      HTML: '<!doctype html><script>alert(1)</script>',
      SVG: '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'a JPEG picture': Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
      'an MP3': Buffer.concat([Buffer.from('ID3\x03\x00', 'latin1'), Buffer.alloc(2000)]),
      'a WAV': Buffer.concat([Buffer.from('RIFF\x00\x00\x00\x00WAVEfmt ', 'latin1'), Buffer.alloc(2000)]),
      zeros: Buffer.alloc(2000),
    };
    for (const [what, bytes] of Object.entries(NOT_VIDEOS)) {
      it(`refuse ${what}, whatever it calls itself`, async () => {
        await assertRefused(await sendRaw(Buffer.from(bytes as never)), 415, 'unsupported_media');
        const form = await sendForm([['file', Buffer.from(bytes as never), 'film.mp4']]);
        await assertRefused(form, 415, 'unsupported_media');
      });
    }

    it('are looked at even when they come one by one', async () => {
      const sending = openRequest(api, '/v1/videos', {
        headers: { authorization: `Bearer ${user.token}`, 'content-type': 'video/mp4' },
      });
      const bytes = videoBytes(700, 'trickle');
      for (const byte of bytes) await sending.send(Buffer.from([byte]));
      sending.end();
      const { status, body } = await sending.answer;
      assert.equal(status, 202);
      assert.ok((await storedBytes(JSON.parse(body).id)).equals(bytes));
    });

    it('refuse at once, while the client is still sending', async () => {
      const sending = openRequest(api, '/v1/videos', {
        headers: { authorization: `Bearer ${user.token}`, 'content-type': 'video/mp4' },
      });
      await sending.send(Buffer.alloc(1000));
      assert.equal((await sending.answer).status, 415);
      await assertNothingLeft();
      sending.cut();
    });

    it('must be there', async () => {
      await assertRefused(await sendRaw(Buffer.alloc(0)), 422, 'empty_file');
      await assertRefused(await sendForm([['file', Buffer.alloc(0), 'a.mp4']]), 422, 'empty_file');
      const chunked = openRequest(api, '/v1/videos', {
        headers: {
          authorization: `Bearer ${user.token}`,
          'content-type': 'video/mp4',
          'transfer-encoding': 'chunked',
        },
      });
      chunked.end();
      assert.equal((await chunked.answer).status, 422);
    });
  });

  describe('a body that is too large', () => {
    const headers = (extra: Record<string, string | number>) => ({
      authorization: `Bearer ${user.token}`,
      'content-type': 'video/mp4',
      ...extra,
    });

    it('may have exactly the limit', async () => {
      assert.equal((await sendRaw(videoBytes(LIMIT))).status, 202);
      assert.equal((await sendForm([['file', videoBytes(LIMIT), 'a.mp4']])).status, 202);
    });

    it('is refused by its announced length, before a byte is sent', async () => {
      for (const expect of [{}, { expect: '100-continue' }]) {
        const sending = openRequest(api, '/v1/videos', {
          headers: headers({ 'content-length': LIMIT + 1, ...expect }),
        });
        await sending.send(Buffer.alloc(0));
        const { status, body } = await sending.answer;
        assert.equal(status, 413);
        assert.equal(JSON.parse(body).code, 'too_large');
        sending.cut();
      }
      await assertNothingLeft();
    });

    it('is refused on the way when its length was not announced, and the client may read why', async () => {
      const sending = openRequest(api, '/v1/videos', {
        headers: headers({ 'transfer-encoding': 'chunked' }),
      });
      let status = 0;
      void sending.answer.then((answer) => {
        status = answer.status;
      });
      await sending.send(videoBytes(MIB));
      for (let sent = MIB; sent < 64 * MIB && status === 0; sent += MIB)
        await sending.send(Buffer.alloc(MIB, 1));
      assert.equal((await sending.answer).status, 413);
      sending.cut();
      await assertNothingLeft();
    });

    it('is refused as a form too', async () => {
      await assertRefused(await sendForm([['file', videoBytes(LIMIT + 1), 'a.mp4']]), 413, 'too_large');
      await assertRefused(await sendForm([['file', videoBytes(LIMIT + 3 * MIB), 'a.mp4']]), 413, 'too_large');
    });

    const PART = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
    for (const [where, start] of [
      ['before its parts', 'preamble'],
      ['in a field', '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n'],
      ['in a file without a filename', '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'],
      ['in a part of another kind', '--b\r\nContent-Type: text/plain\r\n\r\n'],
      ['after its parts', `${PART}${videoBytes(500).toString('latin1')}\r\n--b--\r\n`],
    ] as const) {
      it(`is refused as a form that is too large ${where}, while the client is still sending`, async () => {
        const sending = openRequest(api, '/v1/videos', {
          headers: headers({
            'content-type': 'multipart/form-data; boundary=b',
            'transfer-encoding': 'chunked',
          }),
        });
        let isAnswered = false;
        const answer = sending.answer.finally(() => {
          isAnswered = true;
        });
        await sending.send(Buffer.from(start, 'latin1'));
        for (let sent = 0; sent < 64 * MIB && !isAnswered; sent += MIB)
          await sending.send(Buffer.alloc(MIB, 1));
        if (!isAnswered) sending.end();
        const { status, body } = await answer;
        assert.equal(JSON.parse(body).code, 'too_large', body);
        assert.equal(status, 413);
        sending.cut();
        await assertNothingLeft();
      });
    }

    it('leaves the connection usable once all of it was sent', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => sendRaw(videoBytes(LIMIT + 1))));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [413, 413, 413],
      );
      assert.equal((await sendRaw(videoBytes(1000))).status, 202);
    });
  });

  it('keeps the bytes when nobody knows whether the commit took place', async () => {
    const { transaction } = api.db;
    let answer: Answer;
    try {
      api.db.transaction = async () => {
        throw new Error('Connection terminated unexpectedly');
      };
      answer = await sendRaw(videoBytes(1000));
    } finally {
      api.db.transaction = transaction;
    }
    assert.equal(answer.body.code, 'database_unavailable');
    assert.equal((await listStored(api.storage)).length, 1);
  });

  describe('a client that goes away', () => {
    for (const kind of ['raw', 'form'] as const) {
      it(`leaves nothing behind (${kind})`, async () => {
        const type = kind === 'raw' ? 'video/mp4' : 'multipart/form-data; boundary=b';
        const start = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
        const sending = openRequest(api, '/v1/videos', {
          headers: { authorization: `Bearer ${user.token}`, 'content-type': type, 'content-length': 4 * MIB },
        });
        if (kind === 'form') await sending.send(Buffer.from(start));
        await sending.send(videoBytes(2 * MIB));
        await waitFor(async () => (await listStored(api.storage)).length === 1, {
          what: 'the write to begin',
        });
        sending.cut();
        await assertNothingLeft();
      });
    }

    it('may have sent a key, which is free again afterwards', async () => {
      const sending = openRequest(api, '/v1/videos', {
        headers: {
          authorization: `Bearer ${user.token}`,
          'content-type': 'video/mp4',
          'content-length': 4 * MIB,
          'idempotency-key': 'k-cut',
        },
      });
      await sending.send(videoBytes(MIB));
      await waitFor(async () => (await listStored(api.storage)).length === 1, { what: 'the write to begin' });
      sending.cut();
      await assertNothingLeft();
      const again = await waitFor(
        async () => {
          const answer = await sendRaw(videoBytes(1000), '', { 'idempotency-key': 'k-cut' });
          return answer.status === 202 && answer;
        },
        { what: 'the key to be free' },
      );
      assert.equal(again.headers.get('idempotency-replayed'), null);
    });
  });

  describe('file names', () => {
    const NAMES: [sent: string, kept: string | null][] = [
      ['../../../etc/passwd.mp4', 'passwd.mp4'],
      ['..\\..\\windows\\system32\\film.avi', 'film.avi'],
      ['/absolute/path.mp4', 'path.mp4'],
      ['..', null],
      ['a\u202egp4.exe', 'agp4.exe'],
      ['line\u0085break.mp4', 'linebreak.mp4'],
      ['%2e%2e%2fx.mp4', '%2e%2e%2fx.mp4'],
      ['Ünïcødé 🎬.mp4', 'Ünïcødé 🎬.mp4'],
      ["'; drop table videos; --.mp4", "'; drop table videos; --.mp4"],
      [`${'🎬'.repeat(200)}.mp4`, null],
    ];
    it('are data, shown without what is not a name', async () => {
      for (const [sent, kept] of NAMES) {
        const { status, body } = await sendForm([['file', videoBytes(500), sent]]);
        assert.equal(status, 202, sent);
        if (kept !== null || sent === '..') assert.equal(body.filename, kept, sent);
        else assert.ok(body.filename.length <= 255 && body.filename.isWellFormed());
        assert.deepEqual(await storedBytes(body.id), videoBytes(500));
      }
      const keys = await listStored(api.storage);
      assert.ok(
        keys.every((key) => /^sources\/[0-9a-f-]{36}$/.test(key)),
        keys.join(),
      );
    });
  });

  describe('many at once', () => {
    it('keeps ten parallel uploads apart', async () => {
      const files = Array.from({ length: 10 }, (_, n) => videoBytes(random.int(1, 5 * MIB), `parallel ${n}`));
      const answers = await Promise.all(
        files.map((bytes, n) => (n % 2 ? sendRaw(bytes) : sendForm([['file', bytes, `${n}.mp4`]]))),
      );
      for (const [n, { status, body }] of answers.entries()) {
        assert.equal(status, 202);
        assert.ok((await storedBytes(body.id)).equals(files[n] as Buffer), `file ${n}`);
      }
      assert.equal((await listStored(api.storage)).length, 10);
      assert.equal(api.flowCalls.length, 10);
    });
  });

  describe('an Idempotency-Key', () => {
    const keyed = { 'idempotency-key': 'upload-1' };

    it('makes one video of the same upload sent again, and stores its bytes once', async () => {
      const bytes = videoBytes(MIB, 'same');
      const first = await sendForm(
        [
          ['title', 'One'],
          ['file', bytes, 'a.mp4'],
        ],
        keyed,
      );
      const second = await sendForm(
        [
          ['title', 'One'],
          ['file', bytes, 'a.mp4'],
        ],
        keyed,
      );
      assert.equal(second.status, 202);
      assert.equal(second.headers.get('idempotency-replayed'), 'true');
      assert.equal(second.headers.get('location'), first.headers.get('location'));
      assert.equal(second.body.id, first.body.id);
      assert.equal(second.body.download_url, null, 'stored answers let nobody in');
      assert.deepEqual(await listStored(api.storage), [`sources/${first.body.id}`]);
      assert.equal(await countVideos(), 1);
      assert.equal(api.flowCalls.length, 1);
    });

    it('tells other bytes, another name or other fields apart', async () => {
      const send = (bytes: Buffer, title: string, name: string) =>
        sendForm(
          [
            ['title', title],
            ['file', bytes, name],
          ],
          keyed,
        );
      const first = await send(videoBytes(MIB, 'a'), 'One', 'a.mp4');
      for (const answer of [
        await send(videoBytes(MIB, 'b'), 'One', 'a.mp4'),
        await send(videoBytes(MIB, 'a'), 'Two', 'a.mp4'),
        await send(videoBytes(MIB, 'a'), 'One', 'b.mp4'),
        await sendRaw(videoBytes(MIB, 'a'), '?title=One', keyed),
      ]) {
        assert.equal(answer.status, 422);
        assert.equal(answer.body.code, 'idempotency_key_reused');
      }
      assert.deepEqual(await listStored(api.storage), [`sources/${first.body.id}`]);
    });

    it('makes one video and one object out of a race', async () => {
      const bytes = videoBytes(2 * MIB, 'race');
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => sendRaw(bytes, '?title=Race', { 'idempotency-key': 'race' })),
      );
      const statuses = answers.map(({ status }) => status);
      assert.ok(
        statuses.every((status) => status === 202 || status === 409),
        statuses.join(),
      );
      for (const { status, body, headers } of answers) {
        if (status !== 409) continue;
        assert.equal(body.code, 'idempotency_in_progress');
        assert.ok(Number(headers.get('retry-after')) > 0);
      }
      const ids = new Set(answers.filter(({ status }) => status === 202).map(({ body }) => body.id));
      assert.equal(ids.size, 1);
      assert.deepEqual(await listStored(api.storage), [`sources/${[...ids][0]}`]);
      assert.equal(await countVideos(), 1);
    });

    it('keeps the SHA-256 of the bytes, which is what is compared', async () => {
      const bytes = videoBytes(1000, 'hash');
      const { body } = await sendRaw(bytes, '', keyed);
      const row = await api.db.videos.find(user.id, body.id);
      assert.equal(row?.sourceSha256, createHash('sha256').update(bytes).digest('hex'));
    });
  });

  describe('an external_id', () => {
    it('is taken once for each user and user_id; the second upload leaves no bytes', async () => {
      const first = await sendRaw(videoBytes(1000), '?external_id=x&user_id=a');
      assert.equal(first.status, 202);
      const second = await sendRaw(videoBytes(1000), '?external_id=x&user_id=a');
      assert.equal(second.status, 409);
      assert.equal(second.body.code, 'external_id_taken');
      assert.deepEqual(await listStored(api.storage), [`sources/${first.body.id}`]);
      assert.equal((await sendRaw(videoBytes(1000), '?external_id=x&user_id=b')).status, 202);
      assert.equal((await sendRaw(videoBytes(1000), '?external_id=x')).status, 202);
    });

    it('is free again once its video is deleted', async () => {
      const { body } = await sendRaw(videoBytes(1000), '?external_id=x');
      await api.call(`/v1/videos/${body.id}`, { method: 'DELETE', token: user.token });
      assert.equal((await sendRaw(videoBytes(1000), '?external_id=x')).status, 202);
    });
  });

  it('answers at the end of the wait with what there is', async () => {
    const answer = await sendRaw(videoBytes(1000), '', { prefer: 'wait=1' });
    assert.equal(answer.status, 202);
    assert.equal(answer.headers.get('preference-applied'), 'wait=1');
  });
});
