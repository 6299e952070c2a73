import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an open dispute claims follows what became of refunds and of changes of plan meanwhile; a decided one's stays. */
export class ClaimDisputesAnew1766130000000 implements MigrationInterface {
  name = 'ClaimDisputesAnew1766130000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      GRANT UPDATE (claim_minor) ON dispute TO benren_app;

      -- A dispute holds of a payee as often as it must: again at each run that divides what is disputed. A run holds once.
      ALTER TABLE royalty_reserve DROP CONSTRAINT royalty_reserve_cause_id_payee_currency_due_day_key;
      CREATE UNIQUE INDEX royalty_reserve_once ON royalty_reserve (cause_id, payee, currency, due_day) WHERE due_day IS NOT NULL;
      CREATE INDEX royalty_reserve_of_dispute ON royalty_reserve (cause_id) WHERE due_day IS NULL;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
