import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadMigrations, migrate, pendingMigrations } from '../../src/platform/postgres/migrate.ts';
import { printSchema } from '../../src/platform/postgres/schema-snapshot.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => {
  await database.close();
});

describe('the migrations', () => {
  it('have run, each once, and running them again does nothing', async () => {
    const ran = await database.asOwner<{ name: string }>('SELECT name FROM migration ORDER BY timestamp');
    expect(ran.map((row) => row.name)).toEqual((await loadMigrations()).map((migration) => migration.name));
    expect(await migrate(database.ownerUrl)).toEqual([]);
    expect(await pendingMigrations(database.ownerUrl)).toBe(false);
  });

  it('make the schema that is committed', async () => {
    const committed = readFileSync(new URL('../../migrations/schema.sql', import.meta.url), 'utf8');
    // Stale: run `npm run schema` and read what changed.
    expect(await printSchema(database.ownerUrl)).toBe(committed);
  });

  it('leave ledger and log without UPDATE, DELETE and TRUNCATE for the service', async () => {
    const allowed = await database.asOwner<{ table_name: string; privilege_type: string }>(`
      SELECT table_name, privilege_type FROM information_schema.role_table_grants
      WHERE grantee = 'benren_app' AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES')
        AND (table_name LIKE 'ledger_%' OR table_name LIKE 'log_%' OR table_name IN ('signed_document', 'decision', 'release', 'idempotency'))`);
    expect(allowed).toEqual([]);
  });

  it('give the service no schema and no function of the owner to change', async () => {
    const [row] = await database.asOwner<{ create: boolean; member: boolean }>(`
      SELECT has_schema_privilege('benren_app', 'public', 'CREATE') AS create, pg_has_role('benren_app', 'benren_owner', 'MEMBER') AS member`);
    expect(row).toEqual({ create: false, member: false });
  });
});
