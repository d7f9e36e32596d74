import assert from 'node:assert/strict';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';

describe('the list of uploads', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi();
  });
  after(() => api.close());

  const begin = async ({ token }: TestUser): Promise<string> => {
    const headers = { 'tus-resumable': '1.0.0', 'upload-length': '1000' };
    return (await api.call('/v1/uploads', { method: 'POST', token, headers })).body.id;
  };

  it("is a user's own, newest first, in pages", async () => {
    const [user, other] = [await api.makeUser(), await api.makeUser()];
    const mine = [await begin(user), await begin(user), await begin(user)].reverse();
    await begin(other);
    const first = await api.call('/v1/uploads?limit=2', { token: user.token });
    const rest = await api.call(`/v1/uploads?limit=2&cursor=${first.body.next_cursor}`, {
      token: user.token,
    });
    const ids = [...first.body.data, ...rest.body.data].map(({ id }: { id: string }) => id);
    assert.deepEqual(ids, mine);
    assert.equal(rest.body.next_cursor, null);
  });

  it('tells apart by state, and drops what went with its video', async () => {
    const user = await api.makeUser();
    const [open, ended, deleted] = [await begin(user), await begin(user), await begin(user)];
    const { body } = await api.call(`/v1/uploads/${deleted}`, { token: user.token });
    await api.call(`/v1/uploads/${ended}`, {
      method: 'DELETE',
      token: user.token,
      headers: { 'tus-resumable': '1.0.0' },
    });
    await api.call(`/v1/videos/${body.video_id}`, { method: 'DELETE', token: user.token });
    const list = async (query: string) =>
      (await api.call(`/v1/uploads${query}`, { token: user.token })).body.data.map(
        ({ id }: { id: string }) => id,
      );
    assert.deepEqual(await list('?state=open'), [open]);
    assert.deepEqual(await list('?state=terminated'), [ended]);
    assert.deepEqual(await list(''), [ended, open]);
  });
});
