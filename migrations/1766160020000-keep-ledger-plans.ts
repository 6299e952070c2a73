import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a roll-up runs at each of its points with other numbers, always by index. Left to itself PostgreSQL compared what the numbers at hand would
 * cost with what any would, found them a little cheaper, and planned anew at every call: a third of what a roll-up took.
 */
const KEPT = ['ledger_snapshot_accounts', 'ledger_sum_days'];

/** Plans that are made once a session. */
export class KeepLedgerPlans1766160020000 implements MigrationInterface {
  name = 'KeepLedgerPlans1766160020000';

  async up(runner: QueryRunner): Promise<void> {
    for (const name of KEPT) await runner.query(`ALTER FUNCTION ${name} SET plan_cache_mode = force_generic_plan`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
