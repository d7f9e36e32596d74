import assert from 'node:assert/strict';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady, upload } from '../support/processedVideo.ts';
import { addTranscript, addVideo } from '../support/searching.ts';
import { videoBytes } from '../support/uploading.ts';

describe('GET /v1/videos?q=', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi();
  });
  after(() => api.close());
  beforeEach(async () => {
    user = await api.makeUser();
  });

  const ask = (query: Record<string, string>) =>
    api.call(`/v1/videos?${new URLSearchParams(query)}`, { token: user.token });
  const find = async (query: Record<string, string>): Promise<string[]> => {
    const { status, body } = await ask(query);
    assert.equal(status, 200, JSON.stringify(body));
    return body.data.map((video: { id: string }) => video.id);
  };

  it('gives the whole view with the parts that match', async () => {
    const id = await makeReady(api, user, {
      bytes: videoBytes(3000, 'search'),
      query: '?title=Holiday&tags=rome',
    });
    await addTranscript(api.db, id, ['We arrive', 'The <i>Colosseum</i> at last']);
    const { body } = await ask({ q: 'holiday colosseum' });
    const [{ matches, ...view }] = body.data;
    assert.deepEqual(matches, [{ start_sec: 10, text: 'The <i>Colosseum</i> at last' }]);
    assert.deepEqual([body.truncated, body.next_cursor], [false, null]);
    const { body: plain } = await api.call(`/v1/videos/${id}`, { token: user.token });
    assert.deepEqual({ ...view, ...urlsOf(plain) }, plain);
    const { body: list } = await ask({});
    assert.equal('truncated' in list || 'matches' in list.data[0], false);
  });
  const urlsOf = (view: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(view).filter(([key]) => key.endsWith('_url')));

  it('finds what was uploaded, entered and changed over HTTP', async () => {
    const uploaded = await upload(api, user, videoBytes(3000, 'a'), '?title=Lighthouse&description=at+dusk');
    assert.deepEqual(await find({ q: 'lighthouses dusk' }), [uploaded]);
    const change = { token: user.token, method: 'PATCH', json: { title: 'Harbour' } };
    await api.call(`/v1/videos/${uploaded}`, change);
    assert.deepEqual(await find({ q: 'lighthouse' }), []);
    assert.deepEqual(await find({ q: 'harbour' }), [uploaded]);
    const entry = await api.call('/v1/videos', {
      token: user.token,
      json: { title: 'Harbour to come', external_id: 'h1' },
    });
    assert.equal(entry.status, 201);
    assert.deepEqual(await find({ q: 'harbour' }), [uploaded]);
    assert.deepEqual(await find({ q: 'harbour', status: 'awaiting_upload' }), [entry.body.id]);
    // The bytes keep the entry's title, which is better than one made of a file's name.
    const filled = await upload(
      api,
      user,
      videoBytes(3000, 'b'),
      '?external_id=h1&filename=quay.mp4&tags=boats',
    );
    assert.equal(filled, entry.body.id);
    assert.deepEqual((await find({ q: 'harbour' })).sort(), [uploaded, filled].sort());
    assert.deepEqual(await find({ q: 'boat' }), [filled]);
    await api.call(`/v1/videos/${filled}`, { token: user.token, method: 'DELETE' });
    assert.deepEqual(await find({ q: 'harbour' }), [uploaded]);
  });

  it('goes with every filter of the list', async () => {
    const wanted = await addVideo(api.db, user.id, {
      ...{ title: 'Red boat', tags: ['sea'], userLabel: 'anna', externalId: 'x' },
    });
    await addVideo(api.db, user.id, { title: 'Red boat', tags: ['lake'], userLabel: 'otto' });
    const { body } = await api.call(`/v1/videos/${wanted}`, { token: user.token });
    const { created_at } = body;
    const justBefore = new Date(Date.parse(created_at) - 1).toISOString();
    for (const filter of [
      { tag: 'sea' },
      { user_id: 'anna' },
      { external_id: 'x' },
      { tag: 'sea', status: 'pending', created_after: justBefore },
    ])
      assert.deepEqual(await find({ q: 'boat', ...filter }), [wanted], JSON.stringify(filter));
    for (const filter of [{ tag: 'se' }, { status: 'ready' }, { created_before: created_at }])
      assert.equal((await find({ q: 'boat', ...filter })).includes(wanted), false, JSON.stringify(filter));
    await api.sql('update videos set created_at = $1 where id = $2', ['2020-01-01T00:00:00Z', wanted]);
    assert.deepEqual(await find({ q: 'boat', created_before: '2021-01-01T00:00:00+02:00' }), [wanted]);
  });

  it('comes in pages that hold everything once, best first, with a cursor of its own', async () => {
    const titled: string[] = [];
    for (let made = 0; made < 6; made += 1) {
      titled.push(await addVideo(api.db, user.id, { title: 'boat' }));
      await addVideo(api.db, user.id, { description: 'boat' });
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body } = await ask({ q: 'boat', limit: '5', ...(cursor ? { cursor } : {}) });
      seen.push(...body.data.map((video: { id: string }) => video.id));
      cursor = body.next_cursor;
      await addVideo(api.db, user.id, { title: 'boat of later' });
    } while (cursor);
    assert.equal(new Set(seen).size, 12);
    assert.equal(seen.length, 12);
    assert.deepEqual(seen.slice(0, 6), titled.toReversed());
    const { next_cursor: ofSearch } = (await ask({ q: 'boat', limit: '1' })).body;
    const { next_cursor: ofList } = (await ask({ limit: '1' })).body;
    for (const query of [
      { cursor: ofSearch },
      { q: 'boat', cursor: ofList },
      { q: 'boat', cursor: `${ofSearch}A` },
      { q: 'boat', cursor: 'x' },
    ]) {
      const answer = await ask(query);
      assert.equal(answer.status, 422);
      assert.deepEqual(answer.body.errors, [{ path: 'cursor', message: 'is not a cursor of this API' }]);
    }
  });

  it("shows nothing of others, even with another's cursor", async () => {
    for (let made = 0; made < 3; made += 1) await addVideo(api.db, user.id, { title: 'boat' });
    const { next_cursor: cursor } = (await ask({ q: 'boat', limit: '1' })).body;
    user = await api.makeUser();
    const { body } = await ask({ q: 'boat', cursor });
    assert.deepEqual(body, { data: [], next_cursor: null, truncated: false });
  });

  it('refuses what holds no word, too many, or what cannot be stored', async () => {
    for (const q of ['', ' ', '"" - &', '🎉', 'x'.repeat(201), 'a '.repeat(41), 'a\0b', '日'.repeat(42)]) {
      const answer = await ask({ q });
      assert.equal(answer.status, 422, JSON.stringify(q));
      assert.equal(answer.body.errors[0].path, 'q');
    }
    assert.equal((await api.call('/v1/videos?q=a&q=b', { token: user.token })).status, 422);
  });

  it('takes everything else as words', async () => {
    const id = await addVideo(api.db, user.id, { title: "it's 100% <b>a&b</b> (or) 'x':*A !y" });
    for (const q of [
      `'x':*A & !y`,
      `it's`,
      `"a&b"`,
      `100% <b>`,
      `') or 1=1 --x`,
      `\\'x\\`,
      `x\\' | y`,
      `$1 ? :x or ?? x`,
      `%28or%29 x or {a,b}`,
    ]) {
      const answer = await ask({ q });
      assert.equal(answer.status, 200, q);
      assert.ok(answer.body.data.every((video: { id: string }) => video.id === id));
    }
    assert.deepEqual(await find({ q: `it's "a&b" 'x':*A` }), [id]);
    for (const q of [`${'*'.repeat(100)}a`, '"a" <-> '.repeat(20), '-a or '.repeat(25), '(((((a)))))'])
      assert.equal((await ask({ q })).status, 200, q);
  });
});
