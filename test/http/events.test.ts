import assert from 'node:assert/strict';
import { type Answer, startApi, type TestApi, type TestUser } from '../support/api.ts';
import { happen, numbers } from '../support/happenings.ts';
import { seededRandom } from '../support/stack.ts';

describe('the feed of events', () => {
  let api: TestApi;
  let user: TestUser;
  before(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    user = await api.makeUser();
  });
  after(() => api.close());

  const ask = (query = '', token = user.token) => api.call(`/v1/events${query}`, { token });
  const sequences = ({ body }: Answer): number[] =>
    body.data.map(({ sequence }: { sequence: number }) => sequence);
  const expire = (upTo: number) =>
    api.sql(
      `with gone as (delete from events where user_id = $1 and sequence <= $2)
       update feeds set expired_sequence = $2 where user_id = $1`,
      [user.id, upTo],
    );

  it('is empty for whom nothing has happened to', async () => {
    const { status, body } = await ask();
    assert.deepEqual(
      { status, body },
      { status: 200, body: { data: [], next_cursor: null, last_sequence: 0 } },
    );
  });

  it('gives every event once, in order, whatever the pages, by number and by cursor', async () => {
    await happen(api, user.id, { count: 57 });
    await happen(api, (await api.makeUser()).id, { count: 5 });
    const random = seededRandom('events pages');
    for (const by of ['after', 'cursor']) {
      const told: number[] = [];
      let next: string | number | null = null;
      do {
        const from: string = next === null ? '' : `&${by}=${next}`;
        const answer = await ask(`?limit=${random.int(1, 20)}${from}`);
        told.push(...sequences(answer));
        assert.equal(answer.body.last_sequence, told.at(-1));
        if (by === 'cursor') next = answer.body.next_cursor;
        else next = answer.body.data.length === 0 ? null : answer.body.last_sequence;
      } while (next !== null);
      assert.deepEqual(told, numbers(1, 57), by);
    }
  });

  it('shows what happened as it is documented', async () => {
    const entry = await api.call('/v1/videos', { token: user.token, json: { title: 'Zoë 🎬' } });
    const { body } = await ask('?types=video.created');
    const [event] = body.data;
    assert.deepEqual(Object.keys(event).sort(), ['created_at', 'data', 'id', 'object', 'sequence', 'type']);
    assert.deepEqual(event.object, { type: 'video', id: entry.body.id });
    assert.equal(event.data.title, 'Zoë 🎬');
    assert.match(event.created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('tells of the types that are asked for, and how far it has looked', async () => {
    for (const type of ['video.ready', 'step.queued', 'video.failed', 'edit.queued', 'step.running'] as const)
      await happen(api, user.id, { type });
    for (const [types, expected] of [
      ['video.ready', [1]],
      ['video.*', [1, 3]],
      ['step.running,edit.*', [4, 5]],
      ['*', [1, 2, 3, 4, 5]],
      ['step.*, video.failed', [2, 3, 5]],
      ['share.*', []],
      ['step.progress', []],
    ] as const) {
      const answer = await ask(`?types=${encodeURIComponent(types)}`);
      assert.deepEqual(sequences(answer), expected, types);
      assert.deepEqual([answer.body.last_sequence, answer.body.next_cursor], [5, null], types);
    }
  });

  it('goes on behind a page without any, when what is asked for is rare', async () => {
    await happen(api, user.id, { count: 10_500, type: 'step.running' });
    await happen(api, user.id, { type: 'video.ready' });
    const first = await ask('?types=video.ready');
    assert.deepEqual([first.body.data, first.body.last_sequence], [[], 10_000]);
    const second = await ask(`?types=video.ready&cursor=${first.body.next_cursor}`);
    assert.deepEqual([sequences(second), second.body.next_cursor], [[10_501], null]);
  });

  it('refuses what is no number, no cursor and no type', async () => {
    for (const query of [
      ...['after=', 'after=-1', 'after=1.5', 'after=x', 'after=99999999999999999999', 'after=1&after=2'],
      ...['cursor=x', 'cursor=AAAA', 'types=', 'types=video', 'types=video.gone', 'types=nothing.*'],
      ...['types=video.ready,,', 'limit=0', 'limit=101', 'since=1'],
    ]) {
      const answer = await ask(`?${query}`);
      assert.deepEqual([answer.status, answer.body.code], [422, 'invalid_request'], query);
    }
  });

  it('answers 410 for a number older than what is kept, and begins with what is', async () => {
    await happen(api, user.id, { count: 30 });
    // They are marked first and removed then, some at a time.
    await api.sql('update feeds set expired_sequence = 15 where user_id = $1', [user.id]);
    assert.deepEqual(sequences(await ask()), numbers(16, 30));
    await expire(20);
    for (const after of [0, 19]) {
      const answer = await ask(`?after=${after}`);
      assert.deepEqual(
        [answer.status, answer.body.code, answer.body.retryable],
        [410, 'events_expired', false],
      );
    }
    assert.deepEqual(sequences(await ask('?after=20')), numbers(21, 30));
    assert.deepEqual(sequences(await ask()), numbers(21, 30));
    await expire(30);
    assert.deepEqual((await ask()).body, { data: [], next_cursor: null, last_sequence: 30 });
  });

  it('takes a number from the future for the last one', async () => {
    await happen(api, user.id, { count: 3 });
    assert.deepEqual((await ask('?after=50')).body, { data: [], next_cursor: null, last_sequence: 3 });
  });

  it('gives JSON to whom anything is right', async () => {
    for (const accept of [
      '*/*',
      'application/json',
      'text/html',
      'application/json, text/event-stream;q=0.5',
    ]) {
      const answer = await api.call('/v1/events', { token: user.token, headers: { accept } });
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/, accept);
    }
  });
});
