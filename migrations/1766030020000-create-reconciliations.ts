import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** What each comparison with the processor found: what it mended, and what it could not. */
export class CreateReconciliations1766030020000 implements MigrationInterface {
  name = 'CreateReconciliations1766030020000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE reconciliation (
        id text PRIMARY KEY CHECK (id ~ '^rcn_'),
        since timestamptz NOT NULL,
        started_at timestamptz NOT NULL,
        compared integer NOT NULL CHECK (compared >= 0),
        mended jsonb NOT NULL CHECK (jsonb_typeof(mended) = 'array'),
        differences jsonb NOT NULL CHECK (jsonb_typeof(differences) = 'array'),
        recorded_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX reconciliation_newest ON reconciliation (started_at DESC, id DESC);
    `);
    await keepAppendOnly(runner, ['reconciliation']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
