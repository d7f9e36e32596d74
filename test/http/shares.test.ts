import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady } from '../support/processedVideo.ts';
import { isPage, makeShare, openSession, shareActions } from '../support/sharing.ts';
import { videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(50_000, 'shares');
const YEAR_SEC = 365 * 24 * 3600;

describe('shares, for their owner', () => {
  let api: TestApi;
  let user: TestUser;
  let videoId: string;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    videoId = await makeReady(api, user, { bytes, query: '?filename=holiday.mp4&title=Holiday' });
  });
  after(() => api.close());

  const create = (json: unknown, headers: Record<string, string> = {}, id = videoId) =>
    api.call(`/v1/videos/${id}/shares`, { token: user.token, json, headers });
  const { expire, listed, range, revoke } = shareActions(() => ({ api, user }));

  it('are made with an address that is shown once, and of which only a hash is kept', async () => {
    const share = await makeShare(api, user, videoId, {
      expires_in: 60,
      max_views: 3,
      allow_download: true,
    });
    const { body, headers } = share.made;
    assert.match(share.handle, /^[\w-]{43}$/);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(body.download_url, `${body.url}/download`);
    assert.equal(body.secret_shown, undefined);
    const leftMs = Date.parse(body.expires_at) - Date.now();
    assert.ok(leftMs > 50_000 && leftMs <= 60_000, `${leftMs}`);
    const { url: _, download_url: __, ...view } = body;
    assert.deepEqual(view, {
      id: share.id,
      video_id: videoId,
      status: 'active',
      created_at: body.created_at,
      expires_at: body.expires_at,
      revoked_at: null,
      max_views: 3,
      views: 0,
      allow_download: true,
    });
    assert.deepEqual(await listed(share), view);
    const rows = await api.sql('select * from shares');
    assert.ok(!JSON.stringify(rows).includes(share.handle));
    assert.equal((await makeShare(api, user, videoId)).made.body.download_url, null);
  });

  it('live from a second to a year, and say which field is wrong', async () => {
    for (const expires_in of [1, YEAR_SEC]) assert.equal((await create({ expires_in })).status, 201);
    for (const [field, json] of [
      ['expires_in', {}],
      ['expires_in', { expires_in: 0 }],
      ['expires_in', { expires_in: YEAR_SEC + 1 }],
      ['expires_in', { expires_in: 1.5 }],
      ['expires_in', { expires_in: '60' }],
      ['max_views', { expires_in: 60, max_views: 0 }],
      ['max_views', { expires_in: 60, max_views: 2.5 }],
      ['allow_download', { expires_in: 60, allow_download: 'yes' }],
      ['password', { expires_in: 60, password: 'x' }],
    ] as const) {
      const refused = await create(json);
      assert.deepEqual([refused.status, refused.body.code], [422, 'invalid_request'], JSON.stringify(json));
      assert.equal(refused.body.errors[0].path, field);
    }
  });

  it('are listed newest first, in pages, ended ones too', async () => {
    const other = await makeReady(api, user, { bytes });
    const [first, second, third] = [
      await makeShare(api, user, other),
      await makeShare(api, user, other, { max_views: 1 }),
      await makeShare(api, user, other),
    ];
    await revoke(first.id);
    await expire(third);
    await range(await openSession(api, second));
    const path = `/v1/videos/${other}/shares?limit=2`;
    const page = await api.call(path, { token: user.token });
    assert.deepEqual(
      page.body.data.map(({ id, status }: { id: string; status: string }) => [id, status]),
      [
        [third.id, 'expired'],
        [second.id, 'used_up'],
      ],
    );
    const next = await api.call(`${path}&cursor=${page.body.next_cursor}`, { token: user.token });
    assert.deepEqual(
      next.body.data.map(({ id, status }: { id: string; status: string }) => [id, status]),
      [[first.id, 'revoked']],
    );
    assert.equal(next.body.next_cursor, null);
  });

  it('store no address under an Idempotency-Key: a repetition tells that it was shown', async () => {
    const headers = { 'idempotency-key': uuidv7() };
    const first = await create({ expires_in: 60, allow_download: true }, headers);
    const again = await create({ expires_in: 60, allow_download: true }, headers);
    assert.deepEqual([first.status, again.status], [201, 201]);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.deepEqual(again.body, { ...first.body, url: null, download_url: null, secret_shown: true });
    const [kept] = await api.sql('select * from idempotency_keys where key = $1', [
      headers['idempotency-key'],
    ]);
    assert.ok(JSON.stringify(kept).includes(first.body.id));
    assert.ok(!JSON.stringify(kept).includes(first.body.url.split('/').at(-1)));
    const other = await create({ expires_in: 61 }, headers);
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused']);
  });

  it('are nobody else’s to make, list or take back, nor those of a video that is not there', async () => {
    const share = await makeShare(api, user, videoId);
    const stranger = await api.makeUser();
    for (const path of [`/v1/videos/${videoId}/shares`, `/v1/videos/${uuidv7()}/shares`]) {
      const json = { expires_in: 60 };
      assert.equal((await api.call(path, { token: stranger.token, json })).status, 404);
      assert.equal((await api.call(path, { token: stranger.token })).status, 404);
    }
    assert.equal((await revoke(share.id, stranger.token)).status, 404);
    assert.equal((await revoke(uuidv7())).status, 404);
    assert.equal((await api.call(share.path)).status, 200);
  });

  it('are taken back once and for all', async () => {
    const share = await makeShare(api, user, videoId);
    assert.equal((await revoke(share.id)).status, 204);
    const { revoked_at } = await listed(share);
    assert.equal((await revoke(share.id)).status, 204);
    assert.equal((await listed(share)).revoked_at, revoked_at);
  });

  it('die with their video at once, and leave no row when it is gone', async () => {
    const other = await makeReady(api, user, { bytes });
    const share = await makeShare(api, user, other);
    const signed = await openSession(api, share);
    assert.equal((await range(signed)).status, 206);
    await api.call(`/v1/videos/${other}`, { method: 'DELETE', token: user.token });
    for (const path of [signed, `${share.path}/session`, `${share.path}/poster.jpg`]) {
      const answer = await api.call(path);
      assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], path);
    }
    const page = await api.call(share.path);
    assert.equal(page.status, 404);
    assert.ok(isPage(page));
    assert.equal((await revoke(share.id)).status, 404);
    assert.equal((await create({ expires_in: 60 }, {}, other)).status, 404);
    await api.sql('delete from videos where id = $1', [other]);
    assert.deepEqual(await api.sql('select id from shares where id = $1', [share.id]), []);
    assert.deepEqual(await api.sql('select id from share_sessions where share_id = $1', [share.id]), []);
  });
});
