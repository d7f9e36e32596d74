import { defineEntity, p } from '@mikro-orm/core';
import { FullTextType } from '@mikro-orm/postgresql';
import { Video } from './video.ts';

const schema = defineEntity({
  name: 'SearchRanking',
  tableName: 'search_rankings',
  properties: {
    video: () => p.manyToOne(Video).primary().deleteRule('cascade'),
    /** The words about the video, and those said often. */
    ranking: p.type(FullTextType).$type<string>(),
  },
});

/**
 * What a video's rank is made of. It stands by itself, and within the row, because a search reads it of 2,000 videos: out
 * of `search_documents` that takes five times as long and pushes everything else out of the cache.
 */
export class SearchRanking extends schema.class {}
schema.setClass(SearchRanking);
