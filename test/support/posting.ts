import { newId } from '../../src/db/ids.ts';
import type { Db } from '../../src/db/index.ts';
import type { NewPost } from '../../src/db/posts.ts';
import { WEEKDAYS } from '../../src/domain/account.ts';
import type { Platform } from '../../src/domain/platform.ts';
import { uniqueName } from './stack.ts';

export const SLOTS = { leadSec: 300, horizonDays: 90 };

/** A user of a name of its own, straight into the database. */
export async function makeOwner(db: Db): Promise<string> {
  const user = { username: uniqueName('user'), passwordHash: 'none', name: null, scopes: [] };
  return (await db.users.insert(user)).id;
}

/** A video that has all its bytes and is not processed yet. */
export async function makeVideo(db: Db, userId: string): Promise<string> {
  const id = newId();
  await db.transaction(({ videos }) =>
    videos.insert({
      ...{ id, userId, userLabel: null, externalId: null, title: 'A video', description: null, tags: [] },
      ...{ filename: null, contentType: 'video/mp4', sourceKey: `sources/${id}`, sourceSha256: null },
      ...{ sizeBytes: 1, optionalSteps: [] },
    }),
  );
  return id;
}

type NewAccount = Parameters<Db['accounts']['insert']>[0];

/** An account of the built-in provider: all day long, an hour apart, in UTC, unless something else is said. */
export async function makeAccount(
  db: Db,
  userId: string,
  columns: Partial<NewAccount> = {},
): Promise<string> {
  const account: NewAccount = {
    ...{ id: newId(), userId, userLabel: null, username: uniqueName('account'), provider: 'test' },
    ...{ platforms: ['tiktok', 'youtube'], isAi: false, groupId: null, timeZone: 'UTC' },
    ...{ isAutoposting: true, startMinute: 0, endMinute: 23 * 60, intervalMinutes: 60, days: [...WEEKDAYS] },
    ...{ lateAction: 'publish', maxLateMinutes: 1440, isPaused: false, sealedCredentials: null },
    ...columns,
  };
  return (await db.transaction(({ accounts }) => accounts.insert(account, { ...SLOTS, maxAccounts: 1000 })))
    .id;
}

/** What is posted: at once, unless something else is said. */
export function newPost(
  where: { userId: string; accountId: string; videoId: string },
  columns: Partial<NewPost> = {},
): NewPost {
  return {
    ...where,
    ...{ title: 'A title', description: null, platforms: null, params: {}, time: { timing: 'now' } },
    ...{ notify: null, warnings: [] },
    ...columns,
  };
}

/** Accepts a post in a transaction of its own. */
export const accept = (db: Db, wanted: NewPost) => db.transaction(({ posts }) => posts.accept(wanted, SLOTS));

/** Platforms of a post that was read, in a fixed order. */
export const platformsOf = (post: { targets: Iterable<{ platform: Platform }> }): Platform[] =>
  [...post.targets].map(({ platform }) => platform).sort();
