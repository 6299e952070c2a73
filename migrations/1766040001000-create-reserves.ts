import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';
import { pinFunctions } from './pin-functions.ts';

/** What a pot was made of, shares of the base beside what was posted, and reserves lot by lot. */
export class CreateReserves1766040001000 implements MigrationInterface {
  name = 'CreateReserves1766040001000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [POTS, RETURNS, RESERVES]) await runner.query(part);
    await keepAppendOnly(runner, ['royalty_reserve_use']);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const POTS = `
  -- Null in pots of before: their only base was what is left after tax and fees.
  ALTER TABLE royalty_pot ADD COLUMN gross_minor bigint, ADD COLUMN fee_minor bigint, ADD COLUMN tax_minor bigint,
    ADD CONSTRAINT royalty_pot_adds_up CHECK (gross_minor - tax_minor - fee_minor = amount_minor);
  -- The share of the base; what was posted differs from it on the platform's leg alone.
  ALTER TABLE royalty_pot_leg ADD COLUMN share_minor bigint CHECK (share_minor >= 0),
    ADD CONSTRAINT royalty_pot_leg_share CHECK (payee = 'platform' OR share_minor = amount_minor);
  ALTER TABLE royalty_run ADD COLUMN held jsonb NOT NULL DEFAULT '[]';
`;

const RETURNS = `
  -- A lost dispute takes back from pots as a refund does: what takes it is named, and is not always a refund.
  ALTER TABLE goodwill_pot DROP CONSTRAINT goodwill_pot_refund_id_fkey;
  ALTER TABLE goodwill_leg ADD COLUMN share_minor bigint CHECK (share_minor >= 0),
    DROP CONSTRAINT goodwill_leg_amount_minor_check,
    ADD CONSTRAINT goodwill_leg_amount_natural CHECK (amount_minor >= 0 OR payee = 'platform');
  ALTER TABLE goodwill_payee ADD COLUMN reserve_minor bigint NOT NULL DEFAULT 0 CHECK (reserve_minor >= 0),
    DROP CONSTRAINT goodwill_payee_unpaid_minor_check,
    ADD CONSTRAINT goodwill_payee_unpaid_natural CHECK (unpaid_minor >= 0 OR payee = 'platform');

  -- Nothing flows back beyond what went there: no leg of a pot returns more than its share.
  CREATE OR REPLACE FUNCTION goodwill_leg_bounded() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF (SELECT sum(coalesce(share_minor, amount_minor)) FROM goodwill_leg WHERE pot_id = NEW.pot_id AND leg = NEW.leg)
       > (SELECT coalesce(share_minor, amount_minor) FROM royalty_pot_leg WHERE pot_id = NEW.pot_id AND leg = NEW.leg) THEN
      RAISE EXCEPTION 'leg % of pot % would return more than it received', NEW.leg, NEW.pot_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'goodwill_leg_bounded', TABLE = 'goodwill_leg';
    END IF;
    RETURN NULL;
  END $$;
`;

const RESERVES = `
  CREATE TABLE royalty_reserve (
    id text PRIMARY KEY CHECK (id ~ '^rsv_'),
    payee text NOT NULL REFERENCES account (id),
    currency text NOT NULL REFERENCES currency (code),
    clone_id text NOT NULL REFERENCES clone (id),
    cause_id text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    -- Kept by royalty_reserve_used alone.
    left_minor bigint NOT NULL CHECK (left_minor BETWEEN 0 AND amount_minor),
    held_on date NOT NULL,
    due_day date CHECK (due_day >= held_on),
    transfer_id text NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (cause_id, payee, currency, due_day)
  );
  CREATE INDEX royalty_reserve_due ON royalty_reserve (due_day, id) WHERE left_minor > 0;
  CREATE INDEX royalty_reserve_of_payee ON royalty_reserve (payee, currency, clone_id);
  -- To lock a lot; what it may become is said below.
  GRANT SELECT, INSERT, UPDATE (left_minor) ON royalty_reserve TO benren_app;
  CREATE TRIGGER royalty_reserve_stays BEFORE DELETE ON royalty_reserve FOR EACH ROW EXECUTE FUNCTION refuse_change();

  CREATE TABLE royalty_reserve_use (
    reserve_id text NOT NULL REFERENCES royalty_reserve (id),
    cause_id text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (reserve_id, cause_id)
  );

  -- A use takes off its lot, never more than is left.
  CREATE FUNCTION royalty_reserve_used() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE royalty_reserve SET left_minor = left_minor - NEW.amount_minor WHERE id = NEW.reserve_id;
    RETURN NULL;
  END $$;
  CREATE TRIGGER royalty_reserve_used AFTER INSERT ON royalty_reserve_use FOR EACH ROW EXECUTE FUNCTION royalty_reserve_used();

  CREATE FUNCTION royalty_reserve_changes() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.left_minor <> NEW.amount_minor THEN
        RAISE EXCEPTION 'a reserve begins whole' USING ERRCODE = 'check_violation', CONSTRAINT = 'royalty_reserve_changes', TABLE = 'royalty_reserve';
      END IF;
      RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - 'left_minor') <> (to_jsonb(OLD) - 'left_minor')
       OR NEW.left_minor <> NEW.amount_minor - (SELECT coalesce(sum(amount_minor), 0) FROM royalty_reserve_use WHERE reserve_id = NEW.id) THEN
      RAISE EXCEPTION 'reserve % is what was held less what was used', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER royalty_reserve_changes BEFORE INSERT OR UPDATE ON royalty_reserve FOR EACH ROW EXECUTE FUNCTION royalty_reserve_changes();
`;
