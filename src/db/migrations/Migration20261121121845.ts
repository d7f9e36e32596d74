import { Migration } from '@mikro-orm/migrations';

export class Migration20261121121845 extends Migration {
  override name = 'Migration20261121121845';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "shares" ("id" uuid not null, "user_id" uuid not null, "video_id" uuid not null, "handle_hash" text not null, "expires_at" timestamptz(3) not null, "max_views" int null, "views" int not null default 0, "allow_download" boolean not null default false, "revoked_at" timestamptz(3) null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "shares_video_id_index" on "shares" ("video_id");`);
    this.addSql(`alter table "shares" add constraint "shares_handle_hash_unique" unique ("handle_hash");`);

    this.addSql(
      `create table "share_sessions" ("id" uuid not null, "share_id" uuid not null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "share_sessions_share_id_index" on "share_sessions" ("share_id");`);
    this.addSql(`create index "share_sessions_created_at_index" on "share_sessions" ("created_at");`);

    this.addSql(
      `create table "edits" ("id" uuid not null, "user_id" uuid not null, "kind" text not null, "status" text not null default 'queued', "parents" text[] not null, "title" text not null, "start_sec" double precision null, "end_sec" double precision null, "mode" text null, "fit" text null, "method" text null, "used_start_sec" double precision null, "used_end_sec" double precision null, "video_id" uuid null, "rendered_at" timestamptz(3) null, "run" int not null default 1, "started_run" int not null default 0, "attempt" int not null default 0, "percent" int not null default 0, "next_attempt_at" timestamptz(3) null, "cancel_requested_at" timestamptz(3) null, "error_code" text null, "error_message" text null, "error_retryable" boolean null, "created_at" timestamptz(3) not null, "started_at" timestamptz(3) null, "ended_at" timestamptz(3) null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "edits_video_id_index" on "edits" ("video_id");`);
    this.addSql(`create index "edits_user_newest" on edits (user_id, id desc);`);
    this.addSql(`create index "edits_unfinished" on edits (id) where status in ('queued', 'running');`);

    this.addSql(`alter table "videos" add "is_progressive" boolean null;`);

    this.addSql(`alter table "steps" drop constraint "steps_name_check";`);
    this.addSql(
      `alter table "steps" add constraint "steps_name_check" check ("name" in ('source', 'probe', 'thumbnail', 'storyboard', 'playback'));`,
    );

    this.addSql(`alter table "assets" drop constraint "assets_video_id_kind_unique";`);
    this.addSql(`alter table "assets" drop constraint "assets_kind_check";`);
    this.addSql(
      `alter table "assets" add "variant" text not null default '', add "used_at" timestamptz(3) null;`,
    );
    this.addSql(
      `alter table "assets" add constraint "assets_video_id_kind_variant_unique" unique ("video_id", "kind", "variant");`,
    );
    this.addSql(
      `alter table "assets" add constraint "assets_kind_check" check ("kind" in ('thumbnail', 'storyboard_image', 'storyboard_index', 'playback', 'picture'));`,
    );

    this.addSql(
      `alter table "shares" add constraint "shares_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "shares" add constraint "shares_video_id_foreign" foreign key ("video_id") references "videos" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "share_sessions" add constraint "share_sessions_share_id_foreign" foreign key ("share_id") references "shares" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "edits" add constraint "edits_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "edits" add constraint "edits_video_id_foreign" foreign key ("video_id") references "videos" ("id") on delete set null;`,
    );
    this.addSql(`alter table "edits" add constraint "edits_kind_check" check ("kind" in ('trim', 'merge'));`);
    this.addSql(
      `alter table "edits" add constraint "edits_status_check" check ("status" in ('queued', 'running', 'succeeded', 'failed', 'cancelled'));`,
    );
    this.addSql(
      `alter table "edits" add constraint "edits_mode_check" check ("mode" in ('exact', 'keyframe'));`,
    );
    this.addSql(
      `alter table "edits" add constraint "edits_fit_check" check ("fit" in ('contain', 'cover'));`,
    );
    this.addSql(
      `alter table "edits" add constraint "edits_method_check" check ("method" in ('copy', 'smart', 'encode'));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "share_sessions" drop constraint "share_sessions_share_id_foreign";`);

    this.addSql(`drop table if exists "shares" cascade;`);
    this.addSql(`drop table if exists "share_sessions" cascade;`);
    this.addSql(`drop table if exists "edits" cascade;`);

    this.addSql(`alter table "assets" drop constraint "assets_video_id_kind_variant_unique";`);
    this.addSql(`alter table "assets" drop constraint "assets_kind_check";`);
    this.addSql(`alter table "assets" drop column "variant", drop column "used_at";`);
    this.addSql(
      `alter table "assets" add constraint "assets_video_id_kind_unique" unique ("video_id", "kind");`,
    );
    this.addSql(
      `alter table "assets" add constraint "assets_kind_check" check ("kind" in ('thumbnail', 'storyboard_image', 'storyboard_index'));`,
    );

    this.addSql(`alter table "steps" drop constraint "steps_name_check";`);
    this.addSql(
      `alter table "steps" add constraint "steps_name_check" check ("name" in ('source', 'probe', 'thumbnail', 'storyboard'));`,
    );

    this.addSql(`alter table "videos" drop column "is_progressive";`);
  }
}
