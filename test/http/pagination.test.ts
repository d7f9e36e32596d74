import assert from 'node:assert/strict';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';

describe('lists', () => {
  let api: TestApi;
  let user: TestUser;
  before(async () => {
    api = await startApi();
    user = await api.makeUser();
    for (let made = 1; made < 45; made += 1) await api.makeToken(user.id);
  });
  after(() => api.close());

  const list = (query: string) => api.call(`/v1/tokens${query}`, { token: user.token });

  it('come in pages that hold everything once, newest first', async () => {
    const seen: string[] = [];
    let cursor = '';
    let pages = 0;
    do {
      const { status, body } = await list(`?limit=7${cursor}`);
      assert.equal(status, 200);
      seen.push(...body.data.map((view: { id: string }) => view.id));
      cursor = body.next_cursor ? `&cursor=${body.next_cursor}` : '';
      pages += 1;
      // What is made meanwhile is newer, and so on no later page.
      await api.makeToken(user.id);
    } while (cursor);
    assert.equal(pages, 7);
    assert.equal(seen.length, 45);
    assert.deepEqual(seen, [...new Set(seen)].sort().reverse());
  });

  it('have 20 unless told otherwise, and 100 at most', async () => {
    assert.equal((await list('')).body.data.length, 20);
    const all = await list('?limit=100');
    assert.equal(all.body.next_cursor, null);
    assert.equal((await list('?limit=101')).status, 422);
  });

  it('say when the last page is full', async () => {
    const total = (await list('?limit=100')).body.data.length;
    const exact = await list(`?limit=${total}`);
    assert.equal(exact.body.data.length, total);
    assert.equal(exact.body.next_cursor, null);
    assert.notEqual((await list(`?limit=${total - 1}`)).body.next_cursor, null);
  });

  it('refuse a cursor that is not theirs', async () => {
    const { next_cursor: good } = (await list('?limit=1')).body;
    for (const cursor of [
      'x',
      '',
      good.slice(1),
      `${good}A`,
      `${good.slice(0, -1)}_`,
      encodeURIComponent("' or 1=1"),
    ]) {
      const answer = await list(`?cursor=${cursor}`);
      assert.equal(answer.status, 422, cursor);
      assert.equal(answer.body.errors[0].path, 'cursor');
    }
  });

  it("show nothing of others, even with another's cursor", async () => {
    const other = await api.makeUser();
    const { next_cursor: foreign } = (await list('?limit=1')).body;
    const answer = await api.call(`/v1/tokens?cursor=${foreign}`, { token: other.token });
    assert.deepEqual(answer.body, { data: [], next_cursor: null });
  });
});
