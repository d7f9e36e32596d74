import { MikroORM } from '@mikro-orm/postgresql';
import settings from '../../mikro-orm.config.ts';

export interface DatabaseOptions {
  databaseUrl: string;
  poolMax?: number;
}

/** Opens the ORM on a database; close it with `orm.close()`. */
export const openOrm = ({ databaseUrl, poolMax = 10 }: DatabaseOptions): Promise<MikroORM> =>
  MikroORM.init({ ...settings, clientUrl: databaseUrl, pool: { min: 0, max: poolMax } });
