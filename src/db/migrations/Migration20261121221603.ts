import { Migration } from '@mikro-orm/migrations';

export class Migration20261121221603 extends Migration {
  override name = 'Migration20261121221603';

  override up(): void | Promise<void> {
    this.addSql(`create index "posts_user_status" on public.posts (user_id, status, id desc);`);
    this.addSql(
      `create index "posts_user_label" on public.posts (user_id, user_label, id desc) where user_label is not null;`,
    );
    this.addSql(
      `create index "posts_account_unfinished" on public.posts (account_id, due_at) where status in ('scheduled', 'publishing');`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "posts_user_status";`);
    this.addSql(`drop index "posts_user_label";`);
    this.addSql(`drop index "posts_account_unfinished";`);
  }
}
