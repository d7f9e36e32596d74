import { Migration } from '@mikro-orm/migrations';

export class Migration20261121225459 extends Migration {
  override name = 'Migration20261121225459';

  override up(): void | Promise<void> {
    this.addSql(`alter table "accounts" drop constraint "accounts_status_reason_check";`);
    this.addSql(`alter table "accounts" add "checked_at" timestamptz(3) null;`);
    this.addSql(
      `update "accounts" set "checked_at" = "updated_at" where "checked_revision" = "credentials_revision";`,
    );
    this.addSql(
      `create index "accounts_unwell" on public.accounts (checked_at) where status_reason <> 'credentials_refused' and deleted_at is null;`,
    );
    this.addSql(
      `alter table "accounts" add constraint "accounts_status_reason_check" check ("status_reason" in ('unchecked', 'credentials_refused', 'profile_not_found', 'platforms_not_connected', 'credentials_unreadable', 'credentials_missing', 'service_credentials_refused'));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(
      `update "accounts" set "status_reason" = 'unchecked' where "status_reason" = 'service_credentials_refused';`,
    );
    this.addSql(`drop index "accounts_unwell";`);
    this.addSql(`alter table "accounts" drop constraint "accounts_status_reason_check";`);
    this.addSql(`alter table "accounts" drop column "checked_at";`);
    this.addSql(
      `alter table "accounts" add constraint "accounts_status_reason_check" check ("status_reason" in ('unchecked', 'credentials_refused', 'profile_not_found', 'platforms_not_connected', 'credentials_unreadable', 'credentials_missing'));`,
    );
  }
}
