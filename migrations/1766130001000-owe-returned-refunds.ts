import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Refunds that had succeeded and came back: their money is with the processor again, and the fan is owed it. */
export class OweReturnedRefunds1766130001000 implements MigrationInterface {
  name = 'OweReturnedRefunds1766130001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Each row is one try to pay it: owed until somebody sends it, then on its way; one that fails is followed by another row.
      CREATE TABLE owed_refund (
        id text PRIMARY KEY CHECK (id ~ '^rfd_'),
        -- What was paid back and came back: a refund, or a return of coins.
        refund_id text NOT NULL,
        stripe_charge text NOT NULL,
        -- The processor's refund that failed.
        returned_refund text NOT NULL UNIQUE,
        failure text NOT NULL,
        currency text NOT NULL CHECK (currency = 'CNY'),
        gross_minor bigint NOT NULL CHECK (gross_minor > 0),
        state text NOT NULL DEFAULT 'owed' CHECK (state IN ('owed', 'pending', 'succeeded', 'failed')),
        stripe_refund text UNIQUE,
        settled_currency text,
        settled_minor bigint,
        owed_at timestamptz NOT NULL,
        settled_at timestamptz,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        CHECK ((state IN ('succeeded', 'failed')) = (settled_at IS NOT NULL)),
        CHECK (state <> 'succeeded' OR (stripe_refund IS NOT NULL AND settled_currency IS NOT NULL AND settled_minor IS NOT NULL))
      );
      CREATE INDEX owed_refund_open ON owed_refund (owed_at) WHERE state IN ('owed', 'pending');
      GRANT SELECT, UPDATE (state, stripe_refund, settled_currency, settled_minor, settled_at),
        INSERT (id, refund_id, stripe_charge, returned_refund, failure, currency, gross_minor, owed_at) ON owed_refund TO benren_app;

      CREATE FUNCTION owed_refund_moves_on() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        IF NOT ((OLD.state = 'owed' AND NEW.state = 'pending') OR (OLD.state = 'pending' AND NEW.state IN ('succeeded', 'failed'))) THEN
          RAISE EXCEPTION 'what is owed under % is %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER owed_refund_moves_on BEFORE UPDATE ON owed_refund FOR EACH ROW EXECUTE FUNCTION owed_refund_moves_on();
      CREATE TRIGGER owed_refund_stays BEFORE DELETE ON owed_refund FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER owed_refund_never_truncated BEFORE TRUNCATE ON owed_refund FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
