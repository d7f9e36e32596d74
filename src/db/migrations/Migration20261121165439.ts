import { Migration } from '@mikro-orm/migrations';

export class Migration20261121165439 extends Migration {
  override name = 'Migration20261121165439';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "speech_claims" ("key" text not null, "holder" uuid not null, "held_until" timestamptz(3) not null, primary key ("key"));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "speech_claims" cascade;`);
  }
}
