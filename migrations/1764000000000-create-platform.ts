import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Kept answers to writes, and the outbox of jobs. */
export class CreatePlatform1764000000000 implements MigrationInterface {
  name = 'CreatePlatform1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Raised by every trigger that keeps a table append-only, for every role, the owner too.
      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% on % is refused: its rows are never changed', TG_OP, TG_TABLE_NAME
          USING ERRCODE = 'restrict_violation';
      END $$;

      CREATE TABLE idempotency (
        scope text NOT NULL,
        key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
        digest text NOT NULL,
        -- json, not jsonb: the kept answer keeps its member order, so a repeat is the same bytes.
        answer json NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (scope, key)
      );
      GRANT SELECT, INSERT ON idempotency TO benren_app;

      CREATE TABLE job (
        id text PRIMARY KEY,
        topic text NOT NULL,
        payload jsonb NOT NULL,
        dedupe_key text UNIQUE,
        run_at timestamptz NOT NULL,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')),
        attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
        -- Wall time of the database, since it only guards against a worker that died: never business time.
        claimed_until timestamptz,
        last_error text,
        recorded_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX job_due ON job (run_at, id) WHERE state IN ('waiting', 'running');
      GRANT SELECT, INSERT, UPDATE ON job TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
