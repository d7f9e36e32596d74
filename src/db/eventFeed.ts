import type { EntityManager } from '@mikro-orm/postgresql';
import type { Progress } from '../domain/event.ts';
import { Event } from './entities/event.ts';

export interface FeedFilter {
  /** Only events after this one. */
  afterSequence: number;
  /** As in `isChosen`; empty for all. */
  types: readonly string[];
  /** Only of this video and what belongs to it; null for all. */
  videoId: string | null;
  /** How many at most. */
  limit: number;
}

/** Where a user's events begin and end. */
export interface FeedPosition {
  lastSequence: number;
  /** Up to here events may have been removed. */
  expiredSequence: number;
}

/** Events in their order, and how the feed stood when they were read. */
export interface FeedPage extends FeedPosition {
  events: Event[];
  /** Everything up to here was looked at: where the next page goes on. */
  lookedToSequence: number;
}

/** Something that is at work for a user. */
export interface UserProgress extends Progress {
  userId: string;
  /** The number of the user's last event when this was so. */
  lastSequence: number;
}

/**
 * So many numbers are looked at for one page, so that a rare type does not make one statement read a whole life. The
 * events of one video are few, and have an index.
 */
const LOOK_AT_MOST = 10_000;

interface FeedRow {
  last_sequence: string;
  expired_sequence: string;
  id: string | null;
}

const NO_EVENTS: FeedPosition = { lastSequence: 0, expiredSequence: 0 };

const toPosition = (row: Pick<FeedRow, 'last_sequence' | 'expired_sequence'>): FeedPosition => ({
  lastSequence: Number(row.last_sequence),
  expiredSequence: Number(row.expired_sequence),
});

/** What is read of the events of users, for whoever tells of them. */
export class EventFeedQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Gives a user's events after a number, the oldest first. A page may have fewer than `limit`, and none at all, though there
   * are more: `lookedToSequence` tells, and is never beyond `lastSequence`. One statement, so that all of it is of one moment.
   */
  async list(userId: string, { afterSequence, types, videoId, limit }: FeedFilter): Promise<FeedPage> {
    const [chosen, chosenValues] = choose(types);
    const [within, withinValues] =
      videoId === null
        ? ['and sequence <= greatest(?::bigint, f.expired_sequence) + ?', [afterSequence, LOOK_AT_MOST]]
        : ['and video_id = ?', [videoId]];
    const rows = await this.#em.execute<FeedRow[]>(
      `select f.last_sequence, f.expired_sequence, e.*
       from feeds f left join lateral (
         select * from events
         where user_id = f.user_id and sequence > greatest(?::bigint, f.expired_sequence) ${within} ${chosen}
         order by sequence limit ?
       ) e on true
       where f.user_id = ? order by e.sequence`,
      [afterSequence, ...withinValues, ...chosenValues, limit, userId],
    );
    const position = rows[0] ? toPosition(rows[0]) : NO_EVENTS;
    const events = rows.filter(({ id }) => id !== null).map((row) => this.#em.map(Event, { ...row }));
    const from = Math.max(afterSequence, position.expiredSequence);
    const end = videoId === null ? from + LOOK_AT_MOST : position.lastSequence;
    const lookedToSequence = events.length === limit ? (events.at(-1)?.sequence ?? from) : end;
    return { ...position, events, lookedToSequence: Math.min(lookedToSequence, position.lastSequence) };
  }

  /** Where the events of each of the users are, in one statement; who has none yet is at 0. */
  async findPositions(userIds: readonly string[]): Promise<Map<string, FeedPosition>> {
    const positions = new Map<string, FeedPosition>(userIds.map((id) => [id, NO_EVENTS]));
    if (userIds.length === 0) return positions;
    const rows = await this.#em.execute<(FeedRow & { user_id: string })[]>(
      'select user_id, last_sequence, expired_sequence from feeds where user_id in (?)',
      [[...userIds]],
    );
    for (const row of rows) positions.set(row.user_id, toPosition(row));
    return positions;
  }

  /**
   * How far everything is that is at work for the users now, in one statement. Not by the time of its last change: that is
   * written by the clocks of many hosts, and what is at work is never more than the workers have hands.
   */
  async findProgress(userIds: readonly string[]): Promise<UserProgress[]> {
    if (userIds.length === 0) return [];
    const rows = await this.#em.execute<(UserProgress & { lastSequence: string })[]>(
      `select x.*, coalesce(f.last_sequence, 0) as "lastSequence" from (
         select 'step' as object, v.user_id as "userId", s.id, s.video_id as "videoId", s.name, s.attempt, s.percent
         from steps s join videos v on v.id = s.video_id and v.deleted_at is null
         where s.state = 'running' and v.user_id in (?)
         union all
         select 'edit', e.user_id, e.id, e.video_id, e.kind, e.attempt, e.percent
         from edits e where e.status = 'running' and e.rendered_at is null and e.user_id in (?)
       ) x left join feeds f on f.user_id = x."userId"`,
      [[...userIds], [...userIds]],
    );
    return rows.map((row) => ({ ...row, lastSequence: Number(row.lastSequence) }));
  }
}

/** The patterns as a condition, with its values. */
function choose(types: readonly string[]): [sql: string, values: unknown[]] {
  if (types.length === 0 || types.includes('*')) return ['', []];
  const isResource = (type: string) => type.endsWith('.*');
  const resources = types.filter(isResource).map((type) => type.slice(0, -2));
  const single = types.filter((type) => !isResource(type));
  // An empty list is no SQL: no type and no resource is the empty word.
  const values = [
    [...single, ''],
    [...resources, ''],
  ];
  return ["and (type in (?) or split_part(type, '.', 1) in (?))", values];
}
