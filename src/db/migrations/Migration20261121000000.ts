import { Migration } from '@mikro-orm/migrations';

export class Migration20261121000000 extends Migration {
  override name = 'Migration20261121000000';

  override up(): void | Promise<void> {
    // Unlogged: the limiter writes at every request and may forget all of it in a crash.
    this.addSql(
      `create unlogged table "rate_limits" ("key" varchar(255) not null, "points" int not null default 0, "expire" bigint null, primary key ("key"));`,
    );

    this.addSql(
      `create table "users" ("id" uuid not null, "username" text not null, "password_hash" text not null, "name" text null, "scopes" text[] not null, "time_zone" text not null default 'UTC', "telegram_chat" text null, "notices" jsonb not null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`alter table "users" add constraint "users_username_unique" unique ("username");`);

    this.addSql(
      `create table "tokens" ("id" uuid not null, "user_id" uuid not null, "name" text null, "hash" text not null, "scopes" text[] not null, "expires_at" timestamptz(3) null, "revoked_at" timestamptz(3) null, "last_used_at" timestamptz(3) null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "tokens_user_id_index" on "tokens" ("user_id");`);
    this.addSql(`alter table "tokens" add constraint "tokens_hash_unique" unique ("hash");`);

    this.addSql(
      `create table "idempotency_keys" ("id" uuid not null, "user_id" uuid not null, "route" text not null, "key" text not null, "fingerprint" text null, "holder" text not null, "lease_until" timestamptz(3) not null, "object_id" uuid null, "answer" jsonb null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "idempotency_keys_created_at_index" on "idempotency_keys" ("created_at");`);
    this.addSql(
      `alter table "idempotency_keys" add constraint "idempotency_keys_user_id_route_key_unique" unique ("user_id", "route", "key");`,
    );

    this.addSql(
      `create table "videos" ("id" uuid not null, "user_id" uuid not null, "user_label" text null, "external_id" text null, "title" text not null, "description" text null, "tags" text[] not null, "filename" text null, "status" text not null, "error_code" text null, "error_message" text null, "error_retryable" boolean null, "created_at" timestamptz(3) not null, "ready_at" timestamptz(3) null, "run" int not null default 1, "started_run" int not null default 0, "cancel_requested_at" timestamptz(3) null, "deleted_at" timestamptz(3) null, "source_key" text null, "source_sha256" text null, "content_type" text null, "size_bytes" bigint null, "container" text null, "duration_sec" double precision null, "width" int null, "height" int null, "fps" double precision null, "rotation" int null, "video_codec" text null, "audio_codec" text null, "has_audio" boolean null, "language" text null, "video_stream_index" int null, "streams" jsonb null, "parents" text[] not null, primary key ("id"));`,
    );
    this.addSql(
      `create index "videos_user_newest" on public.videos (user_id , id desc) where deleted_at is null;`,
    );
    this.addSql(
      `create index "videos_cancelling" on public.videos (id) where cancel_requested_at is not null and deleted_at is null;`,
    );
    this.addSql(`create index "videos_unstarted" on public.videos (id) where started_run < run;`);
    this.addSql(`create index "videos_deleting" on public.videos (id) where deleted_at is not null;`);
    this.addSql(`create index "videos_tags" on public.videos using gin (tags);`);
    this.addSql(
      `create unique index "videos_external_id" on public.videos (user_id, coalesce(user_label, ''), external_id) where deleted_at is null and external_id is not null;`,
    );

    this.addSql(
      `create table "steps" ("id" uuid not null, "video_id" uuid not null, "name" text not null, "state" text not null, "run" int not null default 1, "attempt" int not null default 0, "percent" int not null default 0, "error_code" text null, "error_message" text null, "error_retryable" boolean null, "next_attempt_at" timestamptz(3) null, "started_at" timestamptz(3) null, "ended_at" timestamptz(3) null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `create index "steps_unfinished" on public.steps (video_id) where state in ('queued', 'running', 'waiting_retry');`,
    );
    this.addSql(
      `alter table "steps" add constraint "steps_video_id_name_unique" unique ("video_id", "name");`,
    );

    this.addSql(
      `create table "assets" ("id" uuid not null, "video_id" uuid not null, "kind" text not null, "key" text not null, "content_type" text not null, "size_bytes" bigint not null, "width" int null, "height" int null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `alter table "assets" add constraint "assets_video_id_kind_unique" unique ("video_id", "kind");`,
    );

    this.addSql(
      `alter table "tokens" add constraint "tokens_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "idempotency_keys" add constraint "idempotency_keys_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "videos" add constraint "videos_user_id_foreign" foreign key ("user_id") references "users" ("id");`,
    );
    this.addSql(
      `alter table "videos" add constraint "videos_status_check" check ("status" in ('awaiting_upload', 'pending', 'processing', 'ready', 'failed', 'cancelled'));`,
    );

    this.addSql(
      `alter table "steps" add constraint "steps_video_id_foreign" foreign key ("video_id") references "videos" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "steps" add constraint "steps_name_check" check ("name" in ('source', 'probe', 'thumbnail', 'storyboard'));`,
    );
    this.addSql(
      `alter table "steps" add constraint "steps_state_check" check ("state" in ('queued', 'running', 'waiting_retry', 'succeeded', 'skipped', 'failed', 'cancelled'));`,
    );

    this.addSql(
      `alter table "assets" add constraint "assets_video_id_foreign" foreign key ("video_id") references "videos" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "assets" add constraint "assets_kind_check" check ("kind" in ('thumbnail', 'storyboard_image', 'storyboard_index'));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "tokens" drop constraint "tokens_user_id_foreign";`);
    this.addSql(`alter table "idempotency_keys" drop constraint "idempotency_keys_user_id_foreign";`);
    this.addSql(`alter table "videos" drop constraint "videos_user_id_foreign";`);
    this.addSql(`alter table "steps" drop constraint "steps_video_id_foreign";`);
    this.addSql(`alter table "assets" drop constraint "assets_video_id_foreign";`);

    this.addSql(`drop table if exists "rate_limits" cascade;`);
    this.addSql(`drop table if exists "users" cascade;`);
    this.addSql(`drop table if exists "tokens" cascade;`);
    this.addSql(`drop table if exists "idempotency_keys" cascade;`);
    this.addSql(`drop table if exists "videos" cascade;`);
    this.addSql(`drop table if exists "steps" cascade;`);
    this.addSql(`drop table if exists "assets" cascade;`);
  }
}
