import { v7 as uuidv7 } from 'uuid';
import type { EventType } from '../../src/domain/event.ts';
import type { TestApi } from './api.ts';

export interface Happening {
  type?: EventType;
  videoId?: string;
  /** How often it happens, in one transaction. */
  count?: number;
  /** How much there is to say of it, roughly. */
  sizeBytes?: number;
}

/** Makes things happen to a user, in the database alone: events without a change. */
export async function happen(
  api: Pick<TestApi, 'sql'>,
  userId: string,
  { type = 'video.updated', videoId = uuidv7(), count = 1, sizeBytes = 10 }: Happening = {},
): Promise<void> {
  await api.sql(
    `insert into events (id, user_id, type, object_type, object_id, video_id, data, created_at)
     select gen_random_uuid(), $1, $2, split_part($2, '.', 1), $3, $3, jsonb_build_object('at', n, 'text', repeat('x', $5)), now()
     from generate_series(1, $4::int) n`,
    [userId, type, videoId, count, sizeBytes],
  );
}

/** The numbers from one to another, both included. */
export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
