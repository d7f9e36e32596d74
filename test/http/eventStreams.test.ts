import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { type EventStream, openEventStream } from '../support/eventStream.ts';
import { happen, numbers } from '../support/happenings.ts';
import { playWorker, upload } from '../support/processedVideo.ts';
import { seededRandom, waitFor } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const told = (stream: EventStream): number[] => stream.told().map(({ data }) => data.sequence);

describe('a stream of events', () => {
  let api: TestApi;
  let user: TestUser;
  let open: EventStream[];
  before(async () => {
    api = await startApi({ EVENT_HEARTBEAT_SEC: '0.2' });
  });
  beforeEach(async () => {
    user = await api.makeUser();
    open = [];
  });
  afterEach(() => {
    for (const stream of open) stream.close();
  });
  after(() => api.close());

  const listen = async (query = '', after?: string): Promise<EventStream> => {
    const options = { token: user.token, ...(after === undefined ? {} : { after }) };
    const stream = await openEventStream(`${api.url}/v1/events${query}`, options);
    open.push(stream);
    return stream;
  };
  const listenTo = async (videoId: string, after?: string): Promise<EventStream> => {
    const options = { token: user.token, ...(after === undefined ? {} : { after }) };
    const stream = await openEventStream(`${api.url}/v1/videos/${videoId}/events`, options);
    open.push(stream);
    return stream;
  };
  const has = (stream: EventStream, count: number) =>
    waitFor(() => told(stream).length >= count, { what: `${count} events`, everyMs: 5 });

  it('begins at once, is kept by nobody, and says that somebody is there', async () => {
    const answer = await api.call('/v1/events', {
      token: user.token,
      headers: { accept: 'text/event-stream' },
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.headers.get('x-accel-buffering'), 'no');
    assert.equal(answer.headers.get('content-encoding'), null);
    assert.match(answer.body, /^retry: \d+\nid: 0\n\n/);
    const stream = await listen();
    await waitFor(() => stream.heartbeats() >= 2, { what: 'two heartbeats' });
    assert.deepEqual(stream.events, []);
  });

  it('is given to whom a stream is right, however that is said, and of one video to nobody else', async () => {
    const { body } = await api.call('/v1/videos', { token: user.token, json: {} });
    const ask = (path: string, accept: string, method = 'HEAD') =>
      fetch(`${api.url}${path}`, {
        ...{
          method,
          headers: { authorization: `Bearer ${user.token}`, accept },
        },
      });
    const streams = [
      'text/event-stream',
      'TEXT/Event-Stream; charset=utf-8',
      'text/event-stream;q=0.1;charset="utf-8"',
      'application/json;q=0.5, text/event-stream;x=1;q=0.9',
      'text/*',
    ];
    for (const accept of streams)
      for (const path of ['/v1/events', `/v1/videos/${body.id}/events`]) {
        const { status, headers } = await ask(path, accept);
        assert.deepEqual(
          [status, headers.get('content-type')],
          [200, 'text/event-stream'],
          `${path} ${accept}`,
        );
      }
    for (const accept of ['', '*/*', 'text/html, */*;q=0.1'])
      assert.equal((await ask(`/v1/videos/${body.id}/events`, accept)).status, 200, accept);
    for (const accept of [
      'application/json',
      'text/html',
      'text/event-stream;q=0',
      '*/*, text/event-stream;q=0',
    ]) {
      const path = `/v1/videos/${body.id}/events`;
      assert.equal((await ask(path, accept)).status, 406, accept);
      const answer = await ask(path, accept, 'GET');
      assert.deepEqual([answer.status, (await answer.json()).code], [406, 'not_acceptable'], accept);
    }
    const json = await ask('/v1/events', 'text/event-stream;charset=utf-8;q=0.2, application/json', 'GET');
    assert.match(json.headers.get('content-type') ?? '', /^application\/json/);
  });

  it('answers HEAD with the head alone', async () => {
    const ask = { method: 'HEAD', token: user.token, headers: { accept: 'text/event-stream' } };
    const answer = await api.call('/v1/events', ask);
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'text/event-stream']);
  });

  it('tells what is new from now on, each with its number and type, as the feed has it', async () => {
    await happen(api, user.id, { count: 3 });
    const stream = await listen();
    await happen(api, user.id, { type: 'video.ready' });
    await happen(api, user.id, { type: 'step.succeeded', count: 2 });
    await has(stream, 3);
    assert.deepEqual(
      stream.events.map(({ lastId, type }) => [lastId, type]),
      [
        ['4', 'video.ready'],
        ['5', 'step.succeeded'],
        ['6', 'step.succeeded'],
      ],
    );
    const feed = await api.call('/v1/events?after=3', { token: user.token });
    assert.deepEqual(
      stream.events.map(({ data }) => data),
      feed.body.data,
    );
  });

  it('goes on after a number, and the header counts before the address', async () => {
    await happen(api, user.id, { count: 10 });
    const streams = [
      [await listen('?after=0'), 1],
      [await listen('?after=7'), 8],
      [await listen('?after=2', '9'), 10],
      [await listen('', '4'), 5],
      // From the future, as after a database was put back.
      [await listen('', '99'), 11],
    ] as const;
    await happen(api, user.id, { type: 'video.ready' });
    for (const [stream, from] of streams) {
      await stream.until(({ type }) => type === 'video.ready');
      assert.deepEqual(told(stream), numbers(from, 11));
    }
  });

  it('tells of the types that are asked for', async () => {
    const [steps, ready] = [await listen('?types=step.*'), await listen('?types=video.ready,edit.queued')];
    for (const type of ['video.ready', 'step.queued', 'edit.queued', 'edit.running', 'step.failed'] as const)
      await happen(api, user.id, { type });
    await has(steps, 2);
    await has(ready, 2);
    assert.deepEqual(
      [told(steps), told(ready)],
      [
        [2, 5],
        [1, 3],
      ],
    );
    // And the same for what was before.
    const late = await listen('?types=step.*&after=0');
    await has(late, 2);
    assert.deepEqual(told(late), [2, 5]);
  });

  it('of a video tells its whole story and goes on, and ends when it is deleted', async () => {
    const id = await upload(api, user, videoBytes(4096));
    await upload(api, user, videoBytes(4096, 'other'));
    const stream = await listenTo(id);
    const before = await stream.until(({ type }) => type === 'step.queued');
    assert.equal(stream.told()[0]?.type, 'video.created');
    assert.ok(stream.told().every(({ data }) => data.object.id === id || data.data.video_id === id));
    await playWorker(api, id).fail('source', 'corrupt_media');
    await stream.until(({ type }) => type === 'video.failed');
    await api.call(`/v1/videos/${id}`, { method: 'DELETE', token: user.token });
    assert.equal(await stream.ended, true);
    assert.equal(stream.told().at(-1)?.type, 'video.deleted');
    const again = await api.call(`/v1/videos/${id}/events`, { token: user.token });
    const missing = await api.call(`/v1/videos/${uuidv7()}/events`, { token: user.token });
    assert.deepEqual([again.status, missing.status], [404, 404]);
    assert.deepEqual({ ...again.body, request_id: '' }, { ...missing.body, request_id: '' });
    const rest = told(stream).filter((sequence) => sequence > Number(before.lastId));
    assert.deepEqual(
      rest,
      rest.toSorted((a, b) => a - b),
    );
  });

  it("does not tell anybody of another's", async () => {
    const stream = await listen('?after=0');
    const stranger = await api.makeUser();
    await happen(api, stranger.id, { count: 5 });
    await happen(api, user.id);
    await has(stream, 1);
    assert.deepEqual(told(stream), [1]);
    const id = await upload(api, stranger, videoBytes(4096));
    const answer = await api.call(`/v1/videos/${id}/events`, { token: user.token });
    assert.equal(answer.status, 404);
  });

  it('refuses what is no number, and what is not kept any more', async () => {
    await happen(api, user.id, { count: 9 });
    const ask = (query: string, lastId?: string) =>
      api.call(`/v1/events${query}`, {
        token: user.token,
        headers: {
          accept: 'text/event-stream',
          ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
        },
      });
    for (const [query, lastId] of [
      ['', 'x'],
      ['', '-1'],
      ['', '1.5'],
      ['', '9'.repeat(30)],
      ['?after=x', undefined],
      ['?types=video', undefined],
    ] as const) {
      const answer = await ask(query, lastId);
      assert.deepEqual([answer.status, answer.body.code], [422, 'invalid_request'], `${query} ${lastId}`);
    }
    await api.sql('update feeds set expired_sequence = 5 where user_id = $1', [user.id]);
    for (const answer of [await ask('', '4'), await ask('?after=0')])
      assert.deepEqual([answer.status, answer.body.code], [410, 'events_expired']);
    assert.equal((await ask('?after=0', '5')).status, 200);
  });

  it('says in a heartbeat how far there was nothing to tell', async () => {
    const stream = await fetch(`${api.url}/v1/events?types=edit.*`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${user.token}` },
    });
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    await happen(api, user.id, { count: 12 });
    while (!text.includes('id: 12\n')) text += Buffer.from((await reader.read()).value ?? []).toString();
    assert.match(text, /:\nid: 12\n\n/);
    assert.ok(!text.includes('event:'));
    await reader.cancel();
  });

  it('tells how far things are without a number, and each percentage once', async () => {
    const id = await upload(api, user, videoBytes(4096));
    const worker = await api.db.steps.beginStep({ videoId: id, name: 'source', run: 1 });
    assert.equal(worker.outcome, 'go');
    const [stream, deaf, ofVideo] = [await listen(), await listen('?types=video.*'), await listenTo(id)];
    const progressOf = (one: EventStream) => one.events.filter(({ type }) => type === 'step.progress');
    await ofVideo.until(({ type }) => type === 'step.progress');
    for (const percent of [7, 7, 52]) {
      await api.sql('update steps set percent = $2 where video_id = $1 and name = $3', [
        id,
        percent,
        'source',
      ]);
      await stream.until(({ type, data }) => type === 'step.progress' && data.data.percent === percent);
    }
    const late = await listen();
    await late.until(({ type }) => type === 'step.progress');
    assert.deepEqual(
      progressOf(stream).map(({ hasId, data }) => [
        hasId,
        data.object,
        data.data.video_id,
        data.data.percent,
      ]),
      [0, 7, 52].map((percent) => [false, { type: 'step', id }, id, percent]),
    );
    assert.deepEqual(
      progressOf(ofVideo).map(({ data }) => data.data.percent),
      [0, 7, 52],
    );
    assert.deepEqual(
      progressOf(late).map(({ data }) => data.data.percent),
      [52],
    );
    assert.deepEqual(progressOf(deaf), []);
    assert.deepEqual((await api.call('/v1/events?types=step.progress', { token: user.token })).body.data, []);
  });

  it('tells how far an edit is, until its file is made', async () => {
    const id = await upload(api, user, videoBytes(4096));
    const json = { start_time: 0, end_time: 1 };
    const edit = await api.call(`/v1/videos/${id}/trim`, { token: user.token, json });
    const stream = await listen('?types=edit.progress');
    await api.sql(`update edits set status = 'running', percent = 33, attempt = 1 where id = $1`, [
      edit.body.id,
    ]);
    const { hasId, data } = await stream.until(({ type }) => type === 'edit.progress');
    assert.equal(hasId, false);
    assert.deepEqual(data, {
      type: 'edit.progress',
      object: { type: 'edit', id: edit.body.id },
      data: { video_id: null, name: 'trim', attempt: 1, percent: 33 },
    });
  });

  it('loses nothing and repeats nothing when its reader is cut off and comes back, at whatever moment', async () => {
    const random = seededRandom('cut streams');
    const total = 600;
    let isOver = false;
    const writing = (async () => {
      for (let left = total; left > 0; ) {
        const count = Math.min(left, random.int(1, 9));
        await happen(api, user.id, { count, sizeBytes: random.int(1, 2000) });
        left -= count;
      }
      isOver = true;
    })();
    const readers = Array.from({ length: 3 }, async (_, reader) => {
      const all: number[] = [];
      const moments = seededRandom(`reader ${reader}`);
      let lastId = '0';
      while (all.length < total) {
        const stream = await listen('', lastId);
        const until = isOver ? total : all.length + moments.int(1, 60);
        await waitFor(() => all.length + told(stream).length >= Math.min(until, total), {
          what: `event ${until}`,
          everyMs: 1,
        });
        stream.close();
        await stream.ended;
        all.push(...told(stream));
        lastId = stream.told().at(-1)?.lastId ?? lastId;
      }
      return all;
    });
    for (const all of await Promise.all(readers)) assert.deepEqual(all, numbers(1, total));
    await writing;
  });

  it('is one line in the log, with how fast it was answered and how long it was open', async () => {
    const stream = await listen();
    await stream.until(() => true, 10).catch(() => undefined);
    stream.close();
    const line = await waitFor(
      () => api.logLines().findLast(({ msg, user_id }) => msg === 'request' && user_id === user.id),
      { what: 'the line of the stream' },
    );
    assert.equal(line.route, '/v1/events');
    assert.equal(line.ended_by, 'client');
    assert.equal(line.aborted, undefined);
    assert.ok(Number(line.open_sec) >= 0 && Number(line.ms) < 5000);
  });
});
