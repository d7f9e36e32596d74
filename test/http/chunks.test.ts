import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { type Answer, callUrl, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { startApiProcess } from '../support/apiProcess.ts';
import { seededRandom, uniqueName, waitFor } from '../support/stack.ts';
import { listStored, MIB, makeForm, openRequest, videoBytes } from '../support/uploading.ts';

const LIMIT = 8 * MIB;
const QUOTA = 20 * MIB;
const LIMITS = {
  MAX_UPLOAD_BYTES: String(LIMIT),
  QUOTA_BYTES: String(QUOTA),
  MAX_OPEN_UPLOADS: '3',
};
const DAY = "interval '24 hours'";
const random = seededRandom('chunks');

type Fields = Record<string, string>;
interface SendOptions {
  sender?: TestUser;
  /** Where the chunk stands among its fields. */
  chunkAt?: number;
  headers?: Record<string, string>;
  /** The API process that is asked. */
  url?: string;
}

const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function split(bytes: Buffer, total: number): Buffer[] {
  const size = Math.ceil(bytes.length / total);
  return Array.from({ length: total }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}

function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

describe('uploading in chunks', () => {
  let api: TestApi;
  let user: TestUser;
  let fileId: string;

  before(async () => {
    api = await startApi(LIMITS);
  });
  after(() => api.close());
  beforeEach(async () => {
    user = await api.makeUser();
    fileId = uniqueName('file');
    await api.storage.remove('uploads/');
    api.flowCalls.length = 0;
  });

  const send = (
    [number, total]: [number, number],
    bytes: Buffer,
    fields: Fields = {},
    { sender = user, chunkAt, headers = {}, url = api.url }: SendOptions = {},
  ): Promise<Answer> => {
    const entries: Parameters<typeof makeForm>[0] = Object.entries({
      chunk_number: String(number),
      total_chunks: String(total),
      file_id: fileId,
      file_name: 'My film.mp4',
      ...fields,
    });
    entries.splice(chunkAt ?? entries.length, 0, ['chunk', bytes, 'blob']);
    return callUrl(`${url}/v1/videos/chunks`, { token: sender.token, body: makeForm(entries), headers });
  };
  /** A chunk that the test sends in its own time. */
  const openChunk = ([number, total]: [number, number]) => {
    const part = (name: string, value: string) =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const start = [
      part('chunk_number', String(number)),
      part('total_chunks', String(total)),
      part('file_id', fileId),
      part('file_name', 'a.mp4'),
      '--b\r\nContent-Disposition: form-data; name="chunk"; filename="blob"\r\n\r\n',
    ].join('');
    const sending = openRequest(api, '/v1/videos/chunks', {
      headers: {
        authorization: `Bearer ${user.token}`,
        'content-type': 'multipart/form-data; boundary=b',
        'transfer-encoding': 'chunked',
      },
    });
    void sending.send(Buffer.from(start));
    return {
      ...sending,
      finish: async () => {
        await sending.send(Buffer.from('\r\n--b--\r\n'));
        sending.end();
      },
    };
  };
  const uploadsOf = (owner = user) =>
    api.sql('select * from uploads where user_id = $1 order by created_at', [owner.id]);
  const segmentsOf = (uploadId: string) =>
    api.sql('select * from upload_segments where upload_id = $1 order by number', [uploadId]);
  const storedSegments = async () =>
    [
      ...new Set((await listStored(api.storage)).map((key) => `${key.split('/').slice(0, 3).join('/')}/`)),
    ].filter((key) => key.startsWith('uploads/'));
  /** Plays the workflow's hand-over as far as bytes go. */
  const join = async (uploadId: string): Promise<Buffer> => {
    const rows = await segmentsOf(uploadId);
    const key = `sources/${uploadId}`;
    await api.storage.join(
      key,
      rows.map((row) => ({ key: row.key, sizeBytes: Number(row.size_bytes) })),
    );
    return buffer(await api.storage.open(key));
  };
  const assertRefused = (answer: Answer, status: number, code: string) => {
    assert.equal(answer.body.code, code, JSON.stringify(answer.body));
    assert.equal(answer.status, status);
  };
  const pathsOf = (answer: Answer) => answer.body.errors.map(({ path }: { path: string }) => path);
  /** What is stored is what the rows speak of. */
  const assertNoStrays = async () => {
    const rows = await api.sql('select key from upload_segments where upload_id in (select id from uploads)');
    const known = new Set(rows.map(({ key }) => key));
    await waitFor(async () => (await storedSegments()).every((key) => known.has(key)), { what: 'no strays' });
  };

  it('makes a file of chunks in any order', async () => {
    const bytes = videoBytes(3 * MIB + 17, 'any order');
    const parts = split(bytes, 5);
    const order = [3, 5, 1, 2];
    const here: number[] = [];
    for (const number of order) {
      const answer = await send([number, 5], parts[number - 1] as Buffer);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      here.push(number);
      const missing = [1, 2, 3, 4, 5].filter((other) => !here.includes(other));
      assert.deepEqual(answer.body, { received: [...here].sort(), missing });
    }
    const last = await send([4, 5], parts[3] as Buffer);
    assert.equal(last.status, 202, JSON.stringify(last.body));
    const { video } = last.body;
    assert.equal(video.status, 'awaiting_upload');
    assert.equal(video.title, 'My film');
    assert.equal(last.headers.get('location'), `http://videoflow.test/v1/videos/${video.id}`);
    const [upload] = await uploadsOf();
    assert.equal(upload.state, 'complete');
    assert.deepEqual(
      [Number(upload.length_bytes), Number(upload.offset_bytes)],
      [bytes.length, bytes.length],
    );
    assert.ok((await join(upload.id)).equals(bytes));
    const told = { uploadId: upload.id, videoId: video.id, userId: user.id };
    assert.deepEqual(
      (api.flowCalls as { command: string; input: object }[]).map(({ command, input }) => ({
        command,
        input: { ...input, requestId: undefined },
      })),
      [1, 2].map(() => ({ command: 'receiveUpload', input: { ...told, requestId: undefined } })),
    );
    await assertNoStrays();
  });

  it('makes one upload of chunks that come at once, through two processes, some of them twice', async () => {
    const twin = await startApiProcess(api, LIMITS);
    try {
      for (let round = 0; round < 4; round += 1) {
        fileId = uniqueName('race');
        const owner = await api.makeUser();
        const bytes = videoBytes(2 * MIB + round, `race ${round}`);
        const parts = split(bytes, 8);
        const numbers = shuffle([1, 2, 3, 4, 5, 6, 7, 8, 2, 5, 8]);
        const answers = await Promise.all(
          numbers.map((number, n) =>
            send(
              [number, 8],
              parts[number - 1] as Buffer,
              {},
              { sender: owner, url: n % 2 ? twin.url : api.url },
            ),
          ),
        );
        for (const { status, body } of answers) assert.ok([200, 202].includes(status), JSON.stringify(body));
        assert.ok(answers.some(({ status }) => status === 202));
        const uploads = await uploadsOf(owner);
        assert.deepEqual(
          uploads.map(({ state }) => state),
          ['complete'],
        );
        assert.equal((await segmentsOf(uploads[0].id)).length, 8);
        for (const { key } of await segmentsOf(uploads[0].id))
          assert.ok(key.startsWith(`uploads/${uploads[0].id}/`), 'bytes lie below their upload');
        assert.ok((await join(uploads[0].id)).equals(bytes));
        const videos = await api.sql('select id from videos where user_id = $1', [owner.id]);
        assert.equal(videos.length, 1);
        const ids = answers.filter(({ status }) => status === 202).map(({ body }) => body.video.id);
        assert.deepEqual([...new Set(ids)], [videos[0].id]);
      }
      await assertNoStrays();
    } finally {
      await twin.stop();
    }
  });

  describe('the fields', () => {
    it('may stand before and after the chunk', async () => {
      const bytes = videoBytes(3000);
      const parts = split(bytes, 3);
      for (const [n, chunkAt] of [0, 2, 9].entries()) {
        const answer = await send([n + 1, 3], parts[n] as Buffer, { title: 'T' }, { chunkAt });
        assert.equal(answer.status, n === 2 ? 202 : 200, JSON.stringify(answer.body));
      }
      const [upload] = await uploadsOf();
      assert.ok((await join(upload.id)).equals(bytes));
      await assertNoStrays();
    });

    it('of the video may be told with any chunk', async () => {
      const [first, second, third] = split(videoBytes(3000), 3) as [Buffer, Buffer, Buffer];
      await send([2, 3], second, { user_id: 'tg-1' });
      await send([1, 3], first, { title: 'Later', description: 'Text', tags: 'a,b', process: 'thumbnail' });
      const { body } = await send([3, 3], third);
      const { title, description, tags, user_id, filename } = body.video;
      assert.deepEqual(
        { title, description, tags, user_id, filename },
        { title: 'Later', description: 'Text', tags: ['a', 'b'], user_id: 'tg-1', filename: 'My film.mp4' },
      );
      const [upload] = await uploadsOf();
      assert.deepEqual(upload.optional_steps, ['thumbnail']);
    });

    it('that name the video must not change', async () => {
      const parts = split(videoBytes(3000), 3) as [Buffer, Buffer, Buffer];
      await send([1, 3], parts[0], { user_id: 'a', external_id: 'x' });
      for (const fields of [{ user_id: 'b' }, { external_id: 'y' }, { total_chunks: '4' }] as Fields[]) {
        for (const chunkAt of [0, 9]) {
          const answer = await send([2, 3], parts[1], fields, { chunkAt });
          assertRefused(answer, 422, 'invalid_request');
          assert.deepEqual(pathsOf(answer), Object.keys(fields));
        }
      }
      assert.equal((await send([2, 3], parts[1], { user_id: 'a', external_id: 'x' })).status, 200);
      await assertNoStrays();
    });

    const WRONG: [what: string, fields: Fields, path: string][] = [
      ['a number that is none', { chunk_number: 'one' }, 'chunk_number'],
      ['number 0', { chunk_number: '0' }, 'chunk_number'],
      ['a negative number', { chunk_number: '-1' }, 'chunk_number'],
      ['half a number', { chunk_number: '1.5' }, 'chunk_number'],
      ['a number above the total', { chunk_number: '3' }, 'chunk_number'],
      ['too many chunks', { total_chunks: '10001' }, 'total_chunks'],
      ['no total', { total_chunks: '' }, 'total_chunks'],
      ['an empty file_id', { file_id: '' }, 'file_id'],
      ['control characters', { file_id: 'a\u0007' }, 'file_id'],
      ['a file_id too long', { file_id: 'x'.repeat(201) }, 'file_id'],
      ['an empty file_name', { file_name: '' }, 'file_name'],
      ['a hash that is none', { chunk_sha256: 'abc' }, 'chunk_sha256'],
      ['unknown ones', { chunk_size: '5' }, 'chunk_size'],
      ['hostile ones', { __proto_: 'x' }, '__proto_'],
    ];
    for (const [what, fields, path] of WRONG) {
      it(`are refused with ${what}, wherever they stand`, async () => {
        for (const chunkAt of [0, 9]) {
          const answer = await send([1, 2], videoBytes(1000), fields, { chunkAt });
          assertRefused(answer, 422, 'invalid_request');
          assert.deepEqual(pathsOf(answer), [path]);
        }
        assert.deepEqual(await uploadsOf(), []);
        await assertNoStrays();
      });
    }

    it('must be there, and the chunk too', async () => {
      const post = (entries: Parameters<typeof makeForm>[0]) =>
        api.call('/v1/videos/chunks', { token: user.token, body: makeForm(entries) });
      const onlyChunk = await post([['chunk', videoBytes(1000), 'blob']]);
      assertRefused(onlyChunk, 422, 'invalid_request');
      assert.deepEqual(pathsOf(onlyChunk).sort(), ['chunk_number', 'file_id', 'file_name', 'total_chunks']);
      const noChunk = await post([
        ['chunk_number', '1'],
        ['total_chunks', '1'],
        ['file_id', fileId],
        ['file_name', 'a'],
      ]);
      assert.deepEqual(pathsOf(noChunk), ['chunk']);
      assertRefused(await send([1, 1], Buffer.alloc(0)), 422, 'empty_file');
      const raw = await api.call('/v1/videos/chunks', {
        token: user.token,
        body: new Uint8Array(videoBytes(1000)),
        headers: { 'content-type': 'video/mp4' },
      });
      assertRefused(raw, 415, 'unsupported_media_type');
      assert.deepEqual(await storedSegments(), []);
    });
  });

  describe('a repetition', () => {
    it('is harmless, and its bytes are dropped', async () => {
      const parts = split(videoBytes(3000), 3) as [Buffer, Buffer, Buffer];
      const first = await send([2, 3], parts[1]);
      const again = await Promise.all([1, 2, 3].map(() => send([2, 3], parts[1])));
      for (const { status, body } of again) assert.deepEqual([status, body], [200, first.body]);
      await send([1, 3], parts[0]);
      const done = await send([3, 3], parts[2]);
      const later = await send([1, 3], parts[0]);
      assert.equal(later.status, 202);
      assert.deepEqual(later.body.video.id, done.body.video.id);
      assert.equal((await uploadsOf()).length, 1);
      await assertNoStrays();
      assert.equal((await storedSegments()).length, 3);
    });

    it('with other bytes is a conflict, and changes nothing', async () => {
      const [first, second] = split(videoBytes(4000), 2) as [Buffer, Buffer];
      await send([1, 2], first);
      for (const other of [videoBytes(2000, 'other'), first.subarray(0, 1999), videoBytes(2001)])
        assertRefused(await send([1, 2], other), 409, 'chunk_conflict');
      assert.equal((await send([2, 2], second)).status, 202);
      const [upload] = await uploadsOf();
      assert.ok((await join(upload.id)).equals(videoBytes(4000)));
      await assertNoStrays();
    });

    it('moves the end of its time on', async () => {
      await send([1, 2], videoBytes(1000));
      await api.sql("update uploads set expires_at = now() + interval '1 minute'");
      await send([1, 2], videoBytes(1000));
      const [upload] = await uploadsOf();
      const leftSec = (upload.expires_at.getTime() - Date.now()) / 1000;
      assert.ok(Math.abs(leftSec - 24 * 3600) < 60, `${leftSec} s`);
    });
  });

  describe('the SHA-256 of a chunk', () => {
    it('lets through what it is of', async () => {
      const bytes = videoBytes(1000);
      const sha256 = sha256Of(bytes);
      for (const chunk_sha256 of [sha256, sha256.toUpperCase(), ''])
        assert.equal((await send([1, 2], bytes, { chunk_sha256 })).status, 200);
    });

    it('refuses everything else, which may be sent again', async () => {
      const key = { headers: { 'idempotency-key': 'sha' } };
      const bytes = videoBytes(1000);
      const chunk_sha256 = sha256Of(bytes);
      const answer = await send([1, 2], videoBytes(1000, 'spoilt'), { chunk_sha256 }, key);
      assertRefused(answer, 422, 'invalid_request');
      assert.deepEqual(pathsOf(answer), ['chunk_sha256']);
      assert.equal(answer.body.retryable, true);
      assert.deepEqual(await uploadsOf(), []);
      assert.deepEqual(await storedSegments(), []);
      assert.equal((await send([1, 2], bytes, { chunk_sha256 }, key)).status, 200);
    });
  });

  describe('a first chunk that begins as no video does', () => {
    const text = Buffer.from('Dear diary, this is no video at all. '.repeat(50));

    it('is refused, and nothing began', async () => {
      for (const chunkAt of [0, 9]) {
        assertRefused(await send([1, 2], text, {}, { chunkAt }), 415, 'unsupported_media');
        assertRefused(await send([1, 1], Buffer.from('tiny'), {}, { chunkAt }), 415, 'unsupported_media');
      }
      assert.deepEqual(await uploadsOf(), []);
      assert.deepEqual(await storedSegments(), []);
    });

    it('is refused while the client is still sending it', async () => {
      const sending = openChunk([1, 2]);
      await sending.send(Buffer.alloc(4096, 'x'));
      assert.equal((await sending.answer).status, 415);
      await sending.finish();
    });

    for (const chunkAt of [0, 9]) {
      it(`ends an upload of which other chunks are here (chunk at ${chunkAt})`, async () => {
        assert.equal((await send([2, 2], videoBytes(1000), { external_id: 'x' })).status, 200);
        api.flowCalls.length = 0;
        assertRefused(await send([1, 2], text, {}, { chunkAt }), 415, 'unsupported_media');
        const [upload] = await uploadsOf();
        assert.deepEqual([upload.state, upload.error_code], ['refused', 'unsupported_media']);
        assert.ok(upload.ended_at);
        assert.deepEqual(await api.sql('select id from videos where user_id = $1', [user.id]), []);
        const told = api.flowCalls[0]?.input as { uploadId: string } | undefined;
        assert.equal(told?.uploadId, upload.id);
        const anew = await send([1, 2], videoBytes(1000), { external_id: 'x' });
        assert.deepEqual(anew.body, { received: [1], missing: [2] });
        assert.equal((await uploadsOf()).length, 2);
      });
    }

    it('does not end one whose first chunk is here, nor when it came spoilt', async () => {
      await send([1, 3], videoBytes(1000));
      assertRefused(await send([1, 3], text), 415, 'unsupported_media');
      assert.equal((await send([2, 3], text)).status, 200);
      fileId = uniqueName('spoilt');
      await send([2, 3], videoBytes(1000));
      const spoilt = await send([1, 3], text, { chunk_sha256: sha256Of(videoBytes(1000)) });
      assertRefused(spoilt, 422, 'invalid_request');
      assert.deepEqual(
        (await uploadsOf()).map(({ state }) => state),
        ['open', 'open'],
      );
      const meant = await send([1, 3], text, { chunk_sha256: sha256Of(text) });
      assertRefused(meant, 415, 'unsupported_media');
      assert.deepEqual(
        (await uploadsOf()).map(({ state }) => state),
        ['open', 'refused'],
      );
    });

    it('is not judged by too few bytes', async () => {
      assert.equal((await send([1, 2], Buffer.from([0x47]))).status, 200);
    });

    it('leaves a library entry waiting', async () => {
      const entry = await makeEntry('lib');
      await send([2, 2], videoBytes(1000), { external_id: 'lib' });
      assertRefused(await send([1, 2], text, { external_id: 'lib' }), 415, 'unsupported_media');
      const video = await api.db.videos.find(user.id, entry.id);
      assert.equal(video?.status, 'awaiting_upload');
    });
  });

  describe('sizes', () => {
    it('count together', async () => {
      const half = LIMIT / 2;
      assert.equal((await send([1, 3], videoBytes(half))).status, 200);
      assert.equal((await send([2, 3], videoBytes(half - 1))).status, 200);
      for (const chunkAt of [0, 9])
        assertRefused(await send([3, 3], Buffer.alloc(2), {}, { chunkAt }), 413, 'too_large');
      assert.equal((await send([3, 3], Buffer.alloc(1))).status, 202);
      await assertNoStrays();
    });

    it('are refused on the way when they were not announced', async () => {
      const sending = openChunk([1, 1]);
      let isAnswered = false;
      void sending.answer.finally(() => {
        isAnswered = true;
      });
      await sending.send(videoBytes(MIB));
      for (let sent = MIB; sent < 64 * MIB && !isAnswered; sent += MIB)
        await sending.send(Buffer.alloc(MIB, 1));
      assert.equal((await sending.answer).status, 413);
      sending.cut();
      await assertNoStrays();
    });

    it('count against the quota, but not for a repetition', async () => {
      const bytes = videoBytes(LIMIT, 'quota');
      await send([1, 1], bytes);
      fileId = uniqueName('second');
      await send([1, 2], bytes);
      fileId = uniqueName('third');
      await send([1, 2], videoBytes(QUOTA - 2 * LIMIT));
      const repeated = await send([1, 2], videoBytes(QUOTA - 2 * LIMIT));
      assert.equal(repeated.status, 200, JSON.stringify(repeated.body));
      for (const chunkAt of [0, 9])
        assertRefused(await send([2, 2], Buffer.alloc(1), {}, { chunkAt }), 403, 'quota_exceeded');
      const other = await api.makeUser();
      assert.equal((await send([1, 2], bytes, {}, { sender: other })).status, 200);
      await assertNoStrays();
    });

    it('of two chunks that race for the last of the room one has it', async () => {
      await send([1, 9], videoBytes(LIMIT - 1000));
      const answers = await Promise.all([2, 3, 4, 5].map((n) => send([n, 9], Buffer.alloc(600, n))));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 413, 413, 413]);
      await assertNoStrays();
    });
  });

  it('may have so many unfinished uploads, and no more', async () => {
    for (const name of ['a', 'b', 'c']) {
      fileId = name;
      assert.equal((await send([1, 2], videoBytes(1000))).status, 200);
    }
    fileId = 'd';
    assertRefused(await send([1, 2], videoBytes(1000)), 403, 'quota_exceeded');
    assert.equal((await send([1, 2], videoBytes(1000), {}, { sender: await api.makeUser() })).status, 200);
    fileId = 'a';
    assert.equal((await send([2, 2], videoBytes(1000))).status, 202);
    fileId = 'd';
    assert.equal((await send([1, 2], videoBytes(1000))).status, 200);
    await assertNoStrays();
  });

  it('keeps the file_ids of users apart', async () => {
    const other = await api.makeUser();
    const [mine, theirs] = await Promise.all([
      send([1, 1], videoBytes(1000, 'mine')),
      send([1, 1], videoBytes(1000, 'theirs'), {}, { sender: other }),
    ]);
    assert.deepEqual([mine.status, theirs.status], [202, 202]);
    assert.notEqual(mine.body.video.id, theirs.body.video.id);
  });

  describe('the same file once more', () => {
    const parts = split(videoBytes(3000, 'once more'), 2) as [Buffer, Buffer];
    const sendBoth = async () => {
      await send([1, 2], parts[0]);
      return (await send([2, 2], parts[1])).body.video.id as string;
    };
    /** As it is after the hand-over: the rows stay, the objects of the segments go. */
    const accept = async (endedAt = 'now()') => {
      const [{ id, video_id }] = await api.sql(`update uploads set state = 'accepted', ended_at = ${endedAt},
        cleared_at = now() where user_id = '${user.id}' and state = 'complete' returning id, video_id`);
      await api.sql("update videos set status = 'ready', source_key = $1 where id = $2", [
        `sources/${id}`,
        video_id,
      ]);
      await api.storage.remove(`uploads/${id}/`);
    };

    it('answers the finished video, whichever chunk comes', async () => {
      const id = await sendBoth();
      await accept();
      for (const number of [2, 1, 2]) {
        const answer = await send([number, 2], parts[number - 1] as Buffer);
        assert.equal(answer.status, 202, JSON.stringify(answer.body));
        assert.deepEqual([answer.body.video.id, answer.body.video.status], [id, 'ready']);
      }
      assert.equal((await uploadsOf()).length, 1);
      assert.deepEqual(await storedSegments(), []);
    });

    it('is waited for with Prefer', async () => {
      const id = await sendBoth();
      await accept();
      const answer = await send([1, 2], parts[0], {}, { headers: { prefer: 'wait=5' } });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('preference-applied'), 'wait=5');
      assert.equal(answer.body.video.id, id);
    });

    for (const [what, when] of [
      ['with other bytes', 'now()'],
      ['after a day', `now() - ${DAY}`],
    ] as const) {
      it(`begins anew ${what}`, async () => {
        const id = await sendBoth();
        await accept(when);
        const first = what === 'after a day' ? parts[0] : videoBytes(1500, 'anew');
        assert.deepEqual((await send([1, 2], first)).body, { received: [1], missing: [2] });
        const last = await send([2, 2], parts[1]);
        assert.equal(last.status, 202);
        assert.notEqual(last.body.video.id, id);
        const [, upload] = await uploadsOf();
        assert.ok((await join(upload.id)).equals(Buffer.concat([first, parts[1]])));
      });
    }

    it('begins anew with another total, or once its video is deleted', async () => {
      const id = await sendBoth();
      await accept();
      assert.deepEqual((await send([1, 3], parts[0])).body, { received: [1], missing: [2, 3] });
      fileId = uniqueName('deleted');
      await sendBoth();
      await accept();
      await api.sql('update videos set deleted_at = now() where user_id = $1', [user.id]);
      assert.deepEqual((await send([1, 2], parts[0])).body, { received: [1], missing: [2] });
      assert.ok(id);
    });

    it('begins anew with other bytes before the hand-over, too', async () => {
      await sendBoth();
      assert.equal((await send([1, 2], parts[0])).status, 202);
      assert.deepEqual((await send([1, 2], videoBytes(9))).body, { received: [1], missing: [2] });
      assert.deepEqual(
        (await uploadsOf()).map(({ state }) => state),
        ['complete', 'open'],
      );
    });
  });

  it('begins anew when the video is deleted while its chunks come', async () => {
    await send([1, 2], videoBytes(1000));
    const [upload] = await uploadsOf();
    await api.call(`/v1/videos/${upload.video_id}`, { method: 'DELETE', token: user.token });
    assert.deepEqual((await send([2, 2], videoBytes(1000))).body, { received: [2], missing: [1] });
    const states = (await uploadsOf()).map(({ state }) => state);
    assert.deepEqual(states, ['terminated', 'open']);
  });

  describe('a chunk whose upload ends while it comes', () => {
    const endMeanwhile = async (clear: (uploadId: string) => Promise<void>) => {
      await send([1, 2], videoBytes(1000));
      const [upload] = await uploadsOf();
      const sending = openChunk([2, 2]);
      await sending.send(Buffer.alloc(MIB, 1));
      await waitFor(async () => (await storedSegments()).length === 2, { what: 'the write to begin' });
      await api.sql("update uploads set state = 'expired', ended_at = now() where id = $1", [upload.id]);
      await clear(upload.id);
      await sending.finish();
      const { status, body } = await sending.answer;
      return { status, body: JSON.parse(body) };
    };

    it('begins a new one, below which its bytes come to lie', async () => {
      const { status, body } = await endMeanwhile(async () => {});
      assert.deepEqual([status, body], [200, { received: [2], missing: [1] }]);
      const first = videoBytes(1000);
      assert.equal((await send([1, 2], first)).status, 202);
      const [, upload] = await uploadsOf();
      await api.storage.remove(`uploads/${(await uploadsOf())[0].id}/`);
      assert.ok((await join(upload.id)).equals(Buffer.concat([first, Buffer.alloc(MIB, 1)])));
      await assertNoStrays();
    });

    it('is asked for again when its bytes went along', async () => {
      const { status, body } = await endMeanwhile((id) => api.storage.remove(`uploads/${id}/`));
      assert.ok(body.retryable, `${status} ${JSON.stringify(body)}`);
      assert.equal((await uploadsOf()).length, 1);
      await waitFor(async () => (await storedSegments()).length === 0, { what: 'no strays' });
      assert.deepEqual((await send([2, 2], videoBytes(1000))).body, { received: [2], missing: [1] });
    });

    it('is asked for again when they went at the last moment', async () => {
      const { join: joined } = api.storage;
      api.storage.join = async (key, segments) => {
        await api.storage.remove(segments[0]?.key ?? '');
        return joined(key, segments);
      };
      try {
        const { status, body } = await endMeanwhile(async () => {});
        assert.deepEqual([status, body.code, body.retryable], [409, 'chunk_conflict', true]);
      } finally {
        api.storage.join = joined;
      }
    });
  });

  it('leaves nothing of a chunk whose client goes away', async () => {
    await send([1, 3], videoBytes(1000));
    const sending = openChunk([2, 3]);
    await sending.send(Buffer.alloc(2 * MIB, 1));
    await waitFor(async () => (await storedSegments()).length === 2, { what: 'the write to begin' });
    sending.cut();
    await waitFor(async () => (await storedSegments()).length === 1, { what: 'the write to be dropped' });
    assert.deepEqual((await send([3, 3], videoBytes(1000))).body, { received: [1, 3], missing: [2] });
  });

  const makeEntry = (externalId: string) =>
    api.db.transaction(({ videos }) =>
      videos.takeOrCreateEntry({
        userId: user.id,
        userLabel: null,
        externalId,
        title: 'Its own title',
        description: 'Its own text',
        tags: [],
        filename: null,
      }),
    );

  describe('an external_id', () => {
    it('fills the library entry that waits for its bytes', async () => {
      const entry = await makeEntry('lib');
      await send([1, 2], videoBytes(1000), { external_id: 'lib', description: 'New' });
      const { body } = await send([2, 2], videoBytes(1000), { external_id: 'lib' });
      const { id, title, description, filename } = body.video;
      assert.deepEqual(
        { id, title, description, filename },
        { id: entry.id, title: 'Its own title', description: 'New', filename: 'My film.mp4' },
      );
      const [upload] = await uploadsOf();
      assert.equal(upload.has_own_video, false);
    });

    it('that another video has is refused, and nothing began', async () => {
      await send([1, 1], videoBytes(1000), { external_id: 'x' });
      fileId = uniqueName('other');
      for (const chunkAt of [0, 9]) {
        const answer = await send([1, 2], videoBytes(1000), { external_id: 'x' }, { chunkAt });
        assertRefused(answer, 409, 'external_id_taken');
      }
      assert.equal((await uploadsOf()).length, 1);
      await assertNoStrays();
    });
  });

  describe('an Idempotency-Key', () => {
    const keyed = (key: string) => ({ headers: { 'idempotency-key': key } });
    const parts = split(videoBytes(3000, 'keyed'), 2) as [Buffer, Buffer];

    it('replays the answer, and stores nothing for it', async () => {
      const first = await send([1, 2], parts[0], {}, keyed('k1'));
      const last = await send([2, 2], parts[1], {}, keyed('k2'));
      const again = await send([1, 2], parts[0], {}, keyed('k1'));
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assert.deepEqual([again.status, again.body], [200, first.body]);
      const done = await send([2, 2], parts[1], {}, keyed('k2'));
      assert.equal(done.headers.get('location'), last.headers.get('location'));
      assert.equal(done.body.video.id, last.body.video.id);
      assert.equal((await storedSegments()).length, 2);
    });

    it('tells other bytes and other fields apart', async () => {
      await send([1, 2], parts[0], {}, keyed('k'));
      assertRefused(await send([2, 2], parts[1], {}, keyed('k')), 422, 'idempotency_key_reused');
      const other = await send([1, 2], videoBytes(1000), {}, keyed('k'));
      assertRefused(other, 422, 'idempotency_key_reused');
      await assertNoStrays();
      assert.equal((await storedSegments()).length, 1);
    });

    it('works for first chunks that race, and so belong to an upload that was not known', async () => {
      const answers = await Promise.all(
        [1, 2].flatMap((n) => [1, 2].map(() => send([n, 2], parts[n - 1] as Buffer, {}, keyed(`race-${n}`)))),
      );
      for (const { status, body } of answers)
        assert.ok(
          [200, 202].includes(status) || body.code === 'idempotency_in_progress',
          JSON.stringify(body),
        );
      assert.deepEqual(
        (await uploadsOf()).map(({ state }) => state),
        ['complete'],
      );
      await assertNoStrays();
    });
  });
});

describe('uploading in chunks to a disk that is nearly full', () => {
  it('is refused with 507', async () => {
    const api = await startApi({ MIN_FREE_BYTES: String(1024 ** 5) });
    try {
      const user = await api.makeUser();
      const answer = await api.call('/v1/videos/chunks', {
        token: user.token,
        body: makeForm([
          ['chunk_number', '1'],
          ['total_chunks', '1'],
          ['file_id', 'f'],
          ['file_name', 'a.mp4'],
          ['chunk', videoBytes(1000), 'blob'],
        ]),
      });
      assert.deepEqual([answer.status, answer.body.code], [507, 'storage_full']);
    } finally {
      await api.close();
    }
  });
});
