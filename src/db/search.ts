import type { EntityManager } from '@mikro-orm/postgresql';
import { LAST_PLACE } from '../domain/searchDocument.ts';
import type { SearchQuery } from '../domain/searchQuery.ts';
import { Video } from './entities/video.ts';
import { IS_COMMON, LEXEME, ownerWord } from './searchIndex.ts';
import { type Lexemes, writeQueries } from './searchQueries.ts';
import { MADE_ANYWAY, type VideoFilter, WITH_PARTS } from './videos.ts';

/** A part of what is said in a video. */
export interface SearchMatch {
  startSec: number;
  text: string;
}

export interface FoundVideo {
  video: Video;
  /** The segments that hold most of what was asked for, in the order of time. */
  matches: SearchMatch[];
}

export interface SearchPage {
  limit: number;
  /** How many of the ranking come before the page. */
  offset: number;
  /** The newest video of all when the first page was given: what came later is on no page. */
  newestId?: string | undefined;
}

export interface SearchResult {
  found: FoundVideo[];
  hasMore: boolean;
  /** Whether older videos were left out of the ranking. */
  isTruncated: boolean;
  /** To be given back with the next page. */
  newestId: string | null;
}

/** So many of the newest videos are ranked. */
const MAX_RANKED = 2000;
/** Of so many it is looked at whether words follow each other: all places of all words of one take up to 100 kB. */
const MAX_READ = 500;
const MAX_MATCHES = 5;

/** The search for videos by the words about them and in them; `userId` is always the owner's. */
export class SearchQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /**
   * Finds videos by words, the best first, and the newer of equal ones first. The newest 2,000 that hold the words
   * are ranked; where words must follow each other, it is looked for among the newest 500 that hold them all.
   */
  async find(
    userId: string,
    query: SearchQuery,
    filter: VideoFilter,
    page: SearchPage,
    { maxRanked = MAX_RANKED, maxRead = MAX_READ } = {},
  ): Promise<SearchResult> {
    const written = writeQueries(query, ownerWord(userId), await this.#stem(query));
    const conditions = toConditions(userId, filter, page);
    const most = written.exact === null ? maxRanked : maxRead;
    const [row] = await this.#em.execute<[{ ids: string[] | null; seen: number; newestId: string | null }]>(
      toSql(written.exact !== null, conditions.sql),
      [
        ...[written.rank, written.index, ...conditions.values, most + 1, most],
        ...(written.exact === null ? [] : [written.exact]),
        ...[page.limit + 1, page.offset],
      ],
    );
    const ids = row.ids ?? [];
    return {
      found: await this.#show(ids.slice(0, page.limit), written.shown),
      hasMore: ids.length > page.limit,
      isTruncated: row.seen > most,
      newestId: page.newestId ?? row.newestId,
    };
  }

  /** Gives each word as the index has it. */
  async #stem(query: SearchQuery): Promise<Lexemes> {
    const words = [...new Set(query.flat().flatMap(({ words }) => words.map(({ word }) => word)))];
    const rows = await this.#em.execute<{ word: string; lexeme: string; isCommon: boolean }[]>(
      `select word, ${LEXEME} as lexeme, ${IS_COMMON} as "isCommon" from jsonb_array_elements_text(?::jsonb) word`,
      [JSON.stringify(words)],
    );
    return new Map(rows.map(({ word, ...lexeme }) => [word, lexeme]));
  }

  async #show(ids: string[], lexemes: string[]): Promise<FoundVideo[]> {
    if (ids.length === 0) return [];
    const [videos, matches] = await Promise.all([
      this.#em.find(
        Video,
        { id: { $in: ids }, deletedAt: null },
        { populate: WITH_PARTS, populateWhere: MADE_ANYWAY },
      ),
      this.#findMatches(ids, lexemes),
    ]);
    const byId = new Map(videos.map((video) => [video.id, video]));
    return ids.flatMap((id) => {
      const video = byId.get(id);
      return video ? { video, matches: matches.get(id) ?? [] } : [];
    });
  }

  /** Where the words are said, told by their places alone: no text is read again. */
  async #findMatches(ids: string[], lexemes: string[]): Promise<Map<string, SearchMatch[]>> {
    const matches = new Map<string, SearchMatch[]>();
    if (lexemes.length === 0) return matches;
    const rows = await this.#em.execute<{ videoId: string; segment: [number, string] }[]>(
      `select d.video_id as "videoId", d.segments -> (m.number - 1) as segment
       from search_documents d cross join lateral
         -- Joined to nothing, so that it is fetched once and not again for every place of a word.
         (select d.segment_places || '{}'::int[] as places offset 0) s cross join lateral
         (select width_bucket(place::int, s.places) as number, count(distinct w.lexeme) as words
          from unnest(ts_filter(setweight(ts_filter(d.words, '{d}'), 'A', ?::text[]), '{a}')) w, unnest(w.positions) place
          where place < ${LAST_PLACE} group by 1 order by 2 desc, 1 limit ${MAX_MATCHES}) m
       where d.video_id in (?) order by d.video_id, m.number`,
      [`{${lexemes.map((lexeme) => JSON.stringify(lexeme)).join(',')}}`, ids],
    );
    for (const { videoId, segment } of rows) {
      const [startSec, text] = segment;
      matches.set(videoId, [...(matches.get(videoId) ?? []), { startSec, text }]);
    }
    return matches;
  }
}

/**
 * The sub-selects hide from the planner what is looked for: the index is right for rare and common words alike, while
 * for common ones it would prefer to walk through the videos of everybody. So does `offset 0`, which also keeps it from
 * looking at the rows of videos before the newest are known.
 */
const toSql = (isExact: boolean, conditions: string): string => `
  with asked as materialized (select ?::tsquery as rank),
  newest as materialized (
    select hit.* from
      (select video_id${isExact ? ', words' : ''} from search_documents where words @@ (select ?::tsquery)
       order by video_id desc offset 0) hit
    join videos v on v.id = hit.video_id
    where ${conditions} order by hit.video_id desc limit ?),
  ranked as (
    select video_id, ts_rank(r.ranking, asked.rank) as rank
    from (select * from newest order by video_id desc limit ?) n join search_rankings r using (video_id), asked
    ${isExact ? 'where words @@ (select ?::tsquery)' : ''}),
  page as (select * from ranked order by rank desc, video_id desc limit ? offset ?)
  select (select json_agg(video_id order by rank desc, video_id desc) from page) as ids,
    (select count(*)::int from newest) as seen, (select video_id from newest order by video_id desc limit 1) as "newestId"`;

interface Conditions {
  sql: string;
  values: unknown[];
}

/** The conditions of `VideoQueries.list`. */
function toConditions(userId: string, filter: VideoFilter, { newestId }: SearchPage): Conditions {
  const { status, tag, userLabel, externalId, createdAfter, createdBefore } = filter;
  const given: [string, unknown][] = [
    ['v.user_id = ?', userId],
    status ? ['v.status = ?', status] : ['v.status <> ?', 'awaiting_upload'],
  ];
  if (tag !== undefined) given.push(['? = any(v.tags)', tag]);
  if (userLabel !== undefined) given.push(['v.user_label = ?', userLabel]);
  if (externalId !== undefined) given.push(['v.external_id = ?', externalId]);
  if (createdAfter) given.push(['v.created_at > ?', createdAfter]);
  if (createdBefore) given.push(['v.created_at < ?', createdBefore]);
  if (newestId) given.push(['hit.video_id <= ?', newestId]);
  return {
    sql: ['v.deleted_at is null', ...given.map(([sql]) => sql)].join(' and '),
    values: given.map(([, value]) => value),
  };
}
