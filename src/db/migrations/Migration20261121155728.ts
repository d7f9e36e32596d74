import { Migration } from '@mikro-orm/migrations';
import { type SearchableVideo, toSearchDocument } from '../../domain/searchDocument.ts';

const BATCH = 500;

const FIND = `
  select v.id, v.user_id as "userId", v.title, v.description, to_jsonb(v.tags) as tags,
    (select jsonb_agg(jsonb_build_object('startSec', s.segment->'startSec', 'text', s.segment->'text') order by s.number)
     from jsonb_array_elements(t.segments) with ordinality s (segment, number)) as segments
  from videos v left join lateral
    (select segments from transcripts where video_id = v.id order by kind = 'edited' desc, version desc limit 1) t on true
  where v.id > ? order by v.id limit ${BATCH}`;

const WRITE = `
  with given as (
    select word, places, said, coalesce((ts_lexize('english_stem', word))[1], word) as lexeme,
      ts_lexize('english_stem', word) = '{}' as is_common
    from jsonb_to_recordset(?::jsonb) w (word text, places text, said int)),
  often as (
    select lexeme, sum(said) as said from given where not is_common
    group by lexeme having sum(said) >= 3 order by sum(said) desc, lexeme limit 100),
  made as (
    select coalesce(string_agg(quote_literal(lexeme) || ':' || places, ' '), '')::tsvector as words,
      (select coalesce(string_agg(quote_literal(lexeme) || case when said >= 8 then ':1C' else ':1' end, ' '), '')::tsvector
       from often) as often
    from given),
  document as (
    insert into search_documents (video_id, words, segment_places, segments)
    select ?::uuid, words || array_to_tsvector(array[?::text]), ?::int[], ?::jsonb from made)
  insert into search_rankings (video_id, ranking) select ?::uuid, ts_filter(words, '{a,b,c}') || often from made`;

interface Row extends Omit<SearchableVideo, 'segments'> {
  id: string;
  userId: string;
  segments: SearchableVideo['segments'] | null;
}

export class Migration20261121155728 extends Migration {
  override name = 'Migration20261121155728';

  override async up(): Promise<void> {
    await this.execute(
      `create table "search_documents" ("video_id" uuid not null, "words" tsvector not null, "segment_places" int[] not null, "segments" jsonb not null, primary key ("video_id"));`,
    );
    await this.execute(
      `create table "search_rankings" ("video_id" uuid not null, "ranking" tsvector not null, primary key ("video_id"));`,
    );
    // Small rows, whatever stands in them: a search goes through very many of them. Vectors do not get smaller by compression.
    await this.execute(`alter table "search_documents" set (toast_tuple_target = 128);`);
    await this.execute(`alter table "search_documents" alter "words" set storage external;`);
    await this.execute(`alter table "search_rankings" alter "ranking" set storage main;`);
    await this.#fill();
    await this.execute(
      `create index "search_documents_words" on public.search_documents using gin (words) with (fastupdate = off);`,
    );
    await this.execute(
      `alter table "search_documents" add constraint "search_documents_video_id_foreign" foreign key ("video_id") references "videos" ("id") on update cascade on delete cascade;`,
    );
    await this.execute(
      `alter table "search_rankings" add constraint "search_rankings_video_id_foreign" foreign key ("video_id") references "videos" ("id") on update cascade on delete cascade;`,
    );
  }

  /** As the program wrote them when this was written: what it does later may need a later table. */
  async #fill(): Promise<void> {
    let lastId: string | undefined = '00000000-0000-0000-0000-000000000000';
    while (lastId) {
      const rows = (await this.execute(FIND, [lastId])) as unknown as Row[];
      for (const { id, userId, segments, ...about } of rows) {
        const document = toSearchDocument({ ...about, segments: segments ?? [] });
        const words = document.words.map(({ word, places, timesSaid }) => ({
          word,
          places,
          said: timesSaid,
        }));
        await this.execute(WRITE, [
          ...[JSON.stringify(words), id, `user:${userId}`],
          ...[`{${document.segmentPositions.join(',')}}`, JSON.stringify(document.segments), id],
        ]);
      }
      lastId = rows.at(-1)?.id;
    }
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "search_documents" cascade;`);
    this.addSql(`drop table if exists "search_rankings" cascade;`);
  }
}
