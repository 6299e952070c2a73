import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Notices that a clone or an output is somebody's, what was decided on them, and single outputs that are held back. */
export class CreateNotices1765000210000 implements MigrationInterface {
  name = 'CreateNotices1765000210000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      INSERT INTO signed_document_type (name) VALUES ('notice'), ('counter_notice');
      INSERT INTO log_leaf_type (name) VALUES ('notice.verified'), ('notice.restored'), ('notice.upheld');
    `);
    await runner.query(TABLES);
    await runner.query(GUARDS);
    await keepAppendOnly(runner, ['notice_review', 'counter_notice', 'notice_pending_case', 'notice_outcome']);
    await runner.query(`
      GRANT SELECT, INSERT, UPDATE (state, acts_on, clone_id, output_id, claimed_by, reason_code, due_at, overdue_at, verified_at, ended_at)
        ON notice TO benren_app;
      GRANT SELECT, INSERT, UPDATE (lifted_at) ON output_hold TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  CREATE TABLE notice (
    id text PRIMARY KEY CHECK (id ~ '^ntc_'),
    -- Null for somebody without an account, who follows the notice by a token that is kept as its hash.
    complainant_id text REFERENCES account (id),
    token_sha256 text UNIQUE CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
    -- The elements as they were declared; json keeps the member order of what was signed.
    document json NOT NULL,
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    signed_document_id text UNIQUE,
    target_kind text NOT NULL CHECK (target_kind IN ('clone', 'output', 'file', 'url')),
    -- What limits and duplicates are counted by: keyed hashes, never an address itself.
    network_key text,
    contact_key text NOT NULL,
    target_key text NOT NULL,
    same_key text NOT NULL,
    state text NOT NULL DEFAULT 'filed' CHECK (state IN
      ('filed', 'claimed', 'dismissed', 'held', 'countered', 'case_pending', 'unanswered', 'restored', 'upheld')),
    acts_on text CHECK (acts_on IN ('clone', 'output')),
    clone_id text REFERENCES clone (id),
    output_id text REFERENCES output (id),
    claimed_by text REFERENCES account (id),
    reason_code text,
    due_at timestamptz,
    overdue_at timestamptz,
    filed_at timestamptz NOT NULL,
    verified_at timestamptz,
    ended_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notice_signed_by_its_complainant FOREIGN KEY (signed_document_id, complainant_id) REFERENCES signed_document (id, account_id),
    CHECK ((complainant_id IS NULL) = (token_sha256 IS NOT NULL)),
    CHECK ((complainant_id IS NULL) = (signed_document_id IS NULL)),
    CHECK ((state IN ('dismissed', 'restored', 'upheld')) = (ended_at IS NOT NULL)),
    CHECK ((state IN ('filed', 'claimed', 'dismissed')) = (verified_at IS NULL)),
    CHECK (state IN ('filed', 'claimed', 'dismissed') OR (acts_on IS NOT NULL AND clone_id IS NOT NULL)),
    CHECK (acts_on IS DISTINCT FROM 'output' OR output_id IS NOT NULL),
    CHECK (state IN ('filed', 'claimed', 'held', 'countered') OR due_at IS NULL)
  );
  CREATE UNIQUE INDEX notice_once_while_open ON notice (same_key) WHERE ended_at IS NULL;
  CREATE INDEX notice_of_network ON notice (network_key, filed_at) WHERE network_key IS NOT NULL;
  CREATE INDEX notice_of_contact ON notice (contact_key, filed_at);
  CREATE INDEX notice_of_target ON notice (target_key, filed_at) WHERE ended_at IS NULL;
  CREATE INDEX notice_of_complainant ON notice (complainant_id, filed_at) WHERE complainant_id IS NOT NULL;
  CREATE INDEX notice_of_clone ON notice (clone_id, filed_at) WHERE verified_at IS NOT NULL;
  CREATE INDEX notice_waiting ON notice (overdue_at, due_at, id) WHERE state IN ('filed', 'claimed', 'case_pending', 'unanswered');

  CREATE TABLE notice_review (
    notice_id text NOT NULL REFERENCES notice (id),
    stage text NOT NULL CHECK (stage IN ('triage', 'conclusion')),
    reviewer_id text NOT NULL,
    reviewer_role text GENERATED ALWAYS AS ('reviewer') STORED,
    verdict text NOT NULL,
    reason_code text NOT NULL,
    text text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 2000),
    acts_on text CHECK (acts_on IN ('clone', 'output')),
    target_id text,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (notice_id, stage, reviewer_id),
    CONSTRAINT notice_review_by_a_reviewer FOREIGN KEY (reviewer_id, reviewer_role) REFERENCES account_role (account_id, role),
    CHECK (verdict = ANY (CASE stage WHEN 'triage' THEN ARRAY['verify', 'dismiss'] ELSE ARRAY['uphold', 'restore'] END)),
    CHECK ((verdict = 'verify') = (acts_on IS NOT NULL AND target_id IS NOT NULL))
  );

  CREATE TABLE counter_notice (
    notice_id text PRIMARY KEY REFERENCES notice (id),
    account_id text NOT NULL,
    signed_document_id text NOT NULL UNIQUE,
    statement text NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT counter_notice_signed_by_its_account FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document (id, account_id)
  );

  CREATE TABLE notice_pending_case (
    notice_id text PRIMARY KEY REFERENCES notice (id),
    court text NOT NULL CHECK (char_length(court) BETWEEN 1 AND 200),
    case_number text NOT NULL CHECK (char_length(case_number) BETWEEN 1 AND 100),
    text text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 2000),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  CREATE TABLE notice_outcome (
    leaf_id text PRIMARY KEY REFERENCES log_leaf (id),
    notice_id text NOT NULL REFERENCES notice (id),
    outcome text NOT NULL CHECK (outcome IN ('verified', 'restored', 'upheld')),
    document json NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (notice_id, outcome)
  );

  -- A single output that is not given out while something holds it, whatever its clone may do.
  CREATE TABLE output_hold (
    output_id text NOT NULL REFERENCES output (id),
    holder text NOT NULL CHECK (holder ~ '^[a-z][a-z_]*:[A-Za-z0-9_]+$'),
    held_at timestamptz NOT NULL,
    lifted_at timestamptz CHECK (lifted_at >= held_at),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (output_id, holder)
  );
`;

const GUARDS = `
  -- A notice stops nothing by itself: reviewers verified it first, two of them where it acts on a clone, none of them a party.
  CREATE FUNCTION notice_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    agreeing integer;
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'filed' THEN
        RAISE EXCEPTION 'a notice begins filed' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_begins_filed';
      END IF;
      RETURN NEW;
    END IF;
    IF OLD.state = NEW.state THEN RETURN NEW; END IF;
    IF (OLD.state, NEW.state) NOT IN (
      ('filed', 'claimed'), ('claimed', 'filed'), ('claimed', 'dismissed'), ('claimed', 'held'), ('held', 'countered'), ('held', 'unanswered'),
      ('countered', 'case_pending'), ('countered', 'restored'), ('case_pending', 'restored'), ('case_pending', 'upheld'),
      ('unanswered', 'restored'), ('unanswered', 'upheld')
    ) THEN
      RAISE EXCEPTION 'a notice does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_moves';
    END IF;
    IF NEW.state = 'held' THEN
      SELECT count(*) INTO agreeing FROM notice_review
        WHERE notice_id = NEW.id AND stage = 'triage' AND verdict = 'verify' AND acts_on = NEW.acts_on;
      IF agreeing < (CASE NEW.acts_on WHEN 'clone' THEN 2 ELSE 1 END) THEN
        RAISE EXCEPTION 'a notice holds nothing before it was verified' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_needs_reviewers';
      END IF;
    ELSIF NEW.state = 'countered' AND NOT EXISTS (SELECT FROM counter_notice WHERE notice_id = NEW.id) THEN
      RAISE EXCEPTION 'a counter-notice is signed' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_needs_counter_notice';
    ELSIF NEW.state = 'case_pending' AND NOT EXISTS (SELECT FROM notice_pending_case WHERE notice_id = NEW.id) THEN
      RAISE EXCEPTION 'a pending case is shown' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_needs_case';
    ELSIF NEW.state = 'upheld' AND (SELECT count(*) FROM notice_review
        WHERE notice_id = NEW.id AND stage = 'conclusion' AND verdict = 'uphold') < 2 THEN
      RAISE EXCEPTION 'two reviewers uphold a notice' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_needs_two';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER notice_guard BEFORE INSERT OR UPDATE ON notice FOR EACH ROW EXECUTE FUNCTION notice_guard();
  CREATE TRIGGER notice_never_deleted BEFORE DELETE ON notice FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER notice_never_truncated BEFORE TRUNCATE ON notice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

  CREATE FUNCTION notice_review_not_of_party() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF EXISTS (SELECT FROM notice WHERE id = NEW.notice_id AND complainant_id = NEW.reviewer_id) OR EXISTS (
      SELECT FROM clone WHERE owner_account_id = NEW.reviewer_id AND id IN (
        SELECT clone_id FROM notice WHERE id = NEW.notice_id
        UNION ALL SELECT NEW.target_id
        UNION ALL SELECT clone_id FROM output WHERE id = NEW.target_id)) THEN
      RAISE EXCEPTION 'a party does not review its own case' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_review_not_of_party';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER notice_review_not_of_party BEFORE INSERT ON notice_review FOR EACH ROW EXECUTE FUNCTION notice_review_not_of_party();

  CREATE FUNCTION counter_notice_by_the_owner() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (SELECT FROM notice JOIN clone ON clone.id = notice.clone_id
        WHERE notice.id = NEW.notice_id AND clone.owner_account_id = NEW.account_id)
      OR NOT EXISTS (SELECT FROM signed_document WHERE id = NEW.signed_document_id AND document_type = 'counter_notice'
        AND canonical::jsonb ->> 'noticeId' = NEW.notice_id) THEN
      RAISE EXCEPTION 'the owner signs the counter-notice' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'counter_notice_by_the_owner';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER counter_notice_by_the_owner BEFORE INSERT ON counter_notice FOR EACH ROW EXECUTE FUNCTION counter_notice_by_the_owner();
`;
