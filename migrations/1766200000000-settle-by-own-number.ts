import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What is settled is known by the roll-up's own transaction number. It took the snapshot's xmax for the next number that would be given, which it is
 * not: it is the one behind the last that had *ended*. So a transaction that took its number early, its place in line late, and ended first hid
 * another that was still running with a place before it: that one's transfer stood below "settled", and never got a position.
 */
const TAKE = `
  CREATE OR REPLACE FUNCTION ledger_take_roll_up(minimum bigint, stride bigint, worth bigint, days_worth bigint) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  DECLARE
    -- A number that this transaction took before it looked says nothing of who began between.
    late CONSTANT boolean := pg_current_xact_id_if_assigned() IS NOT NULL;
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
      last.seen_seq := 0;
      last.seen_xid := '0';
    END IF;
    -- The order matters. Seen: the highest seq that has ended. Then a number of our own: whoever gets a higher one takes its place in line after
    -- it, and so above all that was seen. Once every lower one has ended, what ended well is there to be seen; then all of that gets
    -- its position. Hence a transfer without one has a seq above "settled".
    SELECT coalesce(max(seq), 0) INTO now_seen_seq FROM ledger_transfer;
    now_seen_xid := pg_current_xact_id();
    IF late THEN
      now_seen_seq := last.seen_seq;
      now_seen_xid := last.seen_xid;
    END IF;
    WHILE ledger_sequence(10000) = 10000 LOOP
    END LOOP;
    SELECT coalesce(max(position), 0) INTO top FROM ledger_position;
    IF top - last.position < greatest(minimum, 1) THEN
      RETURN 0;
    END IF;
    -- Most that ran then have ended meanwhile. The others are waited for, shortly: the lower "settled", the more each reader of a tail must read.
    FOR tries IN 1..10 LOOP
      SELECT pg_snapshot_xmin(pg_current_snapshot()) INTO running;
      EXIT WHEN running >= now_seen_xid;
      PERFORM pg_sleep(0.002);
    END LOOP;
    settled := CASE WHEN running >= now_seen_xid THEN now_seen_seq
                    WHEN running >= last.seen_xid THEN last.seen_seq
                    ELSE last.settled_seq END;
    WHILE ledger_sequence(10000) = 10000 LOOP
    END LOOP;
    SELECT max(position) INTO top FROM ledger_position;

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
`;

/** Nobody writes meanwhile. Roll-ups are sums of what stands elsewhere: where one passed a transfer over, all are made again by the next. */
const PASSED_OVER = `
  LOCK TABLE ledger_transfer IN SHARE ROW EXCLUSIVE MODE;
  DO $$
  BEGIN
    IF EXISTS (SELECT FROM ledger_transfer t WHERE t.seq <= (SELECT max(settled_seq) FROM ledger_roll_up)
        AND NOT EXISTS (SELECT FROM ledger_position p WHERE p.transfer_seq = t.seq)) THEN
      ALTER TABLE ledger_balance_day DISABLE TRIGGER ledger_balance_day_never_changes;
      ALTER TABLE ledger_balance_snapshot DISABLE TRIGGER ledger_balance_snapshot_never_changes;
      ALTER TABLE ledger_roll_up DISABLE TRIGGER ledger_roll_up_never_changes;
      DELETE FROM ledger_balance_day;
      DELETE FROM ledger_balance_snapshot;
      DELETE FROM ledger_roll_up;
      ALTER TABLE ledger_balance_day ENABLE TRIGGER ledger_balance_day_never_changes;
      ALTER TABLE ledger_balance_snapshot ENABLE TRIGGER ledger_balance_snapshot_never_changes;
      ALTER TABLE ledger_roll_up ENABLE TRIGGER ledger_roll_up_never_changes;
    END IF;
  END $$;
`;

/** A late transfer is never passed over. */
export class SettleByOwnNumber1766200000000 implements MigrationInterface {
  name = 'SettleByOwnNumber1766200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(PASSED_OVER);
    await runner.query(TAKE);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
