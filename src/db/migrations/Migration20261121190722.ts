import { Migration } from '@mikro-orm/migrations';

export class Migration20261121190722 extends Migration {
  override name = 'Migration20261121190722';

  override up(): void | Promise<void> {
    this.addSql(`alter table "webhooks" add "attended_by" uuid null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "webhooks" drop column "attended_by";`);
  }
}
