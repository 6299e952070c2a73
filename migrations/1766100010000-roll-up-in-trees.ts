import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Roll-ups are sums of what stands elsewhere: they are thrown away and made again by the next one, in their new form. */
const TABLES = `
  DROP TABLE ledger_balance_day, ledger_balance_snapshot, ledger_roll_up;
  DROP FUNCTION ledger_take_roll_up, ledger_snapshot_accounts;

  -- As before.
  CREATE TABLE ledger_roll_up (
    position bigint PRIMARY KEY REFERENCES ledger_position (position),
    settled_seq bigint NOT NULL CHECK (settled_seq >= 0),
    high_seq bigint NOT NULL,
    seen_seq bigint NOT NULL,
    seen_xid xid8 NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  CREATE TABLE ledger_balance_snapshot (
    account_id bigint NOT NULL REFERENCES ledger_account (id),
    position bigint NOT NULL REFERENCES ledger_roll_up (position),
    balance_minor bigint NOT NULL,
    settled_seq bigint NOT NULL,
    high_seq bigint NOT NULL,
    -- How many sums by day the account has up to here, and how many entries came since the last: 0 where one stands.
    place integer NOT NULL CHECK (place >= 0),
    since integer NOT NULL CHECK (since >= 0),
    PRIMARY KEY (account_id, position)
  );

  -- The second time axis: sums up to and with each effective date. The sums at place k cover what came since place
  -- k - (lowest bit of k): of 13 = 8 + 4 + 1 places, three rows hold everything, each read at one date.
  CREATE TABLE ledger_balance_day (
    account_id bigint NOT NULL,
    place integer NOT NULL CHECK (place >= 1),
    days date[] NOT NULL,
    sums_minor numeric[] NOT NULL CHECK (cardinality(sums_minor) = cardinality(days)),
    PRIMARY KEY (account_id, place)
  );
`;

const BALANCE = `
  CREATE OR REPLACE FUNCTION ledger_balance(account bigint, through bigint, until date) RETURNS numeric LANGUAGE plpgsql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    top CONSTANT bigint := coalesce(through, 9223372036854775807);
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
    ELSIF until IS NULL THEN
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq
          AND e.transfer_seq <= coalesce((SELECT high_seq FROM ledger_roll_up WHERE position >= top ORDER BY position LIMIT 1), 9223372036854775807)
          AND p.position > base.position AND p.position <= top;
    ELSIF through IS NULL THEN
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        JOIN ledger_transfer t ON t.seq = e.transfer_seq
        LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq
          AND coalesce(p.position, top) > base.position AND t.effective_date <= until;
    ELSE
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        JOIN ledger_transfer t ON t.seq = e.transfer_seq
        JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq
          AND e.transfer_seq <= coalesce((SELECT high_seq FROM ledger_roll_up WHERE position >= top ORDER BY position LIMIT 1), 9223372036854775807)
          AND p.position > base.position AND p.position <= top AND t.effective_date <= until;
    END IF;
    RETURN total + coalesce(above, 0) + coalesce(tail, 0);
  END $$;
`;

const ROLL_UP = `
  -- Sums up everything since the last roll-up, if at least "minimum" positions came; a point every "stride" positions,
  -- a snapshot of an account there once "worth" entries came to it, its sums by day once "days_worth" did or
  -- "worth" came within a stride. Answers how many positions it covered.
  CREATE FUNCTION ledger_take_roll_up(minimum bigint, stride bigint, worth bigint, days_worth bigint) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    last ledger_roll_up;
    now_seen_seq bigint;
    now_seen_xid xid8;
    running xid8;
    settled bigint;
    top bigint;
    edge record;
    start bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(6237003);
    SELECT * INTO last FROM ledger_roll_up ORDER BY position DESC LIMIT 1;
    IF last.position IS NULL THEN
      last.position := 0;
      last.settled_seq := 0;
      last.high_seq := 0;
    END IF;
    -- The order of the next three matters. Seen: one snapshot, so every seq it shows was handed out before any
    -- transaction numbered from its xmax on began. Running: all below it have ended. Then everything that ended gets
    -- its position. Hence a transfer without one has a seq above "settled".
    SELECT coalesce(max(seq), 0), pg_snapshot_xmax(pg_current_snapshot()) INTO now_seen_seq, now_seen_xid
      FROM ledger_transfer;
    SELECT pg_snapshot_xmin(pg_current_snapshot()) INTO running;
    settled := CASE WHEN running >= now_seen_xid THEN now_seen_seq
                    WHEN running >= last.seen_xid THEN last.seen_seq
                    ELSE last.settled_seq END;
    WHILE ledger_sequence(10000) > 0 LOOP
    END LOOP;
    SELECT coalesce(max(position), 0) INTO top FROM ledger_position;
    IF top - last.position < greatest(minimum, 1) THEN
      RETURN 0;
    END IF;

    INSERT INTO ledger_roll_up (position, settled_seq, high_seq, seen_seq, seen_xid)
      SELECT cut.position,
             least(settled, min(cut.low) OVER (ORDER BY cut.position ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) - 1),
             greatest(last.high_seq, max(cut.high) OVER (ORDER BY cut.position)),
             now_seen_seq, now_seen_xid
      FROM (SELECT max(p.position) AS position, min(p.transfer_seq) AS low, max(p.transfer_seq) AS high
              FROM ledger_position p WHERE p.position > last.position
              GROUP BY (p.position - last.position - 1) / stride) cut;

    start := last.position;
    FOR edge IN SELECT * FROM ledger_roll_up r WHERE r.position > last.position ORDER BY r.position LOOP
      PERFORM ledger_snapshot_accounts(start, edge.position, edge.settled_seq, edge.high_seq, worth, days_worth);
      start := edge.position;
    END LOOP;
    RETURN top - last.position;
  END $$;

  CREATE FUNCTION ledger_snapshot_accounts(after bigint, edge bigint, settled bigint, high bigint, worth bigint, days_worth bigint)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    fresh record;
  BEGIN
    FOR fresh IN
      WITH touched AS (
        SELECT e.account_id, count(*) AS entries FROM ledger_position p JOIN ledger_entry e ON e.transfer_seq = p.transfer_seq
          WHERE p.position > after AND p.position <= edge GROUP BY e.account_id
      ), ripe AS (
        SELECT t.account_id, t.entries >= worth AS dense, s.position, s.balance_minor, s.settled_seq, coalesce(s.place, 0) AS place, coalesce(s.since, 0) AS since
          FROM touched t LEFT JOIN LATERAL (SELECT * FROM ledger_balance_snapshot
            WHERE account_id = t.account_id ORDER BY position DESC LIMIT 1) s ON true
          -- Most accounts are not ripe. Of those that few entries came to, one in eight is asked, another one each time; then
          -- they are counted without their positions, which is cheap and never too few.
          WHERE (t.entries >= worth / 4 OR (t.account_id + (edge >> 7)) & 7 = 0) AND worth <= (SELECT count(*) FROM (SELECT FROM ledger_entry e WHERE e.account_id = t.account_id
            AND e.transfer_seq > coalesce(s.settled_seq, 0) AND e.transfer_seq <= high LIMIT worth) few)
      ), made AS (
        INSERT INTO ledger_balance_snapshot (account_id, position, balance_minor, settled_seq, high_seq, place, since)
          SELECT r.account_id, edge, coalesce(r.balance_minor, 0) + added.total, settled, high,
                 r.place + CASE WHEN r.dense OR r.since + added.entries >= days_worth THEN 1 ELSE 0 END,
                 CASE WHEN r.dense OR r.since + added.entries >= days_worth THEN 0 ELSE r.since + added.entries END
          FROM ripe r CROSS JOIN LATERAL (SELECT sum(e.amount_minor) AS total, count(*) AS entries
              FROM ledger_entry e JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
              WHERE e.account_id = r.account_id
                AND e.transfer_seq > coalesce(r.settled_seq, 0) AND e.transfer_seq <= high
                AND p.position > coalesce(r.position, 0) AND p.position <= edge) added
          -- A sum beyond 64 bits stays a tail, where the balance is numeric and the reader refuses it.
          WHERE added.entries >= worth AND abs(coalesce(r.balance_minor, 0) + added.total) <= 9223372036854775807
          RETURNING account_id, place, since
      )
      SELECT account_id, place FROM made WHERE since = 0
    LOOP
      PERFORM ledger_sum_days(fresh.account_id, fresh.place, edge, high);
    END LOOP;
  END $$;

  -- What came since the place before, together with the rows that this one covers.
  CREATE FUNCTION ledger_sum_days(account bigint, at_place integer, edge bigint, high bigint) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    before ledger_balance_snapshot;
    covered integer[] := '{}';
    walk integer := at_place - 1;
  BEGIN
    WHILE walk > (at_place & (at_place - 1)) LOOP
      covered := covered || walk;
      walk := walk & (walk - 1);
    END LOOP;
    SELECT * INTO before FROM ledger_balance_snapshot
      WHERE account_id = account AND position < edge AND since = 0 ORDER BY position DESC LIMIT 1;
    INSERT INTO ledger_balance_day (account_id, place, days, sums_minor)
      SELECT account, at_place, array_agg(s.day ORDER BY s.day), array_agg(s.total ORDER BY s.day)
      FROM (SELECT parts.day, sum(sum(parts.amount)) OVER (ORDER BY parts.day) AS total
              FROM (SELECT t.effective_date AS day, e.amount_minor::numeric AS amount
                      FROM ledger_entry e JOIN ledger_position p ON p.transfer_seq = e.transfer_seq JOIN ledger_transfer t ON t.seq = e.transfer_seq
                      WHERE e.account_id = account AND e.transfer_seq > coalesce(before.settled_seq, 0) AND e.transfer_seq <= high
                        AND p.position > coalesce(before.position, 0) AND p.position <= edge
                    UNION ALL
                    SELECT u.day, u.total - coalesce(lag(u.total) OVER (PARTITION BY d.place ORDER BY u.day), 0)
                      FROM ledger_balance_day d CROSS JOIN LATERAL unnest(d.days, d.sums_minor) AS u (day, total)
                      WHERE d.account_id = account AND d.place = ANY (covered)) parts
              GROUP BY parts.day) s;
  END $$;
`;

const POSITIONS = `
  -- Asked once a statement below: the foreign key locked, and so wrote, the row of every transfer that got a position.
  ALTER TABLE ledger_position DROP CONSTRAINT ledger_position_transfer_seq_fkey;
  CREATE OR REPLACE FUNCTION ledger_positions_gapless() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    first bigint;
    last bigint;
    given bigint;
  BEGIN
    SELECT min(position), max(position), count(*) INTO first, last, given FROM numbered;
    IF given > 0 AND (last - first + 1 <> given
        OR first - 1 <> coalesce((SELECT max(position) FROM ledger_position WHERE position < first), 0)) THEN
      RAISE EXCEPTION 'positions %..% leave a gap', first, last
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_position_gapless', TABLE = 'ledger_position';
    END IF;
    IF EXISTS (SELECT 1 FROM numbered n WHERE NOT EXISTS (SELECT 1 FROM ledger_transfer t WHERE t.seq = n.transfer_seq)) THEN
      RAISE EXCEPTION 'a position of a transfer that is not there'
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_position_transfer_seq_fkey', TABLE = 'ledger_position';
    END IF;
    RETURN NULL;
  END $$;
`;

/** A few rows of large tables, found by their indexes; unless told, the planner may read all of a table that was small when it planned. */
const BY_INDEX = ['ledger_balance', 'ledger_take_roll_up', 'ledger_snapshot_accounts', 'ledger_sum_days'].map((name) => `
  ALTER FUNCTION ${name} SET enable_seqscan = off;
  ALTER FUNCTION ${name} SET enable_hashjoin = off;
  ALTER FUNCTION ${name} SET enable_mergejoin = off;
`).join('');

/** Balances as of any point on both time axes by a few rows, however many entries there are. */
export class RollUpInTrees1766100010000 implements MigrationInterface {
  name = 'RollUpInTrees1766100010000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [TABLES, BALANCE, ROLL_UP, POSITIONS, BY_INDEX]) await runner.query(part);
    await keepAppendOnly(runner, ['ledger_roll_up', 'ledger_balance_snapshot', 'ledger_balance_day'], 'SELECT');
    await runner.query(`
      REVOKE ALL ON FUNCTION ledger_take_roll_up, ledger_snapshot_accounts, ledger_sum_days FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ledger_take_roll_up TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
