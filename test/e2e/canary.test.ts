import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { runAdminStatement } from '../../src/local/templateDatabase.ts';
import { troubleAccounts } from '../support/canaryAccounts.ts';
import { troublePeople } from '../support/canaryPeople.ts';
import { PERMITS } from '../support/canaryPermits.ts';
import { REPLIES } from '../support/canaryReplies.ts';
import { type CanaryWorld, startCanaryWorld, startWrongly } from '../support/canaryWorld.ts';
import { makeCertificate } from '../support/certificates.ts';
import { openEventStream } from '../support/eventStream.ts';
import type { Behaviour } from '../support/fakes/behaviours.ts';
import type { RecordedRequest } from '../support/fakes/server.ts';
import { botRefusal } from '../support/fakes/telegramTrouble.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/fakes/webhookReceiver.ts';
import { fixture } from '../support/mediaFixtures.ts';
import { uniqueName, waitFor } from '../support/stack.ts';

describe('no secret', () => {
  let world: CanaryWorld;
  /** With a certificate that nobody trusts. */
  let secure: WebhookReceiver | undefined;
  let videoId = '';
  let toldId = '';
  /** By the id of a webhook: what signs. */
  const secrets = new Map<string, string[]>();
  const behaveOutside: Record<string, (request: RecordedRequest) => Behaviour | undefined> = {};

  before(async function () {
    this.timeout(120_000);
    world = await startCanaryWorld();
    const { api, outside } = world;
    outside.behaveBy((request) => behaveOutside[serviceOf(request)]?.(request));
    const stream = await openEventStream(`${api.url}/v1/events`, { token: api.token });
    startWrongly(world);
    await Promise.all([
      troublePeople(world),
      troubleWebhooks(),
      troubleVideos(),
      troubleTelegram(),
      publish(),
    ]);
    stream.close();
    world.watch.see('answer 200 to GET /v1/events as a stream', JSON.stringify(stream.events));
    await look();
  });
  after(async () => {
    await secure?.close();
    await world?.close();
  });

  const watchSecret = (text: string): string =>
    world.watch.add('webhook secret', text, { bytes: Buffer.from(text.replace('whsec_', ''), 'base64') });

  async function addWebhook(url: string, headers = {}): Promise<string> {
    const { body } = await world.ask('/v1/webhooks', {
      json: { url, types: ['video.*'], enabled: false },
      headers,
    });
    secrets.set(body.id, [watchSecret(body.secret)]);
    return body.id;
  }

  async function rotate(id: string): Promise<void> {
    const { body } = await world.ask(`/v1/webhooks/${id}/secrets`, { json: {} });
    secrets.get(id)?.push(watchSecret(body.secret));
  }

  /** Receivers that say back all that they know, all that fail, and addresses that are refused. */
  async function troubleWebhooks(): Promise<void> {
    const { ask, receiver, urlSecret, engine } = world;
    const toUrl = (origin: string, name: string) => `${origin}/hook/${name}/${urlSecret}?key=${urlSecret}`;
    const names = new Map<string, string>();
    receiver.behaveBy(({ path, target }) => {
      const name = path.split('/')[2] ?? '';
      const own = secrets.get(names.get(name) ?? '') ?? [];
      const bare = own.map((secret) => secret.replace('whsec_', ''));
      return REPLIES[name]?.([...own, ...bare, target, receiver.url(target)].join(' '));
    });
    secure = await startWebhookReceiver({ tls: await makeCertificate('127.0.0.1') });
    const away = await startWebhookReceiver();
    await away.close();
    for (const name of Object.keys(REPLIES)) names.set(name, await addWebhook(toUrl(receiver.url(''), name)));
    await addWebhook(toUrl(secure.url(''), 'untrusted'), { 'idempotency-key': uniqueName('key') });
    await addWebhook(toUrl(away.url(''), 'closed'));
    await addWebhook(toUrl('https://nowhere.invalid', 'nameless'));
    const damaged = await addWebhook(toUrl(receiver.url(''), 'damaged'));
    await damage(engine.config.DATABASE_URL, damaged);
    for (const url of [
      ...['http://10.0.0.1', 'http://localhost:22', 'ftp://a.example', 'nonsense'].map((at) =>
        toUrl(at, 'x'),
      ),
      ...[`https://user:${urlSecret}@a.example/`, urlSecret, `https://${urlSecret} .example/`],
    ]) {
      await ask('/v1/webhooks', { json: { url } });
      await ask(`/v1/webhooks/${damaged}`, { method: 'PATCH', json: { url } });
    }
    const key = { 'idempotency-key': uniqueName('key') };
    const again = { json: { url: toUrl(receiver.url(''), 'again') }, headers: key };
    watchSecret((await ask('/v1/webhooks', again)).body.secret);
    await ask('/v1/webhooks', again);
    await ask('/v1/webhooks', { ...again, json: { url: toUrl(receiver.url(''), 'other') } });
    for (const id of names.values()) await rotate(id);
    for (const id of secrets.keys())
      await ask(`/v1/webhooks/${id}`, { method: 'PATCH', json: { enabled: true } });

    const { body: entry } = await ask('/v1/videos', { json: { title: 'For webhooks' } });
    for (const [name, id] of names) {
      if (['hang', 'stall'].includes(name)) continue;
      const { status, body } = await ask(`/v1/webhooks/${id}/test`, { method: 'POST' });
      assert.equal(status, 200, `${name}: ${JSON.stringify(body)}`);
    }
    await ask(`/v1/webhooks/${damaged}/test`, { method: 'POST' });
    await ask(`/v1/videos/${entry.id}`, { method: 'PATCH', json: { title: 'Told again' } });
    await Promise.all([...names].map(([name, id]) => untilTried(name, id)));
  }

  /** A row that no key opens any more. */
  async function damage(databaseUrl: string, id: string): Promise<void> {
    const sealed = 'overlay(sealed_url placing $$AAAAAAAA$$ from length(sealed_url) - 8)';
    await runAdminStatement(databaseUrl, `update webhooks set sealed_url = ${sealed} where id = '${id}'`);
  }

  async function untilTried(name: string, id: string): Promise<void> {
    const { ask } = world;
    const list = await waitFor(
      async () => {
        const { body } = await ask(`/v1/webhooks/${id}/deliveries`);
        const events = body.data.filter(({ kind }: { kind: string }) => kind === 'event');
        const isTried = ({ attempts }: { attempts: unknown[] }) => attempts.length > 0;
        return events.length > 0 && events.every(isTried) ? events : null;
      },
      { what: `the attempts at ${name}`, timeoutMs: 30_000, everyMs: 300 },
    );
    await ask(`/v1/webhooks/${id}/deliveries/${list[0].id}/resend`, { method: 'POST' });
    await ask(`/v1/webhooks/${id}`);
  }

  /** Fetching, transcribing, writing, sharing and signed addresses, each of which fails with all that it knows. */
  async function troubleVideos(): Promise<void> {
    const { ask, receiver, urlSecret, providerKey, watch } = world;
    const echo: Behaviour[] = [
      { kind: 'answer', status: 401, body: { error: { message: `Wrong key ${providerKey}`, type: 'x' } } },
      { kind: 'answer', status: 500, body: `<h1>${providerKey}</h1>` },
      { kind: 'answer', status: 200, body: { error: { message: providerKey, code: 502 } } },
    ];
    behaveOutside.models = ({ index }) => echo[index % echo.length];

    const sources = ['error', 'client', 'redirect', 'drop', 'cut'].map((name) =>
      receiver.url(`/hook/${name}`),
    );
    for (const source of [...sources, 'https://nowhere.invalid', 'http://10.0.0.1', 'nonsense'])
      await ask('/v1/videos', { json: { url: `${source}/${urlSecret}?sig=${urlSecret}` } });

    const body = await readFile(await fixture('h264'));
    const { body: video } = await ask('/v1/videos', { body, headers: { 'content-type': 'video/mp4' } });
    videoId = video.id;
    const path = `/v1/videos/${videoId}`;
    const ready = await waitFor(
      async () => {
        const { body } = await ask(path);
        return body.status === 'ready' && body.thumbnail_url ? body : null;
      },
      { what: 'the video', timeoutMs: 60_000, everyMs: 500 },
    );
    const signed = new URL(ready.thumbnail_url);
    watch.add(
      'signature of an address',
      signed.searchParams.get('sig') ?? [...signed.searchParams.values()].join(),
    );
    await ask(signed.pathname + signed.search, { token: null });
    await ask(`${signed.pathname}${signed.search}x`, { token: null });

    await ask('/v1/captions', { json: { prompt: 'A fine day' } });
    await ask(`${path}/transcript`, { json: {} });
    const { body: share } = await ask(`${path}/shares`, { json: { expires_in: 60 } });
    const handle = new URL(share.url).pathname.split('/')[2] ?? '';
    watch.add('handle of a share', handle);
    await ask(`/s/${handle}`, { token: null });
    await ask(`/s/${handle}/download`, { token: null });
    await ask(`/v1/shares/${share.id}`, { method: 'DELETE' });
    await ask(`/s/${handle}`, { token: null });
    await waitFor(async () => /failed|waiting_retry/.test((await ask(path)).body.transcript_status), {
      ...{ what: 'the transcript to fail', timeoutMs: 30_000, everyMs: 500 },
    });
  }

  /** A chat is linked with a code, and the bot's messages fail in ways that name its token. */
  async function troubleTelegram(): Promise<void> {
    const { ask, watch, telegram, receiver, botToken } = world;
    const path = `/bot${botToken}/sendMessage`;
    const troubles: Behaviour[] = [
      botRefusal(500, `Internal error at ${path}`),
      { kind: 'answer', status: 302, body: path, headers: { location: `http://127.0.0.1:1${path}` } },
      { kind: 'answer', status: 200, body: `<h1>${path}</h1>` },
      botRefusal(403, `Forbidden: bot was blocked by the user of ${path}`),
    ];
    behaveOutside.telegram = (request) => (request.path === path ? troubles.shift() : undefined);
    const { body: offer } = await ask('/v1/me/telegram/link', { method: 'POST' });
    watch.add('code of a link', offer.code);
    const chat = Number(watch.add('chat', '90071992547409', { isShort: true }));
    telegram.write(chat, `/start ${offer.code}`);
    await waitFor(async () => (await ask('/v1/me/telegram/link')).body.state === 'linked', {
      ...{ what: 'the chat to be linked', timeoutMs: 20_000, everyMs: 300 },
    });
    await waitFor(async () => (await ask('/v1/me')).body.telegram_off_reason !== null, {
      ...{ what: 'the notices to be switched off', timeoutMs: 40_000, everyMs: 500 },
    });
    await ask('/v1/me', { method: 'PATCH', json: { telegram_chat: String(chat) } });
    const url = receiver.url('/hook/client');
    toldId = (await ask('/v1/videos', { json: { url } })).body.id;
    await waitFor(() => telegram.messages.some(({ text }) => text.includes(toldId)), {
      ...{ what: 'a notice that is sent', timeoutMs: 20_000 },
    });
  }

  const publish = () =>
    troubleAccounts(world, (behave) => {
      behaveOutside.providers = behave;
    });

  async function look(): Promise<void> {
    for (const path of ['/v1/events?after=0&limit=100', '/v1/me', '/v1/webhooks?limit=100', '/v1/videos'])
      await world.ask(path);
    await world.look();
  }

  for (const [name, place] of Object.entries({
    'in an answer of the API': /^answer /,
    'in a line of a log': /^log /,
    'in a metric': /^metrics/,
    'in a row of the database': /^table /,
    'in a history of the engine': /^history /,
    'in what is told to a webhook or by Telegram': /^(delivery|message) /,
  }))
    it(`is ${name}`, () => {
      assert.ok(world.watch.seen(place) > 100, 'there was nothing to look through');
      assert.deepEqual(world.watch.leaks(place, PERMITS), []);
    });

  it('was anywhere but where it was looked for', () => {
    const { watch } = world;
    for (const place of [
      /^history webhook\/[^/]+ /,
      /^history webhook\/.*ping/,
      /^history telegram/,
      /^history video/,
      /^history account/,
    ])
      assert.ok(watch.seen(place) > 0, `nothing of ${place}`);
    for (const table of [
      'webhook_attempts',
      'webhook_secrets',
      'accounts',
      'events',
      'idempotency_keys',
      'telegram_links',
    ])
      assert.ok(watch.seen(new RegExp(`^table public.${table}$`)) > 0, `nothing of ${table}`);
    for (const place of [/^delivery to /, /^answer 4.. /, /^answer 5.. /])
      assert.ok(watch.seen(place) > 0, `nothing of ${place}`);
  });

  it('would have been found: what is no secret is, in each kind of place', () => {
    const { watch } = world;
    for (const place of [/^answer /, /^log of worker/, /^table /, /^history /, /^delivery /])
      assert.ok(watch.formsOf(videoId, place).includes('as it is'), `not found in ${place}`);
    assert.ok(watch.formsOf('/v1/webhooks/:id/deliveries', /^log of api/).includes('as it is'));
    assert.ok(watch.formsOf(toldId, /^message /).includes('as it is'));
    // As the engine keeps what it is given.
    assert.ok(watch.formsOf(videoId, /^history /).includes('base64'));
  });

  it('is found nowhere by a search that finds none: each permitted place shows one', () => {
    assert.deepEqual(world.watch.idle(PERMITS), []);
  });
});

function serviceOf({ path }: RecordedRequest): 'models' | 'telegram' | 'providers' {
  if (path.startsWith('/v1/')) return 'models';
  return path.startsWith('/bot') ? 'telegram' : 'providers';
}
