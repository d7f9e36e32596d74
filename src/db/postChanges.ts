import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from '@mikro-orm/postgresql';
import { findMissing } from '../domain/account.ts';
import type { Platform } from '../domain/platform.ts';
import { derivePostStatus } from '../domain/post.ts';
import type { PostWarning } from '../domain/postParams.ts';
import { holdAccount } from './accounts.ts';
import type { Account } from './entities/account.ts';
import { Post } from './entities/post.ts';
import { type NewPost, newTarget } from './postAcceptance.ts';
import { assertOpen, holdPost } from './postEnds.ts';
import { readPosts, tellPost } from './postEvents.ts';
import { PlatformsMissingError, TooLateError } from './postRefusals.ts';
import { chooseTime } from './postTimes.ts';
import type { SlotLimits } from './slots.ts';
import { isOfTime, warnOfTimes } from './timeWarnings.ts';

/** What its owner changes of a post; what is left out stays. Warnings that are given are those of all that is wanted now. */
export type PostChanges = Partial<
  Pick<NewPost, 'title' | 'description' | 'params' | 'time' | 'warnings'> & { platforms: readonly Platform[] }
>;

/**
 * Changes a post that nothing has left for, and tells of it; null when there is no such post. An account that is paused,
 * or needs other credentials, keeps its posts, and they can be changed. Call it in a transaction.
 *
 * @throws TooLateError; PlatformsMissingError; AutopostingDisabledError, NoSlotError
 */
export async function changePost(
  tx: EntityManager,
  { userId, id }: { userId: string; id: string },
  changes: PostChanges,
  limits: SlotLimits,
): Promise<Post | null> {
  const held = await holdToChange(tx, userId, id);
  if (!held) return null;
  const { post, account } = held;
  const before = changeable(post);
  const { title, description, params } = changes;
  if (title !== undefined) post.title = title;
  if (description !== undefined) post.description = description;
  if (params !== undefined) post.params = params;
  if (changes.platforms !== undefined) changePlatforms(tx, held, changes.platforms);
  const ofTime = await changeTime(tx, { post, account, changes, limits });
  const others = (changes.warnings ?? post.warnings).filter((warning) => !isOfTime(warning));
  post.warnings = [...others, ...ofTime];
  const [unchanged] = isDeepStrictEqual(changeable(post), before) ? await readPosts(tx, [id]) : [];
  if (unchanged) return unchanged;
  post.updatedAt = new Date();
  return tellPost(tx, id, 'post.updated');
}

/** A post that nothing has left for. */
export interface ChangeablePost {
  post: Post;
  account: Account;
}

/**
 * Gives a post that nothing has left for, with its targets and its account, and keeps them as they are until the
 * transaction ends; null when there is no such post.
 *
 * @throws TooLateError
 */
export async function holdToChange(
  tx: EntityManager,
  userId: string,
  id: string,
): Promise<ChangeablePost | null> {
  const account = await holdAccountOf(tx, userId, id);
  const held = await holdPost(tx, userId, id);
  if (!held) return null;
  assertOpen(held);
  // Its account goes only when none of its posts is open.
  if (!account) throw new TooLateError('The account of the post is gone');
  const post = await tx.findOneOrFail(Post, { id }, { populate: ['targets'], refresh: true });
  return { post, account };
}

/** The account comes before the post, as for all who hold both. */
async function holdAccountOf(tx: EntityManager, userId: string, id: string): Promise<Account | null> {
  const [post] = await tx.execute<{ accountId: string }[]>(
    'select account_id as "accountId" from posts where id = ? and user_id = ?',
    [id, userId],
  );
  return post ? holdAccount(tx, userId, post.accountId) : null;
}

const changeable = ({
  title,
  description,
  params,
  timing,
  timeZone,
  dueAt,
  slotAt,
  wallTime,
  tzVersion,
  warnings,
  targets,
}: Post) => ({
  ...{ title, description: description ?? null, params, timing, timeZone, warnings },
  ...{ dueAt: dueAt.getTime(), slotAt: slotAt?.getTime() ?? null, wallTime: wallTime ?? null, tzVersion },
  platforms: new Set([...targets].map(({ platform }) => platform)),
});

/** @throws PlatformsMissingError */
function changePlatforms(
  tx: EntityManager,
  { post, account }: ChangeablePost,
  wanted: readonly Platform[],
): void {
  const missing = findMissing(account, wanted);
  if (missing.length > 0) throw new PlatformsMissingError(missing);
  const present = [...post.targets];
  for (const target of present) {
    if (wanted.includes(target.platform)) continue;
    post.targets.remove(target);
    tx.remove(target);
  }
  const added = wanted.filter((platform) => !present.some((target) => target.platform === platform));
  for (const platform of added) post.targets.add(newTarget(tx, post, platform));
  post.status = derivePostStatus([...post.targets]);
}

interface Change extends ChangeablePost {
  changes: PostChanges;
  limits: SlotLimits;
}

/** Gives the warnings of the time: they are asked for again with each change of it, and of the platforms. */
async function changeTime(
  tx: EntityManager,
  { post, account, changes, limits }: Change,
): Promise<PostWarning[]> {
  const where = {
    account,
    platforms: [...post.targets].map(({ platform }) => platform),
    exceptPostId: post.id,
  };
  if (changes.time) {
    const { warnings, ...time } = await chooseTime(tx, { ...where, wanted: changes.time }, limits);
    tx.assign(post, { ...time, timeZone: account.timeZone });
    return [...warnings];
  }
  if (!changes.platforms) return post.warnings.filter(isOfTime);
  const [warnings = []] = await warnOfTimes(tx, [{ ...where, ...timeOf(post) }], Date.now());
  return warnings;
}

const timeOf = ({ timing, dueAt }: Post) => ({ timing, dueAt });
