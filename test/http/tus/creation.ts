import assert from 'node:assert/strict';
import { MIB } from '../../support/uploading.ts';
import { metadata, OCTETS, type Statement, VERSION } from './conversation.ts';

const SIZE = 5000;
const LENGTH = { 'upload-length': String(SIZE) };

const creating: Statement[] = [
  [
    'a creation is answered 201 with the address of the upload, absolute and ours',
    async (tus) => {
      const answer = await tus.post({ headers: LENGTH });
      assert.equal(answer.status, 201);
      assert.equal(answer.headers.get('location'), `http://videoflow.test/v1/uploads/${answer.body.id}`);
      assert.equal((await tus.head(tus.pathOf(answer))).status, 200);
    },
  ],
  [
    'the upload begins at 0, and its video is known from the start',
    async (tus) => {
      const { body } = await tus.post({ headers: LENGTH });
      assert.deepEqual([body.state, body.offset, body.length], ['open', 0, SIZE]);
      assert.match(body.video_id, /^[\da-f-]{36}$/);
    },
  ],
  [
    'a length beyond Tus-Max-Size gets 413',
    async (tus) => {
      for (const length of ['1000001', '999999999999999']) {
        const answer = await tus.post({ headers: { 'upload-length': length } });
        assert.deepEqual([answer.status, answer.body.code], [413, 'too_large']);
      }
      assert.equal((await tus.post({ headers: { 'upload-length': '1000000' } })).status, 201);
    },
  ],
  [
    'a creation without Upload-Length and Upload-Defer-Length is refused',
    async (tus) => {
      assert.deepEqual((await tus.post()).body.code, 'invalid_header');
    },
  ],
  [
    'a creation with both is refused',
    async (tus) => {
      const answer = await tus.post({ headers: { ...LENGTH, 'upload-defer-length': '1' } });
      assert.equal(answer.body.code, 'invalid_header');
    },
  ],
  [
    'a file without bytes is no video, and is refused at once',
    async (tus) => {
      const answer = await tus.post({ headers: { 'upload-length': '0' } });
      assert.deepEqual([answer.status, answer.body.code], [422, 'empty_file']);
    },
  ],
];

/** Headers that are not built as the protocol says. */
const MALFORMED = ['title ====', 'a b c', 'title YQ==,title Yg==', ',', 'title YQ==,', 'title %'];

const metadataStatements: Statement[] = [
  [
    'Upload-Metadata is given back by HEAD as it was sent',
    async (tus) => {
      const sent = metadata({ filename: 'Ferien in Köln.mp4', empty: '', 'x-own.key': 'ключ' });
      const path = await tus.begin(SIZE, { 'upload-metadata': sent });
      assert.equal((await tus.head(path)).headers.get('upload-metadata'), sent);
    },
  ],
  [
    'HEAD tells no Upload-Metadata where there was none',
    async (tus) => {
      assert.equal((await tus.head(await tus.begin(SIZE))).headers.get('upload-metadata'), null);
    },
  ],
  [
    'a key may have no value, with a space or without',
    async (tus) => {
      for (const sent of ['is_confidential', 'is_confidential ', 'a,b YQ==']) {
        assert.equal((await tus.post({ headers: { ...LENGTH, 'upload-metadata': sent } })).status, 201, sent);
      }
    },
  ],
  ...MALFORMED.map(
    (sent): Statement => [
      `Upload-Metadata is pairs with keys of their own and Base64 values, which ${JSON.stringify(sent)} is not`,
      async (tus) => {
        const answer = await tus.post({ headers: { ...LENGTH, 'upload-metadata': sent } });
        assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_header']);
      },
    ],
  ),
  [
    'known keys describe the video',
    async (tus, api) => {
      const sent = metadata({
        filename: 'C:\\clips\\beach.mp4',
        title: 'Am Strand',
        description: 'a\r\nb',
        tags: 'sea, sun',
        user_id: 'u1',
        external_id: 'e1',
        process: 'thumbnail',
      });
      const { body } = await tus.post({ headers: { ...LENGTH, 'upload-metadata': sent } });
      const video = (await tus.ask('GET', `/v1/videos/${body.video_id}`)).body;
      assert.deepEqual(
        [video.filename, video.title, video.description, video.tags, video.user_id, video.external_id],
        ['beach.mp4', 'Am Strand', 'a\nb', ['sea', 'sun'], 'u1', 'e1'],
      );
      assert.equal(video.status, 'awaiting_upload');
      const [row] = await api.sql('select optional_steps from uploads where id = $1', [body.id]);
      assert.deepEqual(row.optional_steps, ['thumbnail']);
    },
  ],
  [
    'what Uppy sends is taken: name is the file name, types and paths are not looked at',
    async (tus) => {
      const sent = metadata({
        relativePath: 'null',
        name: 'beach.mp4',
        type: 'video/mp4',
        filetype: 'video/mp4',
      });
      const { body } = await tus.post({ headers: { ...LENGTH, 'upload-metadata': sent } });
      const video = (await tus.ask('GET', `/v1/videos/${body.video_id}`)).body;
      assert.deepEqual([video.filename, video.title], ['beach.mp4', 'beach']);
    },
  ],
  [
    'wrong values of known keys are refused by name',
    async (tus) => {
      const sent = metadata({ title: 'x'.repeat(501), process: 'everything' });
      const answer = await tus.post({ headers: { ...LENGTH, 'upload-metadata': sent } });
      assert.equal(answer.status, 422);
      const paths = answer.body.errors.map(({ path }: { path: string }) => path);
      assert.deepEqual(paths.sort(), ['process.0', 'title']);
    },
  ],
  [
    'a value that is no text is refused by name',
    async (tus) => {
      const sent = `title ${Buffer.from([0xff, 0xfe]).toString('base64')}`;
      const answer = await tus.post({ headers: { ...LENGTH, 'upload-metadata': sent } });
      assert.deepEqual([answer.status, answer.body.errors[0].path], [422, 'title']);
    },
  ],
];

const withUpload: Statement[] = [
  [
    'a creation with all bytes completes the upload and tells Upload-Offset',
    async (tus) => {
      const answer = await tus.post({ headers: { ...LENGTH, ...OCTETS }, body: tus.bytes(SIZE) });
      assert.deepEqual([answer.status, answer.headers.get('upload-offset')], [201, String(SIZE)]);
      assert.equal(answer.body.state, 'complete');
      assert.equal(answer.headers.get('upload-expires'), null);
    },
  ],
  [
    'a creation with some bytes goes on with PATCH where Upload-Offset says',
    async (tus) => {
      const answer = await tus.post({ headers: { ...LENGTH, ...OCTETS }, body: tus.bytes(2000) });
      assert.deepEqual([answer.status, answer.headers.get('upload-offset')], [201, '2000']);
      const rest = await tus.patch(tus.pathOf(answer), 2000, tus.bytes(SIZE).subarray(2000));
      assert.equal(rest.headers.get('upload-offset'), String(SIZE));
    },
  ],
  [
    'a creation with bytes of another Content-Type gets 415 and creates nothing',
    async (tus, api) => {
      const answer = await tus.post({
        headers: { ...LENGTH, 'content-type': 'video/mp4' },
        body: tus.bytes(9),
      });
      assert.deepEqual([answer.status, answer.headers.get('location')], [415, null]);
      assert.deepEqual(await api.sql('select 1 from uploads where user_id = $1', [tus.user.id]), []);
    },
  ],
  [
    'a creation with more bytes than its length gets 413 and creates nothing',
    async (tus, api) => {
      const answer = await tus.post({ headers: { ...LENGTH, ...OCTETS }, body: tus.bytes(SIZE + 1) });
      assert.equal(answer.status, 413);
      assert.deepEqual(await api.sql('select 1 from uploads where user_id = $1', [tus.user.id]), []);
    },
  ],
  [
    'the checksum of a creation is checked as that of a PATCH; the upload is there all the same',
    async (tus) => {
      const headers = {
        ...LENGTH,
        ...OCTETS,
        'upload-checksum': `sha1 ${Buffer.alloc(20).toString('base64')}`,
      };
      const answer = await tus.post({ headers, body: tus.bytes(SIZE) });
      assert.equal(answer.status, 460);
      assert.equal(await tus.offset(tus.pathOf(answer)), 0);
    },
  ],
  [
    'a creation with bytes that begin no video gets 415, and the upload is over',
    async (tus, api) => {
      const answer = await tus.post({ headers: { ...LENGTH, ...OCTETS }, body: Buffer.alloc(SIZE, 'text ') });
      assert.deepEqual([answer.status, answer.body.code], [415, 'unsupported_media']);
      const rows = await api.sql('select state, error_code from uploads where user_id = $1', [tus.user.id]);
      assert.deepEqual(rows, [{ state: 'terminated', error_code: 'unsupported_media' }]);
    },
  ],
];

const deferring: Statement[] = [
  [
    'Upload-Defer-Length can only be 1',
    async (tus) => {
      for (const value of ['0', '2', 'true']) {
        const answer = await tus.post({ headers: { 'upload-defer-length': value } });
        assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_header']);
      }
    },
  ],
  [
    'HEAD tells Upload-Defer-Length: 1 and no Upload-Length while the length is not known',
    async (tus) => {
      const path = await tus.begin(null);
      await tus.patch(path, 0, tus.bytes(1000));
      const { headers } = await tus.head(path);
      assert.deepEqual(
        [headers.get('upload-defer-length'), headers.get('upload-length'), headers.get('upload-offset')],
        ['1', null, '1000'],
      );
    },
  ],
  [
    'a PATCH may tell the length, and HEAD tells it from then on',
    async (tus) => {
      const path = await tus.begin(null);
      await tus.patch(path, 0, tus.bytes(1000), { 'upload-length': String(SIZE) });
      const { headers } = await tus.head(path);
      assert.deepEqual(
        [headers.get('upload-defer-length'), headers.get('upload-length')],
        [null, String(SIZE)],
      );
      assert.equal((await tus.show(path)).state, 'open');
    },
  ],
  [
    'a PATCH without bytes may tell the length, and so complete the upload',
    async (tus) => {
      const path = await tus.begin(null);
      await tus.patch(path, 0, tus.bytes(1000));
      const answer = await tus.patch(path, 1000, Buffer.alloc(0), { 'upload-length': '1000' });
      assert.equal(answer.status, 204);
      assert.equal((await tus.show(path)).state, 'complete');
    },
  ],
  [
    'the last PATCH may tell the length',
    async (tus) => {
      const path = await tus.begin(null);
      await tus.patch(path, 0, tus.bytes(SIZE), { 'upload-length': String(SIZE) });
      assert.equal((await tus.show(path)).state, 'complete');
    },
  ],
  [
    'a length once set is never changed; the same one may be told again',
    async (tus) => {
      const path = await tus.begin(null);
      await tus.patch(path, 0, tus.bytes(1000), { 'upload-length': String(SIZE) });
      const bytes = tus.bytes(SIZE).subarray(1000, 2000);
      const other = await tus.patch(path, 1000, bytes, { 'upload-length': String(SIZE + 1) });
      assert.deepEqual([other.status, other.body.code], [422, 'invalid_request']);
      assert.equal((await tus.head(path)).headers.get('upload-length'), String(SIZE));
      assert.equal((await tus.patch(path, 1000, bytes, { 'upload-length': String(SIZE) })).status, 204);
    },
  ],
  [
    'a length that was told at the creation is never changed either',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const answer = await tus.patch(path, 0, tus.bytes(100), { 'upload-length': String(SIZE * 2) });
      assert.equal(answer.status, 422);
      assert.equal(await tus.offset(path), 0);
    },
  ],
  [
    'a length beyond Tus-Max-Size, told late, gets 413',
    async (tus) => {
      const path = await tus.begin(null);
      const answer = await tus.patch(path, 0, tus.bytes(100), { 'upload-length': '1000001' });
      assert.equal(answer.status, 413);
    },
  ],
  [
    'bytes beyond Tus-Max-Size get 413 where the length is not known',
    async (tus) => {
      const answer = await tus.patch(await tus.begin(null), 0, tus.bytes(MIB));
      assert.deepEqual([answer.status, answer.body.code], [413, 'too_large']);
    },
  ],
  [
    'bytes may come with a creation that does not know its length',
    async (tus) => {
      const headers = { 'upload-defer-length': '1', ...OCTETS };
      const answer = await tus.post({ headers, body: tus.bytes(2000) });
      assert.deepEqual([answer.status, answer.headers.get('upload-offset')], [201, '2000']);
    },
  ],
];

const keyed: Statement[] = [
  [
    'an Idempotency-Key makes one upload of a creation that is repeated',
    async (tus) => {
      const headers = { ...LENGTH, 'upload-metadata': 'title SGk=', 'idempotency-key': 'k' };
      const first = await tus.post({ headers });
      const second = await tus.post({ headers });
      assert.equal(second.headers.get('idempotency-replayed'), 'true');
      assert.equal(second.headers.get('location'), first.headers.get('location'));
      const other = await tus.post({ headers: { ...headers, 'upload-length': '9' } });
      assert.equal(other.body.code, 'idempotency_key_reused');
    },
  ],
  [
    'an Idempotency-Key beside bytes is refused: they could not be compared',
    async (tus) => {
      const headers = { ...VERSION, ...LENGTH, ...OCTETS, 'idempotency-key': 'k' };
      const answer = await tus.post({ headers, body: tus.bytes(100) });
      assert.deepEqual([answer.status, answer.body.errors[0].path], [422, 'Idempotency-Key']);
    },
  ],
];

export const creation: readonly Statement[] = [
  ...creating,
  ...metadataStatements,
  ...withUpload,
  ...deferring,
  ...keyed,
];
