import { defineEntity, p } from '@mikro-orm/core';
import { FullTextType } from '@mikro-orm/postgresql';
import { Video } from './video.ts';

const schema = defineEntity({
  name: 'SearchDocument',
  tableName: 'search_documents',
  indexes: [
    {
      name: 'search_documents_words',
      // Without the list of pending entries that every question would have to go through.
      expression: (c, t, name) =>
        `create index "${name}" on ${t} using gin (${c.words}) with (fastupdate = off)`,
    },
  ],
  properties: {
    video: () => p.manyToOne(Video).primary().deleteRule('cascade'),
    /** All words of the video with their places and weights, and one that stands for its owner. */
    words: p.type(FullTextType).$type<string>(),
    /** The place in `words` of the first word of each segment. */
    segmentPlaces: p.array().columnType('int[]').$type<number[]>(),
    segments: p.json<[startSec: number, text: string][]>(),
  },
});

/** A video as searches see it; made of its row and its current transcript by `src/db/searchIndex.ts`. */
export class SearchDocument extends schema.class {}
schema.setClass(SearchDocument);
