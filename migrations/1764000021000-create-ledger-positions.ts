import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const POSITIONS = `
  -- The recorded order: one number per committed transfer, from 1, without gaps.
  CREATE TABLE ledger_position (
    position bigint PRIMARY KEY CHECK (position >= 1),
    transfer_seq bigint NOT NULL UNIQUE REFERENCES ledger_transfer (seq)
  );

  CREATE FUNCTION ledger_positions_gapless() RETURNS trigger LANGUAGE plpgsql
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
    RETURN NULL;
  END $$;
  CREATE TRIGGER ledger_positions_gapless AFTER INSERT ON ledger_position
    REFERENCING NEW TABLE AS numbered FOR EACH STATEMENT EXECUTE FUNCTION ledger_positions_gapless();
`;

const SNAPSHOTS = `
  -- A point up to which everything is summed. settled_seq: every transfer that is not among the first "position"
  -- positions, committed later or still running, has a seq above it. high_seq: the highest seq among them. Between
  -- them they turn a question about positions into a short range of the index by account and seq.
  -- seen_*: what the next roll-up needs to settle more (every seq up to seen_seq had been handed out to a
  -- transaction numbered below seen_xid; once all of those have ended, nothing can still appear there).
  CREATE TABLE ledger_roll_up (
    position bigint PRIMARY KEY REFERENCES ledger_position (position),
    settled_seq bigint NOT NULL CHECK (settled_seq >= 0),
    high_seq bigint NOT NULL,
    seen_seq bigint NOT NULL,
    seen_xid xid8 NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  -- Sums of an account up to a roll-up, taken once enough entries came that adding them up again would cost more.
  CREATE TABLE ledger_balance_snapshot (
    account_id bigint NOT NULL REFERENCES ledger_account (id),
    position bigint NOT NULL REFERENCES ledger_roll_up (position),
    balance_minor bigint NOT NULL,
    settled_seq bigint NOT NULL,
    high_seq bigint NOT NULL,
    PRIMARY KEY (account_id, position)
  );

  -- What a snapshot added to the one before it, by effective date: the second time axis.
  CREATE TABLE ledger_balance_day (
    account_id bigint NOT NULL,
    position bigint NOT NULL,
    effective_date date NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (account_id, position, effective_date),
    FOREIGN KEY (account_id, position) REFERENCES ledger_balance_snapshot (account_id, position)
  );
`;

/** Snapshot + tail. The one sum that both the guard and the service read; verify-ledger adds up by itself. */
const BALANCE = `
  -- The signed balance (debits positive) of an account. through: only the first so many positions, or NULL for
  -- everything this transaction sees, with a position or not yet. until: only effective dates up to it, or NULL.
  -- numeric, so that it cannot wrap; callers refuse what does not fit in 64 bits.
  CREATE FUNCTION ledger_balance(account bigint, through bigint, until date) RETURNS numeric LANGUAGE plpgsql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    top CONSTANT bigint := coalesce(through, 9223372036854775807);
    base ledger_balance_snapshot;
    ceiling bigint;
    total numeric := 0;
    tail numeric;
  BEGIN
    SELECT * INTO base FROM ledger_balance_snapshot
      WHERE account_id = account AND position <= top ORDER BY position DESC LIMIT 1;
    IF base.position IS NULL THEN
      base.position := 0;
      base.settled_seq := 0;
    ELSIF until IS NULL THEN
      total := base.balance_minor;
    ELSE
      SELECT coalesce(sum(amount_minor), 0) INTO total FROM ledger_balance_day
        WHERE account_id = account AND position <= base.position AND effective_date <= until;
    END IF;
    SELECT high_seq INTO ceiling FROM ledger_roll_up WHERE position >= top ORDER BY position LIMIT 1;
    ceiling := coalesce(ceiling, 9223372036854775807);

    IF until IS NULL THEN
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq AND e.transfer_seq <= ceiling
          AND coalesce(p.position, CASE WHEN through IS NULL THEN top END) > base.position
          AND coalesce(p.position, top) <= top;
    ELSE
      SELECT sum(e.amount_minor) INTO tail FROM ledger_entry e
        JOIN ledger_transfer t ON t.seq = e.transfer_seq
        LEFT JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        WHERE e.account_id = account AND e.transfer_seq > base.settled_seq AND e.transfer_seq <= ceiling
          AND coalesce(p.position, CASE WHEN through IS NULL THEN top END) > base.position
          AND coalesce(p.position, top) <= top AND t.effective_date <= until;
    END IF;
    RETURN total + coalesce(tail, 0);
  END $$;
`;

const SEQUENCER = `
  -- Gives positions to what is committed and has none, oldest place in line first, one sequencer at a time. Whatever
  -- commits later comes later, also when its place in line is earlier: so a range of positions never changes.
  CREATE FUNCTION ledger_sequence(most integer) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    base bigint;
    settled bigint;
    given bigint;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'positions are given in READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock(6237003);
    SELECT coalesce(max(position), 0) INTO base FROM ledger_position;
    SELECT coalesce((SELECT settled_seq FROM ledger_roll_up ORDER BY position DESC LIMIT 1), 0) INTO settled;
    INSERT INTO ledger_position (position, transfer_seq)
      SELECT base + row_number() OVER (ORDER BY w.seq), w.seq
      FROM (SELECT t.seq FROM ledger_transfer t
              WHERE t.seq > settled
                AND NOT EXISTS (SELECT 1 FROM ledger_position p WHERE p.transfer_seq = t.seq)
                AND EXISTS (SELECT 1 FROM ledger_entry e WHERE e.transfer_seq = t.seq)
              ORDER BY t.seq LIMIT most) w;
    GET DIAGNOSTICS given = ROW_COUNT;
    RETURN given;
  END $$;
`;

const ROLL_UP = `
  -- Sums up everything since the last roll-up, if at least "minimum" positions came; a point every "stride" positions,
  -- a snapshot of an account there once "worth" entries came to it. Answers how many positions it covered.
  CREATE FUNCTION ledger_take_roll_up(minimum bigint, stride bigint, worth bigint) RETURNS bigint LANGUAGE plpgsql
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
      PERFORM ledger_snapshot_accounts(start, edge.position, edge.settled_seq, edge.high_seq, worth);
      start := edge.position;
    END LOOP;
    RETURN top - last.position;
  END $$;

  CREATE FUNCTION ledger_snapshot_accounts(after bigint, edge bigint, settled bigint, high bigint, worth bigint)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    INSERT INTO ledger_balance_snapshot (account_id, position, balance_minor, settled_seq, high_seq)
      SELECT touched.account_id, edge, coalesce(previous.balance_minor, 0) + added.total, settled, high
      FROM (SELECT DISTINCT e.account_id FROM ledger_position p JOIN ledger_entry e ON e.transfer_seq = p.transfer_seq
              WHERE p.position > after AND p.position <= edge) touched
      LEFT JOIN LATERAL (SELECT s.position, s.balance_minor, s.settled_seq FROM ledger_balance_snapshot s
              WHERE s.account_id = touched.account_id ORDER BY s.position DESC LIMIT 1) previous ON true
      CROSS JOIN LATERAL (SELECT sum(e.amount_minor) AS total, count(*) AS entries
              FROM ledger_entry e JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
              WHERE e.account_id = touched.account_id
                AND e.transfer_seq > coalesce(previous.settled_seq, 0) AND e.transfer_seq <= high
                AND p.position > coalesce(previous.position, 0) AND p.position <= edge) added
      -- A sum beyond 64 bits stays a tail, where the balance is numeric and the reader refuses it.
      WHERE added.entries >= worth AND abs(coalesce(previous.balance_minor, 0) + added.total) <= 9223372036854775807;

    INSERT INTO ledger_balance_day (account_id, position, effective_date, amount_minor)
      SELECT fresh.account_id, edge, t.effective_date, sum(e.amount_minor)
      FROM ledger_balance_snapshot fresh
      LEFT JOIN LATERAL (SELECT s.position, s.settled_seq FROM ledger_balance_snapshot s
              WHERE s.account_id = fresh.account_id AND s.position < edge ORDER BY s.position DESC LIMIT 1) previous ON true
      JOIN ledger_entry e ON e.account_id = fresh.account_id
        AND e.transfer_seq > coalesce(previous.settled_seq, 0) AND e.transfer_seq <= high
      JOIN ledger_position p ON p.transfer_seq = e.transfer_seq
        AND p.position > coalesce(previous.position, 0) AND p.position <= edge
      JOIN ledger_transfer t ON t.seq = e.transfer_seq
      WHERE fresh.position = edge
      GROUP BY fresh.account_id, t.effective_date;
  END $$;
`;

/** Recorded order after commit, and balances as snapshot + tail on both time axes. */
export class CreateLedgerPositions1764000021000 implements MigrationInterface {
  name = 'CreateLedgerPositions1764000021000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [POSITIONS, SNAPSHOTS, BALANCE, SEQUENCER, ROLL_UP]) await runner.query(part);
    // Written by the owner's functions alone: the service cannot make up a position or a balance.
    await keepAppendOnly(runner, ['ledger_position', 'ledger_roll_up', 'ledger_balance_snapshot', 'ledger_balance_day'], 'SELECT');
    await runner.query(`
      REVOKE ALL ON FUNCTION ledger_balance, ledger_sequence, ledger_take_roll_up, ledger_snapshot_accounts FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ledger_balance, ledger_sequence, ledger_take_roll_up TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
