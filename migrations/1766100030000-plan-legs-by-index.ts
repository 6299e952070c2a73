import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Of a few accounts and transfers by their keys: beside a small table of accounts the planner would read all of it for each post. */
export class PlanLegsByIndex1766100030000 implements MigrationInterface {
  name = 'PlanLegsByIndex1766100030000';

  async up(runner: QueryRunner): Promise<void> {
    for (const name of ['ledger_legs_arrived', 'ledger_stand_still']) {
      for (const kind of ['seqscan', 'hashjoin', 'mergejoin']) await runner.query(`ALTER FUNCTION ${name} SET enable_${kind} = off`);
    }
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
