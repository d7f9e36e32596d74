import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { judgeParent, type ParentState } from '../domain/edit.ts';
import type { Platform } from '../domain/platform.ts';
import type { PostParams, PostWarning } from '../domain/postParams.ts';
import { holdAccount } from './accounts.ts';
import type { Account } from './entities/account.ts';
import { Post } from './entities/post.ts';
import { Target } from './entities/target.ts';
import { User } from './entities/user.ts';
import { tellPost } from './postEvents.ts';
import {
  AccountMissingError,
  AccountPausedError,
  PlatformsMissingError,
  ReauthRequiredError,
  VideoMissingError,
  VideoNotUsableError,
} from './postRefusals.ts';
import { chooseTime, type WantedTime, warnOfClose } from './postTimes.ts';
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

/**
 * Accepts a post with its targets, and tells of it. Nothing is written before all is known to be well. Call it in a
 * transaction.
 *
 * @throws VideoMissingError, VideoNotUsableError; every PostRefusedError
 */
export async function acceptPost(tx: EntityManager, wanted: NewPost, limits: SlotLimits): Promise<Post> {
  await holdVideo(tx, wanted);
  const account = await holdOpenAccount(tx, wanted);
  const platforms = platformsOf(account, wanted.platforms);
  const time = await chooseTime(tx, account, wanted.time, { platforms, limits });
  const close = await warnOfClose(tx, account, time);
  const { userId, accountId: _, platforms: __, time: ___, ...columns } = wanted;
  const post = tx.create(Post, {
    ...columns,
    ...time,
    user: tx.getReference(User, userId),
    account,
    userLabel: account.userLabel ?? null,
    timeZone: (wanted.time.timing === 'at' && wanted.time.timeZone) || account.timeZone,
    warnings: [...wanted.warnings, ...close],
  } as RequiredEntityData<Post>);
  for (const platform of platforms) post.targets.add(newTarget(tx, post, platform));
  return tellPost(tx, post.id, 'post.scheduled');
}

/** Makes the target of a post that is being accepted or changed. */
export const newTarget = (tx: EntityManager, post: Post, platform: Platform): Target =>
  tx.create(Target, { post, platform, state: 'planned', attempts: 0 } as RequiredEntityData<Target>);

/** Gives the platforms that are wanted of an account that is held. @throws PlatformsMissingError */
export function platformsOf(account: Account, wanted: readonly Platform[] | null): readonly Platform[] {
  if (wanted === null) return account.platforms;
  const missing = wanted.filter((platform) => !account.platforms.includes(platform));
  if (missing.length > 0) throw new PlatformsMissingError(missing);
  return wanted;
}

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

async function holdOpenAccount(tx: EntityManager, { userId, accountId }: NewPost): Promise<Account> {
  const account = await holdAccount(tx, userId, accountId);
  if (!account) throw new AccountMissingError();
  if (account.isPaused) throw new AccountPausedError('The account is paused');
  if (account.needsReauth) throw new ReauthRequiredError('The account needs other credentials');
  return account;
}
