import { Migration } from '@mikro-orm/migrations';

export class Migration20261121152849 extends Migration {
  override name = 'Migration20261121152849';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "speech_answers" ("id" uuid not null, "user_id" uuid not null, "source_sha256" text not null, "start_ms" int not null, "end_ms" int not null, "encoder" text not null, "model" text not null, "options_sha256" text not null, "answer" jsonb not null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `alter table "speech_answers" add constraint "speech_answers_question" unique ("user_id", "source_sha256", "start_ms", "end_ms", "encoder", "model", "options_sha256");`,
    );

    this.addSql(
      `create table "transcripts" ("id" uuid not null, "video_id" uuid not null, "version" int not null, "kind" text not null, "language" text null, "model" text null, "segments" jsonb not null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `alter table "transcripts" add constraint "transcripts_video_id_version_unique" unique ("video_id", "version");`,
    );

    this.addSql(
      `create table "captions" ("id" uuid not null, "user_id" uuid not null, "video_id" uuid null, "prompt" text null, "platform" text null, "wanted_model" text null, "status" text not null default 'running', "caption" text null, "model" text null, "usage" jsonb null, "error_code" text null, "error_message" text null, "error_retryable" boolean null, "created_at" timestamptz(3) not null, "ended_at" timestamptz(3) null, primary key ("id"));`,
    );
    this.addSql(`create index "captions_user_id_index" on "captions" ("user_id");`);
    this.addSql(`create index "captions_video_id_index" on "captions" ("video_id");`);
    this.addSql(`create index "captions_created_at_index" on "captions" ("created_at");`);

    this.addSql(`alter table "steps" drop constraint "steps_name_check";`);
    this.addSql(`alter table "steps" add "options" jsonb null;`);
    this.addSql(
      `alter table "steps" add constraint "steps_name_check" check ("name" in ('source', 'probe', 'thumbnail', 'storyboard', 'transcript', 'audio', 'playback'));`,
    );

    this.addSql(`alter table "assets" drop constraint "assets_kind_check";`);
    this.addSql(
      `alter table "assets" add constraint "assets_kind_check" check ("kind" in ('thumbnail', 'storyboard_image', 'storyboard_index', 'playback', 'picture', 'audio', 'speech_audio', 'speech_index'));`,
    );

    this.addSql(
      `alter table "speech_answers" add constraint "speech_answers_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "transcripts" add constraint "transcripts_video_id_foreign" foreign key ("video_id") references "videos" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "transcripts" add constraint "transcripts_kind_check" check ("kind" in ('machine', 'edited'));`,
    );

    this.addSql(
      `alter table "captions" add constraint "captions_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "captions" add constraint "captions_video_id_foreign" foreign key ("video_id") references "videos" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "captions" add constraint "captions_status_check" check ("status" in ('running', 'succeeded', 'failed'));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "speech_answers" cascade;`);
    this.addSql(`drop table if exists "transcripts" cascade;`);
    this.addSql(`drop table if exists "captions" cascade;`);

    this.addSql(`alter table "assets" drop constraint "assets_kind_check";`);
    this.addSql(
      `alter table "assets" add constraint "assets_kind_check" check ("kind" in ('thumbnail', 'storyboard_image', 'storyboard_index', 'playback', 'picture'));`,
    );

    this.addSql(`alter table "steps" drop constraint "steps_name_check";`);
    this.addSql(`alter table "steps" drop column "options";`);
    this.addSql(
      `alter table "steps" add constraint "steps_name_check" check ("name" in ('source', 'probe', 'thumbnail', 'storyboard', 'playback'));`,
    );
  }
}
