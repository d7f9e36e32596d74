import type { EntityManager } from '@mikro-orm/postgresql';
import { isOpenTarget, type PostStatus, type TargetState, UNFINISHED_POST_STATUSES } from '../domain/post.ts';
import { Post } from './entities/post.ts';
import { Target } from './entities/target.ts';
import { tellCancelled } from './postEvents.ts';
import { PostsUnfinishedError, TooLateError, type UnfinishedPost } from './postRefusals.ts';
import { UNFINISHED } from './postStatuses.ts';

/** The video or the account that posts need. */
export type NeededByPosts = { videoId: string } | { accountId: string };

/** A post with its targets, kept as they are until the transaction ends. */
export interface HeldPost {
  id: string;
  status: PostStatus;
  states: TargetState[];
}

/** So many of the posts that something is needed by are named. */
const LISTED = 100;
/** So many are cancelled at once. */
const BATCH = 500;

/** Holds a user's post with its targets; null when there is none. */
export async function holdPost(tx: EntityManager, userId: string, id: string): Promise<HeldPost | null> {
  const [post] = await holdPosts(tx, 'id = ? and user_id = ?', [id, userId]);
  return post ?? null;
}

async function holdPosts(tx: EntityManager, where: string, values: unknown[]): Promise<HeldPost[]> {
  const posts = await tx.execute<Pick<HeldPost, 'id' | 'status'>[]>(
    `select id, status from posts where ${where} order by id limit ${BATCH} for no key update`,
    values,
  );
  if (posts.length === 0) return [];
  const targets = await tx.execute<{ postId: string; state: TargetState }[]>(
    `select post_id as "postId", state from targets where post_id in (?) order by id for no key update`,
    [posts.map(({ id }) => id)],
  );
  return posts.map((post) => ({
    ...post,
    states: targets.filter(({ postId }) => postId === post.id).map(({ state }) => state),
  }));
}

/** Makes sure that nothing of a post has left, or is about to. @throws TooLateError */
export function assertOpen({ status, states }: HeldPost): void {
  const isUnfinished = UNFINISHED_POST_STATUSES.some((unfinished) => unfinished === status);
  if (!isUnfinished) throw new TooLateError('The post is over');
  if (!states.every(isOpenTarget)) throw new TooLateError('Something of the post is being sent, or was sent');
}

/**
 * Cancels posts that are held, and tells of it. Nothing has left for them, so there is nobody to ask first.
 *
 * @throws TooLateError when something of one may have left
 */
export async function cancelHeld(tx: EntityManager, posts: readonly HeldPost[]): Promise<Post[]> {
  for (const post of posts) assertOpen(post);
  if (posts.length === 0) return [];
  const ids = posts.map(({ id }) => id);
  const updatedAt = new Date();
  await tx.nativeUpdate(
    Target,
    { post: { $in: ids } },
    { state: 'cancelled', nextAttemptAt: null, updatedAt },
  );
  await tx.nativeUpdate(Post, { id: { $in: ids } }, { status: 'cancelled', updatedAt });
  return tellCancelled(tx, ids);
}

/** The posts that are not over and need a video or an account; those that are due first. */
function listUnfinished(em: EntityManager, needed: NeededByPosts, limit: number): Promise<UnfinishedPost[]> {
  return em.find(
    Post,
    {
      ...('videoId' in needed ? needed : { account: needed.accountId }),
      status: { $in: [...UNFINISHED_POST_STATUSES] },
    },
    { fields: ['id', 'dueAt'], orderBy: { dueAt: 'asc', id: 'asc' }, limit, disableIdentityMap: true },
  );
}

/**
 * Cancels all posts that need a video or an account, and tells of it. Call it in a transaction that holds that row, so
 * that no post is accepted meanwhile.
 *
 * @throws TooLateError when something of one may have left; then none may be cancelled
 */
export async function cancelUnfinished(tx: EntityManager, needed: NeededByPosts): Promise<void> {
  const [where, id] = neededIs(needed);
  for (let cancelled = BATCH; cancelled === BATCH; ) {
    const posts = await holdPosts(tx, `${where} and status in ${UNFINISHED}`, [id]);
    await cancelHeld(tx, posts);
    cancelled = posts.length;
  }
}

/**
 * Makes sure that no post needs a video or an account any more, which goes in this transaction and is held by it.
 *
 * @param isForced cancels those that do
 * @throws PostsUnfinishedError; TooLateError when one that should be cancelled cannot be
 */
export async function endPosts(tx: EntityManager, needed: NeededByPosts, isForced: boolean): Promise<void> {
  if (isForced) return cancelUnfinished(tx, needed);
  const posts = await listUnfinished(tx, needed, LISTED);
  if (posts.length > 0) throw new PostsUnfinishedError(posts);
}

const neededIs = (needed: NeededByPosts): [string, string] =>
  'videoId' in needed ? ['video_id = ?', needed.videoId] : ['account_id = ?', needed.accountId];
