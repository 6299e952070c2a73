import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** The registry of refusal: who says "none of me", and the enrolments that are held because they come near. */
export class CreateRefusals1765000200000 implements MigrationInterface {
  name = 'CreateRefusals1765000200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      INSERT INTO signed_document_type (name) VALUES ('refusal'), ('refusal_withdrawal');
      INSERT INTO log_leaf_type (name) VALUES ('refusal.registered'), ('refusal.withdrawn');
    `);
    await runner.query(TABLES);
    await runner.query(GUARDS);
    await runner.query(HELD);
    await keepAppendOnly(runner, ['refusal_key', 'enrolment_hold_review']);
    await runner.query(`
      GRANT SELECT, INSERT, UPDATE (withdrawn_at, withdrawal_document_id) ON refusal TO benren_app;
      GRANT SELECT, INSERT, UPDATE (state, decided_at, contest, contested_at) ON enrolment_hold TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  CREATE TABLE refusal (
    id text PRIMARY KEY CHECK (id ~ '^ref_'),
    account_id text NOT NULL,
    proof_id text NOT NULL,
    signed_document_id text NOT NULL UNIQUE,
    digest text NOT NULL,
    -- What is compared of the voice, and its pitch beside it, so that an index finds the few that could be near.
    voice_profile jsonb,
    voice_pitch_hz double precision CHECK (voice_pitch_hz > 0),
    leaf_id text NOT NULL REFERENCES log_leaf (id),
    registered_at timestamptz NOT NULL,
    withdrawn_at timestamptz CHECK (withdrawn_at >= registered_at),
    withdrawal_document_id text UNIQUE,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, account_id),
    CONSTRAINT refusal_by_the_proven FOREIGN KEY (proof_id, account_id) REFERENCES ownership_proof (id, account_id),
    CONSTRAINT refusal_signed_by_its_account FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document (id, account_id),
    CONSTRAINT refusal_signed_as_it_is FOREIGN KEY (signed_document_id, digest) REFERENCES signed_document (id, digest),
    CONSTRAINT refusal_withdrawn_by_its_account FOREIGN KEY (withdrawal_document_id, account_id) REFERENCES signed_document (id, account_id),
    CHECK ((withdrawn_at IS NULL) = (withdrawal_document_id IS NULL)),
    CHECK (voice_pitch_hz IS NULL OR voice_profile IS NOT NULL)
  );
  CREATE UNIQUE INDEX refusal_one_in_force ON refusal (account_id) WHERE withdrawn_at IS NULL;
  CREATE INDEX refusal_of_pitch ON refusal (voice_pitch_hz) WHERE withdrawn_at IS NULL AND voice_pitch_hz IS NOT NULL;

  -- What an enrolment's names are looked up by.
  CREATE TABLE refusal_key (
    refusal_id text NOT NULL REFERENCES refusal (id),
    key text NOT NULL CHECK (key ~ '^[hls]:'),
    PRIMARY KEY (key, refusal_id)
  );

  CREATE TABLE enrolment_hold (
    id text PRIMARY KEY CHECK (id ~ '^enh_'),
    refusal_id text NOT NULL,
    registrant_id text NOT NULL,
    enroller_id text NOT NULL REFERENCES account (id),
    kind text NOT NULL CHECK (kind IN ('proof', 'clone', 'voice')),
    proof_id text REFERENCES ownership_proof (id),
    clone_id text REFERENCES clone (id),
    material_id text REFERENCES clone_material (id),
    subject_id text NOT NULL GENERATED ALWAYS AS (coalesce(material_id, clone_id, proof_id)) STORED,
    -- An enrolment that was approved before is shown to people and goes on until they decide.
    effect text NOT NULL CHECK (effect IN ('holds', 'flags')),
    findings json NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'cleared', 'upheld', 'lapsed')),
    opened_at timestamptz NOT NULL,
    decided_at timestamptz CHECK (decided_at >= opened_at),
    contest text CHECK (char_length(contest) BETWEEN 1 AND 2000),
    contested_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (refusal_id, kind, subject_id),
    FOREIGN KEY (refusal_id, registrant_id) REFERENCES refusal (id, account_id),
    CONSTRAINT enrolment_hold_not_of_oneself CHECK (enroller_id <> registrant_id),
    CHECK ((kind = 'proof') = (proof_id IS NOT NULL)),
    CHECK ((kind = 'proof') = (clone_id IS NULL)),
    CHECK ((kind = 'voice') = (material_id IS NOT NULL)),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((contest IS NULL) = (contested_at IS NULL))
  );
  CREATE INDEX enrolment_hold_of_proof ON enrolment_hold (proof_id) WHERE proof_id IS NOT NULL;
  CREATE INDEX enrolment_hold_of_clone ON enrolment_hold (clone_id) WHERE clone_id IS NOT NULL;
  CREATE INDEX enrolment_hold_of_enroller ON enrolment_hold (enroller_id, opened_at);
  CREATE INDEX enrolment_hold_waiting ON enrolment_hold (opened_at, id) WHERE state = 'open';

  CREATE TABLE enrolment_hold_review (
    hold_id text NOT NULL REFERENCES enrolment_hold (id),
    reviewer_id text NOT NULL,
    reviewer_role text GENERATED ALWAYS AS ('reviewer') STORED,
    verdict text NOT NULL CHECK (verdict IN ('clear', 'uphold')),
    reason_code text NOT NULL,
    text text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 2000),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hold_id, reviewer_id),
    CONSTRAINT enrolment_hold_review_by_a_reviewer FOREIGN KEY (reviewer_id, reviewer_role) REFERENCES account_role (account_id, role),
    CHECK (reason_code = ANY (CASE verdict WHEN 'clear' THEN ARRAY['different_person', 'same_person', 'registrant_consents']
      ELSE ARRAY['impersonation', 'consent_missing'] END))
  );
`;

const GUARDS = `
  -- Only somebody who was proven says "none of me", and only without a clone; and with it in force they make none.
  CREATE FUNCTION refusal_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      PERFORM pg_advisory_xact_lock(hashtextextended('refusal or clone of ' || NEW.account_id, 0));
      IF NOT EXISTS (SELECT FROM ownership_proof WHERE id = NEW.proof_id AND state = 'approved') THEN
        RAISE EXCEPTION 'a refusal needs an approved ownership proof' USING ERRCODE = 'check_violation', CONSTRAINT = 'refusal_needs_proof';
      END IF;
      IF EXISTS (SELECT FROM clone WHERE owner_account_id = NEW.account_id) THEN
        RAISE EXCEPTION 'who has a clone does not refuse all' USING ERRCODE = 'check_violation', CONSTRAINT = 'refusal_without_clone';
      END IF;
      IF NOT EXISTS (SELECT FROM signed_document WHERE id = NEW.signed_document_id AND document_type = 'refusal') THEN
        RAISE EXCEPTION 'this signature is over something else' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'refusal_signature_fits';
      END IF;
    ELSIF OLD.withdrawn_at IS NOT NULL OR NOT EXISTS (
      SELECT FROM signed_document WHERE id = NEW.withdrawal_document_id AND document_type = 'refusal_withdrawal'
        AND canonical::jsonb ->> 'refusalId' = NEW.id) THEN
      RAISE EXCEPTION 'a refusal is withdrawn once, by signature' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'refusal_withdrawn_by_signature';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER refusal_guard BEFORE INSERT OR UPDATE ON refusal FOR EACH ROW EXECUTE FUNCTION refusal_guard();
  CREATE TRIGGER refusal_never_deleted BEFORE DELETE ON refusal FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER refusal_never_truncated BEFORE TRUNCATE ON refusal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

  CREATE FUNCTION clone_not_of_refuser() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('refusal or clone of ' || NEW.owner_account_id, 0));
    IF EXISTS (SELECT FROM refusal WHERE account_id = NEW.owner_account_id AND withdrawn_at IS NULL) THEN
      RAISE EXCEPTION 'this account refuses every clone of itself' USING ERRCODE = 'check_violation', CONSTRAINT = 'clone_not_of_refuser';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER clone_not_of_refuser BEFORE INSERT ON clone FOR EACH ROW EXECUTE FUNCTION clone_not_of_refuser();

  -- Two reviewers who agree decide, neither of them a party; a hold also ends when its refusal is withdrawn.
  CREATE FUNCTION enrolment_hold_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'open' THEN
        RAISE EXCEPTION 'a hold begins open' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_begins_open';
      END IF;
      RETURN NEW;
    END IF;
    IF NEW.contest IS DISTINCT FROM coalesce(OLD.contest, NEW.contest) THEN
      RAISE EXCEPTION 'what was said against a hold stays' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'enrolment_hold_contest_stays';
    END IF;
    IF NEW.state = OLD.state THEN RETURN NEW; END IF;
    IF OLD.state <> 'open' THEN
      RAISE EXCEPTION 'a hold is decided once' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_decided_once';
    END IF;
    IF NEW.state = 'lapsed' THEN
      IF NOT EXISTS (SELECT FROM refusal WHERE id = NEW.refusal_id AND withdrawn_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a hold lapses with its refusal' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_lapses';
      END IF;
    ELSIF (SELECT count(*) FROM enrolment_hold_review WHERE hold_id = NEW.id
        AND verdict = CASE NEW.state WHEN 'cleared' THEN 'clear' ELSE 'uphold' END
        AND reviewer_id NOT IN (NEW.enroller_id, NEW.registrant_id)) < 2 THEN
      RAISE EXCEPTION 'two reviewers decide on a held enrolment' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_needs_two';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER enrolment_hold_guard BEFORE INSERT OR UPDATE ON enrolment_hold FOR EACH ROW EXECUTE FUNCTION enrolment_hold_guard();
  CREATE TRIGGER enrolment_hold_never_deleted BEFORE DELETE ON enrolment_hold FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER enrolment_hold_never_truncated BEFORE TRUNCATE ON enrolment_hold FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

  CREATE FUNCTION enrolment_hold_review_not_of_party() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF EXISTS (SELECT FROM enrolment_hold WHERE id = NEW.hold_id AND NEW.reviewer_id IN (enroller_id, registrant_id)) THEN
      RAISE EXCEPTION 'a party does not review its own case' USING ERRCODE = 'check_violation', CONSTRAINT = 'enrolment_hold_review_not_of_party';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER enrolment_hold_review_not_of_party BEFORE INSERT ON enrolment_hold_review
    FOR EACH ROW EXECUTE FUNCTION enrolment_hold_review_not_of_party();
`;

const HELD = `
  -- What is held is not approved, by any path: no version of a held clone or on a held proof, no held proof.
  CREATE FUNCTION enrolment_blocked(of_proof text, of_clones text[]) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM enrolment_hold WHERE (proof_id = of_proof OR clone_id = ANY (of_clones))
      AND (state = 'upheld' OR (state = 'open' AND effect = 'holds')));
  $$;

  CREATE FUNCTION clone_version_not_held() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF enrolment_blocked(NEW.ownership_proof_id, ARRAY[NEW.clone_id]) THEN
      RAISE EXCEPTION 'this clone is held: it is near to a person who refuses' USING ERRCODE = 'check_violation', CONSTRAINT = 'clone_version_not_held';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER clone_version_not_held BEFORE INSERT OR UPDATE OF state ON clone_version
    FOR EACH ROW WHEN (NEW.state = 'approved') EXECUTE FUNCTION clone_version_not_held();

  CREATE FUNCTION ownership_proof_blocked(of_proof text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT enrolment_blocked(of_proof, ARRAY(SELECT id FROM clone WHERE ownership_proof_id = of_proof));
  $$;

  CREATE FUNCTION ownership_proof_not_held() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF ownership_proof_blocked(NEW.id) THEN
      RAISE EXCEPTION 'this proof is held: it is near to a person who refuses' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_not_held';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_proof_not_held BEFORE INSERT OR UPDATE OF state ON ownership_proof
    FOR EACH ROW WHEN (NEW.state = 'approved') EXECUTE FUNCTION ownership_proof_not_held();
`;
