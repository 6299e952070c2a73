import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Gates with their locks, grants with their signed versions, decisions with their receipts. */
export class CreateConsent1764000050000 implements MigrationInterface {
  name = 'CreateConsent1764000050000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(GATES);
    await runner.query(GATE_CHECKS);
    await runner.query(GRANTS);
    await runner.query(FALLS);
    await runner.query(DECISIONS);
    await keepAppendOnly(runner, ['gate_change', 'consent_grant_draft', 'consent_grant_signature', 'consent_grant_revocation', 'decision'], null);
    await runner.query(`
      INSERT INTO gate (id, kind, reason, changed_by, changed_at)
      VALUES ('gat_platform', 'platform', 'opened', 'migration', '2026-01-01T00:00:00Z');
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const GATES = `
  -- A tree: platform, clone, clone and capability, grant, licence (docs/promises.md). Everything but state, epoch and the last
  -- change is fixed for ever, so the lock's key may be read in the statement that takes the lock.
  CREATE TABLE gate (
    id text PRIMARY KEY CHECK (id ~ '^gat_'),
    kind text NOT NULL CHECK (kind IN ('platform', 'clone', 'capability', 'grant', 'licence')),
    clone_id text REFERENCES clone (id),
    capability text,
    grant_id text,
    licence_id text,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paused', 'stopped')),
    epoch bigint NOT NULL DEFAULT 1 CHECK (epoch >= 1),
    lock_key bigint NOT NULL GENERATED ALWAYS AS (hashtextextended(id, 6237)) STORED,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT gate_shape CHECK (CASE kind
      WHEN 'platform' THEN num_nonnulls(clone_id, capability, grant_id, licence_id) = 0
      WHEN 'clone' THEN clone_id IS NOT NULL AND num_nonnulls(capability, grant_id, licence_id) = 0
      WHEN 'capability' THEN num_nonnulls(clone_id, capability) = 2 AND num_nonnulls(grant_id, licence_id) = 0
      WHEN 'grant' THEN num_nonnulls(clone_id, grant_id) = 2 AND num_nonnulls(capability, licence_id) = 0
      WHEN 'licence' THEN num_nonnulls(clone_id, licence_id) = 2 AND num_nonnulls(capability, grant_id) = 0
    END),
    CONSTRAINT gate_once UNIQUE NULLS NOT DISTINCT (clone_id, kind, capability, grant_id, licence_id)
  );

  CREATE TABLE gate_change (
    gate_id text NOT NULL REFERENCES gate (id),
    epoch bigint NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (gate_id, epoch)
  );

  -- Whoever changes a gate, by whatever statement, waits for the releases in flight: the lock is taken here too.
  CREATE FUNCTION gate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
    RETURN NEW;
  END $$;
  CREATE TRIGGER gate_guard BEFORE INSERT OR UPDATE ON gate FOR EACH ROW EXECUTE FUNCTION gate_guard();

  CREATE FUNCTION gate_remembered() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
  BEGIN
    INSERT INTO gate_change (gate_id, epoch, state, reason, changed_by, changed_at)
    VALUES (NEW.id, NEW.epoch, NEW.state, NEW.reason, NEW.changed_by, NEW.changed_at);
    RETURN NULL;
  END $$;
  CREATE TRIGGER gate_remembered AFTER INSERT OR UPDATE ON gate FOR EACH ROW EXECUTE FUNCTION gate_remembered();

  CREATE TRIGGER gate_never_deleted BEFORE DELETE ON gate FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER gate_never_truncated BEFORE TRUNCATE ON gate FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  GRANT SELECT, INSERT, UPDATE (state, epoch, reason, changed_by, changed_at) ON gate TO benren_app;
  GRANT SELECT ON gate_change TO benren_app;
`;

const GATE_CHECKS = `
  -- Takes the shared lock of every gate, in tree order, in one statement; a second statement then reads them. The
  -- function must stay VOLATILE and the transaction READ COMMITTED: otherwise the second statement would read with a
  -- snapshot that is older than the wait, and see a gate open that a stop has just shut.
  CREATE FUNCTION assert_gates_open(gate_ids text[], epochs bigint[]) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = public AS $$
  DECLARE
    shut record;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'gates are only checked under READ COMMITTED'
        USING ERRCODE = 'BN001', CONSTRAINT = 'gate_isolation';
    END IF;
    IF coalesce(cardinality(gate_ids), 0) = 0 OR cardinality(gate_ids) IS DISTINCT FROM cardinality(epochs) THEN
      RAISE EXCEPTION 'name every gate with its epoch' USING ERRCODE = 'BN001', CONSTRAINT = 'gate_unnamed';
    END IF;

    PERFORM pg_advisory_xact_lock_shared(tree.lock_key) FROM (
      SELECT lock_key FROM gate WHERE id = ANY (gate_ids)
      ORDER BY array_position(ARRAY['platform', 'clone', 'capability', 'grant', 'licence'], kind), id
    ) AS tree;

    SELECT asked.id, coalesce(gate.state, 'unknown') AS state, gate.epoch, asked.epoch AS asked_epoch INTO shut
      FROM unnest(gate_ids, epochs) AS asked (id, epoch) LEFT JOIN gate ON gate.id = asked.id
      WHERE gate.id IS NULL OR gate.state <> 'open' OR gate.epoch IS DISTINCT FROM asked.epoch
      ORDER BY gate.state = 'stopped' DESC NULLS LAST, gate.state = 'paused' DESC NULLS LAST LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'gate % is %, epoch % where % was decided', shut.id, shut.state, shut.epoch, shut.asked_epoch
        USING ERRCODE = 'BN001', CONSTRAINT = CASE shut.state
          WHEN 'stopped' THEN 'gate_stopped' WHEN 'paused' THEN 'gate_paused' ELSE 'gate_changed' END;
    END IF;
  END $$;

  -- The same for a release, which may not choose its gates: they must be exactly those of its clone, capability and grant.
  CREATE FUNCTION assert_release_gates(
    of_clone text, of_capability text, of_grant text, gate_ids text[], epochs bigint[]
  ) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = public AS $$
  DECLARE
    applicable text[];
  BEGIN
    SELECT array_agg(id ORDER BY id) INTO applicable FROM gate
      WHERE kind = 'platform'
        OR (clone_id = of_clone AND (kind = 'clone'
          OR (kind = 'capability' AND capability = of_capability)
          OR (kind = 'grant' AND grant_id = of_grant)));
    IF coalesce(cardinality(applicable), 0) <> 4
      OR applicable IS DISTINCT FROM (SELECT array_agg(id ORDER BY id) FROM unnest(gate_ids) AS id) THEN
      RAISE EXCEPTION 'these are not the gates of %, %, %', of_clone, of_capability, of_grant
        USING ERRCODE = 'BN001', CONSTRAINT = 'gate_unnamed';
    END IF;
    PERFORM assert_gates_open(gate_ids, epochs);
  END $$;
`;

const GRANTS = `
  CREATE TABLE consent_grant (
    id text PRIMARY KEY CHECK (id ~ '^grt_'),
    clone_id text NOT NULL REFERENCES clone (id),
    owner_account_id text NOT NULL REFERENCES account (id),
    licensee text NOT NULL CHECK (licensee = 'platform'),
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'signed', 'revoked', 'expired')),
    drafted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, id)
  );
  ALTER TABLE gate ADD CONSTRAINT gate_of_grant FOREIGN KEY (clone_id, grant_id) REFERENCES consent_grant (clone_id, id);
  CREATE INDEX consent_grant_of_clone ON consent_grant (clone_id, state, id);
  -- Two grants in force for one licensee could contradict each other; the second must be an amendment.
  CREATE UNIQUE INDEX consent_grant_one_in_force ON consent_grant (clone_id, licensee) WHERE state = 'signed';

  -- Every text that was offered for signature, a first version or an amendment, as the bytes that are hashed.
  CREATE TABLE consent_grant_draft (
    grant_id text NOT NULL REFERENCES consent_grant (id),
    digest text NOT NULL CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    version integer NOT NULL CHECK (version >= 1),
    supersedes text CHECK ((version = 1) = (supersedes IS NULL)),
    canonical text NOT NULL,
    drafted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grant_id, digest),
    UNIQUE (grant_id, digest, version),
    CONSTRAINT consent_grant_draft_is_the_document CHECK (
      canonical::jsonb ->> 'grantId' = grant_id
      AND canonical::jsonb -> 'version' = to_jsonb(version)
      AND canonical::jsonb ->> 'supersedes' IS NOT DISTINCT FROM supersedes)
  );

  -- A draft that was signed. Versions have no gap: each but the first stands on the one before.
  CREATE TABLE consent_grant_signature (
    grant_id text NOT NULL,
    version integer NOT NULL,
    previous integer GENERATED ALWAYS AS (CASE WHEN version = 1 THEN NULL ELSE version - 1 END) STORED,
    digest text NOT NULL,
    signed_document_id text NOT NULL UNIQUE REFERENCES signed_document (id),
    signed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grant_id, version),
    FOREIGN KEY (grant_id, digest, version) REFERENCES consent_grant_draft (grant_id, digest, version),
    FOREIGN KEY (grant_id, previous) REFERENCES consent_grant_signature (grant_id, version)
  );

  CREATE TABLE consent_grant_revocation (
    grant_id text PRIMARY KEY REFERENCES consent_grant (id),
    signed_document_id text NOT NULL UNIQUE REFERENCES signed_document (id),
    revoked_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  -- A signature counts for the draft that was signed, by the grant's owner, and for nothing else.
  CREATE FUNCTION consent_signature_fits() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    signed signed_document;
  BEGIN
    SELECT d.* INTO signed FROM signed_document AS d JOIN consent_grant AS g ON g.owner_account_id = d.account_id
      WHERE d.id = NEW.signed_document_id AND g.id = NEW.grant_id AND d.canonical::jsonb ->> 'grantId' = g.id;
    IF NOT FOUND
      OR (TG_TABLE_NAME = 'consent_grant_revocation' AND signed.document_type <> 'revocation')
      OR (TG_TABLE_NAME = 'consent_grant_signature' AND (to_jsonb(NEW) ->> 'digest' <> signed.digest
        OR signed.document_type <> CASE to_jsonb(NEW) ->> 'version' WHEN '1' THEN 'grant' ELSE 'amendment' END)) THEN
      RAISE EXCEPTION 'this is not the owner''s signature over it'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_signature_fits';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER consent_signature_fits BEFORE INSERT ON consent_grant_signature
    FOR EACH ROW EXECUTE FUNCTION consent_signature_fits();
  CREATE TRIGGER consent_signature_fits BEFORE INSERT ON consent_grant_revocation
    FOR EACH ROW EXECUTE FUNCTION consent_signature_fits();

  CREATE FUNCTION consent_grant_guard() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'draft' THEN
        RAISE EXCEPTION 'a grant begins as a draft' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_begins_as_draft';
      END IF;
      RETURN NEW;
    END IF;
    IF (OLD.state, NEW.state) NOT IN (('draft', 'signed'), ('signed', 'revoked'), ('signed', 'expired')) THEN
      RAISE EXCEPTION 'a grant never goes from % to %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_states';
    END IF;
    IF NEW.state = 'signed' AND NOT EXISTS (SELECT FROM consent_grant_signature WHERE grant_id = NEW.id AND version = 1) THEN
      RAISE EXCEPTION 'a grant is signed by a signature' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_needs_signature';
    END IF;
    IF NEW.state = 'revoked' AND NOT EXISTS (SELECT FROM consent_grant_revocation WHERE grant_id = NEW.id) THEN
      RAISE EXCEPTION 'a grant is revoked by a signature' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_needs_revocation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER consent_grant_guard BEFORE INSERT OR UPDATE ON consent_grant
    FOR EACH ROW EXECUTE FUNCTION consent_grant_guard();
  CREATE TRIGGER consent_grant_never_deleted BEFORE DELETE ON consent_grant
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

  GRANT SELECT, INSERT, UPDATE (state) ON consent_grant TO benren_app;
  GRANT SELECT, INSERT ON consent_grant_draft, consent_grant_signature, consent_grant_revocation TO benren_app;
`;

const FALLS = `
  -- A version or a proof that is withdrawn narrows what the clone may do, by whatever path it was withdrawn: the
  -- clone's gate gets a new epoch in the same transaction, so nothing decided before is released after.
  CREATE FUNCTION clone_gate_narrows() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_TABLE_NAME = 'clone_version' THEN
      UPDATE gate SET epoch = epoch + 1, reason = 'version.withdrawn', changed_by = 'database', changed_at = NEW.withdrawn_at
        WHERE kind = 'clone' AND clone_id = NEW.clone_id AND state <> 'stopped';
    ELSE
      UPDATE gate SET epoch = epoch + 1, reason = 'ownership_proof.' || NEW.state, changed_by = 'database', changed_at = NEW.ended_at
        WHERE kind = 'clone' AND state <> 'stopped'
          AND clone_id IN (SELECT id FROM clone WHERE ownership_proof_id = NEW.id);
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER clone_gate_narrows AFTER UPDATE OF state ON clone_version
    FOR EACH ROW WHEN (OLD.state = 'approved' AND NEW.state <> 'approved') EXECUTE FUNCTION clone_gate_narrows();
  CREATE TRIGGER clone_gate_narrows AFTER UPDATE OF state ON ownership_proof
    FOR EACH ROW WHEN (OLD.state = 'approved' AND NEW.state <> 'approved') EXECUTE FUNCTION clone_gate_narrows();
`;

const DECISIONS = `
  CREATE TABLE decision (
    id text PRIMARY KEY CHECK (id ~ '^dec_'),
    clone_id text NOT NULL REFERENCES clone (id),
    requester text NOT NULL REFERENCES account (id),
    allowed boolean NOT NULL,
    clauses text[] NOT NULL CHECK (cardinality(clauses) >= 1),
    grant_id text REFERENCES consent_grant (id),
    grant_digest text,
    version_id text,
    at timestamptz NOT NULL,
    -- json, not jsonb: the signature is over these bytes' meaning, and a reader gets back what was signed.
    receipt json NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX decision_of_clone ON decision (clone_id, at, id);
  CREATE INDEX decision_of_requester ON decision (requester, at, id);
  GRANT SELECT, INSERT ON decision TO benren_app;
`;
