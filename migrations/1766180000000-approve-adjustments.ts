import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const WITHDRAWAL = `
  -- An approval that was taken back before anything was booked by it.
  CREATE TABLE ledger_adjustment_withdrawal (
    adjustment_id text PRIMARY KEY REFERENCES ledger_adjustment_decision (adjustment_id),
    note text NOT NULL CHECK (length(note) BETWEEN 1 AND 500),
    withdrawn_by text NOT NULL CHECK (withdrawn_by <> ''),
    withdrawn_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  CREATE FUNCTION ledger_adjustment_not_booked() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    -- Whoever books it holds the same lock until its end, so what is asked below is asked of what stands.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.adjustment_id, 6237011));
    IF NOT EXISTS (SELECT FROM ledger_adjustment_decision WHERE adjustment_id = NEW.adjustment_id AND verdict = 'approved')
       OR EXISTS (SELECT FROM ledger_transfer WHERE key = 'adjustment:' || NEW.adjustment_id) THEN
      RAISE EXCEPTION 'only an approval by which nothing was booked is withdrawn'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_adjustment_not_booked', TABLE = 'ledger_adjustment_withdrawal';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ledger_adjustment_not_booked BEFORE INSERT ON ledger_adjustment_withdrawal
    FOR EACH ROW EXECUTE FUNCTION ledger_adjustment_not_booked();
`;

/** At COMMIT, when the legs are there too. Other kinds do not so much as queue it. */
const APPROVED = `
  CREATE FUNCTION ledger_adjusted_is_approved() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    asked ledger_adjustment;
  BEGIN
    SELECT * INTO asked FROM ledger_adjustment WHERE 'adjustment:' || id = NEW.key;
    PERFORM pg_advisory_xact_lock(hashtextextended(asked.id, 6237011));
    IF asked.id IS NULL OR asked.effective_date <> NEW.effective_date
       OR NOT EXISTS (SELECT FROM ledger_adjustment_decision d WHERE d.adjustment_id = asked.id AND d.verdict = 'approved' AND d.decided_by <> asked.proposed_by)
       OR EXISTS (SELECT FROM ledger_adjustment_withdrawal w WHERE w.adjustment_id = asked.id)
       OR EXISTS (
         SELECT FROM (SELECT ordinality AS leg, l ->> 'account' AS code, (l ->> 'amountMinor')::bigint AS amount_minor
                      FROM jsonb_array_elements(asked.legs) WITH ORDINALITY AS a (l, ordinality)) wanted
           FULL JOIN (SELECT e.leg, a.code, e.amount_minor FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
                      WHERE e.transfer_seq = NEW.seq) booked USING (leg, code, amount_minor)
         WHERE wanted.leg IS NULL OR booked.leg IS NULL) THEN
      RAISE EXCEPTION 'an adjusting entry is booked as it was proposed and as another person approved it'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_adjusted_is_approved', TABLE = 'ledger_transfer';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER ledger_adjusted_is_approved AFTER INSERT ON ledger_transfer DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind = 'ledger.adjusted') EXECUTE FUNCTION ledger_adjusted_is_approved();
`;

/** What is booked by hand was approved by somebody else, whoever writes it; and an approval can be taken back until then. */
export class ApproveAdjustments1766180000000 implements MigrationInterface {
  name = 'ApproveAdjustments1766180000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(WITHDRAWAL);
    await runner.query(APPROVED);
    await keepAppendOnly(runner, ['ledger_adjustment_withdrawal']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
