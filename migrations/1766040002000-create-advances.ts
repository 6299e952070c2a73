import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';
import { pinFunctions } from './pin-functions.ts';

/** Advances with their signatures and recoupments; tax profiles; payouts that withhold, convert, follow a schedule and may need a person. */
export class CreateAdvances1766040002000 implements MigrationInterface {
  name = 'CreateAdvances1766040002000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [ADVANCES, PAYOUTS]) await runner.query(part);
    await keepAppendOnly(runner, ['advance_clone', 'advance_signature', 'advance_recoupment', 'tax_profile', 'currency_conversion']);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const ADVANCES = `
  INSERT INTO signed_document_type (name) VALUES ('advance'), ('derivative');
  INSERT INTO log_leaf_type (name) VALUES ('advance.signed'), ('derivative.signed');

  CREATE TABLE advance (
    id text PRIMARY KEY CHECK (id ~ '^adv_'),
    payee text NOT NULL REFERENCES account (id),
    currency text NOT NULL REFERENCES currency (code),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    base text NOT NULL CHECK (base IN ('pot', 'share')),
    rate_basis_points integer NOT NULL CHECK (rate_basis_points BETWEEN 1 AND 10000),
    ends_on date,
    -- RFC 8785 text: both signatures are over these bytes.
    canonical text NOT NULL,
    digest text NOT NULL CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'signed', 'ended')),
    signed_at timestamptz,
    record text,
    leaf_id text,
    -- The newest payout of it; an earlier one came back.
    payout_id text REFERENCES payout (id),
    ended_on date,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'draft') = (signed_at IS NULL AND record IS NULL AND leaf_id IS NULL)),
    CHECK ((state = 'ended') = (ended_on IS NOT NULL)),
    CHECK (payout_id IS NULL OR state <> 'draft')
  );
  CREATE INDEX advance_of_payee ON advance (payee, currency);
  GRANT SELECT, INSERT, UPDATE (state, signed_at, record, leaf_id, payout_id, ended_on) ON advance TO benren_app;

  CREATE TABLE advance_clone (
    advance_id text NOT NULL REFERENCES advance (id),
    clone_id text NOT NULL REFERENCES clone (id),
    PRIMARY KEY (advance_id, clone_id)
  );
  CREATE INDEX advance_clone_of_clone ON advance_clone (clone_id);

  CREATE TABLE advance_signature (
    advance_id text NOT NULL REFERENCES advance (id),
    -- The payee, or 'platform', for which an operator signs.
    signer text NOT NULL,
    signed_document_id text NOT NULL UNIQUE REFERENCES signed_document (id),
    signed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (advance_id, signer)
  );

  -- A signature is over exactly this advance, by the signer's own key, and nobody signs for both sides.
  CREATE FUNCTION advance_signature_holds() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM advance a JOIN signed_document s ON s.id = NEW.signed_document_id AND s.canonical = a.canonical
        WHERE a.id = NEW.advance_id AND s.document_type = 'advance'
          AND CASE NEW.signer WHEN 'platform' THEN s.account_id <> a.payee WHEN a.payee THEN s.account_id = a.payee ELSE false END
    ) THEN
      RAISE EXCEPTION 'advance % was not signed by % with this document', NEW.advance_id, NEW.signer
        USING ERRCODE = 'check_violation', CONSTRAINT = 'advance_signature_holds', TABLE = 'advance_signature';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER advance_signature_holds BEFORE INSERT ON advance_signature FOR EACH ROW EXECUTE FUNCTION advance_signature_holds();

  -- No advance is in force that both have not signed; what is signed does not change, and what has ended stays ended.
  CREATE FUNCTION advance_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state = 'draft' THEN RETURN NEW; END IF;
    ELSIF OLD.state = 'ended' OR (OLD.state = 'signed' AND (NEW.state = 'draft' OR NEW.signed_at <> OLD.signed_at OR NEW.record <> OLD.record OR NEW.leaf_id <> OLD.leaf_id)) THEN
      RAISE EXCEPTION 'advance % does not go back', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> 'draft' AND (SELECT count(*) FROM advance_signature WHERE advance_id = NEW.id) <> 2 THEN
      RAISE EXCEPTION 'advance % lacks a signature', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'advance_moves_on', TABLE = 'advance';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER advance_moves_on BEFORE INSERT OR UPDATE ON advance FOR EACH ROW EXECUTE FUNCTION advance_moves_on();
  CREATE TRIGGER advance_stays BEFORE DELETE ON advance FOR EACH ROW EXECUTE FUNCTION refuse_change();

  -- Once a run, and never more than was advanced (what the ledger holds unrecouped is guarded besides).
  CREATE TABLE advance_recoupment (
    advance_id text NOT NULL REFERENCES advance (id),
    run_id text NOT NULL REFERENCES royalty_run (id) DEFERRABLE INITIALLY DEFERRED,
    base_minor bigint NOT NULL CHECK (base_minor > 0),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    transfer_id text NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (advance_id, run_id)
  );
  ALTER TABLE royalty_run ADD COLUMN recouped jsonb NOT NULL DEFAULT '[]';
`;

const PAYOUTS = `
  CREATE TABLE tax_profile (
    id text PRIMARY KEY CHECK (id ~ '^txp_'),
    payee text NOT NULL REFERENCES account (id),
    rate_basis_points integer NOT NULL CHECK (rate_basis_points BETWEEN 0 AND 5000),
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 300),
    valid_from date NOT NULL,
    set_by text NOT NULL REFERENCES account (id) CHECK (set_by <> payee),
    set_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX tax_profile_of_payee ON tax_profile (payee, valid_from);

  ALTER TABLE payout
    ADD COLUMN withheld_minor bigint NOT NULL DEFAULT 0 CHECK (withheld_minor >= 0),
    ADD COLUMN tax_profile_id text REFERENCES tax_profile (id),
    ADD COLUMN tax_transfer_id text UNIQUE,
    ADD COLUMN advance_id text REFERENCES advance (id),
    ADD COLUMN needs_person boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT payout_taxed CHECK (withheld_minor = 0 OR tax_profile_id IS NOT NULL),
    -- In the currency that was sent, which need not be the claim's.
    DROP CONSTRAINT payout_check,
    ADD CONSTRAINT payout_reversed_natural CHECK (reversed_minor >= 0);
  GRANT UPDATE (needs_person) ON payout TO benren_app;
  CREATE INDEX payout_pending ON payout (created_at) WHERE state = 'pending';

  CREATE TABLE currency_conversion (
    id text PRIMARY KEY CHECK (id ~ '^cnv_'),
    payout_id text NOT NULL UNIQUE REFERENCES payout (id),
    from_currency text NOT NULL REFERENCES currency (code),
    from_minor bigint NOT NULL CHECK (from_minor > 0),
    to_currency text NOT NULL REFERENCES currency (code) CHECK (to_currency <> from_currency),
    to_minor bigint NOT NULL CHECK (to_minor > 0),
    rate text NOT NULL CHECK (rate ~ '^[0-9]+([.][0-9]+)?$'),
    source text NOT NULL,
    quoted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  -- A payee's own wish, which they may change.
  CREATE TABLE payout_setting (
    account_id text NOT NULL REFERENCES account (id),
    currency text NOT NULL REFERENCES currency (code),
    minimum_minor bigint NOT NULL CHECK (minimum_minor > 0),
    schedule text NOT NULL CHECK (schedule IN ('manual', 'weekly', 'monthly')),
    set_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, currency)
  );
  GRANT SELECT, INSERT, UPDATE (minimum_minor, schedule, set_at) ON payout_setting TO benren_app;
`;
