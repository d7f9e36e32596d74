import { Migration } from '@mikro-orm/migrations';

export class Migration20261121214713 extends Migration {
  override name = 'Migration20261121214713';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "account_groups" ("id" uuid not null, "user_id" uuid not null, "user_label" text null, "name" text not null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `create unique index "account_groups_name" on public.account_groups (user_id, coalesce(user_label, ''), name);`,
    );

    this.addSql(
      `create table "accounts" ("id" uuid not null, "user_id" uuid not null, "user_label" text null, "username" text not null, "provider" text not null, "platforms" text[] not null, "is_ai" boolean not null default false, "group_id" uuid null, "time_zone" text not null, "is_autoposting" boolean not null, "start_minute" int not null, "end_minute" int not null, "interval_minutes" int not null, "days" text[] not null, "late_action" text not null, "max_late_minutes" int not null, "is_paused" boolean not null default false, "needs_reauth" boolean not null default false, "status_reason" text null, "sealed_credentials" text null, "credentials_revision" int not null default 1, "checked_revision" int not null default 0, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, "deleted_at" timestamptz(3) null, primary key ("id"));`,
    );
    this.addSql(`create index "accounts_group_id_index" on "accounts" ("group_id");`);
    this.addSql(
      `create index "accounts_user_newest" on public.accounts (user_id, id desc) where deleted_at is null;`,
    );
    this.addSql(
      `create index "accounts_unchecked" on public.accounts (id) where checked_revision < credentials_revision and deleted_at is null;`,
    );
    this.addSql(
      `create unique index "accounts_username" on public.accounts (user_id, coalesce(user_label, ''), username) where deleted_at is null;`,
    );

    this.addSql(
      `create table "posts" ("id" uuid not null, "user_id" uuid not null, "account_id" uuid not null, "video_id" uuid not null, "user_label" text null, "title" text not null, "description" text null, "params" jsonb not null, "status" text not null default 'scheduled', "timing" text not null, "due_at" timestamptz(3) not null, "slot_at" timestamptz(3) null, "time_zone" text not null, "posted_at" timestamptz(3) null, "warnings" jsonb not null, "notify" text null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "posts_video_id_index" on "posts" ("video_id");`);
    this.addSql(`create index "posts_user_newest" on public.posts (user_id, id desc);`);
    this.addSql(`create index "posts_user_calendar" on public.posts (user_id, due_at);`);
    this.addSql(
      `create index "posts_account_time" on public.posts (account_id, due_at) where status in ('scheduled', 'publishing', 'unknown', 'posted', 'partial');`,
    );
    this.addSql(
      `create index "posts_account_posted" on public.posts (account_id, posted_at) where posted_at is not null;`,
    );
    this.addSql(`create index "posts_account_newest" on public.posts (account_id, id desc);`);
    this.addSql(
      `create unique index "posts_slot" on public.posts (account_id, slot_at) where slot_at is not null and status in ('scheduled', 'publishing', 'unknown', 'posted', 'partial');`,
    );

    this.addSql(
      `create table "targets" ("id" uuid not null, "post_id" uuid not null, "platform" text not null, "state" text not null default 'planned', "attempts" int not null default 0, "next_attempt_at" timestamptz(3) null, "percent" int not null default 0, "sent_bytes" bigint null, "total_bytes" bigint null, "external_id" text null, "url" text null, "evidence" text null, "error_code" text null, "error_message" text null, "error_retryable" boolean null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `alter table "targets" add constraint "targets_post_id_platform_unique" unique ("post_id", "platform");`,
    );

    this.addSql(
      `alter table "account_groups" add constraint "account_groups_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "accounts" add constraint "accounts_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "accounts" add constraint "accounts_group_id_foreign" foreign key ("group_id") references "account_groups" ("id") on delete set null;`,
    );
    this.addSql(
      `alter table "accounts" add constraint "accounts_provider_check" check ("provider" in ('upload_post', 'flic', 'test'));`,
    );
    this.addSql(
      `alter table "accounts" add constraint "accounts_late_action_check" check ("late_action" in ('publish', 'next_slot', 'skip'));`,
    );
    this.addSql(
      `alter table "accounts" add constraint "accounts_status_reason_check" check ("status_reason" in ('unchecked', 'credentials_refused', 'profile_not_found', 'platforms_not_connected'));`,
    );

    this.addSql(
      `alter table "posts" add constraint "posts_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "posts" add constraint "posts_account_id_foreign" foreign key ("account_id") references "accounts" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "posts" add constraint "posts_status_check" check ("status" in ('scheduled', 'publishing', 'posted', 'partial', 'failed', 'unknown', 'cancelled'));`,
    );
    this.addSql(
      `alter table "posts" add constraint "posts_timing_check" check ("timing" in ('now', 'at', 'auto'));`,
    );

    this.addSql(
      `alter table "targets" add constraint "targets_post_id_foreign" foreign key ("post_id") references "posts" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "targets" add constraint "targets_state_check" check ("state" in ('planned', 'prepared', 'armed', 'sent', 'live', 'draft_delivered', 'skipped', 'failed', 'unknown', 'cancelled'));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "accounts" drop constraint "accounts_group_id_foreign";`);
    this.addSql(`alter table "posts" drop constraint "posts_account_id_foreign";`);
    this.addSql(`alter table "targets" drop constraint "targets_post_id_foreign";`);

    this.addSql(`drop table if exists "account_groups" cascade;`);
    this.addSql(`drop table if exists "accounts" cascade;`);
    this.addSql(`drop table if exists "posts" cascade;`);
    this.addSql(`drop table if exists "targets" cascade;`);
  }
}
