import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type ApiProcess, startTestEngine, type TestEngine } from '../support/engine.ts';
import { type EventStream, openEventStream } from '../support/eventStream.ts';
import { answering, broken, comeBackAfter } from '../support/fakes/hookTrouble.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/fakes/webhookReceiver.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { waitFor } from '../support/stack.ts';

interface ToldEvent {
  id: string;
  sequence: number;
  type: string;
  created_at: string;
  object: { type: string; id: string };
  data: Record<string, unknown>;
}

interface Page {
  data: ToldEvent[];
  next_cursor: string | null;
  last_sequence: number;
}

/** What happens to the two videos of this story at least, whatever else does. */
const STORY = [
  ...['video.created', 'video.processing', 'video.ready', 'video.updated', 'video.deleted'],
  ...['step.queued', 'step.running', 'step.succeeded', 'step.skipped'],
  ...['edit.queued', 'edit.running', 'edit.succeeded', 'share.created'],
];

describe('a video’s life, told three ways', () => {
  let engine: TestEngine;
  let receiver: WebhookReceiver;
  let first: ApiProcess;
  let second: ApiProcess;

  before(async function () {
    this.timeout(120_000);
    receiver = await startWebhookReceiver();
    engine = await startTestEngine({
      EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
      // What answers nothing is shown, and tried again, only after this time.
      WEBHOOK_TIMEOUT_SEC: '1',
      WEBHOOK_RETRY_SEC: '0.2,0.2,0.2,0.2',
      WORKER_QUEUES: 'workflows,media,net,encode,notify',
    });
    engine.startWorker();
    [first, second] = await Promise.all([engine.startApi(), engine.startApi()]);
  });
  after(async () => {
    await engine?.close();
    await receiver?.close();
  });

  /** As the first API's user, whichever process is asked. */
  async function ask<Body>(path: string, { api = second, ...init }: RequestInit & { api?: ApiProcess } = {}) {
    const headers = { authorization: `Bearer ${first.token}`, ...(init.headers as Record<string, string>) };
    const response = await fetch(`${api.url}${path}`, { ...init, headers });
    const text = await response.text();
    assert.ok(response.ok, `${init.method ?? 'GET'} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as Body;
  }
  const send = <Body = { id: string }>(method: string, path: string, json: unknown) =>
    ask<Body>(path, { method, body: JSON.stringify(json), headers: { 'content-type': 'application/json' } });
  const listen = (path: string, api: ApiProcess, after?: string): Promise<EventStream> =>
    openEventStream(`${api.url}${path}`, { token: first.token, ...(after !== undefined && { after }) });

  async function replay(path = '/v1/events?after=0&limit=7'): Promise<ToldEvent[]> {
    const told: ToldEvent[] = [];
    for (let next = path; ; ) {
      const page = await ask<Page>(next);
      told.push(...page.data);
      if (page.next_cursor === null) return told;
      next = `/v1/events?limit=7&cursor=${encodeURIComponent(page.next_cursor)}`;
    }
  }

  const upload = async (): Promise<string> =>
    (
      await ask<{ id: string }>('/v1/videos?title=Told', {
        ...{ method: 'POST', headers: { 'content-type': 'video/mp4' } },
        body: await readFile(await fixture('h264')),
      })
    ).id;

  async function untilSettled(id: string): Promise<void> {
    const isFinal = ({ state }: { state: string }) => /^(succeeded|skipped|failed)$/.test(state);
    await waitFor(
      async () => (await ask<{ data: { state: string }[] }>(`/v1/videos/${id}/steps`)).data.every(isFinal),
      { what: `the steps of ${id}`, timeoutMs: 60_000, everyMs: 200 },
    );
  }

  it('is the same over SSE that was cut and resumed elsewhere, by replay, and by webhook', async function () {
    this.timeout(120_000);
    await send('POST', '/v1/webhooks', { url: receiver.url('/told'), types: ['*'] });
    receiver.behave('/told', broken(), answering(200), { kind: 'drop' }, comeBackAfter('1'));

    // The first reader is cut off by the death of its process, in the middle of the processing.
    const early = await listen('/v1/events', first);
    const id = await upload();
    await early.until(({ type, data }) => type === 'step.succeeded' && data.data.name === 'probe', 30_000);
    await first.kill('SIGKILL');
    assert.equal(await early.ended, false);
    const lastId = early.told().at(-1)?.lastId ?? '';
    await untilSettled(id);
    const late = await listen('/v1/events', second, lastId);

    const ended = (type: string, about: string) =>
      late.until((event) => event.type === type && event.data.object.id === about, 30_000);
    await send('PATCH', `/v1/videos/${id}`, { title: 'Töld 🎬 \u2028 again', tags: ['ä'] });
    await send('POST', `/v1/videos/${id}/shares`, { expires_in: 60 });
    const edit = await send('POST', `/v1/videos/${id}/trim`, { start_time: 0.5, end_time: 1.5 });
    const { data } = (await ended('edit.succeeded', edit.id)).data;
    const ofVideo = await listen(`/v1/videos/${id}/events`, second);
    await ask(`/v1/videos/${id}`, { method: 'DELETE' });
    await ended('video.deleted', id);
    await untilSettled(String(data.video_id));

    const told = await untilQuiet();
    const byStream = [...early.told(), ...late.told()];
    for (const event of byStream) assert.equal(event.lastId, String(event.data.sequence));
    for (const event of byStream) assert.equal(event.type, event.data.type);
    assert.deepEqual(
      byStream.map((event) => event.data),
      told,
    );
    assert.deepEqual(
      told.map(({ sequence }) => sequence),
      told.map((_, at) => at + 1),
    );
    const types = new Set(told.map(({ type }) => type));
    assert.deepEqual(
      STORY.filter((type) => !types.has(type)),
      [],
    );
    await assertDelivered(told);

    // The video's own stream told its whole life, though it began when most of that was over.
    const own = told.filter((event) => event.object.id === id || event.data.video_id === id);
    await waitFor(() => ofVideo.told().some(({ type }) => type === 'video.deleted'), {
      what: 'the end of its own stream',
    });
    const ownIds = new Set(ofVideo.told().map((event) => event.data.id));
    assert.deepEqual(
      own.filter((event) => !ownIds.has(event.id)).map(({ type }) => type),
      [],
    );
    for (const stream of [late, ofVideo]) stream.close();
  });

  /** Waits until nothing is told any more, and every way has told all of it. @returns the feed from its beginning */
  async function untilQuiet(): Promise<ToldEvent[]> {
    let before = -1;
    return waitFor(
      async () => {
        const told = await replay();
        const delivered = new Set(receiver.at('/told').map(({ headers }) => headers['webhook-id']));
        const isQuiet = told.length === before && told.every(({ id }) => delivered.has(id));
        before = told.length;
        return isQuiet ? told : null;
      },
      { what: 'all to be told', timeoutMs: 60_000, everyMs: 1500 },
    );
  }

  /** Each event came to the receiver, as it stands in the feed; the trouble of the first was made good, and said the same. */
  async function assertDelivered(told: ToldEvent[]): Promise<void> {
    const bodies = new Map<string, ToldEvent & { timestamp: string }>();
    for (const { headers, body } of receiver.at('/told')) {
      const event = JSON.parse(body.toString('utf8'));
      assert.equal(headers['webhook-id'], event.id);
      const known = bodies.get(event.id);
      if (known) assert.deepEqual(event, known);
      bodies.set(event.id, event);
    }
    const delivered = [...bodies.values()].sort((a, b) => a.sequence - b.sequence);
    assert.deepEqual(
      delivered.map(({ timestamp: _, ...event }) => event),
      told,
    );
    for (const { timestamp, created_at } of delivered) assert.equal(timestamp, created_at);
    assert.ok(receiver.at('/told').length >= told.length + 3, 'nothing was told twice');
  }
});
