import pg from 'pg';
import { judgeChanges } from './toldChanges.ts';

/** A row that was written, as it was before and after, or an event that was told. */
export interface Note {
  transaction: string;
  relation: (typeof WATCHED)[number];
  old: Row | null;
  new: Row | null;
}

// biome-ignore lint/suspicious/noExplicitAny: rows of every table
export type Row = Record<string, any>;

const WATCHED = [
  'videos',
  'steps',
  'edits',
  'uploads',
  'shares',
  'transcripts',
  'accounts',
  'posts',
  'targets',
  'events',
] as const;

/** Notes by triggers of its own, past everything of ours, what is written in a database and what is told of it. */
export async function watchChanges(databaseUrl: string) {
  await ask(
    databaseUrl,
    `create table noted (id bigserial primary key, transaction xid8 not null default pg_current_xact_id(),
       relation text not null, old jsonb, new jsonb);
     create function note() returns trigger language plpgsql as $$ begin
       insert into noted (relation, old, new) values (tg_table_name,
         case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end);
       return null; end $$;
     ${WATCHED.map((table) => `create trigger noted after insert ${table === 'events' ? '' : 'or update or delete'} on ${table} for each row execute function note();`).join('\n')}`,
  );
  return {
    /** What was not told as it should have been, in words, and the types of all events. */
    async judge(): Promise<{ mistakes: string[]; types: Set<string> }> {
      const notes = await ask<Note>(
        databaseUrl,
        'select transaction, relation, old, new from noted order by id',
      );
      const events = await ask(
        databaseUrl,
        'select id, user_id, sequence::int, data from events order by sequence',
      );
      const feeds = await ask(databaseUrl, 'select user_id, last_sequence::int from feeds');
      return {
        mistakes: [...judgeChanges(notes), ...judgeNumbers(notes, events, feeds)],
        types: new Set(notes.filter(({ relation }) => relation === 'events').map((note) => note.new?.type)),
      };
    },
  };
}

/** Of each user from 1 to the counter's number, and within a transaction in the order in which they were told. */
function judgeNumbers(notes: readonly Note[], events: readonly Row[], feeds: readonly Row[]): string[] {
  const mistakes: string[] = [];
  for (const { user_id, last_sequence } of feeds) {
    const numbers = events.filter((event) => event.user_id === user_id).map(({ sequence }) => sequence);
    if (numbers.length !== last_sequence || numbers.some((number, at) => number !== at + 1))
      mistakes.push(`the numbers of a user are ${numbers} and the counter ${last_sequence}`);
  }
  const numberOf = new Map(events.map(({ id, sequence }) => [id, sequence]));
  const last = new Map<string, number>();
  for (const { relation, transaction, new: event } of notes) {
    if (relation !== 'events') continue;
    const number = numberOf.get(event?.id);
    // Gone with its user.
    if (number === undefined) continue;
    if (number <= (last.get(transaction) ?? 0)) mistakes.push(`${event?.type} has the number ${number}`);
    last.set(transaction, number);
  }
  return mistakes;
}

async function ask<Answer extends pg.QueryResultRow = Row>(
  connectionString: string,
  text: string,
): Promise<Answer[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Answer>(text)).rows;
  } finally {
    await client.end();
  }
}
