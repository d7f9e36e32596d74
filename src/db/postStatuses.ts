/** Sets of statuses, as conditions of SQL have them after `in`: indexes are found by them, so they read the same everywhere. */
import {
  PENDING_POST_STATUSES,
  type PostStatus,
  TIME_HOLDING_POST_STATUSES,
  UNFINISHED_POST_STATUSES,
} from '../domain/post.ts';

const listed = (statuses: readonly PostStatus[]): string =>
  `(${statuses.map((status) => `'${status}'`).join(', ')})`;

export const UNFINISHED = listed(UNFINISHED_POST_STATUSES);
export const PENDING = listed(PENDING_POST_STATUSES);
export const HOLDING = listed(TIME_HOLDING_POST_STATUSES);
