import type { FilterQuery } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { PENDING_POST_STATUSES, type PostStatus } from '../domain/post.ts';
import { Post } from './entities/post.ts';
import { type Acceptance, acceptPost, acceptPosts, type NewPost } from './postAcceptance.ts';
import { type ChangeablePost, changePost, holdToChange, type PostChanges } from './postChanges.ts';
import { cancelHeld, holdPost } from './postEnds.ts';
import { readPosts } from './postEvents.ts';
import type { SlotLimits } from './slots.ts';
import type { Page } from './videos.ts';

export type { Acceptance, NewPost } from './postAcceptance.ts';
export type { PostChanges } from './postChanges.ts';
export type { WantedTime } from './postTimes.ts';

export interface PostFilter {
  /** `pending`: everything whose end is not known. */
  status?: PostStatus | 'pending';
  accountId?: string;
  videoId?: string;
  userLabel?: string;
  /** Of when they are to go out; the first included, the last not. */
  dueFrom?: Date;
  dueBefore?: Date;
}

/** Posts, for their owners; `userId` is always the owner's, so another's row is never found. */
export class PostQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Accepts a post; its targets are planned. Call it in a transaction.
   *
   * @throws VideoMissingError, VideoNotUsableError; every PostRefusedError
   */
  accept(wanted: NewPost, limits: SlotLimits): Promise<Post> {
    return acceptPost(this.#em, wanted, limits);
  }

  /**
   * Accepts posts of one video, each by another account, which may refuse its own: nothing is written of that one. Call it
   * in a transaction.
   *
   * @returns what became of them, in the order given
   * @throws VideoMissingError, VideoNotUsableError
   */
  acceptAll(wanted: readonly NewPost[], limits: SlotLimits): Promise<Acceptance[]> {
    return acceptPosts(this.#em, wanted, limits);
  }

  /** The user's post with its targets, or null when it is another's or was never there. */
  find(userId: string, id: string): Promise<Post | null> {
    return this.#em.findOne(Post, { id, user: userId }, { populate: ['targets'], refresh: true });
  }

  /** Newest first; one more than `limit` rows tells that there is a next page. */
  list(userId: string, filter: PostFilter, { limit, beforeId }: Page): Promise<Post[]> {
    const { status, accountId, videoId, userLabel, dueFrom, dueBefore } = filter;
    const conditions: FilterQuery<Post>[] = [{ user: userId }];
    if (status === 'pending') conditions.push({ status: { $in: [...PENDING_POST_STATUSES] } });
    else if (status) conditions.push({ status });
    if (accountId !== undefined) conditions.push({ account: accountId });
    if (videoId !== undefined) conditions.push({ videoId });
    if (userLabel !== undefined) conditions.push({ userLabel });
    if (dueFrom) conditions.push({ dueAt: { $gte: dueFrom } });
    if (dueBefore) conditions.push({ dueAt: { $lt: dueBefore } });
    if (beforeId) conditions.push({ id: { $lt: beforeId } });
    return this.#em.find(
      Post,
      { $and: conditions },
      { orderBy: { id: 'desc' }, limit: limit + 1, populate: ['targets'] },
    );
  }

  /**
   * Gives a post that nothing has left for, and keeps it and its account as they are, for those who have to think before
   * they change it; null when there is no such post. Call it in a transaction.
   *
   * @throws TooLateError
   */
  hold(userId: string, id: string): Promise<ChangeablePost | null> {
    return holdToChange(this.#em, userId, id);
  }

  /**
   * Changes what its owner may change, and what is left out stays; null when there is no such post.
   *
   * @throws TooLateError; PlatformsMissingError; AutopostingDisabledError, NoSlotError
   */
  change(userId: string, id: string, changes: PostChanges, limits: SlotLimits): Promise<Post | null> {
    return this.#em.transactional((tx) => changePost(tx, { userId, id }, changes, limits));
  }

  /** Cancels a post, also one that is cancelled already; null when there is none. @throws TooLateError */
  cancel(userId: string, id: string): Promise<Post | null> {
    return this.#em.transactional(async (tx) => {
      const held = await holdPost(tx, userId, id);
      if (!held) return null;
      const [post] = held.status === 'cancelled' ? await readPosts(tx, [id]) : await cancelHeld(tx, [held]);
      return post ?? null;
    });
  }
}
