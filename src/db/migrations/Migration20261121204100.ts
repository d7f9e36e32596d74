import { Migration } from '@mikro-orm/migrations';

export class Migration20261121204100 extends Migration {
  override name = 'Migration20261121204100';

  override up(): void | Promise<void> {
    // Whatever was set before there were links is a chat that nobody proved to be theirs.
    this.addSql(`update "users" set "telegram_chat" = null where "telegram_chat" is not null;`);
  }

  override down(): void | Promise<void> {
    // Nothing keeps what was there.
  }
}
