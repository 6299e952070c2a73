import type { MigrationInterface, QueryRunner } from 'typeorm';

import { pinFunctions } from './pin-functions.ts';

const FRESH = (what: string): string => `
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION '${what} in READ COMMITTED only: a kept snapshot would not see what was done before the lock was had'
        USING ERRCODE = 'invalid_transaction_state';
    END IF;`;

/** As before. A lock that was waited for shows nothing new to a snapshot that was taken before. */
const REVERSALS = `
  CREATE OR REPLACE FUNCTION ledger_reversals_bounded(originals bigint[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
  DECLARE
    original record;
    wrong record;
  BEGIN${FRESH('transfers are reversed')}
    FOR original IN
      SELECT seq, id, reverses FROM ledger_transfer WHERE seq = ANY (originals) ORDER BY seq FOR NO KEY UPDATE
    LOOP
      IF original.reverses IS NOT NULL THEN
        RAISE EXCEPTION 'transfer % is itself a reversal', original.id
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_reversal_of_original', TABLE = 'ledger_transfer';
      END IF;
      SELECT account_id, sum(moved) AS moved, sum(undone) AS undone INTO wrong
        FROM (SELECT account_id, amount_minor AS moved, 0 AS undone FROM ledger_entry WHERE transfer_seq = original.seq
              UNION ALL
              SELECT e.account_id, 0, e.amount_minor FROM ledger_transfer t
                JOIN ledger_entry e ON e.transfer_seq = t.seq WHERE t.reverses = original.seq) both_ways
        GROUP BY account_id
        HAVING sum(undone) * sign(sum(moved)) > 0 OR abs(sum(undone)) > abs(sum(moved))
        LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'reversals of % would take % from an account it moved by %', original.id, wrong.undone, wrong.moved
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_reversal_bounded', TABLE = 'ledger_transfer';
      END IF;
    END LOOP;
  END $$;
`;

/** As before. */
const ADJUSTMENTS = `
  CREATE OR REPLACE FUNCTION ledger_adjusted_is_approved() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    asked ledger_adjustment;
  BEGIN${FRESH('adjusting entries are booked')}
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

  CREATE OR REPLACE FUNCTION ledger_adjustment_not_booked() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN${FRESH('approvals are withdrawn')}
    -- Whoever books it holds the same lock until its end, so what is asked below is asked of what stands.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.adjustment_id, 6237011));
    IF NOT EXISTS (SELECT FROM ledger_adjustment_decision WHERE adjustment_id = NEW.adjustment_id AND verdict = 'approved')
       OR EXISTS (SELECT FROM ledger_transfer WHERE key = 'adjustment:' || NEW.adjustment_id) THEN
      RAISE EXCEPTION 'only an approval by which nothing was booked is withdrawn'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_adjustment_not_booked', TABLE = 'ledger_adjustment_withdrawal';
    END IF;
    RETURN NEW;
  END $$;
`;

/**
 * Under the lock that whoever captures or voids a hold takes first: they then find it ended, instead of both writing its end and one of them failing
 * with an error. Those that somebody is ending now are left to them.
 */
const EXPIRIES = `
  CREATE FUNCTION ledger_lock_expired(at timestamptz, most integer) RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
  BEGIN
    RETURN QUERY SELECT h.seq FROM ledger_hold_open o JOIN ledger_hold h ON h.seq = o.hold_seq
      WHERE o.expires_at <= at ORDER BY o.expires_at, o.hold_seq LIMIT most FOR NO KEY UPDATE OF h SKIP LOCKED;
  END $$;
  REVOKE ALL ON FUNCTION ledger_lock_expired FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION ledger_lock_expired TO benren_app;
`;

/** What is asked after a lock is asked of what stands then. */
export class AskNothingOfOldSnapshots1766220000000 implements MigrationInterface {
  name = 'AskNothingOfOldSnapshots1766220000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [REVERSALS, ADJUSTMENTS, EXPIRIES]) await runner.query(part);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
