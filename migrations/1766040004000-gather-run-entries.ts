import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A run writes the entries that it goes through part after part, before it knows what their pots are worth: they must be there at its end. */
export class GatherRunEntries1766040004000 implements MigrationInterface {
  name = 'GatherRunEntries1766040004000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE royalty_run_entry
        ALTER CONSTRAINT royalty_run_entry_run_id_fkey DEFERRABLE INITIALLY DEFERRED,
        ALTER CONSTRAINT royalty_run_entry_pot_id_fkey DEFERRABLE INITIALLY DEFERRED;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
