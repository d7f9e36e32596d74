import { Migration } from '@mikro-orm/migrations';

export class Migration20261121184745 extends Migration {
  override name = 'Migration20261121184745';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "telegram_bots" ("bot" text not null, "username" text null, "blocked_until" timestamptz(3) null, "update_offset" bigint null, "update_offset_at" timestamptz(3) null, "error_code" text null, "created_at" timestamptz(3) not null, primary key ("bot"));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "telegram_bots" cascade;`);
  }
}
