import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { waitFor } from '../support/stack.ts';
import { listStored, MIB, makeForm, openRequest, videoBytes } from '../support/uploading.ts';

const QUOTA = 4 * MIB;

describe('quotas and floors', () => {
  let api: TestApi;
  let user: TestUser;
  before(async () => {
    api = await startApi({ QUOTA_BYTES: String(QUOTA), MAX_OPEN_UPLOADS: '2' });
  });
  after(() => api.close());
  beforeEach(async () => {
    user = await api.makeUser();
    await api.storage.remove('sources/');
  });

  const sendRaw = (sizeBytes: number, { query = '', key = '', sender = user } = {}): Promise<Answer> =>
    api.call(`/v1/videos${query}`, {
      token: sender.token,
      body: new Uint8Array(videoBytes(sizeBytes)),
      headers: { 'content-type': 'video/mp4', ...(key ? { 'idempotency-key': key } : {}) },
    });
  const sendForm = (sizeBytes: number) =>
    api.call('/v1/videos', {
      token: user.token,
      body: makeForm([['file', videoBytes(sizeBytes), 'a.mp4']]),
    });
  const assertOverQuota = (answer: Answer) => {
    assert.equal(answer.body.code, 'quota_exceeded', JSON.stringify(answer.body));
    assert.equal(answer.status, 403);
  };

  it('take uploads up to the last byte of room, and none beyond, until there is room again', async () => {
    assert.equal((await sendRaw(3 * MIB)).status, 202);
    assertOverQuota(await sendRaw(MIB + 1));
    assertOverQuota(await sendForm(MIB + 1));
    const last = await sendForm(MIB);
    assert.equal(last.status, 202);
    assertOverQuota(await sendRaw(1000));
    assert.equal((await listStored(api.storage)).length, 2);
    await api.sql('delete from videos where id = $1', [last.body.id]);
    assert.equal((await sendRaw(1000)).status, 202);
  });

  it('refuse by the announced length before a byte is sent', async () => {
    const sending = openRequest(api, '/v1/videos', {
      headers: {
        authorization: `Bearer ${user.token}`,
        'content-type': 'video/mp4',
        'content-length': QUOTA + 1,
      },
    });
    await sending.send(Buffer.alloc(0));
    assert.equal((await sending.answer).status, 403);
    sending.cut();
  });

  it('refuse what was not announced at its end, and keep none of it', async () => {
    const sending = openRequest(api, '/v1/videos', {
      headers: {
        authorization: `Bearer ${user.token}`,
        'content-type': 'video/mp4',
        'transfer-encoding': 'chunked',
      },
    });
    await sending.send(videoBytes(QUOTA + 1));
    sending.end();
    const { status, body } = await sending.answer;
    assert.equal(status, 403);
    assert.equal(JSON.parse(body).code, 'quota_exceeded');
    await waitFor(async () => (await listStored(api.storage)).length === 0, { what: 'an empty storage' });
  });

  it('give the last of the room to one of many uploads at once', async () => {
    const sizes = Array.from({ length: 6 }, (_, n) => 3 * MIB - n);
    const answers = await Promise.all(sizes.map((sizeBytes) => sendRaw(sizeBytes)));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [202, 403, 403, 403, 403, 403]);
    assert.equal((await listStored(api.storage)).length, 1);
    const [row] = await api.sql('select sum(size_bytes)::int as used from videos where user_id = $1', [
      user.id,
    ]);
    assert.ok(row.used <= QUOTA);
  });

  it('of one tenant do not touch another', async () => {
    assert.equal((await sendRaw(QUOTA)).status, 202);
    assertOverQuota(await sendRaw(1000));
    assert.equal((await sendRaw(QUOTA, { sender: await api.makeUser() })).status, 202);
  });

  it('count what was made of the videos, and what unfinished uploads have announced', async () => {
    const { body } = await sendRaw(MIB);
    await api.sql(
      `insert into assets (id, video_id, kind, key, content_type, size_bytes, created_at)
       values (gen_random_uuid(), $1, 'thumbnail', $2, 'image/jpeg', ${MIB}, now())`,
      [body.id, `assets/${body.id}/x.jpg`],
    );
    assertOverQuota(await sendRaw(2 * MIB + 1));
    assert.equal((await sendRaw(MIB)).status, 202);
    await api.sql(
      `insert into uploads (id, user_id, video_id, protocol, state, optional_steps, length_bytes, expires_at, created_at)
       values (gen_random_uuid(), $1, $2, 'tus', 'open', '{}', ${MIB}, now() + interval '1 day', now())`,
      [user.id, body.id],
    );
    assertOverQuota(await sendRaw(1000));
  });

  it('do not stand in the way of a repetition, and are not remembered for one', async () => {
    const first = await sendRaw(QUOTA, { key: 'q-1' });
    const again = await sendRaw(QUOTA, { key: 'q-1' });
    assert.equal(again.status, 202, JSON.stringify(again.body));
    assert.equal(again.body.id, first.body.id);
    assertOverQuota(await sendRaw(1000, { key: 'q-2' }));
    await api.sql('delete from videos where id = $1', [first.body.id]);
    assert.equal((await sendRaw(1000, { key: 'q-2' })).status, 202);
  });

  describe('a library entry that waits for its bytes', () => {
    const makeEntry = (own: TestUser, externalId: string) =>
      api.db.transaction(({ videos }) =>
        videos.takeOrCreateEntry({
          userId: own.id,
          userLabel: 'tg-1',
          externalId,
          title: 'Its own title',
          description: 'Its own text',
          tags: ['own'],
          filename: null,
        }),
      );
    const query = '?external_id=lib-1&user_id=tg-1';

    it('is filled by an upload that names it, and keeps what that does not say', async () => {
      const entry = await makeEntry(user, 'lib-1');
      api.flowCalls.length = 0;
      const answer = await sendRaw(MIB, { query: `${query}&filename=clip.mp4&description=New` });
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      const { id, created_at, title, description, tags, filename, status } = answer.body;
      assert.deepEqual(
        { id, created_at, title, description, tags, filename, status },
        {
          id: entry.id,
          created_at: entry.createdAt.toISOString(),
          title: 'Its own title',
          description: 'New',
          tags: ['own'],
          filename: 'clip.mp4',
          status: 'pending',
        },
      );
      assert.match(answer.headers.get('location') ?? '', new RegExp(`${entry.id}$`));
      assert.deepEqual(
        (api.flowCalls as { input: { videoId: string } }[]).map(({ input }) => input.videoId),
        [entry.id],
      );
      const steps = await api.call(`/v1/videos/${entry.id}/steps`, { token: user.token });
      assert.equal(steps.body.data.length, 6);
      const row = await api.db.videos.find(user.id, entry.id);
      assert.notEqual(row?.sourceKey, `sources/${entry.id}`, 'each upload has a key of its own');
      assert.ok((await buffer(await api.storage.open(row?.sourceKey ?? ''))).equals(videoBytes(MIB)));
    });

    it('is filled once by uploads that race, and the bytes of the others go', async () => {
      const entry = await makeEntry(user, 'lib-1');
      const answers = await Promise.all(
        [1, 2, 3, 4].map((n) => sendRaw(1000 + n, { query, key: n % 2 ? '' : `race-${n}` })),
      );
      assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409, 409, 409]);
      const won = answers.find(({ status }) => status === 202);
      assert.equal(won?.body.id, entry.id);
      assert.equal((await listStored(api.storage)).length, 1);
    });

    it('answers a repetition with the same video', async () => {
      const entry = await makeEntry(user, 'lib-1');
      const first = await sendRaw(1000, { query, key: 'lib' });
      const again = await sendRaw(1000, { query, key: 'lib' });
      assert.deepEqual([first.body.id, again.body.id], [entry.id, entry.id]);
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
    });

    it('is not taken from an upload that is bringing its bytes already', async () => {
      const entry = await makeEntry(user, 'lib-1');
      await api.sql(
        `insert into uploads (id, user_id, video_id, protocol, state, optional_steps, length_bytes, expires_at, created_at)
         values (gen_random_uuid(), $1, $2, 'tus', 'open', '{}', 10, now() + interval '1 day', now())`,
        [user.id, entry.id],
      );
      const answer = await sendRaw(1000, { query });
      assert.equal(answer.body.code, 'external_id_taken');
    });

    it('is never that of another user, or of another user_id', async () => {
      const entry = await makeEntry(await api.makeUser(), 'lib-1');
      const answer = await sendRaw(1000, { query });
      assert.equal(answer.status, 202);
      assert.notEqual(answer.body.id, entry.id);
      await makeEntry(user, 'lib-2');
      const other = await sendRaw(1000, { query: '?external_id=lib-2&user_id=tg-2' });
      assert.equal(other.body.title, 'Untitled video');
    });
  });
});

describe('the floor of free space', () => {
  it('refuses new uploads with 507 before the disk is full, while reads go on', async () => {
    const api = await startApi({ MIN_FREE_BYTES: String(1024 ** 5) });
    try {
      const user = await api.makeUser();
      const answer = await api.call('/v1/videos', {
        token: user.token,
        body: new Uint8Array(videoBytes(1000)),
        headers: { 'content-type': 'video/mp4' },
      });
      assert.equal(answer.status, 507);
      assert.equal(answer.body.code, 'storage_full');
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
      assert.equal((await api.call('/v1/videos', { token: user.token })).status, 200);
    } finally {
      await api.close();
    }
  });
});
