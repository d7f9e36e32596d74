import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { rawExchange } from '../../support/rawHttp.ts';
import { waitFor } from '../../support/stack.ts';
import { openRequest } from '../../support/uploading.ts';
import { OCTETS, type Statement, VERSION } from './conversation.ts';

const SIZE = 5000;

/** Values that are no whole number of bytes. */
const NO_NUMBERS = ['-1', '1.5', 'abc', '1e3', '0x10', '1,1', '٣', '99999999999999999999'];

const badOffsets: Statement[] = NO_NUMBERS.map((value) => [
  `Upload-Offset must be a non-negative integer, which ${JSON.stringify(value)} is not`,
  async (tus) => {
    const path = await tus.begin(SIZE);
    const headers = { 'upload-offset': encodeURI(value) };
    const answer = await tus.patch(path, 0, tus.bytes(10), headers);
    assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_header']);
    assert.equal(await tus.offset(path), 0);
  },
]);

const badLengths: Statement[] = NO_NUMBERS.map((value) => [
  `Upload-Length must be a non-negative integer, which ${JSON.stringify(value)} is not`,
  async (tus) => {
    const answer = await tus.post({ headers: { 'upload-length': encodeURI(value) } });
    assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_header']);
  },
]);

/** Every kind of request, answered well and not, on the way to one upload. */
const answersOfEveryKind: Statement[] = (
  [
    ['POST', 201, (tus, _path) => tus.post({ headers: { 'upload-length': '10' } })],
    ['POST that is refused', 400, (tus, _path) => tus.post()],
    ['HEAD', 200, (tus, path) => tus.head(path)],
    ['HEAD of nothing', 404, (tus) => tus.head(`/v1/uploads/${uuidv7()}`)],
    ['PATCH', 204, (tus, path) => tus.patch(path, 0, tus.bytes(SIZE))],
    ['PATCH that is refused', 409, (tus, path) => tus.patch(path, 5, tus.bytes(10))],
    ['DELETE', 204, (tus, path) => tus.remove(path)],
    ['request without a token', 401, (tus, path) => tus.head(path, { token: null })],
  ] as [string, number, (tus: Parameters<Statement[1]>[0], path: string) => ReturnType<typeof tus.ask>][]
).map(([what, status, ask]) => [
  `the answer to a ${what} carries Tus-Resumable`,
  async (tus) => {
    const answer = await ask(tus, await tus.begin(SIZE));
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get('tus-resumable'), '1.0.0');
  },
]);

const otherVersions: Statement[] = ['0.2.2', '1.0.1', '2.0.0', 'one', ''].flatMap((version): Statement[] =>
  (['POST', 'HEAD', 'PATCH', 'DELETE'] as const).map((method) => [
    `${method} with the version ${version || '(none)'} gets 412 with Tus-Version and is not processed`,
    async (tus) => {
      const path = await tus.begin(SIZE);
      const answer = await tus.ask(method, method === 'POST' ? '/v1/uploads' : path, {
        headers: {
          ...OCTETS,
          'upload-offset': '0',
          'upload-length': String(SIZE),
          ...(version ? { 'tus-resumable': version } : {}),
        },
        ...(method === 'PATCH' ? { body: tus.bytes(100) } : {}),
      });
      assert.equal(answer.status, 412);
      assert.equal(answer.headers.get('tus-version'), '1.0.0');
      assert.equal(answer.headers.get('location'), null);
      assert.equal(await tus.offset(path), 0);
    },
  ]),
);

const options: Statement[] = [
  [
    'OPTIONS is answered 204 or 200 with Tus-Version, the extensions and the largest size',
    async (tus) => {
      const { status, headers } = await tus.ask('OPTIONS', '/v1/uploads', { token: null });
      assert.ok([200, 204].includes(status));
      assert.equal(headers.get('tus-version'), '1.0.0');
      assert.equal(
        headers.get('tus-extension'),
        'creation,creation-with-upload,creation-defer-length,expiration,termination,checksum',
      );
      assert.equal(headers.get('tus-max-size'), '1000000');
    },
  ],
  [
    'OPTIONS ignores a Tus-Resumable header, whatever it says',
    async (tus) => {
      const { status } = await tus.ask('OPTIONS', '/v1/uploads', { headers: { 'tus-resumable': '9.9.9' } });
      assert.equal(status, 204);
    },
  ],
  [
    'OPTIONS works at an upload too',
    async (tus) => {
      const { status, headers } = await tus.ask('OPTIONS', await tus.begin(10));
      assert.equal(status, 204);
      assert.equal(headers.get('tus-version'), '1.0.0');
      assert.match(headers.get('allow') ?? '', /PATCH/);
    },
  ],
];

const overrides: Statement[] = [
  [
    'X-HTTP-Method-Override makes a POST a PATCH',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const headers = { ...VERSION, ...OCTETS, 'upload-offset': '0', 'x-http-method-override': 'PATCH' };
      const answer = await tus.ask('POST', path, { headers, body: tus.bytes(1000) });
      assert.equal(answer.status, 204);
      assert.equal(await tus.offset(path), 1000);
    },
  ],
  [
    'X-HTTP-Method-Override makes a POST a DELETE',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const headers = { ...VERSION, 'x-http-method-override': 'DELETE' };
      assert.equal((await tus.ask('POST', path, { headers })).status, 204);
      assert.equal((await tus.head(path)).status, 410);
    },
  ],
  [
    'X-HTTP-Method-Override makes a POST a HEAD, whose answer has no body',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const headers = { ...VERSION, 'x-http-method-override': 'HEAD' };
      for (const [at, status] of [
        [path, 200],
        [`/v1/uploads/${uuidv7()}`, 404],
      ] as const) {
        const answer = await tus.ask('POST', at, { headers });
        assert.deepEqual([answer.status, answer.body], [status, '']);
      }
    },
  ],
  [
    'the actual method is ignored: a DELETE that is called HEAD deletes nothing',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const headers = { ...VERSION, 'x-http-method-override': 'HEAD' };
      assert.equal((await tus.ask('DELETE', path, { headers })).headers.get('upload-offset'), '0');
      assert.equal((await tus.head(path)).status, 200);
    },
  ],
];

const heads: Statement[] = [
  [
    'HEAD tells Upload-Offset, even if it is 0, and Upload-Length',
    async (tus) => {
      const { headers } = await tus.head(await tus.begin(SIZE));
      assert.equal(headers.get('upload-offset'), '0');
      assert.equal(headers.get('upload-length'), String(SIZE));
    },
  ],
  [
    'HEAD tells Upload-Offset in the middle',
    async (tus) => {
      const path = await tus.begin(SIZE);
      await tus.patch(path, 0, tus.bytes(1234));
      assert.equal((await tus.head(path)).headers.get('upload-offset'), '1234');
    },
  ],
  [
    'HEAD tells Upload-Offset when the upload is complete',
    async (tus) => {
      const path = await tus.begin(SIZE);
      await tus.patch(path, 0, tus.bytes(SIZE));
      const { status, headers } = await tus.head(path);
      assert.equal(status, 200);
      assert.equal(headers.get('upload-offset'), String(SIZE));
      assert.equal(headers.get('upload-length'), String(SIZE));
    },
  ],
  [
    'HEAD forbids caching',
    async (tus) => {
      assert.equal((await tus.head(await tus.begin(SIZE))).headers.get('cache-control'), 'no-store');
    },
  ],
  [
    'HEAD answers 404 without Upload-Offset for an upload that never was',
    async (tus) => {
      const { status, headers } = await tus.head(`/v1/uploads/${uuidv7()}`);
      assert.deepEqual([status, headers.get('upload-offset')], [404, null]);
    },
  ],
  [
    "HEAD answers 404 for another user's upload, exactly as for none",
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      const { token } = await api.makeUser();
      const { status, headers } = await tus.head(path, { token });
      assert.deepEqual([status, headers.get('upload-offset')], [404, null]);
    },
  ],
];

const patches: Statement[] = [
  [
    'PATCH is answered 204 with the new offset: the old one and the bytes that came',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const bytes = tus.bytes(SIZE);
      for (const [from, to] of [
        [0, 700],
        [700, 701],
        [701, SIZE],
      ] as const) {
        const { status, headers, body } = await tus.patch(path, from, bytes.subarray(from, to));
        assert.deepEqual([status, headers.get('upload-offset'), body], [204, String(to), '']);
      }
    },
  ],
  [
    'what was sent in pieces is stored as it was, in its order',
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      const bytes = tus.bytes(SIZE, 'pieces');
      for (let at = 0; at < SIZE; at += 1000) await tus.patch(path, at, bytes.subarray(at, at + 1000));
      const segments = await api.db.uploads.listSegments((await tus.show(path)).id);
      assert.equal(segments.length, 5);
      await api.storage.join('sources/pieces', segments);
      const stored = await (await api.storage.open('sources/pieces')).toArray();
      assert.ok(Buffer.concat(stored).equals(bytes));
    },
  ],
  [
    'PATCH with another Content-Type gets 415 and changes nothing',
    async (tus) => {
      const path = await tus.begin(SIZE);
      for (const type of ['application/octet-stream', 'video/mp4', 'application/offset+octet-stream;x=y']) {
        const answer = await tus.patch(path, 0, tus.bytes(100), { 'content-type': type });
        assert.deepEqual([answer.status, answer.body.code], [415, 'unsupported_media_type']);
      }
      assert.equal(await tus.offset(path), 0);
    },
  ],
  [
    'PATCH without Upload-Offset is refused',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const answer = await tus.ask('PATCH', path, { headers: { ...VERSION, ...OCTETS }, body: tus.bytes(9) });
      assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_header']);
    },
  ],
  ...([0, 499, 501, 100_000] as const).map(
    (offset): Statement => [
      `PATCH at ${offset} gets 409 when the upload stands at 500, and changes nothing`,
      async (tus) => {
        const path = await tus.begin(SIZE);
        await tus.patch(path, 0, tus.bytes(500));
        const answer = await tus.patch(path, offset, tus.bytes(100));
        assert.deepEqual([answer.status, answer.body.code], [409, 'offset_conflict']);
        assert.equal(answer.headers.get('upload-offset'), '500');
        assert.equal(await tus.offset(path), 500);
      },
    ],
  ),
  [
    'PATCH that is repeated gets 409: its bytes count once',
    async (tus) => {
      const path = await tus.begin(SIZE);
      assert.equal((await tus.patch(path, 0, tus.bytes(1000))).status, 204);
      assert.equal((await tus.patch(path, 0, tus.bytes(1000))).status, 409);
      assert.equal(await tus.offset(path), 1000);
    },
  ],
  [
    'PATCH without bytes is answered with the offset as it is, at the end too',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const empty = () =>
        tus.ask('PATCH', path, { headers: { ...VERSION, ...OCTETS, 'upload-offset': '0' } });
      assert.equal((await empty()).headers.get('upload-offset'), '0');
      await tus.patch(path, 0, tus.bytes(SIZE));
      const again = await tus.patch(path, SIZE, Buffer.alloc(0));
      assert.deepEqual([again.status, again.headers.get('upload-offset')], [204, String(SIZE)]);
    },
  ],
  [
    'PATCH beyond the length gets 413 and changes nothing',
    async (tus) => {
      const path = await tus.begin(SIZE);
      const answer = await tus.patch(path, 0, tus.bytes(SIZE + 1));
      assert.deepEqual([answer.status, answer.body.code], [413, 'too_large']);
      assert.equal(await tus.offset(path), 0);
    },
  ],
  [
    'PATCH of a complete upload gets 413 or 409',
    async (tus) => {
      const path = await tus.begin(SIZE);
      await tus.patch(path, 0, tus.bytes(SIZE));
      assert.equal((await tus.patch(path, SIZE, tus.bytes(1))).status, 413);
      assert.equal((await tus.patch(path, 0, tus.bytes(1))).status, 409);
    },
  ],
  [
    'PATCH of an upload that never was gets 404',
    async (tus) => {
      assert.equal((await tus.patch(`/v1/uploads/${uuidv7()}`, 0, tus.bytes(10))).status, 404);
    },
  ],
  [
    'PATCH of unknown length is taken',
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      const headers = {
        ...VERSION,
        ...OCTETS,
        authorization: `Bearer ${tus.user.token}`,
        'upload-offset': 0,
        'transfer-encoding': 'chunked',
      };
      const sending = openRequest(api, path, { method: 'PATCH', headers });
      await sending.send(tus.bytes(SIZE).subarray(0, 3000));
      await sending.send(tus.bytes(SIZE).subarray(3000));
      sending.end();
      const answer = await sending.answer;
      assert.deepEqual([answer.status, answer.headers['upload-offset']], [204, String(SIZE)]);
    },
  ],
  [
    'the server stores as much as it received when the connection breaks',
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      const head = [
        `PATCH ${path} HTTP/1.1`,
        `Host: x\r\nAuthorization: Bearer ${tus.user.token}`,
        'Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream',
        `Content-Length: ${SIZE}\r\n\r\n`,
      ].join('\r\n');
      const sent = Buffer.concat([Buffer.from(head), tus.bytes(3000)]);
      await rawExchange(Number(new URL(api.url).port), sent, 200);
      await waitFor(async () => (await tus.offset(path)) === 3000, { what: 'the bytes to count' });
    },
  ],
];

export const core: readonly Statement[] = [
  ...badOffsets,
  ...badLengths,
  ...answersOfEveryKind,
  ...otherVersions,
  ...options,
  ...overrides,
  ...heads,
  ...patches,
];
