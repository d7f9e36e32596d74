import { Migration } from '@mikro-orm/migrations';

export class Migration20261121230909 extends Migration {
  override name = 'Migration20261121230909';

  override up(): void | Promise<void> {
    this.addSql(
      `alter table "posts" add "wall_time" text null, add "tz_version" text not null default 'unknown';`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "posts" drop column "wall_time", drop column "tz_version";`);
  }
}
