import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady, PICTURES, playWorker, upload } from '../support/processedVideo.ts';
import { isPage, makeShare, openSession, shareActions, toLocal } from '../support/sharing.ts';
import { videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(50_000, 'shares');

describe('shares, for whoever has the address', () => {
  let api: TestApi;
  let user: TestUser;
  let videoId: string;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    videoId = await makeReady(api, user, { bytes, query: '?filename=holiday.mp4&title=Holiday' });
  });
  after(() => api.close());

  const { expire, range, revoke, views } = shareActions(() => ({ api, user }));

  it('show a page that no search engine keeps and that tells nobody where it is', async () => {
    const share = await makeShare(api, user, videoId);
    const page = await api.call(`${share.path}?fbclid=of-a-social-network`);
    assert.equal(page.status, 200);
    assert.ok(isPage(page));
    assert.match(page.body, /Holiday/);
    for (const [name, value] of [
      ['x-robots-tag', /noindex/],
      ['referrer-policy', /^no-referrer$/],
      ['cache-control', /no-store/],
      ['content-security-policy', /default-src 'none'/],
      ['x-content-type-options', /^nosniff$/],
    ] as const)
      assert.match(page.headers.get(name) ?? '', value, name);
    const head = await api.call(share.path, { method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
  });

  it('give the bytes by a session: whole, in ranges, with ETag and HEAD', async () => {
    const share = await makeShare(api, user, videoId);
    const answer = await api.call(`${share.path}/session`);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    const forMs = Date.parse(answer.body.expires_at) - Date.now();
    assert.ok(forMs > 590_000 && forMs <= 600_000, `${forMs}`);
    const signed = toLocal(api, answer.body.url);
    const whole = await fetch(api.url + signed);
    assert.equal(whole.status, 200);
    assert.ok(Buffer.from(await whole.arrayBuffer()).equals(bytes));
    assert.match(whole.headers.get('content-disposition') ?? '', /^inline; filename=Holiday.mp4$/);
    assert.equal(whole.headers.get('x-accel-buffering'), 'no');
    assert.match(whole.headers.get('x-robots-tag') ?? '', /noindex/);
    const part = await range(signed, 'bytes=10-19');
    assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 10-19/50000']);
    const several = await range(signed, 'bytes=0-1,10-11');
    assert.match(several.headers.get('content-type') ?? '', /^multipart\/byteranges/);
    const unchanged = await api.call(signed, {
      headers: { 'if-none-match': whole.headers.get('etag') ?? '' },
    });
    assert.equal(unchanged.status, 304);
    const head = await api.call(signed, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, '50000']);
    assert.equal((await range(signed, 'bytes=50000-')).status, 416);
  });

  it('give what the player shows around them', async () => {
    const share = await makeShare(api, user, videoId);
    const poster = await api.call(`${share.path}/poster.jpg`);
    assert.deepEqual([poster.status, poster.body], [200, PICTURES.thumbnail.toString()]);
    const sheet = await api.call(`${share.path}/storyboard.jpg`);
    assert.deepEqual([sheet.status, sheet.body], [200, PICTURES.sheet.toString()]);
    const index = await api.call(`${share.path}/storyboard.vtt`);
    assert.match(index.body, /^storyboard\.jpg#xywh=0,0,160,90$/m);
    const captions = await api.call(`${share.path}/captions.vtt`);
    assert.deepEqual([captions.status, captions.body.code], [404, 'no_transcript']);
    const bare = await makeShare(api, user, await upload(api, user, bytes));
    for (const [file, code] of [
      ['poster.jpg', 'no_thumbnail'],
      ['storyboard.jpg', 'no_storyboard'],
      ['storyboard.vtt', 'no_storyboard'],
    ]) {
      const missing = await api.call(`${bare.path}/${file}`);
      assert.deepEqual([missing.status, missing.body.code], [404, code]);
    }
    assert.equal(await views(share), 0);
  });

  it('may be sent before the video is ready', async () => {
    const id = await upload(api, user, bytes);
    const share = await makeShare(api, user, id);
    assert.equal((await api.call(share.path)).status, 200);
    const assertEarly = async (path: string) => {
      const { status, body } = await api.call(path);
      assert.deepEqual([status, body.code, body.retryable], [409, 'not_ready', true], path);
    };
    await assertEarly(`${share.path}/session`);
    const worker = playWorker(api, id);
    await worker.complete('source');
    await worker.complete('probe');
    const signed = await openSession(api, share);
    await api.sql(`update videos set status = 'processing' where id = $1`, [id]);
    await assertEarly(signed);
    assert.equal(await views(share), 0);
    await api.sql(`update videos set status = 'ready' where id = $1`, [id]);
    assert.equal((await range(signed)).status, 206);
    assert.equal(await views(share), 1);
  });

  it('tell who watches nothing of the name that the file had, but who may keep it', async () => {
    const query = '?filename=offer-for-acme-v7.private.mov&title=Our%20offer';
    const id = await makeReady(api, user, { bytes, query });
    const share = await makeShare(api, user, id, { allow_download: true });
    const nameOf = async (path: string) =>
      ((await api.call(path)).headers.get('content-disposition') ?? '').replace(/^.*filename=/, '');
    assert.deepEqual(
      await Promise.all(
        [
          await openSession(api, share),
          ...['poster.jpg', 'storyboard.jpg', 'storyboard.vtt'].map((file) => `${share.path}/${file}`),
        ].map(nameOf),
      ),
      ['.mp4', '.jpg', '-storyboard.jpg', '-storyboard.vtt'].map((end) => `"Our offer${end}"`),
    );
    const page = await api.call(share.path);
    assert.ok(!page.body.includes('acme'));
    const file = toLocal(api, (await api.call(`${share.path}/download`)).headers.get('location') ?? '');
    assert.equal(await nameOf(file), 'offer-for-acme-v7.private.mov');
  });

  it('play the rendition where there is one, and keep the uploaded bytes', async () => {
    const id = await makeReady(api, user, { bytes });
    const share = await makeShare(api, user, id, { allow_download: true });
    const rendition = Buffer.from('what browsers play');
    const writer = await api.storage.createWriter(`assets/${id}/1-1-playback.mp4`);
    writer.stream.end(rendition);
    await writer.commit();
    await api.sql(
      `insert into assets (id, video_id, kind, key, content_type, size_bytes, created_at)
       values ($1, $2, 'playback', $3, 'video/mp4', $4, now())`,
      [uuidv7(), id, `assets/${id}/1-1-playback.mp4`, rendition.length],
    );
    const played = await api.call(await openSession(api, share));
    assert.deepEqual([played.status, played.body], [200, rendition.toString()]);
    const file = toLocal(api, (await api.call(`${share.path}/download`)).headers.get('location') ?? '');
    assert.equal((await api.call(file, { method: 'HEAD' })).headers.get('content-length'), `${bytes.length}`);
  });

  for (const [end, code, status] of [
    ['expired', 'share_expired', 410],
    ['revoked', 'share_revoked', 410],
    ['unknown', 'not_found', 404],
  ] as const) {
    it(`are ${status} when ${end}: a page for people, a code for programs`, async () => {
      const share = await makeShare(api, user, videoId, { allow_download: true });
      const signed = await openSession(api, share);
      const file = toLocal(api, (await api.call(`${share.path}/download`)).headers.get('location') ?? '');
      assert.equal((await range(file)).status, 206);
      if (end === 'expired') await expire(share);
      if (end === 'revoked') await revoke(share.id);
      const rename = (path: string) =>
        end === 'unknown' ? path.replace(share.handle, share.handle.split('').reverse().join('')) : path;
      const page = await api.call(rename(share.path));
      assert.equal(page.status, status);
      assert.ok(isPage(page));
      assert.match(page.headers.get('x-robots-tag') ?? '', /noindex/);
      for (const path of [
        signed,
        file,
        ...['session', 'download', 'poster.jpg', 'storyboard.jpg', 'storyboard.vtt', 'captions.vtt'].map(
          (name) => `${share.path}/${name}`,
        ),
      ]) {
        const answer = await api.call(rename(path));
        assert.deepEqual([answer.status, answer.body.code], [status, code], path);
        assert.equal(answer.headers.get('content-type'), 'application/problem+json');
        assert.equal(answer.headers.get('etag'), null);
      }
      const clicked = await api.call(rename(`${share.path}/download`), {
        headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
      });
      assert.equal(clicked.status, status);
      assert.ok(isPage(clicked));
    });
  }

  it('answer a link that was cut short like one that was never made', async () => {
    const share = await makeShare(api, user, videoId);
    for (const path of [
      share.path.slice(0, -1),
      '/s/x',
      `${share.path}A`,
      '/s/%00',
      '/s/%EF%BF%BD',
      '/s/%ff',
    ]) {
      const page = await api.call(path);
      assert.equal(page.status, 404, path);
      assert.ok(isPage(page));
    }
  });

  it('have one spelling only', async () => {
    const share = await makeShare(api, user, videoId);
    const signed = await openSession(api, share);
    const [path = '', query] = signed.split('?');
    assert.equal((await range(signed)).status, 206);
    const escaped = `/s/%${share.handle.charCodeAt(0).toString(16)}${share.handle.slice(1)}`;
    for (const other of [
      path.replace('/s/', '/S/'),
      path.replace('/stream', '/Stream'),
      `${path}/`,
      `/${path}`,
      `${escaped}/stream`,
      path.replace('/s/', '/%73/'),
    ])
      assert.equal((await range(`${other}?${query}`)).status, 404, other);
    for (const other of [share.path.replace('/s/', '/S/'), `${share.path}/`, escaped])
      assert.equal((await api.call(other)).status, 404, other);
  });

  it('leave no handle in the log', async () => {
    const share = await makeShare(api, user, videoId, { allow_download: true });
    const signed = await openSession(api, share);
    for (const path of [
      share.path,
      signed,
      `${share.path}/download`,
      `${share.path}/nothing`,
      `${share.path}/`,
    ])
      await api.call(path);
    await api.call(`${share.path}/session`, { method: 'POST' });
    await api.call(`${signed}x`);
    await revoke(share.id);
    await api.call(signed);
    const log = JSON.stringify(api.logLines());
    assert.ok(log.includes('/s/:handle/stream'));
    assert.ok(!log.includes(share.handle));
  });
});
