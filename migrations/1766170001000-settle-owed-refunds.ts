import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** What is owed to a fan may be paid outside the processor: who says so, and by what it is found again. */
export class SettleOwedRefunds1766170001000 implements MigrationInterface {
  name = 'SettleOwedRefunds1766170001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE refund_paid_otherwise (
        -- What was owed: a refund that came back, or one that the processor would not make.
        owed_id text PRIMARY KEY CHECK (owed_id ~ '^rfd_'),
        reference text NOT NULL CHECK (length(reference) BETWEEN 3 AND 200),
        recorded_by text NOT NULL REFERENCES account (id),
        paid_at timestamptz NOT NULL,
        transfer_id text NOT NULL REFERENCES ledger_transfer (id),
        recorded_at timestamptz NOT NULL DEFAULT now()
      );

      ALTER TABLE owed_refund DROP CONSTRAINT owed_refund_state_check, ADD CONSTRAINT owed_refund_state_check
        CHECK (state IN ('owed', 'pending', 'succeeded', 'failed', 'paid_otherwise'));
      ALTER TABLE owed_refund DROP CONSTRAINT owed_refund_check, ADD CONSTRAINT owed_refund_check
        CHECK ((state IN ('succeeded', 'failed', 'paid_otherwise')) = (settled_at IS NOT NULL));

      CREATE OR REPLACE FUNCTION owed_refund_moves_on() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        IF NOT ((OLD.state = 'owed' AND NEW.state IN ('pending', 'paid_otherwise')) OR (OLD.state = 'pending' AND NEW.state IN ('succeeded', 'failed'))) THEN
          RAISE EXCEPTION 'what is owed under % is %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state = 'paid_otherwise' AND NOT EXISTS (SELECT FROM refund_paid_otherwise WHERE owed_id = NEW.id) THEN
          RAISE EXCEPTION 'nobody said how % was paid', NEW.id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
    `);
    await keepAppendOnly(runner, ['refund_paid_otherwise']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
