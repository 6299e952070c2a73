import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Splits divide any of three bases, say what each payee is paid for, and how much of a run is held against refunds. */
export class WidenSplits1766040000000 implements MigrationInterface {
  name = 'WidenSplits1766040000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE split DROP CONSTRAINT split_base_check,
        ADD CONSTRAINT split_base_known CHECK (base IN ('gross', 'net_of_tax', 'net_of_tax_and_fees')),
        ADD COLUMN reserve_basis_points integer NOT NULL DEFAULT 0 CHECK (reserve_basis_points BETWEEN 0 AND 5000),
        ADD COLUMN reserve_days integer NOT NULL DEFAULT 0 CHECK (reserve_days BETWEEN 0 AND 365),
        ADD CONSTRAINT split_reserve_whole CHECK ((reserve_basis_points = 0) = (reserve_days = 0));
      -- Null in splits of before roles were signed.
      ALTER TABLE split_leg ADD COLUMN role text CHECK (role IN ('owner', 'platform', 'agency', 'co_writer', 'charity', 'payee')),
        ADD CONSTRAINT split_leg_platform CHECK (role IS NULL OR (role = 'platform') = (payee = 'platform'));
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
