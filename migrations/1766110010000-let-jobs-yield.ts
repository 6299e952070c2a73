import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Jobs that let others go first. A job that is due is taken in the order of `turn_at`: its own time, or later by as much as it
 * yields; so nothing yields for ever.
 */
export class LetJobsYield1766110010000 implements MigrationInterface {
  name = 'LetJobsYield1766110010000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE job ADD COLUMN turn_at timestamptz;
      UPDATE job SET turn_at = run_at;
      ALTER TABLE job ALTER COLUMN turn_at SET NOT NULL;
      DROP INDEX job_due;
      CREATE INDEX job_due ON job (turn_at, id) WHERE state IN ('waiting', 'running');
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
