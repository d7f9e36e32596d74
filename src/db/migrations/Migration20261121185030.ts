import { Migration } from '@mikro-orm/migrations';

export class Migration20261121185030 extends Migration {
  override name = 'Migration20261121185030';

  override up(): void | Promise<void> {
    this.addSql(`alter table "webhooks" add "attended_until" timestamptz(3) null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "webhooks" drop column "attended_until";`);
  }
}
