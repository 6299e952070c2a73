import type { QueryRunner } from 'typeorm';

/**
 * Tables whose rows are never changed, by anybody, their owner included. `granted` is what the service may do with
 * them; null where a migration says it itself. Migrations that have run share this: what it does must not change either.
 */
export async function keepAppendOnly(
  runner: QueryRunner, tables: readonly string[], granted: 'SELECT, INSERT' | 'SELECT' | null = 'SELECT, INSERT',
): Promise<void> {
  for (const table of tables) {
    await runner.query(`
      CREATE TRIGGER ${table}_never_changes BEFORE UPDATE OR DELETE ON ${table}
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER ${table}_never_truncated BEFORE TRUNCATE ON ${table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    `);
    if (granted !== null) await runner.query(`GRANT ${granted} ON ${table} TO benren_app`);
  }
}
