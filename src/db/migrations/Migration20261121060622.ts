import { Migration } from '@mikro-orm/migrations';

export class Migration20261121060622 extends Migration {
  override name = 'Migration20261121060622';

  override up(): void | Promise<void> {
    // Unlogged: the limiter writes at every request and may forget all of it in a crash.
    this.addSql(
      `create unlogged table "rate_limits" ("key" varchar(255) not null, "points" int not null default 0, "expire" bigint null, primary key ("key"));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "rate_limits" cascade;`);
  }
}
