import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Licences to organisations inside a grant, and amendments that need a licensee's signature too. */
export class CreateLicence1765000420000 implements MigrationInterface {
  name = 'CreateLicence1765000420000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      INSERT INTO signed_document_type (name) VALUES ('licence');
      INSERT INTO log_leaf_type (name) VALUES ('licence.signed'), ('licence.ended'), ('amendment.offered');
    `);
    await runner.query(LICENCES);
    await runner.query(OFFERS);
    await runner.query(GATES);
    await keepAppendOnly(runner, [
      'licence', 'licence_signature', 'licence_notice', 'licence_end', 'licence_containment', 'amendment_offer', 'amendment_withdrawal',
    ]);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const LICENCES = `
  CREATE TABLE licence (
    id text PRIMARY KEY CHECK (id ~ '^lic_'),
    clone_id text NOT NULL,
    grant_id text NOT NULL,
    owner_account_id text NOT NULL REFERENCES account (id),
    licensee_account_id text NOT NULL REFERENCES account (id) CHECK (licensee_account_id <> owner_account_id),
    exclusive boolean NOT NULL,
    -- RFC 8785 text: the digest that both sign is over these bytes.
    canonical text NOT NULL,
    digest text NOT NULL CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    drafted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, id),
    FOREIGN KEY (clone_id, grant_id) REFERENCES consent_grant (clone_id, id),
    CONSTRAINT licence_is_the_document CHECK (
      canonical::jsonb ->> 'licenceId' = id AND canonical::jsonb ->> 'cloneId' = clone_id AND canonical::jsonb ->> 'grantId' = grant_id
      AND canonical::jsonb #>> '{owner,accountId}' = owner_account_id AND canonical::jsonb #>> '{licensee,accountId}' = licensee_account_id
      AND canonical::jsonb -> 'exclusive' = to_jsonb(exclusive))
  );
  CREATE INDEX licence_of_grant ON licence (grant_id, id);
  CREATE INDEX licence_of_licensee ON licence (licensee_account_id, id);
  ALTER TABLE gate ADD CONSTRAINT gate_of_licence FOREIGN KEY (clone_id, licence_id) REFERENCES licence (clone_id, id);

  CREATE TABLE licence_signature (
    licence_id text NOT NULL REFERENCES licence (id),
    account_id text NOT NULL,
    signed_document_id text NOT NULL UNIQUE,
    signed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (licence_id, account_id),
    FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document (id, account_id)
  );
  -- The owner's notice: from ends_at on the licence is over.
  CREATE TABLE licence_notice (
    licence_id text PRIMARY KEY REFERENCES licence (id),
    given_by text NOT NULL REFERENCES account (id),
    given_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at >= given_at),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE licence_end (
    licence_id text PRIMARY KEY REFERENCES licence (id),
    kind text NOT NULL CHECK (kind IN ('notice', 'cause', 'laid_down', 'withdrawn')),
    reason text NOT NULL CHECK (length(reason) <= 2000 AND (kind <> 'cause' OR length(reason) >= 20)),
    ended_by text NOT NULL,
    ended_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  -- Whether the grant's version still holds the licence inside it; the last fact counts.
  CREATE TABLE licence_containment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    licence_id text NOT NULL REFERENCES licence (id),
    grant_digest text NOT NULL,
    contained boolean NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX licence_containment_of ON licence_containment (licence_id, id DESC);

  -- Owner first, then the organisation, over the same bytes, while nobody has ended it.
  CREATE FUNCTION licence_signature_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM licence JOIN signed_document AS signed ON signed.id = NEW.signed_document_id
      WHERE licence.id = NEW.licence_id AND signed.document_type = 'licence' AND signed.digest = licence.digest
        AND NOT EXISTS (SELECT FROM licence_end WHERE licence_id = licence.id)
        AND (NEW.account_id = licence.owner_account_id OR (NEW.account_id = licence.licensee_account_id AND EXISTS (
          SELECT FROM licence_signature AS offer WHERE offer.licence_id = licence.id AND offer.account_id = licence.owner_account_id)))) THEN
      RAISE EXCEPTION 'this is not a signature over it' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'licence_signature_fits';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER licence_signature_fits BEFORE INSERT ON licence_signature FOR EACH ROW EXECUTE FUNCTION licence_signature_fits();

  CREATE FUNCTION licence_is_the_holders() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NEW.owner_account_id IS DISTINCT FROM rights_holder(NEW.clone_id) THEN
      RAISE EXCEPTION 'this clone''s rights are not theirs' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'licence_is_the_holders';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER licence_is_the_holders BEFORE INSERT ON licence FOR EACH ROW EXECUTE FUNCTION licence_is_the_holders();
`;

const OFFERS = `
  -- An amendment that waits: who has signed it so far. It acts when the grant's own signature row is written.
  CREATE TABLE amendment_offer (
    grant_id text NOT NULL,
    digest text NOT NULL,
    account_id text NOT NULL,
    signed_document_id text NOT NULL UNIQUE,
    signed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grant_id, digest, account_id),
    FOREIGN KEY (grant_id, digest) REFERENCES consent_grant_draft (grant_id, digest),
    FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document (id, account_id),
    FOREIGN KEY (signed_document_id, digest) REFERENCES signed_document (id, digest)
  );
  CREATE TABLE amendment_withdrawal (
    grant_id text NOT NULL,
    digest text NOT NULL,
    withdrawn_by text NOT NULL REFERENCES account (id),
    withdrawn_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grant_id, digest),
    FOREIGN KEY (grant_id, digest) REFERENCES consent_grant_draft (grant_id, digest)
  );

  -- Licensees who are bound at an instant: both have signed, nobody has ended it, and its term runs.
  CREATE FUNCTION bound_licensees(of_grant text, at_instant timestamptz) RETURNS SETOF text
  LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT DISTINCT licence.licensee_account_id FROM licence
      JOIN licence_signature AS counter ON counter.licence_id = licence.id AND counter.account_id = licence.licensee_account_id
      LEFT JOIN licence_end AS ended ON ended.licence_id = licence.id
      LEFT JOIN licence_notice AS notice ON notice.licence_id = licence.id
    WHERE licence.grant_id = of_grant AND ended.licence_id IS NULL AND (notice.ends_at IS NULL OR notice.ends_at > at_instant)
      AND (licence.canonical::jsonb #>> '{terms,validUntil}')::timestamptz > at_instant
  $$;

  -- What certainly adds to a grant: a member of a list, a yes, time, a forbidden word that is gone.
  CREATE FUNCTION amendment_widens(earlier jsonb, later jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
      SELECT FROM unnest(ARRAY['media', 'languages', 'territories', 'audiences', 'ageBands', 'tiers', 'endorsementCategories']) AS name,
        jsonb_array_elements(later -> name) AS item
      WHERE NOT earlier -> name @> jsonb_build_array(item))
    OR EXISTS (SELECT FROM jsonb_each(later -> 'capabilities') AS said WHERE said.value = 'true' AND earlier -> 'capabilities' -> said.key = 'false')
    OR EXISTS (SELECT FROM unnest(ARRAY['adultContent', 'politicalContent', 'sublicence']) AS name WHERE later -> name = 'true' AND earlier -> name = 'false')
    OR (later ->> 'validUntil')::timestamptz > (earlier ->> 'validUntil')::timestamptz
    OR (later ->> 'validFrom')::timestamptz < (earlier ->> 'validFrom')::timestamptz
  $$;

  CREATE FUNCTION amendment_is_countersigned() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF EXISTS (SELECT FROM amendment_withdrawal WHERE grant_id = NEW.grant_id AND digest = NEW.digest) THEN
      RAISE EXCEPTION 'this amendment was withdrawn' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'amendment_withdrawn';
    END IF;
    IF EXISTS (
      SELECT FROM consent_grant_draft AS next JOIN consent_grant_draft AS before ON before.grant_id = next.grant_id AND before.digest = next.supersedes
      WHERE next.grant_id = NEW.grant_id AND next.digest = NEW.digest AND amendment_widens(before.canonical::jsonb, next.canonical::jsonb))
      AND EXISTS (
        SELECT FROM bound_licensees(NEW.grant_id, NEW.signed_at) AS licensee WHERE NOT EXISTS (
          SELECT FROM amendment_offer AS offer WHERE offer.grant_id = NEW.grant_id AND offer.digest = NEW.digest AND offer.account_id = licensee)) THEN
      RAISE EXCEPTION 'a licensee is bound by this grant and has not signed' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'amendment_countersigned';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER amendment_is_countersigned BEFORE INSERT ON consent_grant_signature
    FOR EACH ROW EXECUTE FUNCTION amendment_is_countersigned();
`;

const GATES = `
  -- As before, and when the decision was made under a licence its gate is the fifth: it is named like the others, it is of this
  -- clone, and a licence of another grant is none of it.
  CREATE OR REPLACE FUNCTION assert_release_gates(
    of_clone text, of_capability text, of_grant text, gate_ids text[], epochs bigint[]
  ) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
  DECLARE
    applicable text[];
    licences integer;
  BEGIN
    SELECT array_agg(gate.id ORDER BY gate.id), count(*) FILTER (WHERE gate.kind = 'licence') INTO applicable, licences FROM gate
      WHERE kind = 'platform'
        OR (clone_id = of_clone AND (kind = 'clone'
          OR (kind = 'capability' AND capability = of_capability)
          OR (kind = 'grant' AND grant_id = of_grant)
          OR (kind = 'licence' AND gate.id = ANY (gate_ids) AND EXISTS (
            SELECT FROM licence WHERE licence.id = gate.licence_id AND licence.grant_id = of_grant))));
    IF coalesce(cardinality(applicable), 0) <> 4 + licences OR licences > 1
      OR applicable IS DISTINCT FROM (SELECT array_agg(id ORDER BY id) FROM unnest(gate_ids) AS id) THEN
      RAISE EXCEPTION 'these are not the gates of %, %, %', of_clone, of_capability, of_grant
        USING ERRCODE = 'BN001', CONSTRAINT = 'gate_unnamed';
    END IF;
    PERFORM assert_gates_open(gate_ids, epochs);
  END $$;

  -- A decision made under a licence names the licence's gate, and no other decision does: a release takes its gates from there.
  CREATE FUNCTION decision_names_its_licence() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    named text := NEW.receipt #>> '{document,state,licence,licenceId}';
    gates text[];
  BEGIN
    SELECT array_agg(gate.licence_id) INTO gates FROM json_array_elements(NEW.receipt #> '{document,state,gates}') AS seen
      JOIN gate ON gate.id = seen ->> 'gateId' AND gate.kind = 'licence';
    IF NEW.allowed AND gates IS DISTINCT FROM (CASE WHEN named IS NULL THEN NULL ELSE ARRAY[named] END) THEN
      RAISE EXCEPTION 'a decision under a licence sees its gate' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'decision_names_its_licence';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER decision_names_its_licence BEFORE INSERT ON decision FOR EACH ROW EXECUTE FUNCTION decision_names_its_licence();
`;
