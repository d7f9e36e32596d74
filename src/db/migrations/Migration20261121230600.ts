import { Migration } from '@mikro-orm/migrations';

export class Migration20261121230600 extends Migration {
  override name = 'Migration20261121230600';

  override up(): void | Promise<void> {
    this.addSql(`drop index "posts_slot";`);
    this.addSql(
      `create unique index "posts_slot" on public.posts (account_id, slot_at) where slot_at is not null and status in ('scheduled', 'publishing', 'unknown');`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "posts_slot";`);
    this.addSql(
      `create unique index "posts_slot" on public.posts (account_id, slot_at) where slot_at is not null and status in ('scheduled', 'publishing', 'unknown', 'posted', 'partial');`,
    );
  }
}
