import { Migration } from '@mikro-orm/migrations';

export class Migration20261121155045 extends Migration {
  override name = 'Migration20261121155045';

  override up(): void | Promise<void> {
    this.addSql(`create index "captions_running" on public.captions (id) where status = 'running';`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "captions_running";`);
  }
}
