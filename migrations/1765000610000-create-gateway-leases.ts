import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Who may hand out media, which stops they must confirm, what they confirmed, and what makes them trust no database. */
export class CreateGatewayLeases1765000610000 implements MigrationInterface {
  name = 'CreateGatewayLeases1765000610000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(REGISTRY);
    await runner.query(STOPS);
    await runner.query(ACKNOWLEDGEMENTS);
    await runner.query(DISTRUST);
    await keepAppendOnly(runner, ['gate_stop', 'gate_stop_confirmation', 'database_distrust', 'database_confirmation']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const REGISTRY = `
  CREATE TABLE gateway_lease (
    id text PRIMARY KEY CHECK (id ~ '^gwy_'),
    process text NOT NULL CHECK (length(process) BETWEEN 1 AND 200),
    state text NOT NULL DEFAULT 'serving' CHECK (state IN ('serving', 'left', 'expired')),
    renewals bigint NOT NULL DEFAULT 0,
    -- The database's clock: leases are counted by the gateway on its own; this is for people, and for the rule below.
    renewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX gateway_lease_serving ON gateway_lease (id) WHERE state = 'serving';

  -- A gateway leaves by itself, or after a whole lease (1 s and the slack of the coordinator's wait) without renewal.
  CREATE FUNCTION gateway_lease_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF OLD.state <> 'serving' OR (NEW.id, NEW.process, NEW.recorded_at) IS DISTINCT FROM (OLD.id, OLD.process, OLD.recorded_at) THEN
      RAISE EXCEPTION 'a gateway that has left never comes back under its name'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gateway_lease_final';
    END IF;
    IF NEW.state = 'serving' AND NEW.renewals <> OLD.renewals + 1 THEN
      RAISE EXCEPTION 'a renewal is one more' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gateway_lease_counts';
    END IF;
    IF NEW.state = 'expired' AND clock_timestamp() - OLD.renewed_at < interval '1020 milliseconds' THEN
      RAISE EXCEPTION 'this lease may still run' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gateway_lease_runs';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER gateway_lease_guard BEFORE UPDATE ON gateway_lease FOR EACH ROW EXECUTE FUNCTION gateway_lease_guard();
  CREATE TRIGGER gateway_lease_never_deleted BEFORE DELETE ON gateway_lease FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER gateway_lease_never_truncated BEFORE TRUNCATE ON gateway_lease FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  GRANT SELECT, INSERT, UPDATE (state, renewals, renewed_at) ON gateway_lease TO benren_app;
`;

const STOPS = `
  -- One row a gate that was shut and has to be confirmed by every gateway; its number has no gaps, since stops take turns.
  CREATE TABLE gate_stop (
    id text PRIMARY KEY CHECK (id ~ '^stp_'),
    number bigint NOT NULL UNIQUE CHECK (number >= 1),
    kind text NOT NULL CHECK (kind IN ('pause', 'wind_down', 'existence')),
    scope text NOT NULL CHECK (scope IN ('platform', 'clone', 'capability', 'grant', 'licence')),
    clone_id text REFERENCES clone (id),
    gate_id text NOT NULL REFERENCES gate (id),
    -- The gate's epoch from this stop on, and how many releases its scope had under the exclusive lock.
    epoch bigint NOT NULL,
    releases bigint NOT NULL CHECK (releases >= 0),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    ordered_by text NOT NULL,
    ordered_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT gate_stop_scope CHECK ((scope = 'platform') = (clone_id IS NULL)),
    UNIQUE (gate_id, epoch)
  );
  CREATE INDEX gate_stop_of_clone ON gate_stop (clone_id, number);

  -- The stops that gateways must still confirm.
  CREATE TABLE gate_stop_open (
    stop_id text PRIMARY KEY REFERENCES gate_stop (id)
  );
  GRANT SELECT ON gate_stop_open TO benren_app;

  CREATE TABLE gate_stop_confirmation (
    stop_id text NOT NULL REFERENCES gate_stop (id),
    gateway_id text NOT NULL REFERENCES gateway_lease (id),
    -- One line a stream that was reset, with all bytes that the operating system was ever handed of it.
    streams json NOT NULL,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stop_id, gateway_id)
  );

  INSERT INTO gate_stop (id, number, kind, scope, clone_id, gate_id, epoch, releases, reason, ordered_by, ordered_at)
    SELECT stop.id, row_number() OVER (ORDER BY stop.ordered_at, stop.id), 'existence', 'clone', stop.clone_id, gate.id, stop.epoch,
      stop.releases, 'stop.ordered', stop.ordered_by, stop.ordered_at
    FROM stop_order AS stop JOIN gate ON gate.clone_id = stop.clone_id AND gate.kind = 'clone';
  INSERT INTO gate_stop_open (stop_id)
    SELECT id FROM gate_stop WHERE NOT EXISTS (SELECT FROM stop_acknowledgement WHERE stop_id = gate_stop.id);

  CREATE FUNCTION gate_stop_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    -- The lock of src/stop/store.ts: two stops never look for their number at once.
    PERFORM pg_advisory_xact_lock(6239);
    NEW.number := coalesce((SELECT max(number) FROM gate_stop), 0) + 1;
    IF NOT EXISTS (
      SELECT FROM gate WHERE id = NEW.gate_id AND kind = NEW.scope AND clone_id IS NOT DISTINCT FROM NEW.clone_id AND epoch = NEW.epoch
        AND state = CASE NEW.kind WHEN 'pause' THEN 'paused' ELSE 'stopped' END) THEN
      RAISE EXCEPTION 'a stop shuts its gate first' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gate_stop_shuts';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER gate_stop_fits BEFORE INSERT ON gate_stop FOR EACH ROW EXECUTE FUNCTION gate_stop_fits();

  CREATE FUNCTION gate_stop_opens() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    INSERT INTO gate_stop_open (stop_id) VALUES (NEW.id);
    RETURN NULL;
  END $$;
  CREATE TRIGGER gate_stop_opens AFTER INSERT ON gate_stop FOR EACH ROW EXECUTE FUNCTION gate_stop_opens();
`;

const ACKNOWLEDGEMENTS = `
  ALTER TABLE stop_acknowledgement DROP CONSTRAINT stop_acknowledgement_stop_id_fkey;
  ALTER TABLE stop_acknowledgement ADD FOREIGN KEY (stop_id) REFERENCES gate_stop (id);
  -- Which gateways confirmed and when, which leases had to run out; the bytes of all streams that were reset.
  ALTER TABLE stop_acknowledgement ADD COLUMN gateways json NOT NULL DEFAULT '[]';
  ALTER TABLE stop_acknowledgement ADD COLUMN streams integer NOT NULL DEFAULT 0 CHECK (streams >= 0);
  ALTER TABLE stop_acknowledgement ADD COLUMN bytes bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0);
  -- From the return of COMMIT to the acknowledgement, on the clock of the process that gave it.
  ALTER TABLE stop_acknowledgement ADD COLUMN waited_nanoseconds bigint CHECK (waited_nanoseconds >= 0);

  -- Whoever may still serve has confirmed: a gateway that is registered and silent must have been seen out first.
  CREATE FUNCTION stop_acknowledgement_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF EXISTS (
      SELECT FROM gateway_lease AS lease JOIN gate_stop AS stop ON stop.id = NEW.stop_id
      WHERE lease.state = 'serving' AND lease.recorded_at < stop.recorded_at AND clock_timestamp() - stop.recorded_at < interval '1020 milliseconds'
        AND NOT EXISTS (SELECT FROM gate_stop_confirmation WHERE stop_id = stop.id AND gateway_id = lease.id)) THEN
      RAISE EXCEPTION 'a gateway has neither confirmed nor run out' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stop_acknowledged_too_early';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER stop_acknowledgement_fits BEFORE INSERT ON stop_acknowledgement FOR EACH ROW EXECUTE FUNCTION stop_acknowledgement_fits();

  CREATE FUNCTION stop_acknowledgement_closes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    DELETE FROM gate_stop_open WHERE stop_id = NEW.stop_id;
    RETURN NULL;
  END $$;
  CREATE TRIGGER stop_acknowledgement_closes AFTER INSERT ON stop_acknowledgement
    FOR EACH ROW EXECUTE FUNCTION stop_acknowledgement_closes();
`;

const DISTRUST = `
  -- A gateway remembers more than this database knows, or knows it by another name: it hands out nothing until two
  -- operators have compared the log with a checkpoint from outside.
  CREATE TABLE database_distrust (
    id text PRIMARY KEY CHECK (id ~ '^dtr_'),
    what text NOT NULL CHECK (what IN ('system', 'timeline', 'epoch', 'stops')),
    remembered text NOT NULL,
    seen text NOT NULL,
    reported_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE database_confirmation (
    distrust_id text NOT NULL REFERENCES database_distrust (id),
    account_id text NOT NULL REFERENCES account (id),
    log_size bigint NOT NULL CHECK (log_size >= 0),
    log_root_hash text NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (distrust_id, account_id)
  );
`;
