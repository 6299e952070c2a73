import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Of what is held for a dispute: the run that had divided it, where it was one. */
export class TellDisputedRuns1766180001000 implements MigrationInterface {
  name = 'TellDisputedRuns1766180001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE royalty_reserve ADD COLUMN run_id text, ADD CONSTRAINT royalty_reserve_of_run_waits CHECK (run_id IS NULL OR due_day IS NULL);
      CREATE INDEX royalty_reserve_of_run ON royalty_reserve (run_id) WHERE run_id IS NOT NULL;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
