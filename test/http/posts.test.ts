import assert from 'node:assert/strict';
import { refusalOf, typesOf } from '../support/accounts.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import {
  createPostCaller,
  DAY_MS,
  HOURLY,
  inHours,
  isAnyoneWaiting,
  type PostCaller,
} from '../support/postCalls.ts';
import { waitFor } from '../support/stack.ts';

const SLOTS = { leadSec: 300, horizonDays: 90 };
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/;

describe('posts over HTTP', () => {
  let api: TestApi;
  let user: TestUser;
  let posts: PostCaller;
  let video_id: string;
  let account_id: string;
  /** What is posted unless something else is said. */
  let base: { video_id: string; account_id: string; title: string };

  before(async () => {
    api = await startApi();
  });
  after(() => api?.close());
  beforeEach(async () => {
    user = await api.makeUser();
    posts = createPostCaller(api, user);
    video_id = await posts.video();
    account_id = await posts.accounts.make({ timezone: 'Europe/Berlin' });
    base = { video_id, account_id, title: 'A title' };
  });

  const messageOf = (answer: { body: { errors?: { message: string }[] } }) =>
    answer.body.errors?.[0]?.message;

  describe('that are accepted', () => {
    it('are answered as they are then, told, and found where Location says', async () => {
      const scheduled_at = inHours(3);
      const answer = await posts.create({
        ...base,
        description: 'More of it',
        scheduled_at,
        params: { youtube: { privacyStatus: 'unlisted' } },
        notify: 'telegram',
      });
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      const { id, targets, created_at, updated_at, warnings, local_time, ...rest } = answer.body;
      assert.match(local_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d$/);
      assert.equal(answer.headers.get('location'), `http://videoflow.test/v1/posts/${id}`);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.match(created_at, INSTANT);
      assert.equal(created_at, updated_at);
      assert.deepEqual(rest, {
        ...{ video_id, account_id, user_id: null, status: 'scheduled', title: 'A title' },
        ...{ description: 'More of it', platforms: ['tiktok', 'youtube'] },
        params: { youtube: { privacyStatus: 'unlisted' } },
        ...{ scheduled_at, timing: 'at', timezone: 'Europe/Berlin', notify: 'telegram', posted_at: null },
      });
      assert.deepEqual(
        warnings.map(({ code, platform }: Record<string, unknown>) => [code, platform]),
        [['description_unused', 'tiktok']],
      );
      const planned = { state: 'planned', attempts: 0, next_attempt_at: null, percent: 0, sent_bytes: null };
      const unsent = { total_bytes: null, external_id: null, url: null, evidence: null, error: null };
      const expected = ['tiktok', 'youtube'].map((platform) => ({ platform, ...planned, ...unsent }));
      assert.deepEqual(targets, expected);
      assert.deepEqual(await posts.show(id), answer.body);
      assert.deepEqual((await posts.targets(id)).body, { data: expected, next_cursor: null });
      assert.deepEqual(await typesOf(api, id), ['post.scheduled']);
    });

    it('go out at once without a time, and with null', async () => {
      for (const when of [{}, { scheduled_at: null }]) {
        const fromMs = Date.now();
        const { body } = await posts.create({ ...base, ...when });
        assert.equal(body.timing, 'now');
        const atMs = Date.parse(body.scheduled_at);
        assert.ok(atMs >= fromMs && atMs <= Date.now(), body.scheduled_at);
      }
    });

    it('take the next free slots of the account, one after the other', async () => {
      const id = await posts.accounts.make({ autoposting: HOURLY });
      const slots = (await posts.accounts.call(`/accounts/${id}/slots?count=3`)).body.data;
      const taken = [];
      for (let count = 0; count < 3; count += 1)
        taken.push((await posts.create({ ...base, account_id: id, scheduled_at: 'auto' })).body);
      assert.deepEqual(
        taken.map(({ scheduled_at }) => scheduled_at),
        slots.map(({ at }: { at: string }) => at),
      );
      assert.deepEqual(new Set(taken.map(({ timing }) => timing)), new Set(['auto']));
    });

    it('go to the platforms that are named, in the order of all lists, and to each once', async () => {
      const id = await posts.accounts.make({ platforms: ['tiktok', 'youtube', 'bluesky'] });
      const platforms = ['bluesky', 'tiktok', 'bluesky'];
      const { body } = await posts.create({ ...base, account_id: id, platforms });
      assert.deepEqual(body.platforms, ['tiktok', 'bluesky']);
    });

    it("have the account's user_id and zone, whatever the video's", async () => {
      const id = await posts.accounts.make({ user_id: 'u1', timezone: 'Asia/Tokyo' });
      const { body } = await posts.create({ ...base, account_id: id });
      assert.deepEqual([body.user_id, body.timezone], ['u1', 'Asia/Tokyo']);
    });

    it('wait for videos that are on their way or not looked at, and warn of what may be refused', async () => {
      const probed = await posts.probed({ durationSec: 2 });
      const { status, body } = await posts.create({ ...base, video_id: probed, platforms: ['tiktok'] });
      assert.equal(status, 202);
      assert.deepEqual(
        body.warnings.map(({ code, platform }: Record<string, unknown>) => [code, platform]),
        [['video_too_short', 'tiktok']],
      );
      assert.match(body.warnings[0].message, /3 s.*2 s/);
    });

    it('may be closer to others than the account itself would be, and say so', async () => {
      const id = await posts.accounts.make({ autoposting: HOURLY });
      const one = { ...base, account_id: id, scheduled_at: inHours(30) };
      assert.deepEqual((await posts.create(one)).body.warnings, []);
      const { body } = await posts.create({ ...one, scheduled_at: inHours(30.2) });
      assert.equal(body.warnings[0].code, 'close_to_other_post');
    });

    it('keep odd but honest text, line breaks and all; an empty description is none', async () => {
      const title = 'Zoë 🎬\n\n#one #two <3 العربية';
      const { body } = await posts.create({
        ...base,
        platforms: ['tiktok'],
        title: `\r\n${title}  \r\n`,
        description: ' ',
      });
      assert.deepEqual([body.title, body.description], [title, null]);
      const crlf = await posts.create({ ...base, platforms: ['tiktok'], title: 'a\r\nb\rc' });
      assert.equal(crlf.body.title, 'a\nb\nc');
      const params = {
        youtube: { title: ' a\r\nb ', tags: [' c '], embeddable: true },
        privacy_level: ' SELF_ONLY',
      };
      assert.deepEqual((await posts.create({ ...base, params })).body.params, {
        youtube: { title: 'a\nb', tags: ['c'], embeddable: true },
        privacy_level: 'SELF_ONLY',
      });
    });
  });

  describe('times', () => {
    it("are read in the account's zone where they have no offset", async () => {
      const day = new Date(Date.now() + 40 * DAY_MS).toISOString().slice(0, 10);
      const tokyo = await posts.accounts.make({ timezone: 'Asia/Tokyo' });
      const { body } = await posts.create({ ...base, account_id: tokyo, scheduled_at: `${day}T18:30` });
      assert.deepEqual([body.scheduled_at, body.timezone], [`${day}T09:30:00.000Z`, 'Asia/Tokyo']);
      assert.equal(body.local_time, `${day}T18:30`);
      const other = await posts.create({ ...base, scheduled_at: `${day}T18:30:15.5-02:00` });
      assert.equal(other.body.scheduled_at, `${day}T20:30:15.500Z`);
      const third = await posts.create({ ...base, scheduled_at: `${day}T18:30:15.5` });
      const wallTime = async ({ id }: { id: string }) =>
        (await api.db.posts.find(user.id, id))?.wallTime ?? null;
      assert.deepEqual(await Promise.all([body, other.body, third.body].map(wallTime)), [
        ...[`${day}T18:30`, null, `${day}T18:30:15`],
      ]);
    });

    it('move out of the hour that clocks skip, and are the first of the two that they show', async () => {
      // Of the European Union: on the last Sundays of March and October, at 01:00 UTC.
      const lastSunday = (year: number, month: number): string => {
        const last = new Date(Date.UTC(year, month, 0));
        last.setUTCDate(last.getUTCDate() - last.getUTCDay());
        return last.toISOString().slice(0, 10);
      };
      const year = new Date().getUTCFullYear();
      const changes = [year, year + 1].flatMap((each) => [
        { day: lastSunday(each, 3), utc: '01:30' },
        { day: lastSunday(each, 10), utc: '00:30' },
      ]);
      const known = changes.filter(({ day }) => {
        const aheadMs = Date.parse(`${day}T00:30:00Z`) - Date.now();
        return aheadMs > 0 && aheadMs < 364 * DAY_MS;
      });
      assert.ok(known.length > 0);
      for (const { day, utc } of known) {
        const { body } = await posts.create({ ...base, scheduled_at: `${day}T02:30` });
        assert.equal(body.scheduled_at, `${day}T${utc}:00.000Z`);
        // What clocks show then; and 02:30 is not what they show where they go forward.
        assert.equal(body.local_time, `${day}T${utc === '01:30' ? '03:30' : '02:30'}`);
      }
    });

    it('keep the zone that they were read in when the account gets another one meanwhile', async () => {
      const tokyo = await posts.accounts.make({ timezone: 'Asia/Tokyo' });
      const day = new Date(Date.now() + 40 * DAY_MS).toISOString().slice(0, 10);
      const waiting = await api.db.transaction(async ({ accounts }) => {
        await accounts.change(user.id, tokyo, { timeZone: 'America/New_York' }, SLOTS);
        const answer = posts.create({ ...base, account_id: tokyo, scheduled_at: `${day}T18:30` });
        await waitFor(() => isAnyoneWaiting(api), { what: 'the post to wait' });
        return { answer };
      });
      const { body } = await waiting.answer;
      assert.deepEqual([body.scheduled_at, body.timezone], [`${day}T09:30:00.000Z`, 'Asia/Tokyo']);
    });

    it('are refused when they are over, too far ahead, or none', async () => {
      const table: [unknown, RegExp][] = [
        [inHours(-0.01), /^lies in the past/],
        [new Date(Date.now() + 366 * DAY_MS).toISOString(), /^must be at most 365 days ahead$/],
        ['9999-12-31T23:59:59Z', /^must be at most/],
        ['0001-01-01T00:00', /^lies in the past/],
        ...[
          'AUTO',
          '',
          ' auto',
          '2027-02-30T10:00',
          '2026-12-31T23:59:60Z',
          '2027-01-01',
          '2027-01-01t10:00:00z',
        ].map((given): [unknown, RegExp] => [given, /^must be a time of RFC 3339/]),
        ...[0, 1798135200, true, {}, ['auto']].map((given): [unknown, RegExp] => [
          given,
          /^must be a time of RFC 3339/,
        ]),
      ];
      for (const [scheduled_at, message] of table) {
        const answer = await posts.create({ ...base, scheduled_at });
        assert.equal(refusalOf(answer), '422 invalid_request scheduled_at', JSON.stringify(scheduled_at));
        assert.match(messageOf(answer) ?? '', message, JSON.stringify(scheduled_at));
      }
      assert.ok(
        (await posts.create({ ...base, scheduled_at: new Date(Date.now() + 364.9 * DAY_MS) })).status === 202,
      );
    });
  });

  describe('who may', () => {
    it('is who has the scope for it', async () => {
      const id = await posts.make(base);
      const reader = createPostCaller(api, {
        ...user,
        token: await api.makeToken(user.id, { scopes: ['read'] }),
      });
      const publisher = createPostCaller(api, {
        ...user,
        token: await api.makeToken(user.id, { scopes: ['publish'] }),
      });
      const refused = '403 insufficient_scope';
      const attempts = [
        reader.create(base),
        reader.preview(base),
        reader.patch(id, {}),
        reader.cancel(id),
        publisher.list(),
        publisher.targets(id),
        publisher.call(`/${id}`),
      ];
      for (const attempt of attempts) assert.equal(refusalOf(await attempt), refused);
      assert.equal((await publisher.create(base)).status, 202);
      assert.equal((await reader.targets(id)).status, 200);
    });
  });
});
