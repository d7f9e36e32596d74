import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { SourceMissingError } from '../../src/errors.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady } from '../support/processedVideo.ts';
import { isPage, makeShare, openSession, shareActions, toLocal } from '../support/sharing.ts';
import { videoBytes } from '../support/uploading.ts';

const bytes = videoBytes(50_000, 'shares');

describe('what is counted of a share', () => {
  let api: TestApi;
  let user: TestUser;
  let videoId: string;

  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    videoId = await makeReady(api, user, { bytes, query: '?filename=holiday.mp4&title=Holiday' });
  });
  after(() => api.close());

  const { range, views } = shareActions(() => ({ api, user }));

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

    it('are not counted where the file is gone', async () => {
      const id = await makeReady(api, user, { bytes });
      const share = await makeShare(api, user, id);
      const signed = await openSession(api, share);
      const { open } = api.storage;
      try {
        api.storage.open = async () => {
          throw new SourceMissingError('The stored object is not there');
        };
        for (const asked of ['bytes=0-9', 'bytes=0-9,20-29', ''])
          assert.equal((await range(signed, asked)).status, 404);
      } finally {
        api.storage.open = open;
      }
      assert.equal(await views(share), 0);
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
        const page = await api.call(path, { headers: { accept: 'text/html,*/*;q=0.8' } });
        assert.equal(page.status, 403);
        assert.ok(isPage(page));
        assert.match(page.body, /not for download/);
      }
      assert.equal(await views(share), 0);
    });
  });
});
