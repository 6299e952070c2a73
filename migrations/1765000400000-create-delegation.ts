import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Who may act for an owner, how far, and each act that was done so. Facts only: a delegation's state follows from them. */
export class CreateDelegation1765000400000 implements MigrationInterface {
  name = 'CreateDelegation1765000400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      INSERT INTO signed_document_type (name) VALUES ('delegation');
      INSERT INTO log_leaf_type (name) VALUES ('delegation.signed'), ('delegation.ended');
    `);
    await runner.query(TABLES);
    await runner.query(GUARDS);
    await runner.query(NARROWING);
    await keepAppendOnly(runner, ['delegation', 'delegation_signature', 'delegation_end', 'delegated_act']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  CREATE TABLE delegation (
    id text PRIMARY KEY CHECK (id ~ '^dlg_'),
    owner_account_id text NOT NULL REFERENCES account (id),
    agent_account_id text NOT NULL REFERENCES account (id) CHECK (agent_account_id <> owner_account_id),
    -- RFC 8785 text: the digest that both sign is over these bytes.
    canonical text NOT NULL,
    digest text NOT NULL CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    drafted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT delegation_is_the_document CHECK (
      canonical::jsonb ->> 'delegationId' = id
      AND canonical::jsonb #>> '{owner,accountId}' = owner_account_id
      AND canonical::jsonb #>> '{agent,accountId}' = agent_account_id),
    -- The closed list, by exclusion: whatever a list of verbs will hold one day, these are never in it.
    CONSTRAINT delegation_never CHECK (NOT canonical::jsonb -> 'verbs' ?| ARRAY[
      'orderStop', 'signGrant', 'revokeGrant', 'draftDelegation', 'signDelegation', 'endDelegation', 'draftSuccession', 'signSuccession'])
  );
  CREATE INDEX delegation_of_owner ON delegation (owner_account_id, id);
  CREATE INDEX delegation_of_agent ON delegation (agent_account_id, id);

  CREATE TABLE delegation_signature (
    delegation_id text NOT NULL REFERENCES delegation (id),
    account_id text NOT NULL,
    signed_document_id text NOT NULL UNIQUE,
    signed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (delegation_id, account_id),
    FOREIGN KEY (signed_document_id, account_id) REFERENCES signed_document (id, account_id)
  );

  CREATE TABLE delegation_end (
    delegation_id text PRIMARY KEY REFERENCES delegation (id),
    ended_by text NOT NULL REFERENCES account (id),
    ended_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  CREATE TABLE delegated_act (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delegation_id text NOT NULL REFERENCES delegation (id),
    verb text NOT NULL,
    clone_id text NOT NULL REFERENCES clone (id),
    -- What was acted upon: the grant, the clone, the output, the statement.
    subject_id text NOT NULL CHECK (subject_id <> ''),
    actor text NOT NULL REFERENCES account (id),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX delegated_act_of_delegation ON delegated_act (delegation_id, at, id);
`;

const GUARDS = `
  -- Both sign the draft itself; the agent accepts what the owner has signed, and nothing that was taken back.
  CREATE FUNCTION delegation_signature_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM delegation JOIN signed_document AS signed ON signed.id = NEW.signed_document_id
      WHERE delegation.id = NEW.delegation_id AND signed.document_type = 'delegation' AND signed.digest = delegation.digest
        AND (NEW.account_id = delegation.owner_account_id
          OR (NEW.account_id = delegation.agent_account_id AND EXISTS (
            SELECT FROM delegation_signature AS offer
            WHERE offer.delegation_id = delegation.id AND offer.account_id = delegation.owner_account_id)))
        AND NOT EXISTS (SELECT FROM delegation_end WHERE delegation_id = delegation.id)) THEN
      RAISE EXCEPTION 'this is not a signature over it' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'delegation_signature_fits';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER delegation_signature_fits BEFORE INSERT ON delegation_signature
    FOR EACH ROW EXECUTE FUNCTION delegation_signature_fits();

  CREATE FUNCTION delegation_end_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM delegation WHERE id = NEW.delegation_id AND NEW.ended_by IN (owner_account_id, agent_account_id)) THEN
      RAISE EXCEPTION 'a delegation is ended by its parties' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'delegation_end_fits';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER delegation_end_fits BEFORE INSERT ON delegation_end FOR EACH ROW EXECUTE FUNCTION delegation_end_fits();

  -- Whether an account may do this to a clone as somebody's agent at an instant: signed by both, not ended, in its term.
  CREATE FUNCTION delegation_covers(of_delegation text, of_agent text, of_clone text, of_verb text, at_instant timestamptz)
  RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
      SELECT FROM delegation
        JOIN clone ON clone.id = of_clone AND clone.owner_account_id = delegation.owner_account_id
        JOIN delegation_signature AS offer ON offer.delegation_id = delegation.id AND offer.account_id = delegation.owner_account_id
        JOIN delegation_signature AS accepted ON accepted.delegation_id = delegation.id AND accepted.account_id = of_agent
      WHERE delegation.id = of_delegation AND delegation.agent_account_id = of_agent
        AND delegation.canonical::jsonb -> 'verbs' ? of_verb AND delegation.canonical::jsonb -> 'cloneIds' ? of_clone
        AND at_instant >= (delegation.canonical::jsonb ->> 'validFrom')::timestamptz
        AND at_instant < (delegation.canonical::jsonb ->> 'validUntil')::timestamptz
        AND NOT EXISTS (SELECT FROM delegation_end AS ended WHERE ended.delegation_id = delegation.id AND ended.ended_at <= at_instant))
  $$;

  CREATE FUNCTION delegated_act_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT delegation_covers(NEW.delegation_id, NEW.actor, NEW.clone_id, NEW.verb, NEW.at) THEN
      RAISE EXCEPTION 'nobody let them do this' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'delegated_act_fits';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER delegated_act_fits BEFORE INSERT ON delegated_act FOR EACH ROW EXECUTE FUNCTION delegated_act_fits();
`;

const NARROWING = `
  -- Whether \`later\` takes away from \`earlier\` and adds nothing. Each member has its rule; one without a rule must be equal, so a
  -- term that this function has never heard of cannot be widened behind its back.
  CREATE FUNCTION amendment_only_narrows(earlier jsonb, later jsonb) RETURNS boolean
  LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (
      SELECT FROM (SELECT jsonb_object_keys(earlier) UNION SELECT jsonb_object_keys(later)) AS members (name)
      WHERE name NOT IN ('type', 'version', 'supersedes') AND earlier -> name IS DISTINCT FROM later -> name AND NOT coalesce(CASE
        WHEN name IN ('media', 'languages', 'territories', 'audiences', 'ageBands', 'tiers', 'purposes', 'endorsementCategories') THEN
          jsonb_typeof(earlier -> name) = 'array' AND jsonb_typeof(later -> name) = 'array'
          AND (SELECT bool_and(earlier -> name @> jsonb_build_array(item) AND EXISTS (
            SELECT FROM jsonb_array_elements(earlier -> name) AS old WHERE old = item)) FROM jsonb_array_elements(later -> name) AS item)
        WHEN name IN ('forbiddenTopics', 'forbiddenPhrases') THEN
          jsonb_typeof(earlier -> name) = 'array' AND jsonb_typeof(later -> name) = 'array'
          AND (SELECT coalesce(bool_and(EXISTS (
            SELECT FROM jsonb_array_elements(later -> name) AS now WHERE now = item)), true) FROM jsonb_array_elements(earlier -> name) AS item)
        WHEN name = 'capabilities' THEN
          jsonb_typeof(earlier -> name) = 'object' AND jsonb_typeof(later -> name) = 'object' AND NOT EXISTS (
            SELECT FROM jsonb_each(later -> name) AS said WHERE said.value <> 'false' AND earlier -> name -> said.key IS DISTINCT FROM said.value)
        WHEN name IN ('adultContent', 'politicalContent', 'sublicence') THEN later -> name = 'false'
        WHEN name = 'validFrom' THEN (later ->> name)::timestamptz >= (earlier ->> name)::timestamptz
        WHEN name = 'validUntil' THEN (later ->> name)::timestamptz <= (earlier ->> name)::timestamptz
        ELSE false END, false))
  $$;

  -- A signature counts for the draft that was signed, by the grant's owner; an agent's counts for an amendment that only narrows.
  CREATE OR REPLACE FUNCTION consent_signature_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    signed signed_document;
    consent consent_grant;
    offered consent_grant_draft;
  BEGIN
    SELECT * INTO consent FROM consent_grant WHERE id = NEW.grant_id;
    SELECT * INTO signed FROM signed_document WHERE id = NEW.signed_document_id AND canonical::jsonb ->> 'grantId' = NEW.grant_id;
    IF signed.id IS NULL OR consent.id IS NULL
      OR (TG_TABLE_NAME = 'consent_grant_revocation' AND signed.document_type <> 'revocation')
      OR (TG_TABLE_NAME = 'consent_grant_signature' AND (to_jsonb(NEW) ->> 'digest' <> signed.digest
        OR signed.document_type <> CASE to_jsonb(NEW) ->> 'version' WHEN '1' THEN 'grant' ELSE 'amendment' END)) THEN
      RAISE EXCEPTION 'this is not the owner''s signature over it'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_signature_fits';
    END IF;
    IF signed.account_id = consent.owner_account_id THEN
      RETURN NEW;
    END IF;
    IF TG_TABLE_NAME = 'consent_grant_signature' AND signed.document_type = 'amendment' THEN
      SELECT * INTO offered FROM consent_grant_draft WHERE grant_id = NEW.grant_id AND digest = signed.digest;
      IF EXISTS (
        SELECT FROM consent_grant_draft AS before
        WHERE before.grant_id = NEW.grant_id AND before.digest = offered.supersedes
          AND amendment_only_narrows(before.canonical::jsonb, offered.canonical::jsonb))
        AND EXISTS (
          SELECT FROM delegation WHERE owner_account_id = consent.owner_account_id AND agent_account_id = signed.account_id
            AND delegation_covers(id, signed.account_id, consent.clone_id, 'signAmendment', (to_jsonb(NEW) ->> 'signed_at')::timestamptz)) THEN
        RETURN NEW;
      END IF;
    END IF;
    RAISE EXCEPTION 'this is not the owner''s signature over it'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_signature_fits';
  END $$;
`;
