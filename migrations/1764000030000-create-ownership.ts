import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Ownership proofs, their evidence, their reviews and what was decided. */
export class CreateOwnership1764000030000 implements MigrationInterface {
  name = 'CreateOwnership1764000030000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(GUARDS);
    await runner.query(`
      GRANT SELECT, INSERT ON ownership_proof, ownership_evidence, ownership_review, ownership_decision TO benren_app;
      GRANT UPDATE (state, submitted_at, approved_at, expires_at, ended_at) ON ownership_proof TO benren_app;
      GRANT UPDATE (state, finding, blob_digest, passed_at) ON ownership_evidence TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  CREATE TABLE ownership_proof (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES account (id),
    subject_name text NOT NULL CHECK (char_length(subject_name) BETWEEN 1 AND 80),
    handle text NOT NULL CHECK (handle ~ '^[a-z0-9][a-z0-9-]{1,28}[a-z0-9]$'),
    statement text NOT NULL,
    claim_document_id text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('open', 'submitted', 'approved', 'rejected', 'expired', 'withdrawn')),
    opened_at timestamptz NOT NULL,
    submitted_at timestamptz,
    approved_at timestamptz,
    expires_at timestamptz,
    -- When an approval ended: expired or withdrawn.
    ended_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    -- What stands on a proof points at its state or its person, so neither can change under it.
    UNIQUE (id, state),
    UNIQUE (id, account_id),
    CONSTRAINT ownership_proof_claimed_by_its_account FOREIGN KEY (claim_document_id, account_id)
      REFERENCES signed_document (id, account_id),
    CHECK (state = 'open' OR submitted_at IS NOT NULL),
    CHECK (state NOT IN ('approved', 'expired', 'withdrawn') OR (approved_at IS NOT NULL AND expires_at > approved_at)),
    CHECK (state NOT IN ('expired', 'withdrawn') OR ended_at IS NOT NULL)
  );
  CREATE INDEX ownership_proof_of_account ON ownership_proof (account_id, opened_at);
  CREATE INDEX ownership_proof_waiting ON ownership_proof (submitted_at, id) WHERE state = 'submitted';

  CREATE TABLE ownership_evidence (
    id text PRIMARY KEY,
    proof_id text NOT NULL REFERENCES ownership_proof (id),
    kind text NOT NULL CHECK (kind IN ('domain', 'voice_challenge')),
    state text NOT NULL CHECK (state IN ('pending', 'passed', 'uploaded', 'superseded')),
    -- What the person was asked to publish or to say; never changed.
    terms jsonb NOT NULL,
    -- What was found when it was looked at.
    finding jsonb,
    blob_digest text CHECK (blob_digest ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    passed_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK (state NOT IN ('passed', 'uploaded') OR (finding IS NOT NULL AND passed_at IS NOT NULL)),
    CHECK (state <> 'passed' OR kind = 'domain'),
    CHECK (state <> 'uploaded' OR (kind = 'voice_challenge' AND blob_digest IS NOT NULL))
  );
  -- One of a kind counts; an older one is superseded.
  CREATE UNIQUE INDEX ownership_evidence_current ON ownership_evidence (proof_id, kind) WHERE state <> 'superseded';

  CREATE TABLE ownership_review (
    id text PRIMARY KEY,
    proof_id text NOT NULL REFERENCES ownership_proof (id),
    reviewer_id text NOT NULL,
    reviewer_role text GENERATED ALWAYS AS ('reviewer') STORED,
    verdict text NOT NULL CHECK (verdict IN ('approve', 'reject')),
    reason_code text CHECK (reason_code IN
      ('voice_differs', 'site_unrelated', 'evidence_unclear', 'impersonation', 'subject_objects')),
    text text NOT NULL,
    -- The machine's advice as it stood before this reviewer.
    advice jsonb,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (proof_id, reviewer_id),
    CONSTRAINT ownership_review_by_a_reviewer FOREIGN KEY (reviewer_id, reviewer_role)
      REFERENCES account_role (account_id, role),
    CHECK ((verdict = 'reject') = (reason_code IS NOT NULL))
  );

  CREATE TABLE ownership_decision (
    leaf_id text PRIMARY KEY,
    proof_id text NOT NULL REFERENCES ownership_proof (id),
    decision text NOT NULL CHECK (decision IN ('approved', 'rejected', 'expired', 'withdrawn')),
    -- json keeps the member order; the leaf's digest is over its canonical form.
    document json NOT NULL,
    -- What the operator wrote; the document holds its digest only.
    note text,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (proof_id, decision)
  );
`;

const GUARDS = `
  -- Approve alone what needs two people: not even with raw SQL.
  CREATE FUNCTION ownership_proof_needs_two_reviewers() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF (SELECT count(*) FROM ownership_review WHERE proof_id = NEW.id AND verdict = 'approve' AND reviewer_id <> NEW.account_id) < 2
       OR EXISTS (SELECT FROM ownership_review WHERE proof_id = NEW.id AND verdict = 'reject') THEN
      RAISE EXCEPTION 'an ownership proof is approved by two different reviewers and no other way'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_needs_two_reviewers';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_proof_needs_two_reviewers BEFORE INSERT OR UPDATE OF state ON ownership_proof
    FOR EACH ROW WHEN (NEW.state = 'approved') EXECUTE FUNCTION ownership_proof_needs_two_reviewers();

  -- The states a proof may move through: model.ts has the same table.
  CREATE FUNCTION ownership_proof_moves() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF (OLD.state, NEW.state) NOT IN (
      ('open', 'submitted'), ('submitted', 'approved'), ('submitted', 'rejected'), ('approved', 'expired'), ('approved', 'withdrawn')
    ) THEN
      RAISE EXCEPTION 'an ownership proof does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_moves';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_proof_moves BEFORE UPDATE OF state ON ownership_proof
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION ownership_proof_moves();

  -- A time once written is a fact: an approval is renewed by a new proof, never prolonged.
  CREATE FUNCTION ownership_proof_times_stay() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'the times of an ownership proof stay as they are'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_proof_times_stay';
  END $$;
  CREATE TRIGGER ownership_proof_times_stay BEFORE UPDATE OF submitted_at, approved_at, expires_at, ended_at ON ownership_proof
    FOR EACH ROW WHEN (NEW.submitted_at IS DISTINCT FROM coalesce(OLD.submitted_at, NEW.submitted_at)
      OR NEW.approved_at IS DISTINCT FROM coalesce(OLD.approved_at, NEW.approved_at)
      OR NEW.expires_at IS DISTINCT FROM coalesce(OLD.expires_at, NEW.expires_at)
      OR NEW.ended_at IS DISTINCT FROM coalesce(OLD.ended_at, NEW.ended_at))
    EXECUTE FUNCTION ownership_proof_times_stay();

  -- What the reviewers decide on is what was handed in.
  CREATE FUNCTION ownership_evidence_closes() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (SELECT FROM ownership_proof WHERE id = NEW.proof_id AND state <> 'open') THEN
      RAISE EXCEPTION 'the evidence of a proof that was handed in stays as it is'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_evidence_closes';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_evidence_closes BEFORE INSERT OR UPDATE ON ownership_evidence
    FOR EACH ROW EXECUTE FUNCTION ownership_evidence_closes();

  CREATE FUNCTION ownership_review_not_of_self() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (SELECT FROM ownership_proof WHERE id = NEW.proof_id AND account_id = NEW.reviewer_id) THEN
      RAISE EXCEPTION 'nobody reviews their own ownership proof'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_not_of_self';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_review_not_of_self BEFORE INSERT ON ownership_review
    FOR EACH ROW EXECUTE FUNCTION ownership_review_not_of_self();

  CREATE TRIGGER ownership_review_never_changes BEFORE UPDATE OR DELETE ON ownership_review
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER ownership_review_never_truncated BEFORE TRUNCATE ON ownership_review
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER ownership_decision_never_changes BEFORE UPDATE OR DELETE ON ownership_decision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER ownership_decision_never_truncated BEFORE TRUNCATE ON ownership_decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
`;
