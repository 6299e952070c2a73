import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Reviews in rounds: a case is claimed before it is judged, each review says which evidence it saw, an appeal begins anew. */
export class RoundReviews1765000102000 implements MigrationInterface {
  name = 'RoundReviews1765000102000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(COLUMNS);
    await runner.query(LEASES);
    await runner.query(GUARDS);
    await runner.query(`
      GRANT UPDATE (round, appealed_at, appeal_text, policy_sha256) ON ownership_proof TO benren_app;
      GRANT SELECT, INSERT, UPDATE (ended_at) ON ownership_lease TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const COLUMNS = `
  -- All evidence that counts, as it stands, in one digest: the one definition of "what was looked at".
  CREATE FUNCTION ownership_evidence_digest(of_proof text) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT encode(sha256(convert_to(coalesce(string_agg(
      jsonb_build_array(id, kind, state, terms, finding, blob_digest, extract(epoch FROM passed_at), extract(epoch FROM valid_until))::text,
      E'\\n' ORDER BY id), ''), 'UTF8')), 'hex')
    FROM ownership_evidence WHERE proof_id = of_proof AND state <> 'superseded'
  $$;

  ALTER TABLE ownership_proof
    ADD COLUMN round integer NOT NULL DEFAULT 1 CHECK (round IN (1, 2)),
    ADD COLUMN appealed_at timestamptz,
    ADD COLUMN appeal_text text,
    -- The policy under which it was handed in, and the evidence that was.
    ADD COLUMN policy_sha256 text CHECK (policy_sha256 ~ '^[0-9a-f]{64}$'),
    ADD COLUMN evidence_sha256 text,
    ADD CONSTRAINT ownership_proof_appealed_once CHECK ((round = 2) = (appealed_at IS NOT NULL) AND (round = 2) = (appeal_text IS NOT NULL));
  UPDATE ownership_proof SET evidence_sha256 = ownership_evidence_digest(id) WHERE state <> 'open';
  ALTER TABLE ownership_proof
    ADD CONSTRAINT ownership_proof_closes_evidence CHECK ((state = 'open') = (evidence_sha256 IS NULL));

  ALTER TABLE ownership_review
    ADD COLUMN round integer NOT NULL DEFAULT 1,
    ADD COLUMN evidence_sha256 text,
    DROP CONSTRAINT ownership_review_reason_code_check,
    ADD CONSTRAINT ownership_review_reason_known CHECK (reason_code IN ('voice_differs', 'face_differs', 'site_unrelated', 'account_unrelated',
      'document_unreadable', 'document_doubtful', 'authority_insufficient', 'voucher_doubtful', 'evidence_unclear', 'impersonation',
      'subject_objects'));
  ALTER TABLE ownership_review DISABLE TRIGGER ownership_review_never_changes;
  UPDATE ownership_review AS r SET evidence_sha256 = p.evidence_sha256 FROM ownership_proof AS p WHERE p.id = r.proof_id;
  ALTER TABLE ownership_review ENABLE TRIGGER ownership_review_never_changes;
  ALTER TABLE ownership_review ALTER COLUMN evidence_sha256 SET NOT NULL;

  ALTER TABLE ownership_decision ADD COLUMN round integer NOT NULL DEFAULT 1,
    DROP CONSTRAINT ownership_decision_proof_id_decision_key,
    ADD CONSTRAINT ownership_decision_once UNIQUE (proof_id, decision, round);
`;

const LEASES = `
  -- A case is one reviewer's for a while. Rows stay: they are the service clock.
  CREATE TABLE ownership_lease (
    id text PRIMARY KEY,
    proof_id text NOT NULL REFERENCES ownership_proof (id),
    reviewer_id text NOT NULL,
    reviewer_role text GENERATED ALWAYS AS ('reviewer') STORED,
    claimed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > claimed_at),
    ended_at timestamptz CHECK (ended_at >= claimed_at),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ownership_lease_by_a_reviewer FOREIGN KEY (reviewer_id, reviewer_role) REFERENCES account_role (account_id, role)
  );
  CREATE INDEX ownership_lease_of_proof ON ownership_lease (proof_id, claimed_at);

  -- Who may have nothing to do with judging a case: its submitter, and whoever gave their word for it.
  CREATE FUNCTION ownership_partial(of_proof text, person text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM ownership_proof WHERE id = of_proof AND account_id = person)
      OR EXISTS (SELECT FROM ownership_evidence
        WHERE proof_id = of_proof AND kind = 'vouching' AND terms ->> 'voucherAccountId' = person)
  $$;

  CREATE FUNCTION ownership_lease_stands() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    -- Whoever claims takes turns, so that two never hold one case.
    PERFORM FROM ownership_proof WHERE id = NEW.proof_id AND state = 'submitted' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'only a case that waits is claimed' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_lease_of_waiting';
    END IF;
    IF ownership_partial(NEW.proof_id, NEW.reviewer_id) THEN
      RAISE EXCEPTION 'nobody judges their own case, nor one that they vouched for'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_lease_impartial';
    END IF;
    IF EXISTS (SELECT FROM ownership_lease WHERE proof_id = NEW.proof_id AND expires_at > NEW.claimed_at
        AND (ended_at IS NULL OR ended_at > NEW.claimed_at)) THEN
      RAISE EXCEPTION 'the case is claimed already' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_lease_of_one';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_lease_stands BEFORE INSERT ON ownership_lease FOR EACH ROW EXECUTE FUNCTION ownership_lease_stands();

  CREATE FUNCTION ownership_lease_ends_once() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    RAISE EXCEPTION 'a claim that ended has ended' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_lease_ends_once';
  END $$;
  CREATE TRIGGER ownership_lease_ends_once BEFORE UPDATE ON ownership_lease
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL OR (NEW.id, NEW.proof_id, NEW.reviewer_id, NEW.claimed_at, NEW.expires_at)
      IS DISTINCT FROM (OLD.id, OLD.proof_id, OLD.reviewer_id, OLD.claimed_at, OLD.expires_at))
    EXECUTE FUNCTION ownership_lease_ends_once();
  CREATE TRIGGER ownership_lease_never_deleted BEFORE DELETE ON ownership_lease FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER ownership_lease_never_truncated BEFORE TRUNCATE ON ownership_lease FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
`;

const GUARDS = `
  CREATE FUNCTION ownership_review_stands() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    judged ownership_proof%ROWTYPE;
  BEGIN
    SELECT * INTO judged FROM ownership_proof WHERE id = NEW.proof_id;
    IF ownership_partial(NEW.proof_id, NEW.reviewer_id) THEN
      RAISE EXCEPTION 'nobody judges a case that they vouched for'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_impartial';
    END IF;
    IF NOT EXISTS (SELECT FROM ownership_lease WHERE proof_id = NEW.proof_id AND reviewer_id = NEW.reviewer_id
        AND claimed_at <= NEW.at AND NEW.at < expires_at AND (ended_at IS NULL OR ended_at >= NEW.at)) THEN
      RAISE EXCEPTION 'a case is judged by who claimed it' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_needs_claim';
    END IF;
    IF judged.state <> 'submitted' OR NEW.round <> judged.round THEN
      RAISE EXCEPTION 'a review belongs to the round that is open'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_of_round';
    END IF;
    -- What is judged is what was handed in, and what lies there now.
    IF NEW.evidence_sha256 IS DISTINCT FROM judged.evidence_sha256
       OR NEW.evidence_sha256 <> ownership_evidence_digest(NEW.proof_id) THEN
      RAISE EXCEPTION 'the evidence is not the one that was seen'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_review_saw_evidence';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_review_stands BEFORE INSERT ON ownership_review FOR EACH ROW EXECUTE FUNCTION ownership_review_stands();

  -- Approve alone what needs two people: not even with raw SQL. In the second round two people must agree either way.
  CREATE OR REPLACE FUNCTION ownership_proof_needs_two_reviewers() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    votes record;
  BEGIN
    SELECT count(DISTINCT reviewer_id) FILTER (WHERE verdict = 'approve') AS approving,
           count(DISTINCT reviewer_id) FILTER (WHERE verdict = 'reject') AS rejecting
      INTO votes FROM ownership_review
      WHERE proof_id = NEW.id AND round = NEW.round AND reviewer_id <> NEW.account_id AND evidence_sha256 = NEW.evidence_sha256;
    IF NEW.state = 'rejected' THEN
      IF votes.rejecting < NEW.round THEN
        RAISE EXCEPTION 'a proof is rejected by reviews and no other way'
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_needs_rejection';
      END IF;
      RETURN NEW;
    END IF;
    IF votes.approving < 2 OR (NEW.round = 1 AND votes.rejecting > 0) THEN
      RAISE EXCEPTION 'an ownership proof is approved by two different reviewers and no other way'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_needs_two_reviewers';
    END IF;
    IF ownership_evidence_digest(NEW.id) IS DISTINCT FROM NEW.evidence_sha256 THEN
      RAISE EXCEPTION 'the evidence is not the one that the reviewers saw'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_evidence_as_seen';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_proof_needs_rejection BEFORE UPDATE OF state ON ownership_proof
    FOR EACH ROW WHEN (NEW.state = 'rejected') EXECUTE FUNCTION ownership_proof_needs_two_reviewers();

  CREATE OR REPLACE FUNCTION ownership_proof_moves() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF (OLD.state, NEW.state) NOT IN (
      ('open', 'submitted'), ('submitted', 'approved'), ('submitted', 'rejected'), ('rejected', 'submitted'), ('approved', 'expired'),
      ('approved', 'withdrawn')
    ) THEN
      RAISE EXCEPTION 'an ownership proof does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_proof_moves';
    END IF;
    -- The evidence closes with the submission, by a digest of the database's own.
    IF OLD.state = 'open' THEN NEW.evidence_sha256 := ownership_evidence_digest(NEW.id); END IF;
    RETURN NEW;
  END $$;

  CREATE FUNCTION ownership_proof_facts_stay() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    RAISE EXCEPTION 'what was handed in and appealed stays as it was'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_proof_facts_stay';
  END $$;
  CREATE TRIGGER ownership_proof_facts_stay BEFORE UPDATE ON ownership_proof
    FOR EACH ROW WHEN ((OLD.evidence_sha256 IS NOT NULL AND NEW.evidence_sha256 IS DISTINCT FROM OLD.evidence_sha256)
      OR (OLD.policy_sha256 IS NOT NULL AND NEW.policy_sha256 IS DISTINCT FROM OLD.policy_sha256)
      OR (NEW.subject_kind, NEW.claimant_name, NEW.renews_proof_id) IS DISTINCT FROM (OLD.subject_kind, OLD.claimant_name, OLD.renews_proof_id)
      OR ((NEW.round, NEW.appealed_at, NEW.appeal_text) IS DISTINCT FROM (OLD.round, OLD.appealed_at, OLD.appeal_text)
        AND NOT (OLD.state = 'rejected' AND NEW.state = 'submitted' AND NEW.round = OLD.round + 1))
      OR (OLD.state = 'rejected' AND NEW.state = 'submitted' AND NEW.round = OLD.round))
    EXECUTE FUNCTION ownership_proof_facts_stay();
`;
