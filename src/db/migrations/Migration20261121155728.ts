import { Migration } from '@mikro-orm/migrations';

/** What is there already is indexed by the workers, bit by bit: the tables that this locks are everybody's. */
export class Migration20261121155728 extends Migration {
  override name = 'Migration20261121155728';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "search_documents" ("video_id" uuid not null, "words" tsvector not null, "segment_places" int[] not null, "segments" jsonb not null, primary key ("video_id"));`,
    );
    this.addSql(
      `create table "search_rankings" ("video_id" uuid not null, "ranking" tsvector not null, primary key ("video_id"));`,
    );
    // Small rows, whatever stands in them: a search goes through very many of them. Vectors do not get smaller by compression.
    this.addSql(`alter table "search_documents" set (toast_tuple_target = 128);`);
    this.addSql(`alter table "search_documents" alter "words" set storage external;`);
    this.addSql(`alter table "search_rankings" alter "ranking" set storage main;`);
    this.addSql(
      `create index "search_documents_words" on public.search_documents using gin (words) with (fastupdate = off);`,
    );
    this.addSql(
      `alter table "search_documents" add constraint "search_documents_video_id_foreign" foreign key ("video_id") references "videos" ("id") on update cascade on delete cascade;`,
    );
    this.addSql(
      `alter table "search_rankings" add constraint "search_rankings_video_id_foreign" foreign key ("video_id") references "videos" ("id") on update cascade on delete cascade;`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "search_documents" cascade;`);
    this.addSql(`drop table if exists "search_rankings" cascade;`);
  }
}
