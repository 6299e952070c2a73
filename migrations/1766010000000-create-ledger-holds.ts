import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const TABLES = `
  CREATE SEQUENCE ledger_hold_order AS bigint;

  -- A pending transfer: what it will move is known, whether it will is not. Its debits count against what guarded
  -- accounts have to give; its credits count for nothing until it is captured.
  CREATE TABLE ledger_hold (
    seq bigint NOT NULL UNIQUE,
    created_xid xid8 NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- Business time; at it and after it nothing is captured any more. NULL: never.
    expires_at timestamptz,
    leg_count smallint NOT NULL CHECK (leg_count BETWEEN 2 AND 1000),
    id text PRIMARY KEY CHECK (id ~ '^lhd_[0-9a-hjkmnp-tv-z]{26}$'),
    key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 255),
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_.]{0,63}$'),
    content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    metadata jsonb NOT NULL CHECK (jsonb_typeof(metadata) = 'object')
  );

  CREATE TABLE ledger_hold_leg (
    hold_seq bigint NOT NULL REFERENCES ledger_hold (seq),
    account_id bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0 AND amount_minor > -9223372036854775808),
    leg smallint NOT NULL CHECK (leg >= 1),
    currency text NOT NULL,
    PRIMARY KEY (hold_seq, leg),
    CONSTRAINT ledger_hold_leg_currency_of_account FOREIGN KEY (account_id, currency)
      REFERENCES ledger_account (id, currency)
  );

  -- How a hold ended: once, by the primary key. What a part of it did not take is free again.
  CREATE TABLE ledger_hold_resolution (
    hold_seq bigint PRIMARY KEY REFERENCES ledger_hold (seq),
    transfer_seq bigint UNIQUE REFERENCES ledger_transfer (seq),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    outcome text NOT NULL CHECK (outcome IN ('captured', 'voided', 'expired')),
    CONSTRAINT ledger_hold_captured_by_transfer CHECK ((outcome = 'captured') = (transfer_seq IS NOT NULL))
  );

  ALTER TABLE ledger_transfer ADD COLUMN captures bigint REFERENCES ledger_hold (seq),
    ADD CONSTRAINT ledger_transfer_one_origin CHECK (reverses IS NULL OR captures IS NULL);

  -- The working set, kept by the owner's triggers alone: holds that nothing has ended, and what each takes from a
  -- guarded account's reach. So neither a balance nor the job that expires them reads what ended long ago.
  CREATE TABLE ledger_hold_open (
    hold_seq bigint PRIMARY KEY REFERENCES ledger_hold (seq),
    expires_at timestamptz
  );
  CREATE INDEX ledger_hold_open_by_expiry ON ledger_hold_open (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE ledger_hold_claim (
    account_id bigint NOT NULL REFERENCES ledger_account (id),
    hold_seq bigint NOT NULL REFERENCES ledger_hold_open (hold_seq),
    amount_minor numeric NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (account_id, hold_seq)
  );
  CREATE INDEX ledger_hold_claim_of_hold ON ledger_hold_claim (hold_seq);
`;

const HELD = `
  -- What open holds keep of an account, on its natural side (0 or more).
  CREATE FUNCTION ledger_held(account bigint) RETURNS numeric LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(sum(amount_minor), 0) FROM ledger_hold_claim WHERE account_id = account
  $$;

  CREATE FUNCTION ledger_lock_hold(hold_id text) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    PERFORM 1 FROM ledger_hold WHERE id = hold_id FOR NO KEY UPDATE;
  END $$;
`;

const ARRIVAL = `
  CREATE FUNCTION ledger_hold_stamped() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    NEW.created_xid := pg_current_xact_id();
    NEW.seq := nextval('ledger_hold_order');
    NEW.recorded_at := now();
    RETURN NEW;
  END $$;
  CREATE TRIGGER ledger_hold_stamped BEFORE INSERT ON ledger_hold FOR EACH ROW EXECUTE FUNCTION ledger_hold_stamped();

  CREATE FUNCTION ledger_hold_legs_arrived() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    wrong record;
    watched record;
  BEGIN
    SELECT l.hold_seq AS seq INTO wrong
      FROM (SELECT hold_seq, count(*) AS legs, max(leg) AS last_leg FROM arrived GROUP BY hold_seq) l
      LEFT JOIN ledger_hold h ON h.seq = l.hold_seq
      WHERE h.seq IS NULL OR h.created_xid <> pg_current_xact_id() OR h.leg_count <> l.legs OR h.leg_count <> l.last_leg
      LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'hold % takes its legs once, all in one INSERT, in the transaction that created it', wrong.seq
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_hold_arrives_whole', TABLE = 'ledger_hold_leg';
    END IF;
    SELECT hold_seq AS seq, currency, sum(amount_minor) AS excess INTO wrong
      FROM arrived GROUP BY hold_seq, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'hold % is off by % % (minor units)', wrong.seq, wrong.excess, wrong.currency
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_balances', TABLE = 'ledger_hold_leg';
    END IF;

    INSERT INTO ledger_hold_open (hold_seq, expires_at)
      SELECT seq, expires_at FROM ledger_hold WHERE seq IN (SELECT hold_seq FROM arrived);
    INSERT INTO ledger_hold_claim (account_id, hold_seq, amount_minor)
      SELECT d.account_id, d.hold_seq, abs(d.change)
      FROM (SELECT account_id, hold_seq, sum(amount_minor) AS change FROM arrived GROUP BY account_id, hold_seq) d
      JOIN ledger_account a ON a.id = d.account_id
      WHERE a.guarded AND CASE WHEN a.class IN ('asset', 'expense') THEN d.change < 0 ELSE d.change > 0 END;
    FOR watched IN
      SELECT a.id, a.code, a.floor_minor, CASE WHEN a.class IN ('asset', 'expense') THEN 1 ELSE -1 END AS side
        FROM ledger_account a
        WHERE a.id IN (SELECT c.account_id FROM ledger_hold_claim c WHERE c.hold_seq IN (SELECT hold_seq FROM arrived))
        ORDER BY a.id FOR NO KEY UPDATE OF a
    LOOP
      IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'guarded accounts are held against in READ COMMITTED only: a kept snapshot would not see the last debit'
          USING ERRCODE = 'invalid_transaction_state';
      END IF;
      IF ledger_balance(watched.id, NULL, NULL) * watched.side - ledger_held(watched.id) < watched.floor_minor THEN
        RAISE EXCEPTION 'account % has less to hold than that above its floor %', watched.code, watched.floor_minor
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_account_floor', TABLE = 'ledger_account';
      END IF;
    END LOOP;
    RETURN NULL;
  END $$;
  CREATE TRIGGER ledger_hold_legs_arrived AFTER INSERT ON ledger_hold_leg
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION ledger_hold_legs_arrived();
`;

const RESOLUTION = `
  CREATE FUNCTION ledger_hold_resolved() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    wrong record;
  BEGIN
    SELECT h.id, r.outcome INTO wrong
      FROM resolved r JOIN ledger_hold h ON h.seq = r.hold_seq LEFT JOIN ledger_transfer t ON t.seq = r.transfer_seq
      WHERE CASE r.outcome
        WHEN 'captured' THEN t.seq IS NULL OR t.captures IS DISTINCT FROM r.hold_seq OR t.created_xid <> pg_current_xact_id()
          OR r.at >= h.expires_at
        WHEN 'expired' THEN h.expires_at IS NULL OR r.at < h.expires_at
        ELSE false END
      LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'hold % cannot be % like this', wrong.id, wrong.outcome
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_resolves', TABLE = 'ledger_hold_resolution';
    END IF;
    DELETE FROM ledger_hold_claim WHERE hold_seq IN (SELECT hold_seq FROM resolved);
    DELETE FROM ledger_hold_open WHERE hold_seq IN (SELECT hold_seq FROM resolved);
    RETURN NULL;
  END $$;
  CREATE TRIGGER ledger_hold_resolved AFTER INSERT ON ledger_hold_resolution
    REFERENCING NEW TABLE AS resolved FOR EACH STATEMENT EXECUTE FUNCTION ledger_hold_resolved();

  -- At commit, so that transfer, resolution and legs may come in any order: a capture that moves nothing is none.
  CREATE FUNCTION ledger_hold_capture_moved() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_entry WHERE transfer_seq = NEW.transfer_seq) THEN
      RAISE EXCEPTION 'the capture of a hold moved nothing'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_resolves', TABLE = 'ledger_hold_resolution';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER ledger_hold_capture_moved AFTER INSERT ON ledger_hold_resolution DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.outcome = 'captured') EXECUTE FUNCTION ledger_hold_capture_moved();

  -- A capture takes from each account at most what its hold would have, the same way, and ends that hold.
  CREATE FUNCTION ledger_captures_bounded(transfers bigint[]) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    wrong record;
  BEGIN
    SELECT t.id INTO wrong FROM ledger_transfer t
      WHERE t.seq = ANY (transfers) AND t.captures IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM ledger_hold_resolution r WHERE r.hold_seq = t.captures AND r.transfer_seq = t.seq)
      LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'transfer % captures a hold that it does not end', wrong.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_resolves', TABLE = 'ledger_transfer';
    END IF;
    SELECT both_ways.seq INTO wrong
      FROM (SELECT t.seq, e.account_id, e.amount_minor AS captured, 0 AS held
              FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq
              WHERE t.seq = ANY (transfers) AND t.captures IS NOT NULL
            UNION ALL
            SELECT t.seq, l.account_id, 0, l.amount_minor
              FROM ledger_transfer t JOIN ledger_hold_leg l ON l.hold_seq = t.captures
              WHERE t.seq = ANY (transfers)) both_ways
      GROUP BY both_ways.seq, both_ways.account_id
      HAVING sum(captured) * sign(sum(held)) < 0 OR abs(sum(captured)) > abs(sum(held))
      LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'transfer % captures more than its hold', wrong.seq
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_capture_bounded', TABLE = 'ledger_transfer';
    END IF;
  END $$;
`;

/** As created with the ledger; new: holds lessen what a guarded account has to give, and captures stay within theirs. */
const LEGS = `
  CREATE OR REPLACE FUNCTION ledger_legs_arrived() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    wrong record;
    watched record;
    origins record;
    total numeric;
  BEGIN
    SELECT bool_or(t.seq IS NULL OR t.created_xid <> pg_current_xact_id() OR t.leg_count <> l.legs OR t.leg_count <> l.last_leg) AS torn,
           min(l.transfer_seq) AS seq, bool_or(t.reverses IS NOT NULL) AS reversing, bool_or(t.captures IS NOT NULL) AS capturing
      INTO origins
      FROM (SELECT transfer_seq, count(*) AS legs, max(leg) AS last_leg FROM arrived GROUP BY transfer_seq) l
      LEFT JOIN ledger_transfer t ON t.seq = l.transfer_seq;
    IF origins.torn THEN
      RAISE EXCEPTION 'a transfer (from % on) takes its legs once, all in one INSERT, in the transaction that created it', origins.seq
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_entry_arrives_whole', TABLE = 'ledger_entry';
    END IF;

    SELECT transfer_seq AS seq, currency, sum(amount_minor) AS excess INTO wrong
      FROM arrived GROUP BY transfer_seq, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'transfer % is off by % % (minor units)', wrong.seq, wrong.excess, wrong.currency
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_balances', TABLE = 'ledger_entry';
    END IF;

    IF origins.capturing THEN
      PERFORM ledger_captures_bounded((SELECT array_agg(DISTINCT transfer_seq) FROM arrived));
      -- Here, and not only when the resolution arrives: of one statement's triggers this may be the first.
      DELETE FROM ledger_hold_claim WHERE hold_seq IN (
        SELECT r.hold_seq FROM ledger_hold_resolution r WHERE r.transfer_seq IN (SELECT transfer_seq FROM arrived));
    END IF;

    -- Guarded accounts lock their row when a debit lessens them, never when money comes in; any account does for an
    -- amount so large (2^48) that a few of them could pass 64 bits. Each balance is read in a statement of its own,
    -- after its lock, so it sees what the previous holder committed.
    FOR watched IN
      SELECT a.id, a.code, a.guarded, a.floor_minor, CASE WHEN a.class IN ('asset', 'expense') THEN 1 ELSE -1 END AS side
        FROM (SELECT account_id, sum(amount_minor) AS change, max(abs(amount_minor)) AS largest
                FROM arrived GROUP BY account_id) d
        JOIN ledger_account a ON a.id = d.account_id
        WHERE d.largest >= 281474976710656
           OR (a.guarded AND CASE WHEN a.class IN ('asset', 'expense') THEN d.change < 0 ELSE d.change > 0 END)
        ORDER BY a.id
        FOR NO KEY UPDATE OF a
    LOOP
      IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'guarded accounts are debited in READ COMMITTED only: a kept snapshot would not see the last debit'
          USING ERRCODE = 'invalid_transaction_state';
      END IF;
      total := ledger_balance(watched.id, NULL, NULL);
      IF watched.guarded AND total * watched.side - ledger_held(watched.id) < watched.floor_minor THEN
        RAISE EXCEPTION 'account % would stand at %, its floor is %', watched.code, total * watched.side, watched.floor_minor
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_account_floor', TABLE = 'ledger_account';
      END IF;
      IF abs(total) > 9223372036854775807 THEN
        RAISE EXCEPTION 'account % would not fit in 64 bits', watched.code
          USING ERRCODE = 'numeric_value_out_of_range', TABLE = 'ledger_account';
      END IF;
    END LOOP;

    IF origins.reversing THEN
      PERFORM ledger_reversals_bounded(array_agg(DISTINCT t.reverses))
        FROM ledger_transfer t WHERE t.reverses IS NOT NULL AND t.seq IN (SELECT transfer_seq FROM arrived);
    END IF;
    RETURN NULL;
  END $$;
`;

/** Pending transfers: held, then captured in full or in part, voided or expired; once. */
export class CreateLedgerHolds1766010000000 implements MigrationInterface {
  name = 'CreateLedgerHolds1766010000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [TABLES, HELD, ARRIVAL, RESOLUTION, LEGS]) await runner.query(part);
    await keepAppendOnly(runner, ['ledger_hold', 'ledger_hold_leg', 'ledger_hold_resolution']);
    await runner.query(`
      GRANT SELECT ON ledger_hold_open, ledger_hold_claim TO benren_app;
      REVOKE ALL ON FUNCTION ledger_held, ledger_lock_hold, ledger_captures_bounded FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ledger_held, ledger_lock_hold TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
