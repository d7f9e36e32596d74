import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady, PICTURES, playWorker, upload } from '../support/processedVideo.ts';
import { makeShare, openSession, type TestShare, toLocal } from '../support/sharing.ts';
import { videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(50_000, 'shares');
const YEAR_SEC = 365 * 24 * 3600;

describe('shares', () => {
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
  const listed = async (share: TestShare) => {
    const { body } = await api.call(`/v1/videos/${share.videoId}/shares?limit=100`, { token: user.token });
    return body.data.find(({ id }: { id: string }) => id === share.id);
  };
  const views = async (share: TestShare): Promise<number> => (await listed(share)).views;
  const revoke = (id: string, token = user.token) =>
    api.call(`/v1/shares/${id}`, { method: 'DELETE', token });
  /** Moves the share's end into the past, since the clock that counts is the database's. */
  const expire = (share: TestShare) =>
    api.sql(`update shares set expires_at = now() - interval '1 millisecond' where id = $1`, [share.id]);
  const range = (path: string, of = 'bytes=0-9') => api.call(path, { headers: { range: of } });
  const isPage = (answer: Answer) => /^text\/html/.test(answer.headers.get('content-type') ?? '');

  describe('for their owner', () => {
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

  describe('for whoever has the address', () => {
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
      const early = await api.call(await openSession(api, share));
      assert.deepEqual([early.status, early.body.code], [409, 'not_ready']);
      const worker = playWorker(api, id);
      await worker.complete('source');
      await worker.complete('probe');
      assert.equal((await range(await openSession(api, share))).status, 206);
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
      assert.equal(
        (await api.call(file, { method: 'HEAD' })).headers.get('content-length'),
        `${bytes.length}`,
      );
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
      for (const path of [share.path.slice(0, -1), '/s/x', `${share.path}A`]) {
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
  });

  describe('views', () => {
    it('are one for each session, from its first bytes', async () => {
      const share = await makeShare(api, user, videoId);
      const signed = await openSession(api, share);
      const session = new URL(signed, api.url).searchParams.get('session') ?? '';
      await api.call(signed, { method: 'HEAD' });
      assert.equal((await range(signed, 'bytes=50000-')).status, 416);
      assert.equal((await api.call(signed, { headers: { 'if-none-match': '*' } })).status, 304);
      assert.equal((await api.call(signed, { headers: { 'if-match': '"other"' } })).status, 412);
      assert.equal(await views(share), 0);
      await Promise.all(Array.from({ length: 6 }, (_, n) => range(signed, `bytes=${n}-${n + 5}`)));
      assert.equal(await views(share), 1);
      const renewed = await openSession(api, share, session);
      assert.equal(new URL(renewed, api.url).searchParams.get('session'), session);
      assert.equal((await range(renewed)).status, 206);
      assert.equal(await views(share), 1);
      assert.equal((await range(await openSession(api, share))).status, 206);
      assert.equal(await views(share), 2);
    });

    it('end with `max_views`, while those that were counted go on', async () => {
      const share = await makeShare(api, user, videoId, { max_views: 1, allow_download: true });
      const [counted, late] = [await openSession(api, share), await openSession(api, share)];
      assert.equal((await range(counted)).status, 206);
      for (const method of ['GET', 'HEAD']) assert.equal((await api.call(late, { method })).status, 410);
      for (const path of [late, `${share.path}/session`, `${share.path}/download`]) {
        const refused = await api.call(path);
        assert.deepEqual([refused.status, refused.body.code], [410, 'share_used_up'], path);
      }
      const page = await api.call(share.path);
      assert.equal(page.status, 410);
      assert.ok(isPage(page));
      assert.equal((await range(counted)).status, 206);
      const session = new URL(counted, api.url).searchParams.get('session') ?? '';
      assert.equal((await range(await openSession(api, share, session))).status, 206);
      assert.equal((await api.call(`${share.path}/poster.jpg`)).status, 200);
      assert.equal(await views(share), 1);
    });

    it('are never more than allowed, however many come at once', async () => {
      for (let round = 0; round < 5; round += 1) {
        const share = await makeShare(api, user, videoId, { max_views: 2 });
        const sessions = await Promise.all(Array.from({ length: 5 }, () => openSession(api, share)));
        // Each player asks twice at once, as browsers do.
        const answers = await Promise.all(
          sessions.flatMap((signed) => [range(signed), range(signed, 'bytes=10-19')]),
        );
        const statuses = answers.map(({ status }) => status);
        assert.equal(statuses.filter((status) => status === 206).length, 4, `${statuses}`);
        assert.equal(statuses.filter((status) => status === 410).length, 6, `${statuses}`);
        for (let n = 0; n < 10; n += 2) assert.equal(statuses[n], statuses[n + 1], `${statuses}`);
        assert.equal(await views(share), 2);
      }
    });

    it('do not carry over from one share to another', async () => {
      const open = await makeShare(api, user, videoId);
      const counted = await makeShare(api, user, videoId, { max_views: 1 });
      const session = uuidv7();
      const before = await openSession(api, counted, session);
      assert.equal((await range(await openSession(api, open, session))).status, 206);
      const borrowed = await range(before);
      assert.deepEqual([borrowed.status, borrowed.body.code], [403, 'invalid_signature']);
      assert.equal((await api.call(before, { method: 'HEAD' })).status, 403);
      assert.ok(!(await openSession(api, counted, session)).includes(session));
      assert.equal((await range(await openSession(api, counted))).status, 206);
      const refused = await api.call(`${counted.path}/session?session=${session}`);
      assert.deepEqual([refused.status, refused.body.code], [410, 'share_used_up']);
      assert.deepEqual([await views(open), await views(counted)], [1, 1]);
    });

    it('begin anew after two days, whether the session was forgotten or not', async () => {
      const share = await makeShare(api, user, videoId);
      const signed = await openSession(api, share);
      const age = (hours: number) =>
        api.sql(
          `update share_sessions set created_at = now() - make_interval(hours => $1) where share_id = $2`,
          [hours, share.id],
        );
      await range(signed);
      await age(47);
      assert.equal((await range(signed)).status, 206);
      assert.equal(await views(share), 1);
      await age(49);
      await Promise.all([range(signed), range(signed)]);
      assert.equal(await views(share), 2);
      await age(49);
      await api.sql('update shares set max_views = 2 where id = $1', [share.id]);
      assert.equal((await range(signed)).body.code, 'share_used_up');
      await api.sql('update shares set max_views = null where id = $1', [share.id]);
      assert.ok((await api.db.shares.countOldSessions()) >= 1);
      assert.ok((await api.db.shares.removeOldSessions()) >= 1);
      assert.equal(await api.db.shares.countOldSessions(), 0);
      assert.equal(await views(share), 2);
      assert.equal((await range(signed)).status, 206);
      assert.equal(await views(share), 3);
    });

    it('are forgotten in any number', async () => {
      const share = await makeShare(api, user, videoId);
      await api.sql(
        `insert into share_sessions (id, share_id, created_at)
         select gen_random_uuid(), $1, now() - interval '49 hours' from generate_series(1, 1200)`,
        [share.id],
      );
      assert.equal(await api.db.shares.removeOldSessions(), 1200);
    });
  });

  describe('downloads', () => {
    it('lead to a signed address, where one that breaks off goes on uncounted', async () => {
      const share = await makeShare(api, user, videoId, { allow_download: true, max_views: 1 });
      const begin = await api.call(`${share.path}/download`);
      assert.equal(begin.status, 303);
      assert.equal(begin.headers.get('cache-control'), 'no-store');
      const file = toLocal(api, begin.headers.get('location') ?? '');
      assert.equal(await views(share), 0);
      const first = await range(file, 'bytes=0-999');
      assert.equal(first.status, 206);
      assert.match(first.headers.get('content-disposition') ?? '', /^attachment; filename=holiday.mp4$/);
      assert.equal((await range(file, 'bytes=1000-')).status, 206);
      assert.equal(await views(share), 1);
    });

    it('are refused where they are not allowed, by whatever address', async () => {
      const share = await makeShare(api, user, videoId, { allow_download: true });
      const file = toLocal(api, (await api.call(`${share.path}/download`)).headers.get('location') ?? '');
      await api.sql('update shares set allow_download = false where id = $1', [share.id]);
      for (const path of [file, `${share.path}/download`]) {
        const refused = await api.call(path);
        assert.deepEqual([refused.status, refused.body.code], [403, 'download_not_allowed'], path);
      }
      assert.equal(await views(share), 0);
    });
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

describe('the limits of shares', () => {
  it('count guesses by address, and each link alone', async () => {
    const api = await startApi({ RATE_LIMIT_PER_MINUTE: '6' });
    try {
      const user = await api.makeUser();
      const share = await makeShare(api, user, await makeReady(api, user, { bytes }));
      const guesses = ['A'.repeat(43), 'B'.repeat(43), 'too-short', `${'C'.repeat(42)}/poster.jpg`];
      const guess = async (n: number) => (await api.call(`/s/${guesses[n % guesses.length]}`)).status;
      for (let n = 0; n < 6; n += 1) assert.equal(await guess(n), 404);
      for (let n = 0; n < 4; n += 1) assert.equal(await guess(n), 429);
      for (let n = 5; n >= 0; n -= 1) {
        const answer = await api.call(`${share.path}/poster.jpg`);
        assert.deepEqual([answer.status, answer.headers.get('ratelimit-remaining')], [200, `${n}`]);
      }
      assert.equal((await api.call(share.path)).status, 429);
    } finally {
      await api.close();
    }
  });
});
