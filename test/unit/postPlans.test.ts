import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { countUnits } from '../../src/captions/countLength.ts';
import type { Account } from '../../src/db/entities/account.ts';
import type { Queries } from '../../src/db/index.ts';
import type { LengthUnit } from '../../src/domain/captionLimits.ts';
import { PLATFORMS_OF } from '../../src/domain/platform.ts';
import { createTextCounts } from '../../src/domain/textCounts.ts';
import { divideWish } from '../../src/http/posts/divide.ts';
import { judgePost } from '../../src/http/posts/judge.ts';
import { planPosts } from '../../src/http/posts/plan.ts';

const accountOf = (at: number, fields: object = {}): Account =>
  ({
    ...{ id: String(at).padStart(4, '0'), provider: 'upload_post', platforms: PLATFORMS_OF.upload_post },
    ...{ timeZone: 'Europe/Berlin', isAi: false, ...fields },
  }) as unknown as Account;
const accountsOf = (count: number): Account[] => Array.from({ length: count }, (_, at) => accountOf(at));
const wishOf = (title: string, params: Record<string, unknown> = {}) => ({
  ...{ title, description: null, platforms: undefined, params, scheduledAt: undefined },
});
const LONG = '#word @name '.repeat(5000);

describe('plans of posts for many accounts', () => {
  it('count each text once in each unit', () => {
    const counted: [string, LengthUnit][] = [];
    const counts = createTextCounts((text, unit) => {
      counted.push([text, unit]);
      return countUnits(text, unit);
    });
    const judgements = accountsOf(5).map((account) =>
      judgePost(account, wishOf(LONG), { video: null, nowMs: Date.now(), counts }),
    );
    const kinds = counted.map(([text, unit]) => `${unit} ${text}`);
    assert.equal(new Set(kinds).size, kinds.length);
    assert.ok(kinds.length > 3);
    const checks = judgements.map(({ check }) => check);
    for (const check of checks) assert.deepEqual(check, checks[0]);
  });

  it('let others have their turn after each account', async () => {
    const accounts = accountsOf(20);
    const queries = {
      videos: { find: async () => ({ id: 'video' }) },
      groups: { find: async () => ({ id: 'group', accountIds: accounts.map(({ id }) => id) }) },
      accounts: { list: async () => accounts },
      edits: { findParents: async () => [] },
    } as unknown as Queries;
    let turns = 0;
    let isOver = false;
    const others = (async () => {
      for (; !isOver; turns += 1) await setImmediate();
    })();
    const plan = await planPosts(queries, 'user', { video_id: 'video', group_id: 'group', title: LONG });
    isOver = true;
    await others;
    assert.equal(plan.judgements.length, 20);
    assert.ok(turns >= 20, String(turns));
  });

  it('decide once what is for accounts that are alike', () => {
    const params = Object.fromEntries(Array.from({ length: 199 }, (_, at) => [`unknown${at}`, 1]));
    const read: string[] = [];
    const accounts = accountsOf(500).map((account) => ({
      ...account,
      get provider() {
        read.push(account.id);
        return account.provider;
      },
    }));
    accounts.push({ ...accountOf(500, { platforms: ['youtube'] }) } as never);
    const divide = divideWish(wishOf('a', { ...params, reply_settings: 'everyone' }), accounts as never);
    const [first, last] = [accounts[0], accounts.at(-1)].map((account) =>
      Object.keys(divide(account as never).params),
    );
    assert.deepEqual([first?.length, last?.length], [200, 199]);
    assert.ok(read.length < 3 * accounts.length, String(read.length));
  });
});
