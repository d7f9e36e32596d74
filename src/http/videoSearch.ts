import { z } from 'zod';
import type { SearchMatch } from '../db/search.ts';
import type { VideoFilter } from '../db/videos.ts';
import { countWords, MAX_QUERY_WORDS, parseSearch } from '../domain/searchQuery.ts';
import { toVideoView, videoSchema } from '../views/videos.ts';
import { createSignPath } from './bytes/signedUrls.ts';
import { decodeRankedCursor, encodeRankedCursor, listOf } from './pagination.ts';
import type { RouteRequest } from './route.ts';

export const SEARCH_DESCRIPTION =
  'With `q` only videos come that hold its words, in the title, the description, the tags or the transcript, and the ' +
  'best come first: words of the title count most, then tags, then the description and what is said often. All words ' +
  'must be there, `"in this order"` with quotes; `-word` must not, and `or` stands between alternatives. Case, accents ' +
  'and English endings do not matter. The newest 2,000 such videos are ranked, or looked through for words in an order ' +
  'the newest 500 that hold them all; `truncated` says whether there are older ones. What is uploaded while somebody turns the pages is on none of them.';

const MAX_LENGTH = 200;

export const searchField = z
  .string()
  .max(MAX_LENGTH)
  .refine((q) => countWords(parseSearch(q)) > 0, 'must hold a letter or a digit')
  .refine(
    (q) => countWords(parseSearch(q)) <= MAX_QUERY_WORDS,
    `must not hold more than ${MAX_QUERY_WORDS} words`,
  )
  .meta({ description: 'Words to search for', example: 'pasta "olive oil" -garlic' });

const matchSchema = z.strictObject({
  start_sec: z.number(),
  text: z.string().meta({ description: 'What is said there, cut after 300 characters' }),
});

const foundVideoSchema = videoSchema
  .extend({
    matches: z.array(matchSchema).optional().meta({
      description: 'With `q`: up to five parts of the transcript that hold its words, in the order of time',
    }),
  })
  .meta({ id: 'FoundVideo' });

export const videoListSchema = listOf(foundVideoSchema).extend({
  truncated: z
    .boolean()
    .optional()
    .meta({ description: 'With `q`: older videos that may match were not looked at' }),
});

interface SearchRequest {
  q: string;
  limit: number;
  cursor?: string | undefined;
}

/** Answers one page of a search. */
export async function searchVideos(
  { deps, user }: Pick<RouteRequest, 'deps' | 'user'>,
  { q, limit, cursor }: SearchRequest,
  filter: VideoFilter,
): Promise<z.output<typeof videoListSchema>> {
  const place = cursor === undefined ? null : decodeRankedCursor(cursor);
  const offset = place?.offset ?? 0;
  const page = { limit, offset, newestId: place?.newestId };
  const { found, hasMore, isTruncated, newestId } = await deps.db.search.find(
    user.id,
    parseSearch(q),
    filter,
    page,
  );
  const sign = createSignPath(deps.config);
  return {
    data: found.map(({ video, matches }) => ({ ...toVideoView(video, sign), matches: matches.map(toMatch) })),
    next_cursor: hasMore && newestId ? encodeRankedCursor({ newestId, offset: offset + limit }) : null,
    truncated: isTruncated,
  };
}

const toMatch = ({ startSec, text }: SearchMatch): z.output<typeof matchSchema> => ({
  start_sec: startSec,
  text,
});
