import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';
import { pinFunctions } from './pin-functions.ts';

/**
 * What a payment put into a pot, part by part, so that its refund takes exactly that out of it; for what a dispute holds; recoupments that a
 * refund undid; returns out of what was not divided, which no run may overlook.
 */
export class ReturnByPayment1766140001000 implements MigrationInterface {
  name = 'ReturnByPayment1766140001000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [PARTS, DISPUTES, ADVANCES]) await runner.query(part);
    await keepAppendOnly(runner, ['undivided_return', 'advance_restoration']);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const PARTS = `
  ALTER TABLE royalty_run_entry ADD COLUMN fee_minor bigint NOT NULL DEFAULT 0, ADD COLUMN tax_minor bigint NOT NULL DEFAULT 0;
  ALTER TABLE royalty_run_entry DISABLE TRIGGER royalty_run_entry_never_changes;
  UPDATE royalty_run_entry e
    SET fee_minor = coalesce(t.metadata -> 'earnedLegs' -> (e.leg - 1) ->> 'feeMinor', t.metadata ->> 'feeMinor', '0')::bigint,
        tax_minor = coalesce(t.metadata -> 'earnedLegs' -> (e.leg - 1) ->> 'taxMinor', t.metadata ->> 'taxMinor', '0')::bigint
    FROM ledger_transfer t WHERE t.id = e.transfer_id;
  ALTER TABLE royalty_run_entry ENABLE TRIGGER royalty_run_entry_never_changes;

  -- What of the payment was claimed (price without tax, tax, fee), how much of the base that is, and what was posted for it, which a
  -- kept fee may bring below zero.
  ALTER TABLE goodwill_pot ADD COLUMN net_minor bigint, ADD COLUMN tax_minor bigint, ADD COLUMN fee_minor bigint, ADD COLUMN base_minor bigint,
    DROP CONSTRAINT goodwill_pot_amount_minor_check;
  ALTER TABLE goodwill_pot DISABLE TRIGGER goodwill_pot_never_changes;
  UPDATE goodwill_pot g
    SET base_minor = (SELECT coalesce(sum(coalesce(share_minor, amount_minor)), 0) FROM goodwill_leg l WHERE l.refund_id = g.refund_id AND l.pot_id = g.pot_id),
        fee_minor = own.fee * g.amount_minor / own.amount, tax_minor = own.tax * g.amount_minor / own.amount,
        net_minor = g.amount_minor + own.fee * g.amount_minor / own.amount
    FROM (SELECT pot_id, period_id, greatest(sum(amount_minor), 1) AS amount, sum(fee_minor) AS fee, sum(tax_minor) AS tax
            FROM royalty_run_entry GROUP BY 1, 2) own
    WHERE own.pot_id = g.pot_id AND own.period_id = g.period_id;
  ALTER TABLE goodwill_pot ENABLE TRIGGER goodwill_pot_never_changes;
  ALTER TABLE goodwill_pot ALTER net_minor SET NOT NULL, ALTER tax_minor SET NOT NULL, ALTER fee_minor SET NOT NULL, ALTER base_minor SET NOT NULL,
    ADD CONSTRAINT goodwill_pot_natural CHECK (net_minor >= 0 AND tax_minor >= 0 AND fee_minor >= 0 AND base_minor >= 0);
  ALTER TABLE goodwill_refund DROP CONSTRAINT goodwill_refund_undivided_minor_check;

  -- Earnings that were given back before any run divided them. A run that divides the earnings divides these with them.
  CREATE TABLE undivided_return (
    transfer_id text PRIMARY KEY,
    clone_id text NOT NULL REFERENCES clone (id),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX undivided_return_of_clone ON undivided_return (clone_id);
`;

const DISPUTES = `
  -- For which of the things that a disputed payment bought it is held.
  ALTER TABLE royalty_reserve ADD COLUMN source_id text, ADD CONSTRAINT royalty_reserve_waits CHECK (source_id IS NULL OR due_day IS NULL);
`;

const ADVANCES = `
  -- What is the platform's loss of an advance that has ended.
  ALTER TABLE advance ADD COLUMN written_off_minor bigint NOT NULL DEFAULT 0 CHECK (written_off_minor >= 0);
  GRANT UPDATE (written_off_minor) ON advance TO benren_app;
  CREATE OR REPLACE FUNCTION advance_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state = 'draft' THEN RETURN NEW; END IF;
    ELSIF (OLD.state = 'ended' AND (to_jsonb(NEW) - 'written_off_minor') <> (to_jsonb(OLD) - 'written_off_minor'))
       OR (OLD.state = 'signed' AND (NEW.state = 'draft' OR NEW.signed_at <> OLD.signed_at OR NEW.record <> OLD.record OR NEW.leaf_id <> OLD.leaf_id)) THEN
      RAISE EXCEPTION 'advance % does not go back', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> 'draft' AND (SELECT count(*) FROM advance_signature WHERE advance_id = NEW.id) <> 2 THEN
      RAISE EXCEPTION 'advance % lacks a signature', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'advance_moves_on', TABLE = 'advance';
    END IF;
    RETURN NEW;
  END $$;
  UPDATE advance a SET written_off_minor = -e.amount_minor
    FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq AND e.amount_minor < 0
    WHERE a.state = 'ended' AND t.key = 'advance:' || a.id || ':written_off';

  -- A recoupment undone, as far as the earnings that it was taken from were given back.
  CREATE TABLE advance_restoration (
    advance_id text NOT NULL,
    run_id text NOT NULL,
    cause_id text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    transfer_id text NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (advance_id, run_id, cause_id),
    FOREIGN KEY (advance_id, run_id) REFERENCES advance_recoupment (advance_id, run_id)
  );
  CREATE FUNCTION advance_restoration_bounded() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF (SELECT sum(amount_minor) FROM advance_restoration WHERE advance_id = NEW.advance_id AND run_id = NEW.run_id)
       > (SELECT amount_minor FROM advance_recoupment WHERE advance_id = NEW.advance_id AND run_id = NEW.run_id) THEN
      RAISE EXCEPTION 'more of advance % would be restored than run % recouped', NEW.advance_id, NEW.run_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'advance_restoration_bounded', TABLE = 'advance_restoration';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER advance_restoration_bounded AFTER INSERT ON advance_restoration FOR EACH ROW EXECUTE FUNCTION advance_restoration_bounded();
`;
