import { Migration } from '@mikro-orm/migrations';

export class Migration20261121155055 extends Migration {
  override name = 'Migration20261121155055';

  override up(): void | Promise<void> {
    this.addSql(`alter table "edits" add "starts_sec" jsonb null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "edits" drop column "starts_sec";`);
  }
}
