import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';
import { pinFunctions } from './pin-functions.ts';

/** A stop of a capability is a stop for the tiers that name it, unless a fan accepts what remains. */
export class OfferWhatRemains1766110020000 implements MigrationInterface {
  name = 'OfferWhatRemains1766110020000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(FUNCTIONS);
    await keepAppendOnly(runner, ['capability_stop', 'remains_answer']);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  CREATE TABLE capability_stop (
    stop_id text PRIMARY KEY REFERENCES billing_stop (stop_id),
    clone_id text NOT NULL REFERENCES clone (id),
    capability text NOT NULL,
    -- Until then a fan may say whether to keep what remains; who says nothing is paid back.
    closes_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX capability_stop_of_clone ON capability_stop (clone_id, capability);

  CREATE TABLE remains_answer (
    stop_id text NOT NULL REFERENCES capability_stop (stop_id),
    subscription_id text NOT NULL REFERENCES subscription (id),
    accepted boolean NOT NULL,
    answered_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stop_id, subscription_id)
  );
  CREATE INDEX remains_answer_of_subscription ON remains_answer (subscription_id);
`;

const FUNCTIONS = `
  CREATE FUNCTION remains_answer_in_time() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (SELECT FROM capability_stop WHERE stop_id = NEW.stop_id AND NEW.answered_at < closes_at) THEN
      RAISE EXCEPTION 'the time to answer % is over', NEW.stop_id USING ERRCODE = 'check_violation', CONSTRAINT = 'remains_answer_in_time';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER remains_answer_in_time BEFORE INSERT ON remains_answer FOR EACH ROW EXECUTE FUNCTION remains_answer_in_time();

  -- What an offer still gives of what it names.
  CREATE FUNCTION remaining_capabilities(of_tier text, of_version integer) RETURNS text[] LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(named ORDER BY named), '{}') FROM tier_offer AS o, unnest(o.capabilities) AS named
    WHERE o.tier_id = of_tier AND o.version = of_version
      AND NOT EXISTS (SELECT FROM capability_stop AS s WHERE s.clone_id = o.clone_id AND s.capability = named)
  $$;

  -- Whether a stop leaves a subscription alone: its fan accepted what remains, or may still answer at that instant (null: only the first).
  CREATE FUNCTION fan_keeps(stop text, subscription text, tier text, version integer, at timestamptz) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
      SELECT FROM capability_stop AS s LEFT JOIN remains_answer AS a ON a.stop_id = s.stop_id AND a.subscription_id = $2
      WHERE s.stop_id = $1 AND (a.accepted OR (a.accepted IS NULL AND $5 < s.closes_at AND cardinality(remaining_capabilities($3, $4)) > 0)))
  $$;
`;
