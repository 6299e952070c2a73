import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Of an account a: its signed balance as this statement sees it, and what open holds keep of it. */
const STANDING = `
    coalesce(s.balance_minor, 0)
      -- No snapshot holds what has a seq above its highest: only the few between its two places need their position.
      + coalesce((SELECT sum(e.amount_minor) FROM ledger_entry e WHERE e.account_id = a.id AND e.transfer_seq > coalesce(s.high_seq, 0)), 0)
      + coalesce((SELECT sum(e.amount_minor) FROM ledger_entry e LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
          WHERE e.account_id = a.id AND e.transfer_seq > s.settled_seq AND e.transfer_seq <= s.high_seq
            AND (p.position IS NULL OR p.position > s.position)), 0) AS balance,
    coalesce((SELECT sum(c.amount_minor) FROM ledger_hold_claim c WHERE c.account_id = a.id), 0) AS held`;
const SNAPSHOT = `
    LEFT JOIN LATERAL (SELECT position, balance_minor, settled_seq, high_seq FROM ledger_balance_snapshot
      WHERE account_id = a.id ORDER BY position DESC LIMIT 1) s ON true`;

/**
 * As before, but that each leg stands once is asked by an index: a trigger sees what arrives, and had let the same legs in once more, in a second INSERT
 * of the transaction that created their transfer. And a leg of no account or no transfer is not plain: the question that left it out by its joins had let it in beside
 * legs that were in order.
 */
const LEGS = `
  CREATE OR REPLACE FUNCTION ledger_legs_arrived() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    plain record;
    facts record;
    wrong record;
    watched bigint[];
  BEGIN
    -- Most that arrive are one transfer of a few legs that takes from no guarded account: one question, without a group. Of n legs each number from 1 to
    -- n stands once, since none stands twice.
    SELECT min(e.transfer_seq) AS seq, max(e.transfer_seq) AS last_seq, min(e.currency) AS currency, max(e.currency) AS last_currency,
           count(*) AS legs, min(t.leg_count) AS said, sum(e.amount_minor) AS total,
           bool_and(coalesce(e.leg BETWEEN 1 AND t.leg_count AND e.amount_minor <> 0 AND e.amount_minor < 281474976710656 AND e.amount_minor > -281474976710656
             AND a.currency = e.currency AND NOT a.guarded AND t.created_xid = pg_current_xact_id() AND t.reverses IS NULL AND t.captures IS NULL, false)) AS usual
      INTO plain
      FROM (SELECT * FROM arrived LIMIT 21) e LEFT JOIN ledger_account a ON a.id = e.account_id LEFT JOIN ledger_transfer t ON t.seq = e.transfer_seq;
    IF plain.usual AND plain.seq = plain.last_seq AND plain.currency = plain.last_currency AND plain.currency <> 'COIN' AND plain.total = 0
       AND plain.legs = plain.said AND plain.legs <= 20 THEN
      RETURN NULL;
    END IF;

    SELECT bool_or(l.bare) AS bare, bool_or(t.seq IS NULL OR t.created_xid <> pg_current_xact_id() OR t.leg_count <> l.legs OR t.leg_count <> l.last_leg OR l.first_leg <> 1) AS torn,
           bool_or(l.off) AS off, bool_or(l.strange) AS strange, bool_or(l.watched) AS watched,
           bool_or(l.broken) AS broken, bool_or(t.reverses IS NOT NULL) AS reversing, bool_or(t.captures IS NOT NULL) AS capturing
      INTO facts
      FROM (SELECT c.seq, bool_and(c.currency = 'COIN') AS bare, sum(c.legs) AS legs, min(c.first_leg) AS first_leg, max(c.last_leg) AS last_leg, bool_or(c.broken) AS broken, bool_or(c.total <> 0) AS off, bool_or(c.strange) AS strange,
                   bool_or(c.watched) AS watched
              FROM (SELECT e.transfer_seq AS seq, e.currency, count(*) AS legs, min(e.leg) AS first_leg, max(e.leg) AS last_leg, sum(e.amount_minor) AS total,
                           bool_or(e.amount_minor = 0 OR e.amount_minor = -9223372036854775808) AS broken,
                           bool_or(a.id IS NULL OR a.currency <> e.currency) AS strange,
                           bool_or(a.guarded OR e.amount_minor >= 281474976710656 OR e.amount_minor <= -281474976710656) AS watched
                      FROM arrived e LEFT JOIN ledger_account a ON a.id = e.account_id GROUP BY e.transfer_seq, e.currency) c
              GROUP BY c.seq) l
      LEFT JOIN ledger_transfer t ON t.seq = l.seq;

    IF facts.bare THEN
      RAISE EXCEPTION 'coins move only with their money'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_coins_have_twins', TABLE = 'ledger_entry';
    END IF;
    IF facts.broken THEN
      RAISE EXCEPTION 'new row for relation "ledger_entry" violates check constraint "ledger_entry_amount_minor_check"'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_amount_minor_check', TABLE = 'ledger_entry';
    END IF;
    IF facts.torn THEN
      RAISE EXCEPTION 'a transfer (from % on) takes its legs once, all in one INSERT, in the transaction that created it', (SELECT min(transfer_seq) FROM arrived)
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_entry_arrives_whole', TABLE = 'ledger_entry';
    END IF;
    IF facts.off THEN
      SELECT transfer_seq AS seq, currency, sum(amount_minor) AS excess INTO wrong
        FROM arrived GROUP BY transfer_seq, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
      RAISE EXCEPTION 'transfer % is off by % % (minor units)', wrong.seq, wrong.excess, wrong.currency
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_balances', TABLE = 'ledger_entry';
    END IF;
    IF facts.strange THEN
      SELECT e.account_id, e.currency INTO wrong FROM arrived e
        WHERE NOT EXISTS (SELECT 1 FROM ledger_account a WHERE a.id = e.account_id AND a.currency = e.currency) LIMIT 1;
      RAISE EXCEPTION 'there is no account % in %', wrong.account_id, wrong.currency
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entry_currency_of_account', TABLE = 'ledger_entry';
    END IF;

    IF facts.capturing THEN
      PERFORM ledger_captures_bounded((SELECT array_agg(DISTINCT transfer_seq) FROM arrived));
      -- Here, and not only when the resolution arrives: of one statement's triggers this may be the first.
      DELETE FROM ledger_hold_claim WHERE hold_seq IN (
        SELECT r.hold_seq FROM ledger_hold_resolution r WHERE r.transfer_seq IN (SELECT transfer_seq FROM arrived));
    END IF;

    IF facts.watched THEN
      -- Guarded accounts lock their row when a debit lessens them, never when money comes in; any account does for an
      -- amount so large (2^48) that a few of them could pass 64 bits. Balances are read in a statement of their own,
      -- after the locks, so it sees what the previous holders committed.
      SELECT array_agg(locked.id) INTO watched FROM (
        SELECT a.id FROM (SELECT account_id, sum(amount_minor) AS change, max(abs(amount_minor)) AS largest
                            FROM arrived GROUP BY account_id) d
          JOIN ledger_account a ON a.id = d.account_id
          WHERE d.largest >= 281474976710656
             OR (a.guarded AND CASE WHEN a.class IN ('asset', 'expense') THEN d.change < 0 ELSE d.change > 0 END)
          ORDER BY a.id
          FOR NO KEY UPDATE OF a) locked;
      IF watched IS NOT NULL THEN
        IF current_setting('transaction_isolation') <> 'read committed' THEN
          RAISE EXCEPTION 'guarded accounts are debited in READ COMMITTED only: a kept snapshot would not see the last debit'
            USING ERRCODE = 'invalid_transaction_state';
        END IF;
        SELECT now_at.code, now_at.natural_minor, now_at.floor_minor, now_at.below INTO wrong
          FROM (SELECT st.code, st.floor_minor, st.balance * st.side AS natural_minor, st.balance,
                       st.guarded AND st.balance * st.side - st.held < st.floor_minor AS below
                  FROM (SELECT a.id, a.code, a.guarded, a.floor_minor, CASE WHEN a.class IN ('asset', 'expense') THEN 1 ELSE -1 END AS side, ${STANDING}
                          FROM ledger_account a ${SNAPSHOT} WHERE a.id = ANY (watched) OFFSET 0) st) now_at
          WHERE now_at.below OR abs(now_at.balance) > 9223372036854775807 LIMIT 1;
        IF FOUND AND wrong.below THEN
          RAISE EXCEPTION 'account % would stand at %, its floor is %', wrong.code, wrong.natural_minor, wrong.floor_minor
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_account_floor', TABLE = 'ledger_account';
        ELSIF FOUND THEN
          RAISE EXCEPTION 'account % would not fit in 64 bits', wrong.code
            USING ERRCODE = 'numeric_value_out_of_range', TABLE = 'ledger_account';
        END IF;
      END IF;
    END IF;

    IF facts.reversing THEN
      PERFORM ledger_reversals_bounded(array_agg(DISTINCT t.reverses))
        FROM ledger_transfer t WHERE t.reverses IS NOT NULL AND t.seq IN (SELECT transfer_seq FROM arrived);
    END IF;
    RETURN NULL;
  END $$;
`;

/** Replacing a function keeps none of its settings. */
const BY_INDEX = ['seqscan', 'hashjoin', 'mergejoin'].map((kind) => `ALTER FUNCTION ledger_legs_arrived SET enable_${kind} = off;`).join(' ');

/** Each leg once, by itself. */
export class NumberLegsOnce1766200020000 implements MigrationInterface {
  name = 'NumberLegsOnce1766200020000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX ledger_entry_of_transfer; CREATE UNIQUE INDEX ledger_entry_of_transfer ON ledger_entry (transfer_seq, leg)');
    await runner.query(LEGS);
    await runner.query(BY_INDEX);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
