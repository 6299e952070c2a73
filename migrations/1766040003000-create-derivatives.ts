import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';
import { pinFunctions } from './pin-functions.ts';

/** Terms of derivatives: which clone was made from which, and what of its pots goes up. */
export class CreateDerivatives1766040003000 implements MigrationInterface {
  name = 'CreateDerivatives1766040003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TERMS);
    await keepAppendOnly(runner, ['derivative_signature']);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TERMS = `
  CREATE TABLE derivative_term (
    id text PRIMARY KEY CHECK (id ~ '^drv_'),
    clone_id text NOT NULL REFERENCES clone (id),
    number integer NOT NULL CHECK (number >= 1),
    derivative_owner_id text NOT NULL REFERENCES account (id),
    original_clone_id text NOT NULL REFERENCES clone (id) CHECK (original_clone_id <> clone_id),
    original_owner_id text NOT NULL REFERENCES account (id) CHECK (original_owner_id <> derivative_owner_id),
    upstream_basis_points integer NOT NULL CHECK (upstream_basis_points BETWEEN 1 AND 9000),
    ceiling_basis_points integer NOT NULL CHECK (ceiling_basis_points BETWEEN upstream_basis_points AND 9000),
    effective_from date NOT NULL,
    -- RFC 8785 text: both signatures are over these bytes.
    canonical text NOT NULL,
    digest text NOT NULL CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'signed')),
    signed_at timestamptz,
    record text,
    leaf_id text,
    -- Splits up to this number were drafted without it: they divide nothing from its day on.
    after_split integer,
    drafted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, number),
    CHECK ((state = 'signed') = (signed_at IS NOT NULL AND record IS NOT NULL AND leaf_id IS NOT NULL AND after_split IS NOT NULL))
  );
  CREATE INDEX derivative_term_in_force ON derivative_term (clone_id, effective_from) WHERE state = 'signed';
  GRANT SELECT, INSERT, UPDATE (state, signed_at, record, leaf_id, after_split) ON derivative_term TO benren_app;

  CREATE TABLE derivative_signature (
    derivative_id text NOT NULL REFERENCES derivative_term (id),
    signer text NOT NULL REFERENCES account (id),
    signed_document_id text NOT NULL UNIQUE REFERENCES signed_document (id),
    signed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (derivative_id, signer)
  );

  -- A signature is over exactly this term, by the own key of one of the two owners.
  CREATE FUNCTION derivative_signature_holds() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM derivative_term t JOIN signed_document s ON s.id = NEW.signed_document_id AND s.canonical = t.canonical
        WHERE t.id = NEW.derivative_id AND s.document_type = 'derivative' AND s.account_id = NEW.signer
          AND NEW.signer IN (t.derivative_owner_id, t.original_owner_id)
    ) THEN
      RAISE EXCEPTION 'derivative term % was not signed by % with this document', NEW.derivative_id, NEW.signer
        USING ERRCODE = 'check_violation', CONSTRAINT = 'derivative_signature_holds', TABLE = 'derivative_signature';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER derivative_signature_holds BEFORE INSERT ON derivative_signature FOR EACH ROW EXECUTE FUNCTION derivative_signature_holds();

  -- No term acts that both owners have not signed, and what is signed does not change.
  CREATE FUNCTION derivative_term_is_complete() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'signed' THEN
      RAISE EXCEPTION 'derivative term % is signed', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'signed' AND (SELECT count(*) FROM derivative_signature WHERE derivative_id = NEW.id) <> 2 THEN
      RAISE EXCEPTION 'derivative term % lacks a signature', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'derivative_term_is_complete', TABLE = 'derivative_term';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER derivative_term_is_complete BEFORE INSERT OR UPDATE ON derivative_term FOR EACH ROW EXECUTE FUNCTION derivative_term_is_complete();
  CREATE TRIGGER derivative_term_stays BEFORE DELETE ON derivative_term FOR EACH ROW EXECUTE FUNCTION refuse_change();

  -- The term that a split was drafted under; null for an original's.
  ALTER TABLE split ADD COLUMN derivative_id text REFERENCES derivative_term (id);
  -- A leg of an original above the derivative; null for those of its own split.
  ALTER TABLE royalty_pot_leg ADD COLUMN derivative_id text REFERENCES derivative_term (id);
`;
