import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';
import { pinFunctions } from './pin-functions.ts';

/** A statement's signed paper is kept as it was first given out: a certificate that is renewed later changes no byte of it. */
export class KeepStatementPapers1766050001000 implements MigrationInterface {
  name = 'KeepStatementPapers1766050001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE statement_paper (
        statement_id text NOT NULL REFERENCES statement (id),
        language text NOT NULL CHECK (language IN ('zh-CN', 'en')),
        pdf bytea NOT NULL,
        printed_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (statement_id, language)
      );
    `);
    await keepAppendOnly(runner, ['statement_paper']);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
