import assert from 'node:assert/strict';
import { createDb } from '../../src/db/index.ts';
import { createSignPath } from '../../src/http/bytes/signedUrls.ts';
import { type Answer, callUrl, startApi, type TestApi } from '../support/api.ts';
import { startApiProcess } from '../support/apiProcess.ts';
import { upload } from '../support/processedVideo.ts';
import { videoBytes } from '../support/uploading.ts';

describe('rate limits', () => {
  let api: TestApi;
  afterEach(() => api.close());

  const left = (answer: Answer) => Number(answer.headers.get('ratelimit-remaining'));

  it('count each user alone, tell what is left, and refuse with Retry-After', async () => {
    api = await startApi({ RATE_LIMIT_PER_MINUTE: '5' });
    const [busy, calm] = [await api.makeUser(), await api.makeUser()];
    const ask = (token: string) => api.call('/v1/me', { token });
    for (const expected of [4, 3, 2, 1, 0]) {
      const answer = await ask(busy.token);
      assert.equal(answer.status, 200);
      assert.equal(left(answer), expected);
      assert.equal(answer.headers.get('ratelimit-limit'), '5');
      assert.equal(answer.headers.get('ratelimit-policy'), '5;w=60');
    }
    for (let round = 0; round < 3; round += 1) {
      const refused = await ask(busy.token);
      assert.equal(refused.status, 429);
      assert.equal(refused.body.code, 'rate_limited');
      assert.equal(refused.body.retryable, true);
      assert.equal(left(refused), 0);
      const afterSec = Number(refused.headers.get('retry-after'));
      assert.ok(afterSec >= 1 && afterSec <= 60, `${afterSec}`);
    }
    assert.equal((await ask(calm.token)).status, 200);
  });

  it('are shared by all processes', async () => {
    api = await startApi({ RATE_LIMIT_PER_MINUTE: '3' });
    const user = await api.makeUser();
    await api.call('/v1/me', { token: user.token });
    const other = await createDb({ databaseUrl: api.databaseUrl, poolMax: 2 });
    try {
      const limiter = other.rateLimits.createLimiter({ name: 'requests', points: 3, durationSec: 60 });
      await limiter.consume(`user:${user.id}`);
    } finally {
      await other.close();
    }
    assert.equal(left(await api.call('/v1/me', { token: user.token })), 0);
  });

  it('hold across two processes that are asked at once', async () => {
    api = await startApi({ RATE_LIMIT_PER_MINUTE: '20' });
    const user = await api.makeUser();
    const twin = await startApiProcess(api);
    try {
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          callUrl(`${n % 2 ? api.url : twin.url}/v1/me`, { token: user.token }),
        ),
      );
      const statuses = answers.map(({ status }) => status).sort();
      assert.deepEqual(statuses, [...Array(20).fill(200), ...Array(10).fill(429)]);
      const lefts = answers.filter(({ status }) => status === 200).map(left);
      assert.deepEqual(
        lefts.sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, n) => n),
        'each request is told another number',
      );
    } finally {
      await twin.stop();
    }
  });

  it('count guessed tokens by address, and the guesses do not hurt the user', async () => {
    api = await startApi({ RATE_LIMIT_PER_MINUTE: '10' });
    const user = await api.makeUser();
    const statuses: number[] = [];
    for (let guess = 0; guess < 20; guess += 1) {
      const token = `vf_${String(guess).padStart(43, 'A')}`;
      statuses.push((await api.call('/v1/me', { token })).status);
    }
    assert.deepEqual(statuses, [...Array(10).fill(401), ...Array(10).fill(429)]);
    assert.equal((await api.call('/v1/me', { token: user.token })).status, 200);
  });

  it('do not believe an address that anybody may write', async () => {
    api = await startApi({ RATE_LIMIT_PER_MINUTE: '3' });
    const ask = (forwarded: string) => api.call('/v1/me', { headers: { 'x-forwarded-for': forwarded } });
    const answers = [await ask('1.1.1.1'), await ask('2.2.2.2'), await ask('3.3.3.3'), await ask('4.4.4.4')];
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [401, 401, 401, 429],
    );
  });

  it('behind a proxy count the address that the proxy itself wrote', async () => {
    api = await startApi({ RATE_LIMIT_PER_MINUTE: '2', TRUST_PROXY: 'true' });
    const ask = (forwarded: string) => api.call('/v1/me', { headers: { 'x-forwarded-for': forwarded } });
    const spoofing = [
      await ask('1.1.1.1, 9.9.9.9'),
      await ask('2.2.2.2, 9.9.9.9'),
      await ask('3.3.3.3, 9.9.9.9'),
    ];
    assert.equal(spoofing.at(-1)?.status, 429);
    assert.equal((await ask('9.9.9.9, 8.8.8.8')).status, 401);
  });

  it('stop the guessing of one password, and leave other users alone', async () => {
    api = await startApi({ LOGIN_LIMIT_PER_MINUTE: '3' });
    const admin = await api.makeUser();
    const password = 'correct horse battery';
    for (const username of ['victim', 'bystander']) {
      await api.call('/v1/users', { token: admin.token, json: { username, password } });
    }
    const login = (username: string, guess: string) =>
      api.call('/v1/tokens', { json: { username, password: guess } });
    const statuses = [];
    for (let guess = 0; guess < 4; guess += 1) statuses.push((await login('VICTIM', `guess${guess}`)).status);
    assert.deepEqual(statuses, [401, 401, 401, 429]);
    assert.equal((await login('victim', password)).status, 429);
    assert.equal((await login('bystander', password)).status, 201);
  });

  it('take all of a /64 of IPv6 for one address', async () => {
    api = await startApi({ RATE_LIMIT_PER_MINUTE: '2', TRUST_PROXY: 'true' });
    const ask = (forwarded: string) => api.call('/v1/me', { headers: { 'x-forwarded-for': forwarded } });
    for (const address of ['2001:db8:0:1::1', '2001:db8:0:1:aaaa::2']) {
      assert.equal((await ask(address)).status, 401);
    }
    assert.equal((await ask('2001:db8:0:1::3')).status, 429);
    assert.equal((await ask('2001:db8:0:2::1')).status, 401);
  });

  it('let nobody use up an owner by signed addresses, nor one video by those of another', async () => {
    api = await startApi({ RATE_LIMIT_PER_MINUTE: '5', TRUST_PROXY: 'true' });
    const owner = await api.makeUser();
    const sign = createSignPath(api.config);
    const [first, second] = [
      await upload(api, owner, videoBytes(100, 'first')),
      await upload(api, owner, videoBytes(100, 'second')),
    ];
    const fetchSigned = async (id: string, from: string) => {
      const { pathname, search } = new URL(sign(`/v1/videos/${id}/download`));
      return (await api.call(pathname + search, { headers: { 'x-forwarded-for': from } })).status;
    };
    for (let round = 0; round < 5; round += 1) assert.equal(await fetchSigned(first, '192.0.2.1'), 200);
    assert.equal(await fetchSigned(first, '192.0.2.1'), 429);
    assert.equal(await fetchSigned(second, '192.0.2.1'), 200);
    assert.equal(await fetchSigned(first, '192.0.2.2'), 200);
    const own = await api.call('/v1/me', { token: owner.token });
    assert.deepEqual([own.status, left(own)], [200, 2]);
  });

  it('stop a crowd that guesses one password, which one address alone cannot bring about', async () => {
    api = await startApi({ LOGIN_LIMIT_PER_MINUTE: '1', TRUST_PROXY: 'true' });
    const login = async (from: string, username = 'victim') => {
      const json = { username, password: 'a guess' };
      return (await api.call('/v1/tokens', { json, headers: { 'x-forwarded-for': from } })).status;
    };
    const alone = [];
    for (let guess = 0; guess < 5; guess += 1) alone.push(await login('192.0.2.1'));
    assert.deepEqual(alone, [401, 429, 429, 429, 429]);
    for (let other = 2; other <= 10; other += 1) assert.equal(await login(`192.0.2.${other}`), 401);
    assert.equal(await login('192.0.2.11'), 429);
    assert.equal(await login('192.0.2.11', 'bystander'), 401);
  });

  it('are not counted for the documentation', async () => {
    api = await startApi({ RATE_LIMIT_PER_MINUTE: '1' });
    for (let round = 0; round < 3; round += 1) assert.equal((await api.call('/openapi.json')).status, 200);
  });
});
