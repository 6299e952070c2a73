import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Heirs named in life, reports of a death with their papers and reviews, and the estates that changed hands. */
export class CreateSuccession1765000410000 implements MigrationInterface {
  name = 'CreateSuccession1765000410000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      INSERT INTO signed_document_type (name) VALUES ('succession'), ('death_report'), ('life_declaration');
      INSERT INTO log_leaf_type (name) VALUES ('succession.signed'), ('estate.frozen'), ('estate.undone'), ('estate.settled');
    `);
    await runner.query(NAMED);
    await runner.query(CASES);
    await runner.query(PAPERS);
    await runner.query(HOLDERS);
    await keepAppendOnly(runner, [
      'succession', 'succession_signature', 'death_review', 'death_dissent', 'death_end', 'estate', 'death_paper', 'death_paper_view',
      'death_paper_destruction',
    ]);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const NAMED = `
  CREATE TABLE succession (
    id text PRIMARY KEY CHECK (id ~ '^suc_'),
    owner_account_id text NOT NULL REFERENCES account (id),
    -- RFC 8785 text: the digest that is signed is over these bytes.
    canonical text NOT NULL,
    digest text NOT NULL CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    drafted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, owner_account_id),
    CONSTRAINT succession_is_the_document CHECK (
      canonical::jsonb ->> 'successionId' = id AND canonical::jsonb #>> '{owner,accountId}' = owner_account_id)
  );
  CREATE INDEX succession_of_owner ON succession (owner_account_id, id);

  CREATE TABLE succession_signature (
    succession_id text NOT NULL REFERENCES succession (id),
    account_id text NOT NULL,
    signed_document_id text NOT NULL UNIQUE,
    signed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (succession_id, account_id),
    FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document (id, account_id)
  );

  -- The owner names, the named accept; each signs exactly the draft.
  CREATE FUNCTION succession_signature_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM succession JOIN signed_document AS signed ON signed.id = NEW.signed_document_id
      WHERE succession.id = NEW.succession_id AND signed.document_type = 'succession' AND signed.digest = succession.digest
        AND (NEW.account_id = succession.owner_account_id
          OR (succession.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', NEW.account_id))
            AND EXISTS (SELECT FROM succession_signature AS named
              WHERE named.succession_id = succession.id AND named.account_id = succession.owner_account_id)))) THEN
      RAISE EXCEPTION 'this is not a signature over it' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'succession_signature_fits';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER succession_signature_fits BEFORE INSERT ON succession_signature
    FOR EACH ROW EXECUTE FUNCTION succession_signature_fits();
`;

const CASES = `
  CREATE TABLE death_case (
    id text PRIMARY KEY CHECK (id ~ '^dth_'),
    owner_account_id text NOT NULL,
    succession_id text NOT NULL,
    reported_by text NOT NULL REFERENCES account (id),
    signed_document_id text NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'reported'
      CHECK (state IN ('reported', 'frozen', 'waiting', 'disputed', 'settled', 'dismissed', 'undone')),
    -- Which reviews count: 0 is the first look, then one round for the papers and one after each dissent.
    round integer NOT NULL DEFAULT 0 CHECK (round >= 0),
    waiting_until timestamptz CHECK ((waiting_until IS NOT NULL) = (state IN ('waiting', 'settled'))),
    reported_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (succession_id, owner_account_id) REFERENCES succession (id, owner_account_id),
    FOREIGN KEY (signed_document_id, reported_by) REFERENCES signed_document (id, account_id)
  );
  -- One report at a time; a settled one is the last.
  CREATE UNIQUE INDEX death_case_one ON death_case (owner_account_id) WHERE state NOT IN ('dismissed', 'undone');

  CREATE TABLE death_review (
    case_id text NOT NULL REFERENCES death_case (id),
    round integer NOT NULL,
    reviewer text NOT NULL REFERENCES account (id),
    verdict text NOT NULL CHECK (verdict IN ('approve', 'reject')),
    reason_code text CHECK (reason_code IN ('paper_unreadable', 'paper_forged', 'person_differs', 'person_alive', 'heir_differs')),
    text text NOT NULL CHECK (length(text) <= 2000),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (case_id, round, reviewer),
    CHECK ((verdict = 'reject') = (reason_code IS NOT NULL))
  );
  CREATE TABLE death_dissent (
    case_id text NOT NULL REFERENCES death_case (id),
    heir text NOT NULL REFERENCES account (id),
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (case_id, heir)
  );
  CREATE TABLE death_end (
    case_id text PRIMARY KEY REFERENCES death_case (id),
    life_document_id text NOT NULL UNIQUE REFERENCES signed_document (id),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  -- Whose rights passed to whom. Nothing about the owner, their proof or their clones is rewritten.
  CREATE TABLE estate (
    owner_account_id text PRIMARY KEY REFERENCES account (id),
    holder_account_id text NOT NULL REFERENCES account (id) CHECK (holder_account_id <> owner_account_id),
    case_id text NOT NULL UNIQUE REFERENCES death_case (id),
    sunset timestamptz NOT NULL,
    since timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX estate_of_holder ON estate (holder_account_id);

  CREATE FUNCTION death_case_moves() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    approvals integer;
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'reported' OR NEW.round <> 0 OR NOT EXISTS (
        SELECT FROM signed_document AS signed WHERE signed.id = NEW.signed_document_id AND signed.document_type = 'death_report'
          AND signed.canonical::jsonb ->> 'successionId' = NEW.succession_id) OR NOT EXISTS (
        SELECT FROM succession JOIN succession_signature AS named ON named.succession_id = succession.id
          AND named.account_id = succession.owner_account_id
        WHERE succession.id = NEW.succession_id
          AND succession.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', NEW.reported_by))) THEN
        RAISE EXCEPTION 'a death is reported by a named heir' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_case_begins';
      END IF;
      RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
      ('reported', 'frozen'), ('reported', 'dismissed'), ('reported', 'undone'),
      ('frozen', 'waiting'), ('frozen', 'disputed'), ('frozen', 'dismissed'), ('frozen', 'undone'),
      ('waiting', 'settled'), ('waiting', 'disputed'), ('waiting', 'undone'),
      ('disputed', 'waiting'), ('disputed', 'dismissed'), ('disputed', 'undone')) THEN
      RAISE EXCEPTION 'a report does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_case_moves';
    END IF;
    SELECT count(*) INTO approvals FROM death_review WHERE case_id = OLD.id AND round = OLD.round AND verdict = 'approve';
    IF (NEW.state = 'frozen' AND OLD.state = 'reported' AND approvals < 1) OR (NEW.state = 'waiting' AND OLD.state <> 'waiting' AND approvals < 2) THEN
      RAISE EXCEPTION 'people look first' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_case_needs_reviews';
    END IF;
    IF NEW.state = 'undone' AND NOT EXISTS (
      SELECT FROM death_end JOIN signed_document AS signed ON signed.id = death_end.life_document_id
      WHERE death_end.case_id = OLD.id AND signed.account_id = OLD.owner_account_id AND signed.document_type = 'life_declaration'
        AND signed.canonical::jsonb ->> 'caseId' = OLD.id) THEN
      RAISE EXCEPTION 'the owner undoes it with their own passkey' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_case_needs_life';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER death_case_moves BEFORE INSERT OR UPDATE ON death_case FOR EACH ROW EXECUTE FUNCTION death_case_moves();
  CREATE TRIGGER death_case_never_deleted BEFORE DELETE ON death_case FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER death_case_never_truncated BEFORE TRUNCATE ON death_case FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  GRANT SELECT, INSERT, UPDATE (state, round, waiting_until, changed_at) ON death_case TO benren_app;

  -- Nobody reviews what they gain or lose by.
  CREATE FUNCTION death_review_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM death_case JOIN succession ON succession.id = death_case.succession_id
      WHERE death_case.id = NEW.case_id AND death_case.round = NEW.round AND death_case.state IN ('reported', 'frozen', 'disputed')
        AND NEW.reviewer NOT IN (death_case.owner_account_id, death_case.reported_by)
        AND NOT succession.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', NEW.reviewer))) THEN
      RAISE EXCEPTION 'not theirs to review' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'death_review_fits';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER death_review_fits BEFORE INSERT ON death_review FOR EACH ROW EXECUTE FUNCTION death_review_fits();

  -- An estate goes to a named heir who accepted, after the waiting period, out of a report that nobody undid.
  CREATE FUNCTION estate_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM death_case JOIN succession ON succession.id = death_case.succession_id
        JOIN succession_signature AS accepted ON accepted.succession_id = succession.id AND accepted.account_id = NEW.holder_account_id
      WHERE death_case.id = NEW.case_id AND death_case.owner_account_id = NEW.owner_account_id AND death_case.state = 'settled'
        AND death_case.waiting_until <= NEW.since AND NEW.sunset = (succession.canonical::jsonb ->> 'sunset')::timestamptz
        AND succession.canonical::jsonb -> 'heirs' @> jsonb_build_array(jsonb_build_object('accountId', NEW.holder_account_id))) THEN
      RAISE EXCEPTION 'this is nobody''s estate yet' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'estate_fits';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER estate_fits BEFORE INSERT ON estate FOR EACH ROW EXECUTE FUNCTION estate_fits();
`;

const PAPERS = `
  -- A paper lies here sealed (AES-256-GCM), its key beside it in a table of its own: taking the key away destroys the paper
  -- in every copy of this row.
  CREATE TABLE death_paper (
    id text PRIMARY KEY CHECK (id ~ '^dpp_'),
    succession_id text NOT NULL REFERENCES succession (id),
    uploaded_by text NOT NULL REFERENCES account (id),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    sealed bytea NOT NULL,
    nonce bytea NOT NULL UNIQUE CHECK (octet_length(nonce) = 12),
    tag bytea NOT NULL CHECK (octet_length(tag) = 16),
    uploaded_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX death_paper_of_succession ON death_paper (succession_id, uploaded_by, sha256);
  CREATE TABLE death_paper_key (
    paper_id text PRIMARY KEY REFERENCES death_paper (id),
    key bytea NOT NULL CHECK (octet_length(key) = 32)
  );
  GRANT SELECT, INSERT, DELETE ON death_paper_key TO benren_app;
  CREATE TABLE death_paper_view (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    paper_id text NOT NULL REFERENCES death_paper (id),
    viewer text NOT NULL REFERENCES account (id),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE death_paper_destruction (
    paper_id text PRIMARY KEY REFERENCES death_paper (id),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
`;

const HOLDERS = `
  -- Who holds a clone's rights: its owner, or the heir to whom the owner's estate has passed.
  CREATE FUNCTION rights_holder(of_clone text) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(estate.holder_account_id, clone.owner_account_id)
    FROM clone LEFT JOIN estate ON estate.owner_account_id = clone.owner_account_id WHERE clone.id = of_clone
  $$;

  -- An agent's standing ends with the owner's death: from the freeze on, nobody acts in their name.
  CREATE OR REPLACE FUNCTION delegated_act_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT delegation_covers(NEW.delegation_id, NEW.actor, NEW.clone_id, NEW.verb, NEW.at) OR EXISTS (
      SELECT FROM delegation JOIN death_case ON death_case.owner_account_id = delegation.owner_account_id
      WHERE delegation.id = NEW.delegation_id AND death_case.state IN ('frozen', 'waiting', 'disputed', 'settled')) THEN
      RAISE EXCEPTION 'nobody let them do this' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'delegated_act_fits';
    END IF;
    RETURN NEW;
  END $$;

  -- A grant is its rights holder's.
  CREATE FUNCTION consent_grant_is_the_holders() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NEW.owner_account_id IS DISTINCT FROM rights_holder(NEW.clone_id) THEN
      RAISE EXCEPTION 'this clone''s rights are not theirs' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_grant_is_the_holders';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER consent_grant_is_the_holders BEFORE INSERT ON consent_grant
    FOR EACH ROW EXECUTE FUNCTION consent_grant_is_the_holders();

  -- Whatever is signed over an estate ends with the sunset that the living owner set.
  CREATE FUNCTION consent_signature_before_sunset() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF EXISTS (
      SELECT FROM consent_grant AS consent JOIN clone ON clone.id = consent.clone_id
        JOIN estate ON estate.owner_account_id = clone.owner_account_id
        JOIN consent_grant_draft AS draft ON draft.grant_id = consent.id AND draft.digest = NEW.digest
      WHERE consent.id = NEW.grant_id AND (draft.canonical::jsonb ->> 'validUntil')::timestamptz > estate.sunset) THEN
      RAISE EXCEPTION 'this would outlast the owner''s sunset'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_signature_before_sunset';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER consent_signature_before_sunset BEFORE INSERT ON consent_grant_signature
    FOR EACH ROW EXECUTE FUNCTION consent_signature_before_sunset();

  -- The existence stop is the owner's, and after them the heir's who holds the rights; nobody acts for either.
  CREATE OR REPLACE FUNCTION stop_order_holds() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM clone JOIN signed_document AS signed ON signed.account_id = rights_holder(clone.id)
        JOIN stop_quote AS quote ON quote.id = NEW.quote_id AND quote.clone_id = clone.id
      WHERE clone.id = NEW.clone_id AND NEW.ordered_by = rights_holder(clone.id)
        AND signed.id = NEW.signed_document_id AND signed.document_type = 'stop_order'
        AND signed.canonical::jsonb ->> 'cloneId' = clone.id
        AND signed.canonical::jsonb ->> 'quoteId' = quote.id AND signed.canonical::jsonb ->> 'quoteDigest' = quote.digest) THEN
      RAISE EXCEPTION 'a stop is signed by who holds the clone''s rights'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stop_order_is_the_owners';
    END IF;
    IF NOT EXISTS (
      SELECT FROM gate WHERE kind = 'clone' AND clone_id = NEW.clone_id AND state = 'stopped' AND epoch = NEW.epoch) THEN
      RAISE EXCEPTION 'a stop shuts the gate first'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stop_order_shuts_the_gate';
    END IF;
    RETURN NEW;
  END $$;
`;
