import type { MigrationInterface, QueryRunner } from 'typeorm';

import { pinFunctions } from './pin-functions.ts';

/** Pauses of one capability: they lengthen the paid periods of the offers that name it. */
export class PauseCapabilities1766110000000 implements MigrationInterface {
  name = 'PauseCapabilities1766110000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(PAUSES);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const PAUSES = `
  CREATE TABLE capability_pause (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clone_id text NOT NULL REFERENCES clone (id),
    capability text NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz CHECK (to_at >= from_at),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX capability_pause_of_clone ON capability_pause (clone_id, from_at);
  CREATE UNIQUE INDEX capability_pause_one_open ON capability_pause (clone_id, capability) WHERE to_at IS NULL;
  GRANT SELECT, INSERT (clone_id, capability, from_at), UPDATE (to_at) ON capability_pause TO benren_app;

  CREATE FUNCTION capability_pause_ends_once() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF OLD.to_at IS NOT NULL THEN
      RAISE EXCEPTION 'this pause of % has ended', OLD.capability USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER capability_pause_ends_once BEFORE UPDATE ON capability_pause FOR EACH ROW EXECUTE FUNCTION capability_pause_ends_once();

  -- A late payment belongs to its period: the days between the end of the grace and the payment are added to its end.
  CREATE INDEX payment_problem_of_subscription ON payment_problem (subscription_id);
`;
