import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Whoever has money waiting and no account at the processor is reminded, once in thirty days. */
export class RemindPayees1766210002000 implements MigrationInterface {
  name = 'RemindPayees1766210002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE payout_reminder (
        account_id text NOT NULL REFERENCES account (id),
        number integer NOT NULL CHECK (number > 0),
        -- What was unpaid then, by currency.
        waiting jsonb NOT NULL CHECK (jsonb_typeof(waiting) = 'array' AND jsonb_array_length(waiting) > 0),
        reminded_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (account_id, number)
      );

      CREATE FUNCTION payout_reminder_once() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      DECLARE
        last payout_reminder;
      BEGIN
        SELECT * INTO last FROM payout_reminder WHERE account_id = NEW.account_id ORDER BY number DESC LIMIT 1;
        IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.reminded_at < last.reminded_at + interval '30 days' THEN
          RAISE EXCEPTION '% was reminded already', NEW.account_id USING ERRCODE = 'check_violation', CONSTRAINT = 'payout_reminder_once', TABLE = 'payout_reminder';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER payout_reminder_once BEFORE INSERT ON payout_reminder FOR EACH ROW EXECUTE FUNCTION payout_reminder_once();
    `);
    await keepAppendOnly(runner, ['payout_reminder']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
