import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Statement } from './conversation.ts';

const SIZE = 5000;
const digestOf = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest('base64');

const matching: Statement[] = ['sha1', 'sha256'].map((algorithm) => [
  `a PATCH whose ${algorithm} matches is answered 204 and counts`,
  async (tus) => {
    const path = await tus.begin(SIZE);
    const bytes = tus.bytes(2000);
    const headers = { 'upload-checksum': `${algorithm} ${digestOf(algorithm, bytes)}` };
    assert.equal((await tus.patch(path, 0, bytes, headers)).status, 204);
    assert.equal(await tus.offset(path), 2000);
  },
]);

const differing: Statement[] = ['sha1', 'sha256'].map((algorithm) => [
  `a PATCH whose ${algorithm} does not match gets 460, its bytes are dropped and the offset stays`,
  async (tus, api) => {
    const path = await tus.begin(SIZE);
    await tus.patch(path, 0, tus.bytes(1000));
    const headers = { 'upload-checksum': `${algorithm} ${digestOf(algorithm, Buffer.from('other'))}` };
    const answer = await tus.patch(path, 1000, tus.bytes(2000), headers);
    assert.deepEqual([answer.status, answer.body.code], [460, 'checksum_mismatch']);
    assert.equal(await tus.offset(path), 1000);
    const { id } = await tus.show(path);
    assert.deepEqual(
      (await api.sql('select size_bytes from upload_segments where upload_id = $1', [id])).length,
      1,
    );
    const kept: string[] = [];
    for await (const key of api.storage.listOlderThan(`uploads/${id}/`, new Date('2999-01-01T00:00:00Z')))
      kept.push(key);
    assert.equal(kept.length, 1);
  },
]);

/** Headers that are no algorithm and digest. */
const MALFORMED = ['sha1', 'sha1 ', 'sha1 abc', `sha1 ${Buffer.alloc(32).toString('base64')}`, 'sha256  x'];

export const checksum: readonly Statement[] = [
  [
    'OPTIONS tells Tus-Checksum-Algorithm, sha1 among them, in lower case',
    async (tus) => {
      const { headers } = await tus.ask('OPTIONS', '/v1/uploads');
      assert.equal(headers.get('tus-checksum-algorithm'), 'sha1,sha256');
    },
  ],
  ...matching,
  ...differing,
  ...['md5', 'crc32', 'SHA1', 'sha512'].map(
    (algorithm): Statement => [
      `the algorithm ${algorithm} gets 400, and the offset stays`,
      async (tus) => {
        const path = await tus.begin(SIZE);
        const headers = { 'upload-checksum': `${algorithm} ${Buffer.alloc(20).toString('base64')}` };
        const answer = await tus.patch(path, 0, tus.bytes(100), headers);
        assert.deepEqual([answer.status, answer.body.code], [400, 'unsupported_checksum']);
        assert.equal(await tus.offset(path), 0);
      },
    ],
  ),
  ...MALFORMED.map(
    (value): Statement => [
      `Upload-Checksum is an algorithm, a space and a Base64 digest, which ${JSON.stringify(value)} is not`,
      async (tus) => {
        const path = await tus.begin(SIZE);
        const answer = await tus.patch(path, 0, tus.bytes(100), { 'upload-checksum': value });
        assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_header']);
        assert.equal(await tus.offset(path), 0);
      },
    ],
  ),
  [
    'after a mismatch the same bytes may be sent again',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const bytes = tus.bytes(SIZE);
      const wrong = { 'upload-checksum': `sha1 ${digestOf('sha1', Buffer.from('x'))}` };
      const right = { 'upload-checksum': `sha1 ${digestOf('sha1', bytes)}` };
      assert.equal((await tus.patch(path, 0, bytes, wrong)).status, 460);
      assert.equal((await tus.patch(path, 0, bytes, right)).status, 204);
      assert.equal((await tus.show(path)).state, 'complete');
    },
  ],
  [
    'a mismatch says nothing about the file: bytes that were damaged may begin as no video does',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const headers = { 'upload-checksum': `sha1 ${digestOf('sha1', tus.bytes(SIZE))}` };
      assert.equal((await tus.patch(path, 0, Buffer.alloc(SIZE, 1), headers)).status, 460);
      assert.equal(await tus.offset(path), 0);
    },
  ],
];
