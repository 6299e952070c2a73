import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What one row can be asked is asked by the triggers: PostgreSQL reads a CHECK's text and builds its expression (and a regular
 * expression's automaton) anew in every statement, a trigger keeps them for the session. The names of the constraints stay.
 * The currency of a leg's account is checked by the trigger too: the foreign key read each account again and put a row
 * lock on it, on a hot account a shared one for every transfer that runs, though accounts never change or go.
 */
const TRANSFER_CHECKS = [
  ['effective_date', "NEW.effective_date BETWEEN '2000-01-01' AND '2199-12-31'"],
  ['leg_count', 'NEW.leg_count BETWEEN 2 AND 1000'],
  ['id', "octet_length(NEW.id) = 30 AND starts_with(NEW.id, 'trf_') AND ltrim(substr(NEW.id, 5), '0123456789abcdefghjkmnpqrstvwxyz') = ''"],
  ['key', 'length(NEW.key) BETWEEN 1 AND 255'],
  ['kind', `octet_length(NEW.kind) BETWEEN 1 AND 64 AND ltrim(left(NEW.kind, 1), 'abcdefghijklmnopqrstuvwxyz') = ''
      AND ltrim(NEW.kind, 'abcdefghijklmnopqrstuvwxyz0123456789_.') = ''`],
  ['content_hash', 'octet_length(NEW.content_hash) = 32'],
  ['metadata', "jsonb_typeof(NEW.metadata) = 'object'"],
] as const;

const CHECKS = `
  ALTER TABLE ledger_transfer ${TRANSFER_CHECKS.map(([column]) => `DROP CONSTRAINT ledger_transfer_${column}_check`).join(', ')},
    DROP CONSTRAINT ledger_transfer_one_origin;
  ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_currency_of_account, DROP CONSTRAINT ledger_entry_amount_minor_check,
    DROP CONSTRAINT ledger_entry_leg_check;

  CREATE OR REPLACE FUNCTION ledger_transfer_stamped() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    broken text;
  BEGIN
    -- What is NULL is refused by the column.
    IF NOT (${TRANSFER_CHECKS.map(([, check]) => check).join('\n      AND ')} AND (NEW.reverses IS NULL OR NEW.captures IS NULL)) THEN
      broken := CASE ${TRANSFER_CHECKS.map(([column, check]) => `WHEN NOT (${check}) THEN 'ledger_transfer_${column}_check'`).join('\n        ')}
        ELSE 'ledger_transfer_one_origin' END;
      RAISE EXCEPTION 'new row for relation "ledger_transfer" violates check constraint "%"', broken
        USING ERRCODE = 'check_violation', CONSTRAINT = broken, TABLE = 'ledger_transfer';
    END IF;
    -- The transaction's number first, then the place in line: so whoever holds a low place has a low number, which is
    -- what lets the roll-up say "nothing below this place can still appear".
    NEW.created_xid := pg_current_xact_id();
    NEW.seq := nextval('ledger_transfer_order');
    NEW.recorded_at := now();
    RETURN NEW;
  END $$;
`;

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

/** As before, with one question for all accounts instead of one function call for each. */
const STAND_STILL = `
  CREATE OR REPLACE FUNCTION ledger_stand_still(codes text[], keys text[])
    RETURNS TABLE (code text, balance numeric, held numeric, key text, transfer_id text, content_hash bytea)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    PERFORM 1 FROM ledger_account a WHERE a.code = ANY (codes) ORDER BY a.id FOR NO KEY UPDATE;
    RETURN QUERY
      SELECT a.code, ${STANDING}, NULL::text, NULL::text, NULL::bytea
        FROM ledger_account a ${SNAPSHOT} WHERE a.code = ANY (codes)
      UNION ALL
      SELECT NULL, NULL, NULL, t.key, t.id, t.content_hash FROM ledger_transfer t WHERE t.key = ANY (keys);
  END $$;
`;

/**
 * As before, in one question where nothing is wrong and no guarded account pays. First come the questions that a plain transfer answers, one at a time and without
 * a group: most that arrive are one. A leg's number stands once.
 */
const LEGS = `
  CREATE OR REPLACE FUNCTION ledger_legs_arrived() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    plain record;
    accounts record;
    facts record;
    wrong record;
    watched bigint[];
  BEGIN
    SELECT min(transfer_seq) AS seq, max(transfer_seq) AS last_seq, min(currency) AS currency, max(currency) AS last_currency, count(*) AS legs,
           count(DISTINCT leg) AS different, min(leg) AS first_leg, max(leg) AS last_leg, sum(amount_minor) AS total,
           bool_or(amount_minor = 0 OR amount_minor >= 281474976710656 OR amount_minor <= -281474976710656) AS strange
      INTO plain FROM arrived;
    IF plain.seq = plain.last_seq AND plain.currency = plain.last_currency AND plain.total = 0 AND NOT plain.strange
       AND plain.different = plain.legs AND plain.first_leg = 1 AND plain.last_leg = plain.legs THEN
      SELECT count(*) AS found, bool_or(a.guarded) AS guarded, bool_or(a.currency <> plain.currency) AS strange INTO accounts
        FROM arrived e JOIN ledger_account a ON a.id = e.account_id;
      IF accounts.found = plain.legs AND NOT accounts.guarded AND NOT accounts.strange AND EXISTS (
        SELECT 1 FROM ledger_transfer t WHERE t.seq = plain.seq AND t.created_xid = pg_current_xact_id() AND t.leg_count = plain.legs
          AND t.reverses IS NULL AND t.captures IS NULL) THEN
        RETURN NULL;
      END IF;
    END IF;

    SELECT bool_or(t.seq IS NULL OR t.created_xid <> pg_current_xact_id() OR t.leg_count <> l.legs OR t.leg_count <> l.last_leg OR l.first_leg <> 1) AS torn,
           bool_or(l.off) AS off, bool_or(l.strange) AS strange, bool_or(l.watched) AS watched,
           bool_or(l.broken) AS broken, bool_or(t.reverses IS NOT NULL) AS reversing, bool_or(t.captures IS NOT NULL) AS capturing
      INTO facts
      FROM (SELECT c.seq, sum(c.legs) AS legs, min(c.first_leg) AS first_leg, max(c.last_leg) AS last_leg, bool_or(c.broken) AS broken, bool_or(c.total <> 0) AS off, bool_or(c.strange) AS strange,
                   bool_or(c.watched) AS watched
              FROM (SELECT e.transfer_seq AS seq, count(*) AS legs, min(e.leg) AS first_leg, max(e.leg) AS last_leg, sum(e.amount_minor) AS total,
                           bool_or(e.amount_minor = 0 OR e.amount_minor = -9223372036854775808) AS broken,
                           bool_or(a.id IS NULL OR a.currency <> e.currency) AS strange,
                           bool_or(a.guarded OR e.amount_minor >= 281474976710656 OR e.amount_minor <= -281474976710656) AS watched
                      FROM arrived e LEFT JOIN ledger_account a ON a.id = e.account_id GROUP BY e.transfer_seq, e.currency) c
              GROUP BY c.seq) l
      LEFT JOIN ledger_transfer t ON t.seq = l.seq;

    IF facts.broken THEN
      RAISE EXCEPTION 'new row for relation "ledger_entry" violates check constraint "ledger_entry_amount_minor_check"'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_amount_minor_check', TABLE = 'ledger_entry';
    END IF;
    -- Each number once: of the same count, first and last, a doubled leg would hide a missing one.
    IF facts.torn OR EXISTS (SELECT 1 FROM arrived GROUP BY transfer_seq, leg HAVING count(*) > 1) THEN
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

/** The same promises for less: what every transfer pays for them was measured. */
export class PostFaster1766100000000 implements MigrationInterface {
  name = 'PostFaster1766100000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [CHECKS, STAND_STILL, LEGS]) await runner.query(part);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
