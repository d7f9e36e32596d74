import { Migration } from '@mikro-orm/migrations';

export class Migration20261121183610 extends Migration {
  override name = 'Migration20261121183610';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "telegram_notices" ("id" uuid not null, "user_id" uuid not null, "bot" text not null, "chat" text not null, "object_type" text not null, "object_id" uuid not null, "event_id" uuid not null, "message_id" bigint null, "sent_event_id" uuid null, "attempts" int not null default 0, "next_attempt_at" timestamptz(3) null, "error_code" text null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "telegram_notices_user_id_index" on "telegram_notices" ("user_id");`);
    this.addSql(
      `create index "telegram_notices_due" on public.telegram_notices (bot, next_attempt_at) where next_attempt_at is not null;`,
    );
    this.addSql(
      `alter table "telegram_notices" add constraint "telegram_notices_object" unique ("bot", "chat", "object_type", "object_id");`,
    );

    this.addSql(
      `create table "telegram_links" ("id" uuid not null, "user_id" uuid not null, "bot" text not null, "code_hash" text not null, "expires_at" timestamptz(3) not null, "chat" text null, "linked_at" timestamptz(3) null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "telegram_links_user_id_index" on "telegram_links" ("user_id");`);
    this.addSql(
      `alter table "telegram_links" add constraint "telegram_links_code_hash_unique" unique ("code_hash");`,
    );

    this.addSql(
      `create table "feeds" ("user_id" uuid not null, "last_sequence" bigint not null default '0', "expired_sequence" bigint not null default '0', "noticed_sequence" bigint not null default '0', primary key ("user_id"));`,
    );

    this.addSql(
      `create table "events" ("id" uuid not null, "user_id" uuid not null, "sequence" bigint null, "type" text not null, "object_type" text not null, "object_id" uuid not null, "video_id" uuid null, "data" jsonb not null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "events_created_at_index" on "events" ("created_at");`);
    this.addSql(
      `create index "events_video" on public.events (video_id, sequence) where video_id is not null;`,
    );
    this.addSql(`alter table "events" add constraint "events_sequence" unique ("user_id", "sequence");`);

    this.addSql(
      `create table "webhooks" ("id" uuid not null, "user_id" uuid not null, "sealed_url" text not null, "types" text[] not null, "description" text null, "is_enabled" boolean not null default true, "disabled_reason" text null, "disabled_at" timestamptz(3) null, "failing_since" timestamptz(3) null, "cursor_sequence" bigint not null default '0', "told_sequence" bigint not null default '0', "told_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "webhooks_user_id_index" on "webhooks" ("user_id");`);
    this.addSql(`create index "webhooks_enabled" on public.webhooks (user_id) where is_enabled;`);

    this.addSql(
      `create table "webhook_deliveries" ("id" uuid not null, "webhook_id" uuid not null, "kind" text not null default 'event', "event_id" uuid not null, "sequence" bigint null, "type" text not null, "state" text not null default 'pending', "attempts" int not null default 0, "schedule_attempts" int not null default 0, "next_attempt_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "ended_at" timestamptz(3) null, primary key ("id"));`,
    );
    this.addSql(
      `create index "webhook_deliveries_due" on public.webhook_deliveries (webhook_id, next_attempt_at) where state = 'pending';`,
    );
    this.addSql(
      `create index "webhook_deliveries_ended" on public.webhook_deliveries (ended_at) where ended_at is not null;`,
    );
    this.addSql(
      `alter table "webhook_deliveries" add constraint "webhook_deliveries_event" unique ("webhook_id", "event_id");`,
    );

    this.addSql(
      `create table "webhook_attempts" ("id" uuid not null, "delivery_id" uuid not null, "number" int not null, "started_at" timestamptz(3) not null, "duration_ms" int null, "status" int null, "error_code" text null, "response" text null, primary key ("id"));`,
    );
    this.addSql(`create index "webhook_attempts_delivery_id_index" on "webhook_attempts" ("delivery_id");`);

    this.addSql(
      `create table "webhook_secrets" ("id" uuid not null, "webhook_id" uuid not null, "sealed" text not null, "expires_at" timestamptz(3) null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "webhook_secrets_webhook_id_index" on "webhook_secrets" ("webhook_id");`);

    this.addSql(`alter table "users" add "telegram_off_reason" text null;`);

    this.addSql(
      `alter table "telegram_notices" add constraint "telegram_notices_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "telegram_links" add constraint "telegram_links_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "feeds" add constraint "feeds_user_id_foreign" foreign key ("user_id") references "users" ("id") on update cascade on delete cascade;`,
    );

    this.addSql(
      `alter table "events" add constraint "events_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "webhooks" add constraint "webhooks_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "webhook_deliveries" add constraint "webhook_deliveries_webhook_id_foreign" foreign key ("webhook_id") references "webhooks" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "webhook_deliveries" add constraint "webhook_deliveries_kind_check" check ("kind" in ('event', 'ping'));`,
    );
    this.addSql(
      `alter table "webhook_deliveries" add constraint "webhook_deliveries_state_check" check ("state" in ('pending', 'succeeded', 'failed', 'cancelled'));`,
    );

    this.addSql(
      `alter table "webhook_attempts" add constraint "webhook_attempts_delivery_id_foreign" foreign key ("delivery_id") references "webhook_deliveries" ("id") on delete cascade;`,
    );

    this.addSql(
      `alter table "webhook_secrets" add constraint "webhook_secrets_webhook_id_foreign" foreign key ("webhook_id") references "webhooks" ("id") on delete cascade;`,
    );

    // Deferred: whatever a transaction does, its events get their numbers as the last thing before the commit, so that
    // the hot row of the counter is locked for that moment only, after all rows of objects, and no number is ever lost.
    this.addSql(`create function "number_event"() returns trigger language plpgsql as $$
      declare given bigint;
      begin
        insert into feeds (user_id, last_sequence, expired_sequence, noticed_sequence) values (new.user_id, 1, 0, 0)
          on conflict (user_id) do update set last_sequence = feeds.last_sequence + 1
          returning last_sequence into given;
        update events set sequence = given, created_at = clock_timestamp() where id = new.id;
        perform pg_notify('videoflow_events', new.user_id::text);
        return null;
      end $$;`);
    this.addSql(`create constraint trigger "number_event" after insert on "events"
      deferrable initially deferred for each row execute function "number_event"();`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop trigger if exists "number_event" on "events";`);
    this.addSql(`drop function if exists "number_event";`);
    this.addSql(`alter table "webhook_deliveries" drop constraint "webhook_deliveries_webhook_id_foreign";`);
    this.addSql(`alter table "webhook_secrets" drop constraint "webhook_secrets_webhook_id_foreign";`);
    this.addSql(`alter table "webhook_attempts" drop constraint "webhook_attempts_delivery_id_foreign";`);

    this.addSql(`drop table if exists "telegram_notices" cascade;`);
    this.addSql(`drop table if exists "telegram_links" cascade;`);
    this.addSql(`drop table if exists "feeds" cascade;`);
    this.addSql(`drop table if exists "events" cascade;`);
    this.addSql(`drop table if exists "webhooks" cascade;`);
    this.addSql(`drop table if exists "webhook_deliveries" cascade;`);
    this.addSql(`drop table if exists "webhook_attempts" cascade;`);
    this.addSql(`drop table if exists "webhook_secrets" cascade;`);

    this.addSql(`alter table "users" drop column "telegram_off_reason";`);
  }
}
