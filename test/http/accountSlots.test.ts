import assert from 'node:assert/strict';
import { type AccountCaller, createAccountCaller, refusalOf } from '../support/accounts.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { makeVideo } from '../support/posting.ts';

const MINUTE_MS = 60_000;
/** Each hour, from 35 minutes on: none comes too near while a test runs. */
function hourly() {
  const minute = String(Math.floor(Date.now() / MINUTE_MS + 35) % 60).padStart(2, '0');
  return { enabled: true, start_time: `00:${minute}`, end_time: `23:${minute}`, interval_minutes: 60 };
}

describe('GET /v1/accounts/:id/slots', () => {
  let api: TestApi;
  let me: AccountCaller;
  let videoId: string;

  before(async () => {
    api = await startApi({ SLOT_HORIZON_DAYS: '365' });
    const user = await api.makeUser();
    me = createAccountCaller(api, user);
    videoId = await makeVideo(api.db, user.id);
  });
  after(() => api?.close());

  const show = async (id: string, query = '') => (await me.call(`/accounts/${id}/slots${query}`)).body;

  it('shows the next ones by the clocks of the account, ten unless another number is asked for', async () => {
    const id = await me.make({ timezone: 'Asia/Kathmandu', autoposting: hourly() });
    const { data, ...rest } = await show(id);
    assert.equal(data.length, 10);
    for (const { at, local_time, moved_from } of data) {
      // 5:45 ahead of UTC all year long.
      const local = new Date(Date.parse(at) + 345 * MINUTE_MS).toISOString().slice(0, 16);
      assert.deepEqual([local_time, moved_from], [local, null]);
    }
    const { next_cursor, enabled, timezone, skipped, skipped_count } = rest;
    assert.deepEqual([next_cursor, enabled, timezone], [null, true, 'Asia/Kathmandu']);
    assert.deepEqual([skipped, skipped_count], [[], 0]);
    assert.deepEqual((await show(id, '?count=1')).data, data.slice(0, 1));
    assert.equal((await show(id, '?count=50')).data.length, 50);
  });

  for (const count of ['0', '51', '1.5', 'x', ''])
    it(`refuses a number that is none, or too large: '${count}'`, async () => {
      const id = await me.make();
      const answer = await me.call(`/accounts/${id}/slots?count=${count}`);
      assert.equal(refusalOf(answer), '422 invalid_request count');
    });

  it('says of accounts that do not post by themselves that these are not theirs', async () => {
    const id = await me.make({ autoposting: { ...hourly(), enabled: false } });
    const { enabled, data } = await show(id);
    assert.deepEqual([enabled, data.length], [false, 10]);
  });

  it('says which times are skipped, and by what', async () => {
    const id = await me.make({ timezone: 'UTC', autoposting: hourly() });
    const { data } = await show(id, '?count=3');
    const [first, second, third] = data;
    const scheduled_at = new Date(Date.parse(first.at) + 20 * MINUTE_MS).toISOString();
    const post = { video_id: videoId, account_id: id, title: 'A', scheduled_at };
    const { body } = await me.call('/posts', { json: post });
    const { data: left, skipped, skipped_count } = await show(id, '?count=1');
    assert.deepEqual(left, [third]);
    const why = { reason: 'close_to_other_post', post_id: body.id, platform: null };
    assert.deepEqual(skipped, [
      { ...first, ...why },
      { ...second, ...why },
    ]);
    assert.equal(skipped_count, 2);
  });

  it('says what the time was before clocks skipped it', async () => {
    const night = { ...hourly(), start_time: '02:30', end_time: '02:30', days: ['sun'] };
    const movedIn = async (timezone: string) =>
      (await show(await me.make({ timezone, autoposting: night }), '?count=50')).data.filter(
        ({ moved_from }: { moved_from: string | null }) => moved_from !== null,
      );
    // In March and in October: the fifty Sundays ahead have one of them at least.
    const all = [...(await movedIn('Europe/Berlin')), ...(await movedIn('Australia/Sydney'))];
    assert.ok(all.length > 0);
    for (const { at, local_time, moved_from } of all) {
      assert.match(moved_from, /^\d{4}-(03-(2[5-9]|3[01])|10-0[1-7])T02:30$/);
      assert.equal(local_time, moved_from.replace('T02', 'T03'));
      assert.equal(new Date(at).getUTCMinutes(), 30);
    }
  });
});
