import assert from 'node:assert/strict';
import { runAdminStatement } from '../../src/local/templateDatabase.ts';
import { makeCanary } from './canaries.ts';
import type { CanaryWorld } from './canaryWorld.ts';
import type { Behaviour } from './fakes/behaviours.ts';
import type { RecordedRequest } from './fakes/server.ts';
import { uniqueName, waitFor } from './stack.ts';

type Behave = (request: RecordedRequest) => Behaviour | undefined;

const answering = (status: number, body: unknown, headers: Record<string, string> = {}): Behaviour => ({
  ...{ kind: 'answer', status, body, headers },
});

/** What a careless provider says to a key; with nothing under it: as it does. */
const REPLIES: Record<string, (key: string) => Behaviour> = {
  refused: (key) => answering(401, { success: false, message: `Invalid key ${key}` }, { 'x-key': key }),
  forbidden: (key) => answering(403, `<p>${key}</p>`, { 'www-authenticate': `Apikey realm="${key}"` }),
  redirect: (key) => answering(302, key, { location: `http://127.0.0.1:1/${key}?key=${key}` }),
  error: (key) => answering(500, { error: key }, { 'x-debug': key }),
  client: (key) => answering(400, { [key]: key }),
  missing: (key) => answering(404, { success: false, message: key }),
  limited: (key) => answering(429, key, { 'retry-after': key }),
  odd: (key) => answering(200, { success: true, profile: key, url: [key], hash: key }),
  page: (key) => answering(200, `<h1>${key}</h1>`),
  reason: (key) => answering(503, '', { 'content-type': key, 'transfer-encoding': 'identity' }),
  cut: () => ({ kind: 'cut' }),
  drop: () => ({ kind: 'drop' }),
  hang: () => ({ kind: 'hang' }),
  stall: () => ({ kind: 'stall' }),
  upgrading: () => ({ kind: 'upgrading', isKept: true }),
  well: () => ({ kind: 'well' }),
};
/** That a check ends with; after all others it is asked again for a day. */
const FINAL = new Set(['refused', 'forbidden', 'well']);

const FIELDS = { upload_post: 'api_key', flic: 'flic_token' } as const;
type Provider = keyof typeof FIELDS;

/**
 * Keeps accounts with credentials of their own and with those of the service, at providers that say them back in every
 * way there is, and has them changed wrongly.
 *
 * @param misbehave takes what the providers do
 */
export async function troubleAccounts(
  world: CanaryWorld,
  misbehave: (behave: Behave) => void,
): Promise<void> {
  const { service, outside } = world;
  const byKey = new Map<string, Behaviour[]>();
  misbehave(({ key }) => {
    const replies = byKey.get(key ?? '');
    // The last one stays.
    return replies && (replies.length > 1 ? replies.shift() : replies[0]);
  });
  const own = (['upload_post', 'flic'] as const).flatMap((provider) =>
    Object.entries(REPLIES).map(async ([name, reply]) => {
      const key = world.watch.add(`credentials of ${provider}`, makeCanary());
      byKey.set(key, [reply(key)]);
      world.providers.uploadPost.addKey(key);
      world.providers.flic.tokens.add(key);
      const id = await addAccount(world, { provider, username: uniqueName(name), key });
      await untilAsked(world, { id, key, isFinal: FINAL.has(name) });
      return { id, provider };
    }),
  );
  const accounts = await Promise.all(own);
  for (const key of [service.uploadPostKey, service.flicToken])
    byKey.set(
      key,
      [...Object.values(REPLIES)].filter(isQuick).map((reply) => reply(key)),
    );
  await Promise.all([
    troubleService(world),
    ...accounts.slice(0, 1).map(({ id, provider }) => changeWrongly(world, id, provider)),
    ...accounts.slice(-1).map(({ id, provider }) => changeWrongly(world, id, provider)),
    damageOne(world),
  ]);
  assert.ok(outside.requests.length > 40);
  for (const path of ['/v1/accounts?limit=100', '/v1/groups', '/v1/events?types=account.*&limit=100'])
    await world.ask(path);
  for (const { id } of accounts.slice(0, 3)) await world.ask(`/v1/accounts/${id}`, { method: 'DELETE' });
}

/** They take as long as the patience with a provider. */
const isQuick = (reply: (key: string) => Behaviour): boolean => !['hang', 'stall'].includes(reply('').kind);

async function addAccount(
  world: CanaryWorld,
  {
    provider,
    username,
    key,
    token,
  }: { provider: Provider; username: string; key: string | null; token?: string },
): Promise<string> {
  const credentials = key === null ? {} : { credentials: { [FIELDS[provider]]: key } };
  const platforms = provider === 'flic' ? ['flic'] : ['tiktok'];
  const { status, body } = await world.ask('/v1/accounts', {
    json: { provider, username, platforms, ...credentials },
    ...(token === undefined ? {} : { token }),
  });
  assert.equal(status, 201, JSON.stringify(body));
  return body.id;
}

/** Until the check came to an end, or to a failure that the engine keeps. */
async function untilAsked(
  { ask, outside }: CanaryWorld,
  { id, key, isFinal }: { id: string; key: string; isFinal: boolean },
): Promise<void> {
  const asked = () => outside.requests.filter((request) => request.key === key);
  await waitFor(
    async () => {
      if (!isFinal)
        return (
          asked().length > 1 || asked().some(({ behaviour }) => behaviour === 'hang' || behaviour === 'stall')
        );
      return (await ask(`/v1/accounts/${id}`)).body.status_reason !== 'unchecked';
    },
    { what: `the check of ${id}`, timeoutMs: 60_000, everyMs: 300 },
  );
}

/** A user that may use what the service has, while the providers say that back. */
async function troubleService(world: CanaryWorld): Promise<void> {
  const { ask, watch, service, outside } = world;
  const password = watch.add('password', makeCanary());
  const scopes = ['read', 'publish'];
  await ask('/v1/users', { json: { username: service.username, password, scopes } });
  const { status, body } = await ask('/v1/tokens', {
    ...{ token: null, json: { username: service.username, password, scopes } },
  });
  assert.equal(status, 201);
  const token = watch.add('API token', body.token);
  const keys = { upload_post: service.uploadPostKey, flic: service.flicToken };
  for (const [provider, key] of Object.entries(keys) as [Provider, string][]) {
    for (let count = 0; count < 4; count++)
      await addAccount(world, { provider, username: uniqueName('service'), key: null, token });
    const asked = () => outside.requests.filter((request) => request.key === key).length;
    await waitFor(() => asked() >= 4, { what: `the service at ${provider}`, timeoutMs: 60_000 });
  }
  await ask('/v1/accounts', { token });
  await ask('/v1/accounts', { json: { provider: 'flic', username: 'not allowed' } });
}

/** Everything that can be wrong with a change, with a key in it that nobody may read. */
async function changeWrongly({ ask, watch }: CanaryWorld, id: string, provider: Provider): Promise<void> {
  const field = FIELDS[provider];
  const key = watch.add('mistyped credentials', makeCanary());
  const platforms = [provider === 'flic' ? 'flic' : 'tiktok'];
  const good = { provider, platforms, username: uniqueName('again'), credentials: { [field]: key } };
  const wrong: unknown[] = [
    ...[key, [key], { [field]: [key] }, { [field]: { key } }, { [field]: `${key} ${key}` }, { [field]: '' }],
    ...[
      { [field]: `${key}\n` },
      { [field]: key.repeat(200) },
      { api_key: key, flic_token: key },
      { other: key },
    ],
  ];
  const path = `/v1/accounts/${id}`;
  for (const credentials of wrong) {
    await ask('/v1/accounts', { json: { ...good, username: uniqueName('wrong'), credentials } });
    await ask(path, { method: 'PATCH', json: { credentials } });
    await ask(path, { method: 'PUT', json: { ...good, credentials, platforms: ['nowhere'] } });
  }
  for (const body of [`{"credentials": {"${field}": ${key}`, `"${key}"`, key])
    for (const method of ['PUT', 'PATCH'])
      await ask(path, { method, body, headers: { 'content-type': 'application/json' } });
  await ask(path, { method: 'PATCH', json: { provider: 'test', credentials: { [field]: key } } });
  await ask(path, { method: 'PATCH', json: { status: 'nonsense', credentials: { [field]: key } } });
  await ask(`${path}x`, { method: 'PATCH', json: { credentials: { [field]: key } } });
  const headers = { 'idempotency-key': uniqueName('key') };
  const first = await ask('/v1/accounts', { json: good, headers });
  const again = await ask('/v1/accounts', { json: good, headers });
  assert.deepEqual([first.status, again.status], [201, 201]);
  const others = [
    { ...good, credentials: { [field]: `${key}x` } },
    { ...good, username: 'x' },
  ];
  for (const json of others) await ask('/v1/accounts', { json, headers });
  assert.equal((await ask('/v1/accounts', { json: good })).status, 409);
  await ask(path, { method: 'PATCH', json: { username: good.username, credentials: { [field]: key } } });
  await ask(`/v1/accounts/${first.body.id}`, { method: 'PUT', json: good });
  await ask(`/v1/accounts/${first.body.id}`, { method: 'PATCH', json: { credentials: null } });
}

/** What is kept of one can be opened no more. */
async function damageOne(world: CanaryWorld): Promise<void> {
  const { watch, engine, ask } = world;
  const credentials = () => ({ api_key: watch.add('credentials of upload_post', makeCanary()) });
  const username = uniqueName('damaged');
  const { body } = await ask('/v1/accounts', {
    json: { provider: 'upload_post', username, platforms: ['tiktok'], credentials: credentials() },
  });
  const damaged = 'overlay(sealed_credentials placing $$AAAAAAAA$$ from length(sealed_credentials) - 8)';
  await runAdminStatement(
    engine.config.DATABASE_URL,
    `update accounts set sealed_credentials = ${damaged}, credentials_revision = credentials_revision + 1,
       status_reason = 'unchecked', updated_at = now() - interval '1 minute' where id = '${body.id}'`,
  );
  const reason = async () => (await ask(`/v1/accounts/${body.id}`)).body.status_reason;
  await waitFor(async () => (await reason()) === 'credentials_unreadable', {
    ...{ what: 'the damage to be noticed', timeoutMs: 60_000, everyMs: 300 },
  });
}
