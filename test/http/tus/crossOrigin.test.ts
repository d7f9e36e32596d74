import assert from 'node:assert/strict';
import { startApi, type TestApi } from '../../support/api.ts';
import { type Conversation, createConversation, OCTETS, VERSION } from './conversation.ts';

const ORIGIN = 'https://app.example';
const TUS_REQUEST_HEADERS =
  'authorization,content-type,tus-resumable,upload-checksum,upload-defer-length,upload-length,upload-metadata,upload-offset,x-http-method-override,x-request-id';

/** What tus clients in browsers read. */
const READ = [
  'Location',
  'Upload-Offset',
  'Upload-Length',
  'Upload-Metadata',
  'Upload-Defer-Length',
  'Upload-Expires',
  'Tus-Version',
  'Tus-Resumable',
  'Tus-Max-Size',
  'Tus-Extension',
  'Tus-Checksum-Algorithm',
  'Retry-After',
];

describe('an upload from a page of another origin', () => {
  let api: TestApi;
  let tus: Conversation;
  before(async () => {
    api = await startApi({ CORS_ORIGINS: ORIGIN });
    tus = createConversation(api, await api.makeUser());
  });
  after(() => api.close());

  const preflight = (path: string, method: string, origin = ORIGIN) =>
    tus.ask('OPTIONS', path, {
      token: null,
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': TUS_REQUEST_HEADERS,
      },
    });

  for (const method of ['POST', 'HEAD', 'PATCH', 'DELETE', 'GET']) {
    it(`may ${method}, as the preflight says`, async () => {
      const path = method === 'POST' ? '/v1/uploads' : await tus.begin(10);
      const { status, headers } = await preflight(path, method);
      assert.equal(status, 204);
      assert.equal(headers.get('access-control-allow-origin'), ORIGIN);
      assert.ok(headers.get('access-control-allow-methods')?.split(',').includes(method));
      const allowed = headers.get('access-control-allow-headers')?.toLowerCase().split(/, */) ?? [];
      for (const name of TUS_REQUEST_HEADERS.split(',')) assert.ok(allowed.includes(name), name);
    });
  }

  it('may not from an origin that is not configured', async () => {
    const { headers } = await preflight('/v1/uploads', 'POST', 'https://evil.example');
    assert.equal(headers.get('access-control-allow-origin'), null);
    assert.equal(headers.get('access-control-allow-methods'), null);
  });

  it('may read what every answer tells, refusals included', async () => {
    const path = await tus.begin(5000);
    const origin = { origin: ORIGIN };
    const answers = {
      201: await tus.post({ headers: { ...origin, 'upload-length': '10' } }),
      200: await tus.head(path, { headers: { ...VERSION, ...origin } }),
      204: await tus.patch(path, 0, tus.bytes(1000), origin),
      409: await tus.patch(path, 0, tus.bytes(1000), origin),
      412: await tus.head(path, { headers: origin }),
      401: await tus.head(path, { headers: { ...VERSION, ...origin }, token: null }),
      404: await tus.head('/v1/uploads/x', { headers: { ...VERSION, ...origin } }),
      413: await tus.patch(path, 1000, tus.bytes(5000), origin),
      415: await tus.ask('PATCH', path, { headers: { ...VERSION, ...origin, 'upload-offset': '1000' } }),
      400: await tus.ask('PATCH', path, { headers: { ...VERSION, ...OCTETS, ...origin } }),
    };
    for (const [status, answer] of Object.entries(answers)) {
      assert.equal(answer.status, Number(status));
      assert.equal(answer.headers.get('access-control-allow-origin'), ORIGIN, status);
      const exposed = answer.headers.get('access-control-expose-headers')?.split(',') ?? [];
      for (const name of READ) assert.ok(exposed.includes(name), `${status}: ${name}`);
    }
  });
});
