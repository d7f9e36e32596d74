import assert from 'node:assert/strict';
import { makeCanary } from './canaries.ts';
import type { CanaryWorld } from './canaryWorld.ts';
import { uniqueName } from './stack.ts';

/** Logging in, rightly and wrongly, and everything that people do with a password or a token. */
export async function troublePeople({ ask, watch }: CanaryWorld): Promise<void> {
  const username = uniqueName('user');
  const password = watch.add('password', makeCanary());
  const mistyped = watch.add('mistyped password', makeCanary());
  await ask('/v1/users', { json: { username, password } });
  await ask('/v1/users', { json: { username, password } });
  const { status, body } = await ask('/v1/tokens', { token: null, json: { username, password } });
  assert.equal(status, 201);
  const token = watch.add('API token', body.token);
  await ask('/v1/tokens', { token: null, json: { username, password: mistyped } });
  await ask('/v1/tokens', { token: null, json: { username: mistyped, password } });
  await ask('/v1/tokens', { token: null, json: { username, password, scopes: [mistyped] } });
  const json = { 'content-type': 'application/json' };
  await ask('/v1/tokens', {
    token: null,
    body: `{"username": "a", "password": ${password}`,
    headers: json,
  });
  await ask('/v1/me', { token, method: 'PATCH', json: { password: mistyped, current_password: mistyped } });
  await ask('/v1/me', { token, method: 'PATCH', json: { current_password: password, name: 1 } });
  for (const path of ['/v1/me', '/v1/events', '/v1/webhooks', '/nowhere', '/v1/videos']) {
    await ask(`${path}?token=${token}&access_token=${token}`);
    await ask(path, { token: null, headers: { authorization: `Token ${token}` } });
    await ask(path, { token: null, headers: { authorization: `Bearer ${token}x` } });
  }
  await ask(`/v1/videos/${token}`);
  const { body: tokens } = await ask('/v1/tokens', { token });
  await ask(`/v1/tokens/${tokens.data[0].id}`, { token, method: 'DELETE' });
  await ask('/v1/events', { token });
}
