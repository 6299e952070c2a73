import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Owner money: splits with their signatures, runs and pots, refunds of divided money, payouts. */
export class CreateRoyalties1764000080000 implements MigrationInterface {
  name = 'CreateRoyalties1764000080000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [SPLITS, RUNS, REFUNDS, PAYOUTS]) await runner.query(part);
    await keepAppendOnly(runner, [
      'split_leg', 'split_signature', 'royalty_run', 'royalty_pot', 'royalty_pot_leg', 'royalty_run_entry', 'goodwill_pot', 'goodwill_leg',
      'goodwill_payee',
    ]);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const SPLITS = `
  CREATE TABLE split (
    id text PRIMARY KEY CHECK (id ~ '^spl_'),
    clone_id text NOT NULL REFERENCES clone (id),
    number integer NOT NULL CHECK (number >= 1),
    owner_account_id text NOT NULL REFERENCES account (id),
    base text NOT NULL CHECK (base = 'net_of_tax_and_fees'),
    refund_fee_bearer text NOT NULL,
    effective_from date NOT NULL,
    -- RFC 8785 text: every signature is over these bytes.
    canonical text NOT NULL,
    digest text NOT NULL CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'signed')),
    signed_at timestamptz,
    record text,
    leaf_id text,
    drafted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, number),
    CHECK ((state = 'signed') = (signed_at IS NOT NULL AND record IS NOT NULL AND leaf_id IS NOT NULL))
  );
  CREATE INDEX split_in_force ON split (clone_id, effective_from) WHERE state = 'signed';
  GRANT SELECT, INSERT, UPDATE (state, signed_at, record, leaf_id) ON split TO benren_app;

  CREATE TABLE split_leg (
    split_id text NOT NULL REFERENCES split (id),
    leg smallint NOT NULL CHECK (leg BETWEEN 1 AND 20),
    payee text NOT NULL,
    account_id text GENERATED ALWAYS AS (NULLIF(payee, 'platform')) STORED REFERENCES account (id),
    basis_points integer NOT NULL CHECK (basis_points BETWEEN 1 AND 9999),
    PRIMARY KEY (split_id, leg),
    UNIQUE (split_id, payee)
  );
  CREATE INDEX split_leg_of_payee ON split_leg (payee);

  CREATE TABLE split_signature (
    split_id text NOT NULL REFERENCES split (id),
    -- An account for itself, or 'platform', for which an operator signs.
    signer text NOT NULL,
    signed_document_id text NOT NULL UNIQUE REFERENCES signed_document (id),
    signed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (split_id, signer)
  );

  -- A signature is over exactly this split, by the signer's own key.
  CREATE FUNCTION split_signature_holds() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM split JOIN signed_document s ON s.id = NEW.signed_document_id AND s.canonical = split.canonical
        WHERE split.id = NEW.split_id AND s.document_type = 'split' AND (NEW.signer = 'platform' OR s.account_id = NEW.signer)
    ) THEN
      RAISE EXCEPTION 'split % was not signed by % with this document', NEW.split_id, NEW.signer
        USING ERRCODE = 'check_violation', CONSTRAINT = 'split_signature_holds', TABLE = 'split_signature';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER split_signature_holds BEFORE INSERT ON split_signature
    FOR EACH ROW EXECUTE FUNCTION split_signature_holds();

  -- No split acts that its owner and every payee have not signed, or that does not divide the whole.
  CREATE FUNCTION split_is_complete() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' AND NEW.state = 'draft' THEN RETURN NEW; END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'signed' THEN
      RAISE EXCEPTION 'split % is signed', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'signed' AND (
      (SELECT count(*) NOT BETWEEN 2 AND 20 OR sum(basis_points) <> 10000 OR NOT bool_or(payee = 'platform') FROM split_leg WHERE split_id = NEW.id)
      OR EXISTS (
        SELECT signer FROM (SELECT payee AS signer FROM split_leg WHERE split_id = NEW.id UNION SELECT NEW.owner_account_id) needed
          WHERE NOT EXISTS (SELECT FROM split_signature s WHERE s.split_id = NEW.id AND s.signer = needed.signer))
    ) THEN
      RAISE EXCEPTION 'split % lacks a share or a signature', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'split_is_complete', TABLE = 'split';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER split_is_complete BEFORE INSERT OR UPDATE ON split FOR EACH ROW EXECUTE FUNCTION split_is_complete();
  CREATE TRIGGER split_stays BEFORE DELETE ON split FOR EACH ROW EXECUTE FUNCTION refuse_change();

  -- Up to which day recognition has been told which split applies: no later split may begin before it.
  CREATE TABLE split_answered (
    clone_id text PRIMARY KEY REFERENCES clone (id),
    before_day date NOT NULL
  );
  GRANT SELECT, INSERT, UPDATE (before_day) ON split_answered TO benren_app;
`;

const RUNS = `
  CREATE TABLE royalty_run (
    id text PRIMARY KEY CHECK (id ~ '^run_'),
    clone_id text NOT NULL REFERENCES clone (id),
    number integer NOT NULL CHECK (number >= 1),
    -- Entries at positions (from_position, to_position] of the ledger.
    from_position bigint NOT NULL CHECK (from_position >= 0),
    to_position bigint NOT NULL CHECK (to_position >= from_position),
    through_day date NOT NULL,
    netted jsonb NOT NULL,
    run_by text NOT NULL,
    run_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, number)
  );

  -- Each run begins where the last one of its clone ended.
  CREATE FUNCTION royalty_run_follows() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    last royalty_run;
  BEGIN
    SELECT * INTO last FROM royalty_run WHERE clone_id = NEW.clone_id ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.from_position <> coalesce(last.to_position, 0) THEN
      RAISE EXCEPTION 'run % does not follow the last one of %', NEW.id, NEW.clone_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'royalty_run_follows', TABLE = 'royalty_run';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER royalty_run_follows BEFORE INSERT ON royalty_run FOR EACH ROW EXECUTE FUNCTION royalty_run_follows();

  CREATE TABLE royalty_pot (
    id text PRIMARY KEY CHECK (id ~ '^pot_'),
    run_id text NOT NULL REFERENCES royalty_run (id),
    clone_id text NOT NULL REFERENCES clone (id),
    tier_id text NOT NULL REFERENCES tier (id),
    currency text NOT NULL REFERENCES currency (code),
    split_id text NOT NULL REFERENCES split (id),
    first_day date NOT NULL,
    last_day date NOT NULL,
    -- Below zero when fees were more than what was earned: then it is the platform's alone.
    amount_minor bigint NOT NULL,
    -- Null for a pot of exactly zero.
    transfer_id text UNIQUE,
    UNIQUE (run_id, tier_id, currency, split_id),
    CHECK ((amount_minor = 0) = (transfer_id IS NULL))
  );
  CREATE INDEX royalty_pot_of_clone ON royalty_pot (clone_id);

  CREATE TABLE royalty_pot_leg (
    pot_id text NOT NULL REFERENCES royalty_pot (id),
    leg smallint NOT NULL,
    payee text NOT NULL,
    basis_points integer NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0 OR payee = 'platform'),
    PRIMARY KEY (pot_id, leg)
  );
  CREATE INDEX royalty_pot_leg_of_payee ON royalty_pot_leg (payee);

  -- Each entry is divided once: this key is the promise.
  CREATE TABLE royalty_run_entry (
    transfer_id text NOT NULL,
    leg smallint NOT NULL,
    run_id text NOT NULL REFERENCES royalty_run (id),
    pot_id text NOT NULL REFERENCES royalty_pot (id),
    position bigint NOT NULL,
    period_id text,
    -- What it adds to the pot.
    amount_minor bigint NOT NULL,
    PRIMARY KEY (transfer_id, leg)
  );
  CREATE INDEX royalty_run_entry_of_pot ON royalty_run_entry (pot_id, position);
  CREATE INDEX royalty_run_entry_of_period ON royalty_run_entry (period_id) WHERE period_id IS NOT NULL;
`;

const REFUNDS = `
  CREATE TABLE goodwill_refund (
    refund_id text PRIMARY KEY REFERENCES refund (id),
    clone_id text NOT NULL REFERENCES clone (id),
    period_id text NOT NULL REFERENCES subscription_period (id),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'booked', 'failed')),
    undivided_minor bigint NOT NULL DEFAULT 0 CHECK (undivided_minor >= 0),
    expense_minor bigint NOT NULL DEFAULT 0 CHECK (expense_minor >= 0),
    transfer_id text UNIQUE,
    requested_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'booked') = (transfer_id IS NOT NULL))
  );
  CREATE INDEX goodwill_refund_of_period ON goodwill_refund (period_id);
  GRANT SELECT, INSERT, UPDATE (state, undivided_minor, expense_minor, transfer_id) ON goodwill_refund TO benren_app;

  CREATE FUNCTION goodwill_refund_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF OLD.state <> 'pending' THEN
      RAISE EXCEPTION 'refund % is already %', OLD.refund_id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER goodwill_refund_ends_once BEFORE UPDATE ON goodwill_refund
    FOR EACH ROW EXECUTE FUNCTION goodwill_refund_ends_once();
  CREATE TRIGGER goodwill_refund_stays BEFORE DELETE ON goodwill_refund FOR EACH ROW EXECUTE FUNCTION refuse_change();

  -- A day of a period is returned once, unless its refund failed.
  CREATE TABLE goodwill_day (
    period_id text NOT NULL,
    day date NOT NULL,
    refund_id text NOT NULL REFERENCES goodwill_refund (refund_id),
    failed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (refund_id, day)
  );
  CREATE UNIQUE INDEX goodwill_day_once ON goodwill_day (period_id, day) WHERE NOT failed;
  GRANT SELECT, INSERT, UPDATE (failed) ON goodwill_day TO benren_app;

  CREATE TABLE goodwill_pot (
    refund_id text NOT NULL REFERENCES goodwill_refund (refund_id),
    pot_id text NOT NULL REFERENCES royalty_pot (id),
    period_id text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (refund_id, pot_id)
  );
  CREATE INDEX goodwill_pot_of_pot ON goodwill_pot (pot_id);

  CREATE TABLE goodwill_leg (
    refund_id text NOT NULL,
    pot_id text NOT NULL,
    leg smallint NOT NULL,
    payee text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    PRIMARY KEY (refund_id, pot_id, leg),
    FOREIGN KEY (refund_id, pot_id) REFERENCES goodwill_pot (refund_id, pot_id),
    FOREIGN KEY (pot_id, leg) REFERENCES royalty_pot_leg (pot_id, leg)
  );
  CREATE INDEX goodwill_leg_of_pot ON goodwill_leg (pot_id, leg);

  -- Nothing flows back beyond what went there: no leg of a pot returns more than it received.
  CREATE FUNCTION goodwill_leg_bounded() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF (SELECT sum(amount_minor) FROM goodwill_leg WHERE pot_id = NEW.pot_id AND leg = NEW.leg)
       > (SELECT amount_minor FROM royalty_pot_leg WHERE pot_id = NEW.pot_id AND leg = NEW.leg) THEN
      RAISE EXCEPTION 'leg % of pot % would return more than it received', NEW.leg, NEW.pot_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'goodwill_leg_bounded', TABLE = 'goodwill_leg';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER goodwill_leg_bounded AFTER INSERT ON goodwill_leg FOR EACH ROW EXECUTE FUNCTION goodwill_leg_bounded();

  CREATE TABLE goodwill_payee (
    refund_id text NOT NULL REFERENCES goodwill_refund (refund_id),
    payee text NOT NULL,
    unpaid_minor bigint NOT NULL CHECK (unpaid_minor >= 0),
    debt_minor bigint NOT NULL CHECK (debt_minor >= 0),
    PRIMARY KEY (refund_id, payee)
  );
`;

const PAYOUTS = `
  CREATE TABLE payout_account (
    account_id text PRIMARY KEY REFERENCES account (id),
    -- Null until the processor has answered.
    stripe_account text UNIQUE,
    details_submitted boolean NOT NULL DEFAULT false,
    transfers_active boolean NOT NULL DEFAULT false,
    payouts_enabled boolean NOT NULL DEFAULT false,
    bank_failure text,
    created_at timestamptz NOT NULL,
    synced_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  GRANT SELECT, INSERT, UPDATE (stripe_account, details_submitted, transfers_active, payouts_enabled, bank_failure, synced_at)
    ON payout_account TO benren_app;

  CREATE TABLE payout (
    id text PRIMARY KEY CHECK (id ~ '^pay_'),
    account_id text NOT NULL REFERENCES account (id),
    currency text NOT NULL REFERENCES currency (code),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    stripe_account text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'paid', 'returned')),
    -- The ledger transfer of its first phase.
    transfer_id text NOT NULL UNIQUE,
    stripe_transfer text UNIQUE,
    -- Of the amount, how much the processor took back after it was paid.
    reversed_minor bigint NOT NULL DEFAULT 0 CHECK (reversed_minor BETWEEN 0 AND amount_minor),
    tries integer NOT NULL DEFAULT 0,
    -- How often the processor said for certain that it did not send: each such answer is kept under its key for a day, so the
    -- next try has another one. An unknown outcome never moves it.
    refusals integer NOT NULL DEFAULT 0,
    problem text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'pending') = (settled_at IS NULL)),
    CHECK (state <> 'paid' OR stripe_transfer IS NOT NULL)
  );
  CREATE INDEX payout_of_account ON payout (account_id, created_at);
  GRANT SELECT, INSERT, UPDATE (state, stripe_transfer, reversed_minor, tries, refusals, problem, settled_at) ON payout TO benren_app;

  CREATE FUNCTION payout_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF (OLD.state = 'returned' AND NEW.state <> 'returned') OR (OLD.state = 'paid' AND NEW.state = 'pending')
       OR NEW.reversed_minor < OLD.reversed_minor OR NEW.refusals NOT IN (OLD.refusals, OLD.refusals + 1) THEN
      RAISE EXCEPTION 'payout % does not go back', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER payout_moves_on BEFORE UPDATE ON payout FOR EACH ROW EXECUTE FUNCTION payout_moves_on();
  CREATE TRIGGER payout_stays BEFORE DELETE ON payout FOR EACH ROW EXECUTE FUNCTION refuse_change();
`;
