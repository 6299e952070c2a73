import { DataSource } from 'typeorm';

import { loadConfig } from './src/config.ts';
import { loadMigrations } from './src/platform/postgres/migrate.ts';

/** For TypeORM's own command line: `npx tsx node_modules/typeorm/cli.js migration:show -d ormconfig.ts`. */
export default new DataSource({
  type: 'postgres',
  url: loadConfig(process.env).databaseOwnerUrl ?? 'postgres://benren_owner@127.0.0.1:5432/benren',
  migrations: await loadMigrations(),
  migrationsTableName: 'migration',
  synchronize: false,
});
