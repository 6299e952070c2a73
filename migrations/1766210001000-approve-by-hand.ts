import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const SETTLEMENTS = `
  -- That something owed to a fan was paid outside, as one operator says; another confirms the newest that was said. Earlier ones are kept.
  CREATE TABLE refund_settlement_proposal (
    owed_id text NOT NULL CHECK (owed_id ~ '^rfd_'),
    number integer NOT NULL CHECK (number > 0),
    reference text NOT NULL CHECK (length(reference) BETWEEN 3 AND 200),
    proposed_by text NOT NULL REFERENCES account (id),
    proposed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owed_id, number)
  );

  CREATE FUNCTION refund_settlement_four_eyes() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    proposed refund_settlement_proposal;
  BEGIN
    SELECT * INTO proposed FROM refund_settlement_proposal WHERE owed_id = NEW.owed_id ORDER BY number DESC LIMIT 1;
    IF proposed.owed_id IS NULL OR proposed.reference <> NEW.reference OR proposed.proposed_by = NEW.recorded_by THEN
      RAISE EXCEPTION 'that an owed refund was paid is confirmed by another person than who said so, with the same reference'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_settlement_four_eyes', TABLE = 'refund_paid_otherwise';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER refund_settlement_four_eyes BEFORE INSERT ON refund_paid_otherwise FOR EACH ROW EXECUTE FUNCTION refund_settlement_four_eyes();
`;

/** At COMMIT, when the legs and the other facts are there too. Other kinds do not so much as queue it. */
const BOOKED = `
  CREATE INDEX ledger_import_items ON ledger_import USING gin (transfers jsonb_path_ops);

  CREATE FUNCTION ledger_by_hand_is_approved() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NEW.kind = 'billing.refund_paid_otherwise' THEN
      IF EXISTS (SELECT FROM refund_paid_otherwise WHERE transfer_id = NEW.id) THEN
        RETURN NULL;
      END IF;
    ELSIF EXISTS (
      SELECT FROM ledger_import i JOIN ledger_import_posting p ON p.import_id = i.id AND p.posted_by <> i.checked_by
        CROSS JOIN LATERAL jsonb_array_elements(i.transfers) item
      WHERE i.transfers @> jsonb_build_array(jsonb_build_object('key', substr(NEW.key, 9)))
        AND 'opening:' || (item ->> 'key') = NEW.key AND (item ->> 'effectiveDate')::date = NEW.effective_date
        AND NOT EXISTS (
          SELECT FROM (SELECT ordinality AS leg, l ->> 'account' AS code, (l ->> 'amountMinor')::bigint AS amount_minor
                       FROM jsonb_array_elements(item -> 'legs') WITH ORDINALITY AS a (l, ordinality)) wanted
            FULL JOIN (SELECT e.leg, a.code, e.amount_minor FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
                       WHERE e.transfer_seq = NEW.seq) booked USING (leg, code, amount_minor)
          WHERE wanted.leg IS NULL OR booked.leg IS NULL)) THEN
      RETURN NULL;
    END IF;
    RAISE EXCEPTION 'a % is booked as one person brought it in and another approved it', NEW.kind
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_by_hand_is_approved', TABLE = 'ledger_transfer';
  END $$;
  CREATE CONSTRAINT TRIGGER ledger_by_hand_is_approved AFTER INSERT ON ledger_transfer DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind IN ('ledger.opened', 'billing.refund_paid_otherwise')) EXECUTE FUNCTION ledger_by_hand_is_approved();
`;

/** What operators say by hand of money that moved elsewhere, older books and payments outside, stands only where two of them say it. */
export class ApproveByHand1766210001000 implements MigrationInterface {
  name = 'ApproveByHand1766210001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SETTLEMENTS);
    await runner.query(BOOKED);
    await keepAppendOnly(runner, ['refund_settlement_proposal']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
