import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A pot of nothing is divided all the same where its base, the price, is something: the payees receive their shares of it, and the platform bears them. */
export class DivideNothing1766190000000 implements MigrationInterface {
  name = 'DivideNothing1766190000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE royalty_pot DROP CONSTRAINT royalty_pot_check,
        ADD CONSTRAINT royalty_pot_posts CHECK (amount_minor = 0 OR transfer_id IS NOT NULL);
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
