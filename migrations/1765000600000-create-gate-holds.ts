import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/**
 * Why a gate is paused: its holds. A hold that is placed shuts the gate, the last one that is lifted opens it, and
 * PostgreSQL does both itself, so that state and reasons can never differ.
 */
export class CreateGateHolds1765000600000 implements MigrationInterface {
  name = 'CreateGateHolds1765000600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLE);
    await runner.query(RULES);
    await keepAppendOnly(runner, ['gate_hold']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLE = `
  -- Facts, never changed: the last one of a holder says whether it holds.
  CREATE TABLE gate_hold (
    gate_id text NOT NULL REFERENCES gate (id),
    -- Given under the gate's lock: the order in which holds were placed and lifted.
    position bigint NOT NULL,
    holder text NOT NULL CHECK (holder ~ '^[a-z][a-z_]*(:[A-Za-z0-9_]+)?$' AND length(holder) <= 100),
    fact text NOT NULL CHECK (fact IN ('placed', 'lifted')),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    by_whom text NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (gate_id, position)
  );
  CREATE INDEX gate_hold_of_holder ON gate_hold (gate_id, holder, position DESC);
  INSERT INTO gate_hold (gate_id, position, holder, fact, reason, by_whom, at)
    SELECT id, 1, 'owner', 'placed', reason, changed_by, changed_at FROM gate WHERE state = 'paused';
`;

const RULES = `
  CREATE FUNCTION gate_holders(of_gate text) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(holder ORDER BY holder), '{}') FROM (
      SELECT DISTINCT ON (holder) holder, fact FROM gate_hold WHERE gate_id = of_gate ORDER BY holder, position DESC
    ) AS last WHERE fact = 'placed'
  $$;

  CREATE FUNCTION gate_hold_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    key bigint;
    now_state text;
  BEGIN
    SELECT lock_key INTO key FROM gate WHERE id = NEW.gate_id;
    PERFORM pg_advisory_xact_lock(key);
    -- Statements of their own after the wait: they see what was committed while it lasted.
    SELECT state INTO now_state FROM gate WHERE id = NEW.gate_id;
    IF now_state = 'stopped' THEN
      RAISE EXCEPTION 'a stopped gate takes no hold' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_stopped_is_final';
    END IF;
    IF (NEW.holder = ANY (gate_holders(NEW.gate_id))) <> (NEW.fact = 'lifted') THEN
      RAISE EXCEPTION 'what is held is lifted, what is not held is placed'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_hold_alternates';
    END IF;
    NEW.position := coalesce((SELECT max(position) FROM gate_hold WHERE gate_id = NEW.gate_id), 0) + 1;
    RETURN NEW;
  END $$;
  CREATE TRIGGER gate_hold_fits BEFORE INSERT ON gate_hold FOR EACH ROW EXECUTE FUNCTION gate_hold_fits();

  CREATE FUNCTION gate_hold_moves_gate() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NEW.fact = 'placed' THEN
      UPDATE gate SET state = 'paused', epoch = epoch + 1, reason = NEW.reason, changed_by = NEW.by_whom, changed_at = NEW.at
        WHERE id = NEW.gate_id AND state = 'open';
    ELSIF cardinality(gate_holders(NEW.gate_id)) = 0 THEN
      UPDATE gate SET state = 'open', epoch = epoch + 1, reason = NEW.reason, changed_by = NEW.by_whom, changed_at = NEW.at
        WHERE id = NEW.gate_id AND state = 'paused';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER gate_hold_moves_gate AFTER INSERT ON gate_hold FOR EACH ROW EXECUTE FUNCTION gate_hold_moves_gate();

  -- As before, and: paused exactly while something holds it.
  CREATE OR REPLACE FUNCTION gate_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'open' OR NEW.epoch <> 1 THEN
        RAISE EXCEPTION 'a gate begins open, at epoch 1' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_begins_open';
      END IF;
      RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(OLD.lock_key);
    IF (NEW.id, NEW.kind, NEW.clone_id, NEW.capability, NEW.grant_id, NEW.licence_id, NEW.recorded_at) IS DISTINCT FROM
       (OLD.id, OLD.kind, OLD.clone_id, OLD.capability, OLD.grant_id, OLD.licence_id, OLD.recorded_at) THEN
      RAISE EXCEPTION 'what a gate stands for never changes' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_fixed';
    END IF;
    IF OLD.state = 'stopped' THEN
      RAISE EXCEPTION 'a stopped gate never changes again' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_stopped_is_final';
    END IF;
    IF NEW.epoch <> OLD.epoch + 1 THEN
      RAISE EXCEPTION 'every change raises the epoch by one' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_epoch_rises';
    END IF;
    IF NEW.state <> 'stopped' AND (NEW.state = 'paused') <> (cardinality(gate_holders(NEW.id)) > 0) THEN
      RAISE EXCEPTION 'a gate is paused while something holds it, and only then'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_paused_by_holds';
    END IF;
    RETURN NEW;
  END $$;
`;
