import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Outputs, their releases, and who played which media. */
export class CreateGateway1764000090000 implements MigrationInterface {
  name = 'CreateGateway1764000090000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(OUTPUTS);
    await runner.query(RELEASES);
    await runner.query(READS);
    await keepAppendOnly(runner, ['release', 'media_read'], null);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const OUTPUTS = `
  -- One thing that was asked of a clone, allowed or denied. What was asked and decided is fixed; only how far it came moves.
  CREATE TABLE output (
    id text PRIMARY KEY CHECK (id ~ '^out_'),
    clone_id text NOT NULL REFERENCES clone (id),
    requester text NOT NULL REFERENCES account (id),
    audience text NOT NULL CHECK (audience IN ('fan', 'owner')),
    capability text NOT NULL CHECK (capability IN ('chat', 'voice', 'video', 'sing', 'story', 'work', 'moments')),
    language text NOT NULL CHECK (language IN ('en', 'zh-CN')),
    purpose text NOT NULL,
    script text NOT NULL CHECK (char_length(script) BETWEEN 1 AND 5000),
    -- Whose rules the disclosure follows; null gives the strictest form.
    territory text CHECK (territory ~ '^[A-Z]{2}$'),
    decision_id text NOT NULL UNIQUE REFERENCES decision (id),
    version_id text REFERENCES clone_version (id),
    grant_id text REFERENCES consent_grant (id),
    grant_digest text CHECK (grant_digest ~ '^[0-9a-f]{64}$'),
    -- The gates of the decision in tree order, with their epochs. The release reads them from the decision itself.
    gates json NOT NULL,
    -- The end of the grant's term or of the proof, whichever is first.
    expires_at timestamptz,
    hold_id text UNIQUE REFERENCES quota_hold (id),
    -- Which probe sentence of the version this is.
    probe text,
    state text NOT NULL CHECK (state IN ('queued', 'rendering', 'signing', 'released', 'voided', 'failed', 'denied')),
    reason text CHECK (reason IN
      ('stopped', 'paused', 'gate_changed', 'consent_ended', 'text_unspeakable', 'too_long', 'render_failed')),
    -- The finished file, before it is put anywhere: a job that runs again finds it, and a voided one is swept away.
    file json,
    requested_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, id),
    CONSTRAINT output_is_decided CHECK (
      state = 'denied' OR num_nulls(version_id, grant_id, grant_digest, expires_at) = 0),
    CONSTRAINT output_says_why CHECK ((state IN ('voided', 'failed')) = (reason IS NOT NULL)),
    -- Paid only for what was delivered: whatever a fan was allowed has a hold; the owner's probes have none.
    CONSTRAINT output_is_held CHECK ((hold_id IS NOT NULL) = (audience = 'fan' AND state <> 'denied')),
    CONSTRAINT output_probe_is_the_owners CHECK ((probe IS NOT NULL) = (audience = 'owner'))
  );
  CREATE INDEX output_of_clone ON output (clone_id, id DESC);
  CREATE INDEX output_of_requester ON output (requester, id DESC);
  CREATE UNIQUE INDEX output_one_probe ON output (version_id, probe)
    WHERE audience = 'owner' AND state IN ('queued', 'rendering', 'signing', 'released');
  GRANT SELECT, INSERT, UPDATE (state, reason, file, changed_at) ON output TO benren_app;

  -- The states of model.ts. A job that runs again may go back from signing to rendering; what has ended stays ended.
  CREATE FUNCTION output_moves() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state NOT IN ('queued', 'denied') OR NEW.file IS NOT NULL THEN
        RAISE EXCEPTION 'an output begins queued or denied' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_begins';
      END IF;
      IF NOT EXISTS (
        SELECT FROM decision, json_to_record(decision.receipt #> '{document,request}')
          AS asked (capability text, language text, audience text, purpose text, "text" text)
        WHERE decision.id = NEW.decision_id AND decision.clone_id = NEW.clone_id AND decision.requester = NEW.requester
          AND decision.allowed = (NEW.state <> 'denied')
          AND (decision.grant_id, decision.grant_digest) IS NOT DISTINCT FROM (NEW.grant_id, NEW.grant_digest)
          AND (asked.capability, asked.language, asked.audience, asked.purpose, asked."text")
            = (NEW.capability, NEW.language, NEW.audience, NEW.purpose, NEW.script)) THEN
        RAISE EXCEPTION 'output % is not what % decided', NEW.id, NEW.decision_id
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_is_as_decided';
      END IF;
      IF NEW.hold_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM quota_hold AS hold JOIN subscription_period AS period ON period.id = hold.period_id
        WHERE hold.id = NEW.hold_id AND hold.output_id = NEW.id AND hold.clone_id = NEW.clone_id AND period.account_id = NEW.requester) THEN
        RAISE EXCEPTION 'hold % is not for output %', NEW.hold_id, NEW.id
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_has_its_hold';
      END IF;
      RETURN NEW;
    END IF;
    IF OLD.state IN ('released', 'voided', 'failed', 'denied') THEN
      RAISE EXCEPTION 'output % has ended as %', OLD.id, OLD.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_has_ended';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
      ('queued', 'rendering'), ('rendering', 'signing'), ('signing', 'rendering'), ('signing', 'released'),
      ('queued', 'voided'), ('rendering', 'voided'), ('signing', 'voided'),
      ('queued', 'failed'), ('rendering', 'failed'), ('signing', 'failed')) THEN
      RAISE EXCEPTION 'an output does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_moves';
    END IF;
    IF NEW.state = 'released' AND NOT EXISTS (SELECT FROM release WHERE output_id = NEW.id) THEN
      RAISE EXCEPTION 'an output is released by its release' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_needs_release';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER output_moves BEFORE INSERT OR UPDATE ON output FOR EACH ROW EXECUTE FUNCTION output_moves();

  -- At commit: what did not come through has given back what was held for it.
  CREATE FUNCTION output_gives_back() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (SELECT FROM quota_hold WHERE id = NEW.hold_id AND state <> 'voided') THEN
      RAISE EXCEPTION 'output % has ended and its hold has not', NEW.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_gives_back';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER output_gives_back AFTER UPDATE ON output DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state IN ('voided', 'failed')) EXECUTE FUNCTION output_gives_back();

  CREATE TRIGGER output_never_deleted BEFORE DELETE ON output FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER output_never_truncated BEFORE TRUNCATE ON output FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
`;

const RELEASES = `
  -- The moment from which a file may leave: at most one an output.
  CREATE TABLE release (
    id text PRIMARY KEY CHECK (id ~ '^rel_'),
    clone_id text NOT NULL,
    output_id text NOT NULL UNIQUE,
    -- Written by the trigger, out of the decision: a release does not choose what it is compared with.
    gate_ids text[] NOT NULL,
    epochs bigint[] NOT NULL,
    file_sha256 text NOT NULL UNIQUE CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    file_bytes bigint NOT NULL CHECK (file_bytes > 0),
    -- Of the samples alone: finds a copy whose marks were taken out.
    samples_sha256 text NOT NULL CHECK (samples_sha256 ~ '^[0-9a-f]{64}$'),
    leaf_id text NOT NULL,
    -- json, not jsonb: a reader gets back what was signed.
    receipt json NOT NULL,
    released_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (clone_id, output_id) REFERENCES output (clone_id, id)
  );
  CREATE INDEX release_of_clone ON release (clone_id, id);
  CREATE INDEX release_of_samples ON release (samples_sha256);
  GRANT SELECT, INSERT ON release TO benren_app;

  -- No release after a stop (docs/promises.md), also for raw SQL: the shared locks of exactly the gates that apply, in one
  -- statement, then their state and epochs against those of the decision, in the next. VOLATILE and READ COMMITTED, or the
  -- second would read with a snapshot older than the wait.
  CREATE FUNCTION release_is_gated() RETURNS trigger LANGUAGE plpgsql VOLATILE SET search_path = public AS $$
  DECLARE
    made record;
    ends record;
  BEGIN
    SELECT output.clone_id, output.capability, output.grant_id, output.version_id, output.audience, output.expires_at,
        decision.allowed, decision.receipt
      INTO made FROM output JOIN decision ON decision.id = output.decision_id WHERE output.id = NEW.output_id;
    IF NOT FOUND OR NOT made.allowed THEN
      RAISE EXCEPTION 'nothing allowed %', NEW.output_id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_decided';
    END IF;
    SELECT array_agg(gate ->> 'gateId' ORDER BY place) AS ids, array_agg((gate ->> 'epoch')::bigint ORDER BY place) AS epochs
      INTO ends FROM json_array_elements(made.receipt #> '{document,state,gates}') WITH ORDINALITY AS seen (gate, place);
    NEW.gate_ids := ends.ids;
    NEW.epochs := ends.epochs;
    PERFORM assert_release_gates(made.clone_id, made.capability, made.grant_id, NEW.gate_ids, NEW.epochs);
    IF NEW.released_at >= made.expires_at THEN
      RAISE EXCEPTION 'the consent to % ended at %', NEW.output_id, made.expires_at
        USING ERRCODE = 'BN001', CONSTRAINT = 'gate_changed';
    END IF;
    -- Whoever takes proof, version or grant away holds a gate of this release exclusively: what is read here stays so.
    IF NOT EXISTS (
      SELECT FROM clone
        JOIN ownership_proof AS proof ON proof.id = clone.ownership_proof_id
        JOIN clone_version AS version ON version.clone_id = clone.id
        JOIN consent_grant AS consent ON consent.clone_id = clone.id
        JOIN LATERAL (
          SELECT draft.canonical::jsonb AS terms FROM consent_grant_signature AS signed
            JOIN consent_grant_draft AS draft USING (grant_id, digest)
            WHERE signed.grant_id = consent.id ORDER BY signed.version DESC LIMIT 1) AS present ON true
      WHERE clone.id = made.clone_id AND proof.state = 'approved' AND NEW.released_at < proof.expires_at
        AND version.id = made.version_id AND (version.state = 'approved' OR (version.state = 'draft' AND made.audience = 'owner'))
        AND consent.id = made.grant_id AND consent.state = 'signed'
        AND NEW.released_at >= (present.terms ->> 'validFrom')::timestamptz
        AND NEW.released_at < (present.terms ->> 'validUntil')::timestamptz) THEN
      RAISE EXCEPTION 'no proof, no version or no consent stands behind %', NEW.output_id
        USING ERRCODE = 'BN001', CONSTRAINT = 'gate_changed';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER release_is_gated BEFORE INSERT ON release FOR EACH ROW EXECUTE FUNCTION release_is_gated();

  -- At commit: the output says so, and the hold of a fan is spent on exactly this release.
  CREATE FUNCTION release_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM output LEFT JOIN quota_hold AS hold ON hold.id = output.hold_id
      WHERE output.id = NEW.output_id AND output.state = 'released'
        AND (output.hold_id IS NULL OR (hold.state = 'captured' AND hold.release_id = NEW.id))) THEN
      RAISE EXCEPTION 'release % is not whole', NEW.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_whole';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER release_is_whole AFTER INSERT ON release
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION release_is_whole();
`;

const READS = `
  -- Who was given which media, and when.
  CREATE TABLE media_read (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('output', 'evidence', 'enrolment')),
    -- The output, the evidence, or the clone whose enrolment it is.
    subject_id text NOT NULL,
    account_id text NOT NULL REFERENCES account (id),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX media_read_of_subject ON media_read (subject_id, account_id);
  GRANT SELECT, INSERT ON media_read TO benren_app;
`;
