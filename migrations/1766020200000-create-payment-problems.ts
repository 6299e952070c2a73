import type { MigrationInterface, QueryRunner } from 'typeorm';

import { pinFunctions } from './pin-functions.ts';

/** Renewals that were not paid: what was tried, and until when the fan keeps what she had. And pauses of the whole house. */
export class CreatePaymentProblems1766020200000 implements MigrationInterface {
  name = 'CreatePaymentProblems1766020200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(PROBLEMS);
    await runner.query(PAUSES);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const PROBLEMS = `
  CREATE TABLE payment_problem (
    stripe_invoice text PRIMARY KEY,
    clone_id text NOT NULL,
    subscription_id text NOT NULL REFERENCES subscription (id),
    failed_at timestamptz NOT NULL,
    -- The first day on which nothing of what was paid before is kept any more; fixed when the first try failed.
    grace_until date NOT NULL,
    attempts integer NOT NULL CHECK (attempts >= 1),
    -- Null: the processor tries no more by itself.
    next_attempt_at timestamptz,
    resolved_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX payment_problem_open ON payment_problem (subscription_id) WHERE resolved_at IS NULL;
  GRANT SELECT, UPDATE (attempts, next_attempt_at, resolved_at),
    INSERT (stripe_invoice, clone_id, subscription_id, failed_at, grace_until, attempts, next_attempt_at) ON payment_problem TO benren_app;

  CREATE FUNCTION payment_problem_moves_on() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF OLD.resolved_at IS NOT NULL OR NEW.attempts < OLD.attempts THEN
      RAISE EXCEPTION 'the payment of % does not go back', OLD.stripe_invoice USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER payment_problem_moves_on BEFORE UPDATE ON payment_problem FOR EACH ROW EXECUTE FUNCTION payment_problem_moves_on();
`;

const PAUSES = `
  -- While the platform's own gate is paused, no clone delivers: its days lengthen every paid period.
  CREATE TABLE platform_pause (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_at timestamptz NOT NULL,
    to_at timestamptz CHECK (to_at >= from_at),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE UNIQUE INDEX platform_pause_one_open ON platform_pause ((true)) WHERE to_at IS NULL;
  GRANT SELECT, INSERT (from_at), UPDATE (to_at) ON platform_pause TO benren_app;

  CREATE FUNCTION platform_pause_ends_once() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF OLD.to_at IS NOT NULL THEN
      RAISE EXCEPTION 'this pause of the platform has ended' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER platform_pause_ends_once BEFORE UPDATE ON platform_pause FOR EACH ROW EXECUTE FUNCTION platform_pause_ends_once();
`;
