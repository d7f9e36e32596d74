import type { EntityManager } from '@mikro-orm/postgresql';
import type { EventType } from '../domain/event.ts';
import { targetsOf, toPostView, toTargetView } from '../views/posts.ts';
import { Post } from './entities/post.ts';
import type { Target } from './entities/target.ts';
import { asWritten, type NewEvent, tell } from './events.ts';

/** Gives posts with their targets as they are written now, in the order of their ids. */
export async function readPosts(tx: EntityManager, ids: readonly string[]): Promise<Post[]> {
  const em = await asWritten(tx);
  return em.find(Post, { id: { $in: [...ids] } }, { populate: ['targets'], orderBy: { id: 'asc' } });
}

/** Tells what was done to posts, after it and in its transaction. @returns the posts as they were told */
export async function tellPosts(
  tx: EntityManager,
  ids: readonly string[],
  type: 'post.scheduled' | 'post.updated',
): Promise<Post[]> {
  const posts = await readPosts(tx, ids);
  await tell(
    tx,
    posts.map((post) => postTold(post, type)),
  );
  return posts;
}

/** The same of one. */
export async function tellPost(
  tx: EntityManager,
  id: string,
  type: 'post.scheduled' | 'post.updated',
): Promise<Post> {
  const [post] = await tellPosts(tx, [id], type);
  if (!post) throw new Error('A post that is told of is there');
  return post;
}

/** Tells that posts were cancelled, of each the targets first. @returns the posts as they were told */
export async function tellCancelled(tx: EntityManager, ids: readonly string[]): Promise<Post[]> {
  const posts = await readPosts(tx, ids);
  await tell(
    tx,
    posts.flatMap((post) => [
      ...targetsOf(post).map((target) => targetTold(post, target, 'target.cancelled')),
      postTold(post, 'post.cancelled'),
    ]),
  );
  return posts;
}

const postTold = (post: Post, type: EventType): NewEvent => ({
  userId: post.user.id,
  type,
  object: { type: 'post', id: post.id },
  videoId: post.videoId,
  data: toPostView(post),
});

const targetTold = (post: Post, target: Target, type: EventType): NewEvent => ({
  userId: post.user.id,
  type,
  object: { type: 'target', id: post.id },
  videoId: post.videoId,
  data: { post_id: post.id, ...toTargetView(target) },
});
