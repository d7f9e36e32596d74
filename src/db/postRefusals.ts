import type { Platform } from '../domain/platform.ts';
import { VideoflowError } from '../errors.ts';

/** Why one account takes no post; others of its group still may. */
export abstract class PostRefusedError extends VideoflowError {}

/** Another's, deleted, or never there. */
export class AccountMissingError extends PostRefusedError {
  readonly code = 'not_found';

  constructor() {
    super('There is nothing here');
  }
}

/** Its owner has paused the account. */
export class AccountPausedError extends PostRefusedError {
  readonly code = 'account_paused';
}

/** The provider refused the account's credentials, and it has got no others since. */
export class ReauthRequiredError extends PostRefusedError {
  readonly code = 'reauth_required';
}

/** The account does not post there. */
export class PlatformsMissingError extends PostRefusedError {
  readonly code = 'invalid_request';
  readonly platforms: readonly Platform[];

  constructor(platforms: readonly Platform[]) {
    super(`The account does not post to ${platforms.join(', ')}`);
    this.platforms = platforms;
  }
}

/** The account has no times of its own. */
export class AutopostingDisabledError extends PostRefusedError {
  readonly code = 'autoposting_disabled';
}

/** The account has no free slot as far ahead as is looked. */
export class NoSlotError extends PostRefusedError {
  readonly code = 'no_slot';
}

/** Another's, deleted, or never there. */
export class VideoMissingError extends VideoflowError {
  readonly code = 'not_found';

  constructor() {
    super('There is nothing here');
  }
}

/** The video has failed, was cancelled, or has no bytes that could be waited for. */
export class VideoNotUsableError extends VideoflowError {
  readonly code = 'video_not_usable';
}

/** Something of a post may have left already, or the post is over. */
export class TooLateError extends VideoflowError {
  readonly code = 'too_late';
}

/** A post that is not over. */
export interface UnfinishedPost {
  id: string;
  dueAt: Date;
}

/** Posts that are not over need it. */
export class PostsUnfinishedError extends VideoflowError {
  readonly code = 'in_use';
  /** Those that are due first, at most 100. */
  readonly posts: readonly UnfinishedPost[];

  constructor(posts: readonly UnfinishedPost[]) {
    super('There are posts that are not over and need it; cancel them first');
    this.posts = posts;
  }
}
