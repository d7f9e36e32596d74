import { Migration } from '@mikro-orm/migrations';

export class Migration20261121231706 extends Migration {
  override name = 'Migration20261121231706';

  override up(): void | Promise<void> {
    this.addSql(`alter table "accounts" add "unconnected_platforms" text[] not null default '{}';`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "accounts" drop column "unconnected_platforms";`);
  }
}
