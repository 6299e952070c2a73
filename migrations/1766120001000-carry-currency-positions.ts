import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** How each pair of currencies stood open after a position of the ledger: what the next difference is worked out from. */
export class CarryCurrencyPositions1766120001000 implements MigrationInterface {
  name = 'CarryCurrencyPositions1766120001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE currency_carried (
        position bigint NOT NULL CHECK (position > 0),
        claim text NOT NULL REFERENCES currency (code),
        settled text NOT NULL REFERENCES currency (code) CHECK (settled <> claim),
        claim_minor bigint NOT NULL,
        worth_minor bigint NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (position, claim, settled),
        -- Nothing is worth anything that is not open.
        CHECK (claim_minor <> 0 OR worth_minor = 0)
      );
    `);
    await keepAppendOnly(runner, ['currency_carried']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
