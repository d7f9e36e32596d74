import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import { refusalOf } from '../support/accounts.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { createPostCaller, HOURLY, inHours, type PostCaller } from '../support/postCalls.ts';
import { playWorker, upload } from '../support/processedVideo.ts';
import { videoBytes } from '../support/uploading.ts';

describe('posts that are refused', () => {
  let api: TestApi;
  let user: TestUser;
  let posts: PostCaller;
  let base: { video_id: string; account_id: string; title: string };

  before(async () => {
    api = await startApi();
  });
  after(() => api?.close());
  beforeEach(async () => {
    user = await api.makeUser();
    posts = createPostCaller(api, user);
    const account_id = await posts.accounts.make({ timezone: 'Europe/Berlin' });
    base = { video_id: await posts.video(), account_id, title: 'A title' };
  });

  const messageOf = (answer: { body: { errors?: { message: string }[] } }) =>
    answer.body.errors?.[0]?.message;

  it('name every wrong field', async () => {
    const table: [object, string][] = [
      [{}, 'title video_id'],
      [{ ...base, account_id: undefined }, 'account_id'],
      [{ ...base, group_id: uuidv7() }, 'account_id'],
      [{ ...base, group_id: null }, 'group_id'],
      [{ ...base, video_id: 'x' }, 'video_id'],
      [{ ...base, title: '' }, 'title'],
      [{ ...base, title: ' \n ' }, 'title'],
      [{ ...base, title: null }, 'title'],
      [{ ...base, title: 'x'.repeat(63_207) }, 'title'],
      [{ ...base, title: 'a\u0000b' }, 'title'],
      [{ ...base, title: 'a\u0007b' }, 'title'],
      [{ ...base, title: '\ud800' }, 'title'],
      [{ ...base, description: 5 }, 'description'],
      [{ ...base, platforms: [] }, 'platforms'],
      [{ ...base, platforms: 'tiktok' }, 'platforms'],
      [{ ...base, platforms: ['myspace'] }, 'platforms.0'],
      [{ ...base, params: [] }, 'params'],
      [{ ...base, params: null }, 'params'],
      [{ ...base, notify: 'email' }, 'notify'],
      [{ ...base, user_id: 'u1' }, 'user_id'],
      [{ ...base, status: 'posted', scheduledAt: 'auto' }, 'scheduledAt status'],
    ];
    for (const [json, paths] of table) {
      const answer = await posts.create(json);
      assert.equal(answer.status, 422, JSON.stringify(json));
      assert.equal(answer.body.code, 'invalid_request');
      const given = answer.body.errors.map(({ path }: { path: string }) => path).sort();
      assert.equal(given.join(' '), paths, JSON.stringify(json));
    }
    assert.deepEqual((await posts.list()).body.data, []);
  });

  it('do not go down as far as their params do', async () => {
    const send = (params: string) => {
      const body = JSON.stringify({ ...base, params: {} }).replace('{}', params);
      return posts.call('', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    };
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    assert.equal(refusalOf(await send(`{"a":${deep}}`)), '422 invalid_request params.a');
    for (const wrong of ['[[]]', '[{}]', '{"a":{}}', '{"a":[[]]}'])
      assert.equal(refusalOf(await send(`{"a":1,"x":${wrong}}`)), '422 invalid_request params.x', wrong);
    assert.equal(
      refusalOf(await send('{"youtube":{"tags":["\\u0000"]}}')),
      '422 invalid_request params.youtube.tags.0',
    );
  });

  it('have no more params than can be kept, told of and answered', async () => {
    const text = 'x'.repeat(33_000);
    const longNamed = { ['n'.repeat(101)]: 1 };
    const table: [object, string][] = [
      [{ youtube: { title: text, description: text } }, 'params'],
      [{ youtube: { first_comment: 'x'.repeat(10_001) } }, 'params.youtube.first_comment'],
      [longNamed, 'params'],
      [{ youtube: longNamed }, 'params'],
    ];
    for (const [params, path] of table)
      assert.equal(refusalOf(await posts.create({ ...base, params })), `422 invalid_request ${path}`);
    const unknown = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`n${at}`, 1]));
    const { body } = await posts.create({ ...base, params: unknown });
    assert.deepEqual([body.errors.length, body.errors[0].path], [20, 'params.n0']);
  });

  it('say that what is left out is no null', async () => {
    const whole = await posts.create({ ...base, params: null });
    assert.equal(messageOf(whole), 'must be an object of fields; leave it out where there are none');
    const parts = await posts.create({ ...base, params: { tiktok: null, privacyStatus: null } });
    assert.equal(refusalOf(parts), '422 invalid_request params.tiktok params.privacyStatus');
    assert.equal(messageOf(parts), 'must be an object of fields');
  });

  it('say all at once what is wrong for the account', async () => {
    const answer = await posts.create({
      ...base,
      platforms: ['tiktok', 'reddit'],
      scheduled_at: inHours(-1),
      params: { privacy: 'x', youtube: { privacyStatus: 'secret' } },
    });
    assert.equal(
      refusalOf(answer),
      '422 invalid_request platforms scheduled_at params.privacy params.youtube.privacyStatus',
    );
    assert.equal(messageOf(answer), 'the account does not post to reddit; it has tiktok, youtube');
  });

  it('give the allowed params where there is no such one', async () => {
    for (const name of ['privacy', 'constructor', 'toString', 'user', 'scheduled_date']) {
      const answer = await posts.create({ ...base, params: { [name]: 'x' } });
      assert.equal(refusalOf(answer), `422 invalid_request params.${name}`);
      assert.match(messageOf(answer) ?? '', /`privacy_level`.*`privacyStatus`/s);
    }
  });

  it('say which platform refuses them for certain, and why', async () => {
    const long = await posts.probed({ durationSec: 700 });
    const answer = await posts.create({ ...base, video_id: long, title: 'x'.repeat(101) });
    assert.equal(refusalOf(answer), '422 preflight_failed platforms.tiktok platforms.youtube');
    assert.match(messageOf(answer) ?? '', /600 s.*700 s/);
    const one = await posts.create({ ...base, video_id: long, platforms: ['youtube'] });
    assert.equal(one.status, 202, 'the other platform takes it');
  });

  it('look the same for missing objects and those of others', async () => {
    const stranger = createPostCaller(api, await api.makeUser());
    const theirs = { video_id: await stranger.video(), account_id: await stranger.accounts.make() };
    const group = await stranger.accounts.makeGroup();
    const withoutRequest = ({
      status,
      body: { request_id: _, ...body },
    }: {
      status: number;
      body: Record<string, unknown>;
    }) => ({
      status,
      body,
    });
    const table: [object, object, string][] = [
      [{ ...base, video_id: theirs.video_id }, { ...base, video_id: uuidv7() }, '404 not_found video_id'],
      [
        { ...base, account_id: theirs.account_id },
        { ...base, account_id: uuidv7() },
        '404 not_found account_id',
      ],
      [
        { ...base, account_id: undefined, group_id: group },
        { ...base, account_id: undefined, group_id: uuidv7() },
        '404 not_found group_id',
      ],
      [
        { ...base, ...theirs },
        { ...base, video_id: uuidv7(), account_id: uuidv7() },
        '404 not_found video_id account_id',
      ],
    ];
    for (const [foreign, missing, expected] of table) {
      const answers = [
        await posts.create(foreign),
        await posts.create(missing),
        await posts.preview(foreign),
      ];
      for (const answer of answers) assert.equal(refusalOf(answer), expected);
      assert.deepEqual(withoutRequest(answers[0] as never), withoutRequest(answers[1] as never));
    }
    assert.deepEqual((await stranger.list()).body.data, []);
  });

  it('are refused by the state of the account and of the video', async () => {
    const paused = await posts.accounts.make({ status: 'paused' });
    assert.equal(refusalOf(await posts.create({ ...base, account_id: paused })), '409 account_paused');
    const refused = await posts.accounts.make();
    await api.sql('update accounts set needs_reauth = true where id = $1', [refused]);
    assert.equal(refusalOf(await posts.create({ ...base, account_id: refused })), '409 reauth_required');
    assert.equal(
      refusalOf(await posts.create({ ...base, scheduled_at: 'auto' })),
      '409 autoposting_disabled',
    );
    const yearly = { ...HOURLY, end_time: '00:00', interval_minutes: 43_200 };
    const rare = await posts.accounts.make({ autoposting: yearly });
    for (let count = 0; count < 4; count += 1) {
      const answer = await posts.create({ ...base, account_id: rare, scheduled_at: 'auto' });
      if (answer.status !== 202) assert.equal(refusalOf(answer), '409 no_slot');
      else assert.ok(count < 3);
    }
    const failed = await upload(api, user, videoBytes(2048, 'failed'));
    await playWorker(api, failed).fail('source', 'corrupt_media');
    assert.equal(refusalOf(await posts.create({ ...base, video_id: failed })), '409 video_not_usable');
    const entry = await api.call('/v1/videos', { token: user.token, json: { title: 'An entry' } });
    const awaited = await posts.create({ ...base, video_id: entry.body.id });
    assert.deepEqual([refusalOf(awaited), awaited.body.retryable], ['409 video_not_usable', true]);
    await posts.accounts.remove(paused);
    assert.equal(refusalOf(await posts.create({ ...base, account_id: paused })), '404 not_found account_id');
  });
});
