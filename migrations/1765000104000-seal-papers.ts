import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Papers: sealed with a key per case, each look at one kept, destroyed by forgetting the key. And vouching by signature. */
export class SealPapers1765000104000 implements MigrationInterface {
  name = 'SealPapers1765000104000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await keepAppendOnly(runner, ['ownership_sealed', 'ownership_paper_view', 'ownership_destruction']);
    await runner.query(RULES);
    await runner.query(`
      GRANT SELECT, INSERT, UPDATE (wrapped, destroyed_at) ON ownership_case_key TO benren_app;
      INSERT INTO log_leaf_type (name) VALUES ('ownership_papers.destroyed');
      INSERT INTO signed_document_type (name) VALUES ('vouch'), ('representation');
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  CREATE TABLE ownership_case_key (
    proof_id text PRIMARY KEY REFERENCES ownership_proof (id),
    -- Wrapped under the installation's secret; null once it is destroyed, and then for ever.
    wrapped bytea,
    created_at timestamptz NOT NULL,
    destroyed_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
  );

  -- Every blob that was sealed with a case's key, written before the blob is, so that none is forgotten.
  CREATE TABLE ownership_sealed (
    digest text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    proof_id text NOT NULL REFERENCES ownership_case_key (proof_id),
    evidence_id text NOT NULL REFERENCES ownership_evidence (id),
    sealed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX ownership_sealed_of_proof ON ownership_sealed (proof_id);

  -- Who was shown a paper, when and why.
  CREATE TABLE ownership_paper_view (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    evidence_id text NOT NULL REFERENCES ownership_evidence (id),
    lease_id text NOT NULL REFERENCES ownership_lease (id),
    viewer_id text NOT NULL REFERENCES account (id),
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX ownership_paper_view_of_evidence ON ownership_paper_view (evidence_id, at);

  CREATE TABLE ownership_destruction (
    proof_id text PRIMARY KEY REFERENCES ownership_case_key (proof_id),
    leaf_id text NOT NULL UNIQUE,
    document json NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
`;

const RULES = `
  CREATE FUNCTION ownership_case_key_is_forgotten_once() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    RAISE EXCEPTION 'a case key is kept as it is or forgotten for ever'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ownership_case_key_is_forgotten_once';
  END $$;
  CREATE TRIGGER ownership_case_key_is_forgotten_once BEFORE UPDATE ON ownership_case_key
    FOR EACH ROW WHEN (OLD.destroyed_at IS NOT NULL OR NEW.wrapped IS NOT NULL OR NEW.proof_id <> OLD.proof_id)
    EXECUTE FUNCTION ownership_case_key_is_forgotten_once();
  CREATE TRIGGER ownership_case_key_never_deleted BEFORE DELETE ON ownership_case_key FOR EACH ROW EXECUTE FUNCTION refuse_change();

  -- Only to who holds the case, while they hold it.
  CREATE FUNCTION ownership_paper_view_by_holder() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (SELECT FROM ownership_lease AS lease JOIN ownership_evidence AS paper USING (proof_id)
        WHERE lease.id = NEW.lease_id AND lease.reviewer_id = NEW.viewer_id AND paper.id = NEW.evidence_id
          AND paper.kind IN ('document', 'representation') AND lease.claimed_at <= NEW.at
          AND NEW.at < coalesce(lease.ended_at, lease.expires_at)) THEN
      RAISE EXCEPTION 'papers are shown to who holds the case' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_paper_view_by_holder';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_paper_view_by_holder BEFORE INSERT ON ownership_paper_view
    FOR EACH ROW EXECUTE FUNCTION ownership_paper_view_by_holder();

  -- A word that counts is signed by the one who was named, of another account than the case's.
  CREATE FUNCTION ownership_vouch_is_signed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (SELECT FROM signed_document AS signed
        JOIN ownership_proof AS own ON own.id = NEW.finding ->> 'voucherProofId' AND own.account_id = signed.account_id
        JOIN ownership_proof AS judged ON judged.id = NEW.proof_id AND judged.account_id <> signed.account_id
        WHERE signed.id = NEW.finding ->> 'signedDocumentId' AND signed.document_type = 'vouch'
          AND signed.account_id = NEW.terms ->> 'voucherAccountId' AND own.state = 'approved') THEN
      RAISE EXCEPTION 'a word is given by another, proven person, and signed' USING ERRCODE = 'check_violation', CONSTRAINT = 'ownership_vouch_is_signed';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ownership_vouch_is_signed BEFORE INSERT OR UPDATE ON ownership_evidence
    FOR EACH ROW WHEN (NEW.kind = 'vouching' AND NEW.state = 'passed') EXECUTE FUNCTION ownership_vouch_is_signed();

  -- Whose word a proof rests on, and theirs on, and so on.
  CREATE FUNCTION ownership_vouched_by(of_proof text) RETURNS TABLE (account_id text) LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH RECURSIVE chain (proof_id) AS (
      SELECT of_proof
      UNION
      SELECT word.finding ->> 'voucherProofId' FROM chain JOIN ownership_evidence AS word ON word.proof_id = chain.proof_id
        WHERE word.kind = 'vouching' AND word.state = 'passed'
    )
    SELECT DISTINCT proof.account_id FROM chain JOIN ownership_proof AS proof ON proof.id = chain.proof_id
  $$;
`;
