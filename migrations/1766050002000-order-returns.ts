import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * In which order a pot was claimed back. What each leg returns depends on the total of all claims before, so whoever works a statement
 * out again needs the order; claims on a clone's pots take turns under its lock, so the numbers rise as they were booked.
 */
export class OrderReturns1766050002000 implements MigrationInterface {
  name = 'OrderReturns1766050002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE goodwill_pot ADD COLUMN booked bigint GENERATED ALWAYS AS IDENTITY');
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
