import type { EntityManager } from '@mikro-orm/postgresql';
import { MAX_PLACES, type SearchableVideo, toSearchDocument } from '../domain/searchDocument.ts';

/** The word in a document that only its owner's questions hold; no text has one with a colon. */
export const ownerWord = (userId: string): string => `user:${userId}`;
const FULL = 'full:';
/** The word in a document that says of another one that it has more places there than Postgres keeps. */
export const fullWord = (lexeme: string): string => `${FULL}${lexeme}`;

/**
 * The form in which a word is indexed and asked for: its English stem, and the word itself where it has none. What
 * language a text is in is not known when somebody asks; words of other languages lose at most an ending, the same
 * one in texts and in questions. Called by name, so that it does not depend on what a database counts as its own
 * language, locale or parser.
 */
export const LEXEME = `coalesce((ts_lexize('english_stem', word))[1], word)`;
/** Whether a word is one of those that say nothing by themselves. */
export const IS_COMMON = `ts_lexize('english_stem', word) = '{}'`;

/** A word that is said less often does not count for the rank, nor do more words than fit well into one row. */
const SAID_OFTEN = 3;
const SAID_VERY_OFTEN = 8;
const MAX_OFTEN = 100;

interface IndexedRow extends Omit<SearchableVideo, 'segments'> {
  userId: string;
  /** Pairs of seconds and text. */
  segments: [number, string][] | null;
}

const FIND = `
  select v.user_id as "userId", v.title, v.description, to_jsonb(v.tags) as tags,
    (select jsonb_agg(jsonb_build_array(s.segment->'startSec', s.segment->'text') order by s.number)
     from jsonb_array_elements(t.segments) with ordinality s (segment, number)) as segments
  from videos v left join lateral
    (select segments from transcripts where video_id = v.id order by kind = 'edited' desc, version desc limit 1) t on true
  where v.id = ?`;

const WRITE = `
  with given as (
    select word, places, said, ${LEXEME} as lexeme, ${IS_COMMON} as is_common
    from jsonb_to_recordset(?::jsonb) w (word text, places text, said int)),
  often as (
    select lexeme, sum(said) as said from given where not is_common
    group by lexeme having sum(said) >= ${SAID_OFTEN} order by sum(said) desc, lexeme limit ${MAX_OFTEN}),
  crowded as (
    select '${FULL}' || lexeme as word from given
    group by lexeme having sum(cardinality(string_to_array(places, ','))) >= ${MAX_PLACES}),
  made as (
    select coalesce(string_agg(quote_literal(lexeme) || ':' || places, ' '), '')::tsvector as words,
      (select coalesce(string_agg(quote_literal(lexeme) || case when said >= ${SAID_VERY_OFTEN} then ':1C' else ':1' end, ' '), '')::tsvector
       from often) as often
    from given),
  document as (
    insert into search_documents (video_id, words, segment_places, segments)
    select ?::uuid, words || array_to_tsvector(array(select word from crowded) || ?::text), ?::int[], ?::jsonb from made
    on conflict (video_id) do update set
      words = excluded.words, segment_places = excluded.segment_places, segments = excluded.segments)
  insert into search_rankings (video_id, ranking) select ?::uuid, ts_filter(words, '{a,b,c}') || often from made
  on conflict (video_id) do update set ranking = excluded.ranking`;

/**
 * Writes what searches find a video by, from its row and its current transcript as they are in the transaction. To be
 * called whenever one of them has been written, in the same transaction and with the video's row locked by it.
 *
 * It is a call and not a trigger of the database: what counts as a word is decided in one place, in `src/domain`.
 */
export async function indexVideo(tx: EntityManager, videoId: string): Promise<void> {
  const [row] = await tx.execute<IndexedRow[]>(FIND, [videoId]);
  if (!row) return;
  const { userId, segments, ...about } = row;
  const document = toSearchDocument({
    ...about,
    segments: (segments ?? []).map(([startSec, text]) => ({ startSec, text })),
  });
  const words = document.words.map(({ word, places, timesSaid }) => ({ word, places, said: timesSaid }));
  await tx.execute(WRITE, [
    JSON.stringify(words),
    videoId,
    ownerWord(userId),
    `{${document.segmentPositions.join(',')}}`,
    JSON.stringify(document.segments),
    videoId,
  ]);
}
