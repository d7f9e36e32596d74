import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { findMissing } from '../domain/account.ts';
import { judgeParent, type ParentState } from '../domain/edit.ts';
import type { Platform } from '../domain/platform.ts';
import type { PostParams, PostWarning } from '../domain/postParams.ts';
import { Account } from './entities/account.ts';
import { Post } from './entities/post.ts';
import { Target } from './entities/target.ts';
import { User } from './entities/user.ts';
import { tellPosts } from './postEvents.ts';
import {
  AccountMissingError,
  AccountPausedError,
  PlatformsMissingError,
  PostRefusedError,
  ReauthRequiredError,
  VideoMissingError,
  VideoNotUsableError,
} from './postRefusals.ts';
import { type ChosenTime, chooseTimes, type WantedTime } from './postTimes.ts';
import type { SlotLimits } from './slots.ts';

/** A post of one account. */
export interface NewPost {
  userId: string;
  accountId: string;
  videoId: string;
  title: string;
  description: string | null;
  /** Null: all of the account's. */
  platforms: readonly Platform[] | null;
  params: PostParams;
  time: WantedTime;
  notify: 'telegram' | null;
  /** Those that are known already. */
  warnings: readonly PostWarning[];
}

/** What became of one post of several: accepted, or refused by its account. */
export type Acceptance = { accountId: string; post: Post } | { accountId: string; refusal: PostRefusedError };

/** A post that nothing speaks against but perhaps its time. */
interface OpenPost {
  wanted: NewPost;
  account: Account;
  platforms: readonly Platform[];
}

/**
 * Accepts posts of one user's one video, each of another account, with their targets, and tells of them; each account may
 * refuse its own, of which nothing is written then. Nothing is written before all is known to be well. Call it in a
 * transaction.
 *
 * @returns what became of them, in the order given
 * @throws VideoMissingError, VideoNotUsableError
 */
export async function acceptPosts(
  tx: EntityManager,
  posts: readonly NewPost[],
  limits: SlotLimits,
): Promise<Acceptance[]> {
  const [first] = posts;
  if (!first) return [];
  await holdVideo(tx, first);
  const accounts = await holdAccounts(tx, first.userId, posts);
  const judged = posts.map((wanted) => judge(wanted, accounts.get(wanted.accountId)));
  const open = judged.flatMap((one) => (one instanceof PostRefusedError ? [] : [one]));
  const questions = open.map(({ wanted, ...where }) => ({ ...where, wanted: wanted.time }));
  const times = (await chooseTimes(tx, questions, limits)).values();
  const made = judged.map((one) => {
    const time =
      one instanceof PostRefusedError ? one : (times.next().value as ChosenTime | PostRefusedError);
    return time instanceof PostRefusedError ? time : newPost(tx, one as OpenPost, time);
  });
  const ids = made.flatMap((one) => (one instanceof PostRefusedError ? [] : [one.id]));
  const told = new Map((await tellPosts(tx, ids, 'post.scheduled')).map((post) => [post.id, post]));
  return posts.map(({ accountId }, at) => {
    const one = made[at] as Post | PostRefusedError;
    return one instanceof PostRefusedError
      ? { accountId, refusal: one }
      : { accountId, post: told.get(one.id) as Post };
  });
}

/**
 * Accepts one post.
 *
 * @throws VideoMissingError, VideoNotUsableError; every PostRefusedError
 */
export async function acceptPost(tx: EntityManager, wanted: NewPost, limits: SlotLimits): Promise<Post> {
  const [acceptance] = await acceptPosts(tx, [wanted], limits);
  if (!acceptance) throw new Error('Every post that is wanted is accepted or refused');
  if ('refusal' in acceptance) throw acceptance.refusal;
  return acceptance.post;
}

function newPost(tx: EntityManager, { wanted, account, platforms }: OpenPost, time: ChosenTime): Post {
  const { userId, videoId, title, description, params, notify } = wanted;
  const post = tx.create(Post, {
    ...{ videoId, title, description, params, notify },
    ...time,
    user: tx.getReference(User, userId),
    account,
    userLabel: account.userLabel ?? null,
    timeZone: (wanted.time.timing === 'at' && wanted.time.timeZone) || account.timeZone,
    warnings: [...wanted.warnings, ...time.warnings],
  } as RequiredEntityData<Post>);
  for (const platform of platforms) post.targets.add(newTarget(tx, post, platform));
  return post;
}

/** Makes the target of a post that is being accepted or changed. */
export const newTarget = (tx: EntityManager, post: Post, platform: Platform): Target =>
  tx.create(Target, { post, platform, state: 'planned', attempts: 0 } as RequiredEntityData<Target>);

/**
 * Keeps a user's video from being deleted, or ended otherwise, until the transaction ends.
 *
 * @throws VideoMissingError, VideoNotUsableError
 */
async function holdVideo(
  tx: EntityManager,
  { userId, videoId }: Pick<NewPost, 'userId' | 'videoId'>,
): Promise<void> {
  const [video] = await tx.execute<ParentState[]>(
    `select v.status, v.cancel_requested_at is not null as "isUnwanted",
            exists (select from uploads u where u.video_id = v.id and u.state = 'complete') as "hasAllBytes"
     from videos v where v.id = ? and v.user_id = ? and v.deleted_at is null for share`,
    [videoId, userId],
  );
  if (!video) throw new VideoMissingError();
  if (judgeParent(video) === 'unusable')
    throw new VideoNotUsableError('The video has failed, was cancelled, or has no bytes yet');
}

/** Gives the user's accounts of posts by their ids, and keeps them as they are until the transaction ends. */
async function holdAccounts(
  tx: EntityManager,
  userId: string,
  posts: readonly NewPost[],
): Promise<Map<string, Account>> {
  // In one order, so that two who hold the same ones wait in no circle.
  const held = await tx.execute<{ id: string }[]>(
    `select id from accounts where id in (?) and user_id = ? and deleted_at is null
     order by id for no key update`,
    [posts.map(({ accountId }) => accountId), userId],
  );
  // A statement of its own: only one that begins under the lock sees what its last holder has written.
  const accounts = await tx.find(Account, { id: { $in: held.map(({ id }) => id) } }, { refresh: true });
  return new Map(accounts.map((account) => [account.id, account]));
}

function judge(wanted: NewPost, account: Account | undefined): OpenPost | PostRefusedError {
  if (!account) return new AccountMissingError();
  if (account.isPaused) return new AccountPausedError('The account is paused');
  if (account.needsReauth) return new ReauthRequiredError('The account needs other credentials');
  const platforms = wanted.platforms ?? account.platforms;
  const missing = findMissing(account, platforms);
  return missing.length > 0 ? new PlatformsMissingError(missing) : { wanted, account, platforms };
}
