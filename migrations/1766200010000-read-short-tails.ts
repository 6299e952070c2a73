import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Plans of these functions are kept, and some are made while the tables are small. */
const BY_INDEX = 'SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off';

/**
 * Entries of one account at positions in (after, through], read the shorter way. Along the account: all with a seq above what was settled at
 * `after`, more than need be where transactions that took long kept that back. Along the positions: one look-up each, most in vain where few
 * of them are the account's. `high` is the highest seq up to `through`.
 */
const BETWEEN = `
  CREATE FUNCTION ledger_entries_between(account bigint, settled bigint, high bigint, after bigint, through bigint)
    RETURNS TABLE (transfer_seq bigint, amount_minor bigint) LANGUAGE plpgsql STABLE ${BY_INDEX} SET plan_cache_mode = force_generic_plan AS $$
  BEGIN
    -- OFFSET 0: the left side is read first, as it stands.
    IF high - settled > 2 * (through - after) THEN
      RETURN QUERY SELECT p.transfer_seq, e.amount_minor FROM ledger_position p
        CROSS JOIN LATERAL (SELECT own.amount_minor FROM ledger_entry own WHERE own.account_id = account AND own.transfer_seq = p.transfer_seq OFFSET 0) e
        WHERE p.position > after AND p.position <= through;
    ELSE
      RETURN QUERY SELECT e.transfer_seq, e.amount_minor FROM ledger_entry e
        CROSS JOIN LATERAL (SELECT own.position FROM ledger_position own WHERE own.transfer_seq = e.transfer_seq OFFSET 0) p
        WHERE e.account_id = account AND e.transfer_seq > settled AND e.transfer_seq <= high AND p.position > after AND p.position <= through;
    END IF;
  END $$;
  REVOKE ALL ON FUNCTION ledger_entries_between FROM PUBLIC;
`;

const BALANCE = `
  CREATE OR REPLACE FUNCTION ledger_balance(account bigint, through bigint, until date) RETURNS numeric LANGUAGE plpgsql STABLE ${BY_INDEX} AS $$
  DECLARE
    top bigint := coalesce(through, 9223372036854775807);
    high bigint;
    base ledger_balance_snapshot;
    walk integer;
    places integer[] := '{}';
    total numeric := 0;
    tail numeric;
    above numeric;
  BEGIN
    IF until IS NULL THEN
      SELECT * INTO base FROM ledger_balance_snapshot
        WHERE account_id = account AND position <= top ORDER BY position DESC LIMIT 1;
      total := coalesce(base.balance_minor, 0);
    ELSE
      SELECT * INTO base FROM ledger_balance_snapshot
        WHERE account_id = account AND position <= top AND since = 0 ORDER BY position DESC LIMIT 1;
      walk := coalesce(base.place, 0);
      WHILE walk > 0 LOOP
        places := places || walk;
        walk := walk & (walk - 1);
      END LOOP;
      SELECT coalesce(sum(sums_minor[width_bucket(until, days)]), 0) INTO total
        FROM ledger_balance_day WHERE account_id = account AND place = ANY (places);
    END IF;
    IF base.position IS NULL THEN
      base.position := 0;
      base.settled_seq := 0;
      base.high_seq := 0;
    END IF;

    IF through IS NULL AND until IS NULL THEN
      -- No snapshot holds what has a seq above its highest: only the few between its two places need their position.
      SELECT sum(e.amount_minor) INTO above FROM ledger_entry e
        WHERE e.account_id = account AND e.transfer_seq > base.high_seq;
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq AND e.transfer_seq <= base.high_seq
          AND coalesce(p.position, top) > base.position;
    ELSIF through IS NULL THEN
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        JOIN ledger_transfer t ON t.seq = e.transfer_seq
        LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq
          AND coalesce(p.position, top) > base.position AND t.effective_date <= until;
    ELSE
      SELECT high_seq INTO high FROM ledger_roll_up WHERE position >= top ORDER BY position LIMIT 1;
      IF high IS NULL THEN
        SELECT least(top, max(position)), max(transfer_seq) INTO top, high FROM ledger_position;
      END IF;
      IF until IS NULL THEN
        SELECT sum(b.amount_minor) INTO tail FROM ledger_entries_between(account, base.settled_seq, high, base.position, top) b;
      ELSE
        SELECT sum(b.amount_minor) INTO tail FROM ledger_entries_between(account, base.settled_seq, high, base.position, top) b
          JOIN ledger_transfer t ON t.seq = b.transfer_seq WHERE t.effective_date <= until;
      END IF;
    END IF;
    RETURN total + coalesce(above, 0) + coalesce(tail, 0);
  END $$;
`;

/** What came between two points is read once, for all accounts: one that has a snapshot at each point needs nothing else. */
const SNAPSHOTS = `
  CREATE OR REPLACE FUNCTION ledger_snapshot_accounts(after bigint, edge bigint, settled bigint, high bigint, worth bigint, days_worth bigint)
    RETURNS void LANGUAGE plpgsql ${BY_INDEX} SET plan_cache_mode = force_generic_plan AS $$
  DECLARE
    fresh record;
  BEGIN
    FOR fresh IN
      WITH came AS MATERIALIZED (
        SELECT e.account_id, e.amount_minor, t.effective_date FROM ledger_position p
          JOIN ledger_transfer t ON t.seq = p.transfer_seq JOIN ledger_entry e ON e.transfer_seq = p.transfer_seq
          WHERE p.position > after AND p.position <= edge
      ), touched AS (
        -- Most accounts are not ripe. Of those that few entries came to, one in eight is asked, another one each time.
        SELECT account_id, count(*) AS entries, sum(amount_minor) AS total FROM came
          GROUP BY account_id HAVING count(*) >= worth / 4 OR (account_id + (edge >> 7)) & 7 = 0
      ), ripe AS (
        SELECT t.account_id, t.entries, t.total, t.entries >= worth AS dense, coalesce(s.position, 0) AS position, coalesce(s.balance_minor, 0) AS balance_minor,
               coalesce(s.settled_seq, 0) AS settled_seq, coalesce(s.place, 0) AS place, coalesce(s.since, 0) AS since
          FROM touched t LEFT JOIN LATERAL (SELECT * FROM ledger_balance_snapshot
            WHERE account_id = t.account_id ORDER BY position DESC LIMIT 1) s ON true
          -- The others are counted without their positions, which is cheap and never too few.
          WHERE t.entries >= worth OR (coalesce(s.position, 0) < after
            AND worth <= (SELECT count(*) FROM (SELECT FROM ledger_entry e WHERE e.account_id = t.account_id
              AND e.transfer_seq > coalesce(s.settled_seq, 0) AND e.transfer_seq <= high LIMIT worth) few))
      ), added AS (
        SELECT r.*, r.entries AS more_entries, r.total AS more FROM ripe r WHERE r.position = after
        UNION ALL
        SELECT r.*, b.entries, b.total FROM ripe r CROSS JOIN LATERAL (SELECT count(*) AS entries, sum(e.amount_minor) AS total
            FROM ledger_entries_between(r.account_id, r.settled_seq, high, r.position, edge) e) b
          WHERE r.position <> after
      ), made AS (
        INSERT INTO ledger_balance_snapshot (account_id, position, balance_minor, settled_seq, high_seq, place, since)
          SELECT a.account_id, edge, a.balance_minor + a.more, settled, high,
                 a.place + CASE WHEN a.dense OR a.since + a.more_entries >= days_worth THEN 1 ELSE 0 END,
                 CASE WHEN a.dense OR a.since + a.more_entries >= days_worth THEN 0 ELSE a.since + a.more_entries END
          FROM added a
          -- A sum beyond 64 bits stays a tail, where the balance is numeric and the reader refuses it.
          WHERE a.more_entries >= worth AND abs(a.balance_minor + a.more) <= 9223372036854775807
          RETURNING account_id, place, since
      )
      SELECT m.account_id, m.place, d.days, d.totals
        FROM made m JOIN ripe r USING (account_id)
        LEFT JOIN LATERAL (SELECT array_agg(c.day) AS days, array_agg(c.total) AS totals
          FROM (SELECT effective_date AS day, sum(amount_minor) AS total FROM came WHERE came.account_id = m.account_id GROUP BY effective_date) c
        ) d ON r.position = after AND r.since = 0
        WHERE m.since = 0
    LOOP
      PERFORM ledger_sum_days(fresh.account_id, fresh.place, edge, high, fresh.days, fresh.totals);
    END LOOP;
  END $$;
`;

/** `fresh_days` and `fresh_totals` are what came since the last place, by day, where the caller knows it; else NULL. */
const SUM_DAYS = `
  DROP FUNCTION ledger_sum_days;
  CREATE FUNCTION ledger_sum_days(account bigint, at_place integer, edge bigint, high bigint, fresh_days date[], fresh_totals numeric[])
    RETURNS void LANGUAGE plpgsql ${BY_INDEX} SET plan_cache_mode = force_generic_plan AS $$
  DECLARE
    before ledger_balance_snapshot;
    covered integer[] := '{}';
    walk integer := at_place - 1;
  BEGIN
    WHILE walk > (at_place & (at_place - 1)) LOOP
      covered := covered || walk;
      walk := walk & (walk - 1);
    END LOOP;
    IF fresh_days IS NULL THEN
      SELECT * INTO before FROM ledger_balance_snapshot
        WHERE account_id = account AND position < edge AND since = 0 ORDER BY position DESC LIMIT 1;
      SELECT array_agg(s.day), array_agg(s.total) INTO fresh_days, fresh_totals
        FROM (SELECT t.effective_date AS day, sum(b.amount_minor) AS total
                FROM ledger_entries_between(account, coalesce(before.settled_seq, 0), high, coalesce(before.position, 0), edge) b
                JOIN ledger_transfer t ON t.seq = b.transfer_seq GROUP BY t.effective_date) s;
    END IF;
    INSERT INTO ledger_balance_day (account_id, place, days, sums_minor)
      SELECT account, at_place, array_agg(s.day ORDER BY s.day), array_agg(s.total ORDER BY s.day)
      FROM (SELECT parts.day, sum(sum(parts.amount)) OVER (ORDER BY parts.day) AS total
              FROM (SELECT u.day, u.amount FROM unnest(fresh_days, fresh_totals) AS u (day, amount)
                    UNION ALL
                    SELECT u.day, u.total - coalesce(lag(u.total) OVER (PARTITION BY d.place ORDER BY u.day), 0)
                      FROM ledger_balance_day d CROSS JOIN LATERAL unnest(d.days, d.sums_minor) AS u (day, total)
                      WHERE d.account_id = account AND d.place = ANY (covered)) parts
              GROUP BY parts.day) s;
  END $$;
  REVOKE ALL ON FUNCTION ledger_sum_days FROM PUBLIC;
`;

/** A long transaction makes neither a roll-up nor a question read more than the positions that they are about. */
export class ReadShortTails1766200010000 implements MigrationInterface {
  name = 'ReadShortTails1766200010000';

  async up(runner: QueryRunner): Promise<void> {
    for (const text of [BETWEEN, BALANCE, SNAPSHOTS, SUM_DAYS]) await runner.query(text);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
