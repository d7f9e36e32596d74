import assert from 'node:assert/strict';
import { PLATFORMS } from '../../src/domain/platform.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';

interface Dated {
  source: string;
  as_of: string;
}

describe('the platforms over HTTP', () => {
  let api: TestApi;
  let user: TestUser;

  before(async () => {
    api = await startApi();
    user = await api.makeUser({ scopes: ['read'] });
  });

  after(() => api?.close());

  const list = async () => (await api.call('/v1/platforms', { token: user.token })).body;

  it('are shown all at once, with who brings posts there', async () => {
    const { data, next_cursor } = await list();
    assert.equal(next_cursor, null);
    assert.deepEqual(
      data.map(({ platform }: { platform: string }) => platform),
      [...PLATFORMS],
    );
    const providers = new Map(
      data.map((each: { platform: string; providers: string[] }) => [each.platform, each.providers]),
    );
    assert.deepEqual(providers.get('tiktok'), ['upload_post', 'test']);
    assert.deepEqual(providers.get('flic'), ['flic', 'test']);
  });

  it('give every limit with its source and date', async () => {
    const dated: Dated[] = [];
    const collect = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      if ('max' in value && !('name' in value) && 'source' in value) dated.push(value as unknown as Dated);
      for (const each of Object.values(value)) collect(each);
    };
    collect((await list()).data);
    assert.ok(dated.length > 80, String(dated.length));
    for (const { source, as_of } of dated) {
      assert.ok(source.length > 10, source);
      assert.match(as_of, /^20\d\d-\d\d$/);
    }
  });

  it('say what texts, videos and params are taken', async () => {
    const { data } = await list();
    const [tiktok] = data;
    const limit = (fact: string) => tiktok.media.filter((each: { fact: string }) => each.fact === fact);
    assert.deepEqual(
      limit('duration_sec').map(({ min, max, breach }: Record<string, unknown>) => ({ min, max, breach })),
      [
        { min: null, max: 600, breach: 'impossible' },
        { min: 3, max: null, breach: 'doubtful' },
      ],
    );
    assert.deepEqual(
      [tiktok.titles, tiktok.title, tiktok.text.max, tiktok.text.certain_max],
      ['none', null, 2000, 2200],
    );
    const field = (name: string) => tiktok.params.fields.find((each: { name: string }) => each.name === name);
    assert.deepEqual(
      [field('privacy_level').values[0], field('privacy_level').is_shared, field('title').is_shared],
      ['PUBLIC_TO_EVERYONE', true, false],
    );
    assert.equal(field('scheduled_date'), undefined);
    const threads = data.find(({ platform }: { platform: string }) => platform === 'threads');
    assert.equal(threads.text.unit, 'emoji_bytes');
    const needed = data.flatMap(
      ({ params }: { params: { fields: { name: string; is_required: boolean }[] } }) =>
        params.fields.filter(({ is_required }) => is_required).map(({ name }) => name),
    );
    assert.deepEqual(needed, ['pinterest_board_id', 'subreddit']);
  });

  it('are for those who may read', async () => {
    const stranger = await api.makeUser({ scopes: ['publish'] });
    const answer = await api.call('/v1/platforms', { token: stranger.token });
    assert.deepEqual([answer.status, answer.body.code], [403, 'insufficient_scope']);
  });
});
