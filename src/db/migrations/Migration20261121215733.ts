import { Migration } from '@mikro-orm/migrations';

export class Migration20261121215733 extends Migration {
  override name = 'Migration20261121215733';

  override up(): void | Promise<void> {
    this.addSql(`alter table "accounts" drop constraint "accounts_status_reason_check";`);
    this.addSql(
      `alter table "accounts" add constraint "accounts_status_reason_check" check ("status_reason" in ('unchecked', 'credentials_refused', 'profile_not_found', 'platforms_not_connected', 'credentials_unreadable', 'credentials_missing'));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(
      `update "accounts" set "status_reason" = 'unchecked' where "status_reason" in ('credentials_unreadable', 'credentials_missing');`,
    );
    this.addSql(`alter table "accounts" drop constraint "accounts_status_reason_check";`);
    this.addSql(
      `alter table "accounts" add constraint "accounts_status_reason_check" check ("status_reason" in ('unchecked', 'credentials_refused', 'profile_not_found', 'platforms_not_connected'));`,
    );
  }
}
