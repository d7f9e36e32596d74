import { Migration } from '@mikro-orm/migrations';

export class Migration20261121200149 extends Migration {
  override name = 'Migration20261121200149';

  override up(): void | Promise<void> {
    this.addSql(
      `create index "users_telegram_chat" on public.users (telegram_chat) where telegram_chat is not null;`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "users_telegram_chat";`);
  }
}
