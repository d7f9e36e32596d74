import { Migration } from '@mikro-orm/migrations';

export class Migration20261121090500 extends Migration {
  override name = 'Migration20261121090500';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "orphans" ("key" text not null, "first_seen_at" timestamptz(3) not null, "last_seen_at" timestamptz(3) not null, primary key ("key"));`,
    );

    this.addSql(
      `create table "uploads" ("id" uuid not null, "user_id" uuid not null, "video_id" uuid null, "has_own_video" boolean not null default false, "protocol" text not null, "state" text not null default 'open', "error_code" text null, "error_message" text null, "length_bytes" bigint null, "offset_bytes" bigint not null default '0', "metadata" text null, "optional_steps" text[] not null, "epoch" int not null default 0, "lease_holder" text null, "lease_until" timestamptz(3) null, "lease_wanted_at" timestamptz(3) null, "client_file_id" text null, "total_chunks" int null, "started_at" timestamptz(3) null, "expires_at" timestamptz(3) not null, "completed_at" timestamptz(3) null, "ended_at" timestamptz(3) null, "cleared_at" timestamptz(3) null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "uploads_video_id_index" on "uploads" ("video_id");`);
    this.addSql(`create index "uploads_live" on uploads (user_id) where state in ('open', 'complete');`);
    this.addSql(`create index "uploads_due" on uploads (expires_at) where state in ('open', 'complete');`);
    this.addSql(
      `create index "uploads_at_work" on uploads (id) where case state when 'open' then started_at is null when 'complete' then true else cleared_at is null end;`,
    );
    this.addSql(
      `create index "uploads_chunked" on uploads (user_id, client_file_id) where client_file_id is not null;`,
    );
    this.addSql(
      `create unique index "uploads_client_file_id" on uploads (user_id, client_file_id) where state = 'open' and client_file_id is not null;`,
    );

    this.addSql(
      `create table "upload_segments" ("id" uuid not null, "upload_id" uuid not null, "number" int not null, "key" text not null, "size_bytes" bigint not null default '0', "sha256" text null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `alter table "upload_segments" add constraint "upload_segments_upload_id_number_unique" unique ("upload_id", "number");`,
    );

    this.addSql(`alter table "videos" add "source_url" text null;`);
    this.addSql(`create index "videos_source_key_index" on "videos" ("source_key");`);
    this.addSql(
      `create index "videos_user_bytes" on videos (user_id) include (id, size_bytes) where source_key is not null;`,
    );

    this.addSql(
      `alter table "uploads" add constraint "uploads_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "uploads" add constraint "uploads_video_id_foreign" foreign key ("video_id") references "videos" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "uploads" add constraint "uploads_protocol_check" check ("protocol" in ('tus', 'chunks'));`,
    );
    this.addSql(
      `alter table "uploads" add constraint "uploads_state_check" check ("state" in ('open', 'complete', 'accepted', 'refused', 'expired', 'terminated'));`,
    );

    this.addSql(
      `alter table "upload_segments" add constraint "upload_segments_upload_id_foreign" foreign key ("upload_id") references "uploads" ("id") on delete cascade;`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "upload_segments" drop constraint "upload_segments_upload_id_foreign";`);

    this.addSql(`drop table if exists "orphans" cascade;`);
    this.addSql(`drop table if exists "uploads" cascade;`);
    this.addSql(`drop table if exists "upload_segments" cascade;`);

    this.addSql(`drop index "videos_user_bytes";`);
    this.addSql(`drop index "videos_source_key_index";`);
    this.addSql(`alter table "videos" drop column "source_url";`);
  }
}
