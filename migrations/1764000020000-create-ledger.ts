import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const TABLES = `
  CREATE TABLE currency (
    code text PRIMARY KEY CHECK (code ~ '^[A-Z]{3,4}$'),
    exponent smallint NOT NULL CHECK (exponent BETWEEN 0 AND 4)
  );
  INSERT INTO currency (code, exponent) VALUES ('CNY', 2), ('USD', 2), ('EUR', 2), ('JPY', 0), ('COIN', 0);

  -- The biggest tables of the service: inside the ledger accounts and transfers are joined by 8 bytes. To the outside
  -- an account is its code and a transfer its prefixed id.
  CREATE TABLE ledger_account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    floor_minor bigint NOT NULL CHECK (floor_minor <= 0),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    guarded boolean NOT NULL,
    class text NOT NULL CHECK (class IN ('asset', 'liability', 'income', 'expense')),
    currency text NOT NULL REFERENCES currency (code),
    -- "C" so that one index finds a code and a prefix of codes.
    code text COLLATE "C" NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9_.:-]{1,200}$'),
    content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    CONSTRAINT ledger_account_floor_needs_guard CHECK (guarded OR floor_minor = 0),
    UNIQUE (id, currency)
  );

  CREATE SEQUENCE ledger_transfer_order AS bigint;

  CREATE TABLE ledger_transfer (
    -- Given by the trigger below, after the transaction has its number: see ledger_roll_up.
    seq bigint NOT NULL UNIQUE,
    created_xid xid8 NOT NULL,
    reverses bigint REFERENCES ledger_transfer (seq),
    recorded_at timestamptz NOT NULL,
    effective_date date NOT NULL CHECK (effective_date BETWEEN '2000-01-01' AND '2199-12-31'),
    leg_count smallint NOT NULL CHECK (leg_count BETWEEN 2 AND 1000),
    id text PRIMARY KEY CHECK (id ~ '^trf_[0-9a-hjkmnp-tv-z]{26}$'),
    key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 255),
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_.]{0,63}$'),
    -- SHA-256 of the canonical JSON of everything that was posted: tells a repeat from another request under the
    -- same key, and lets verify-ledger find a changed row.
    content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    metadata jsonb NOT NULL CHECK (jsonb_typeof(metadata) = 'object')
  );
  CREATE INDEX ledger_transfer_reverses ON ledger_transfer (reverses) WHERE reverses IS NOT NULL;

  CREATE TABLE ledger_entry (
    -- Not a foreign key: the trigger already finds the transfer, and its row lock would cost every leg a write.
    transfer_seq bigint NOT NULL,
    account_id bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0 AND amount_minor > -9223372036854775808),
    leg smallint NOT NULL CHECK (leg >= 1),
    currency text NOT NULL,
    PRIMARY KEY (transfer_seq, leg),
    CONSTRAINT ledger_entry_currency_of_account FOREIGN KEY (account_id, currency)
      REFERENCES ledger_account (id, currency)
  );
  CREATE INDEX ledger_entry_of_account ON ledger_entry (account_id, transfer_seq) INCLUDE (amount_minor);
`;

/** Metadata by which transfers are found again; each index holds only the transfers that carry the key. */
const TRACED = ['subscriptionId', 'periodId', 'charge', 'outputId', 'runId', 'payoutId'];

const traceIndex = (key: string): string => `
  CREATE INDEX ledger_transfer_by_${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}
    ON ledger_transfer ((metadata ->> '${key}'), seq) WHERE metadata ->> '${key}' IS NOT NULL;
`;

const STAMP = `
  -- The transaction's number first, then the place in line: so whoever holds a low place has a low number, which is
  -- what lets the roll-up say "nothing below this place can still appear".
  CREATE FUNCTION ledger_transfer_stamped() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    NEW.created_xid := pg_current_xact_id();
    NEW.seq := nextval('ledger_transfer_order');
    NEW.recorded_at := now();
    RETURN NEW;
  END $$;
  CREATE TRIGGER ledger_transfer_stamped BEFORE INSERT ON ledger_transfer
    FOR EACH ROW EXECUTE FUNCTION ledger_transfer_stamped();
`;

/**
 * What PostgreSQL itself checks when legs arrive. SECURITY DEFINER: it locks account rows, which the service's role
 * may not, and its search_path keeps a temporary table from standing in for ours.
 */
const LEGS = `
  CREATE FUNCTION ledger_legs_arrived() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    wrong record;
    watched record;
    total numeric;
  BEGIN
    SELECT l.transfer_seq AS seq INTO wrong
      FROM (SELECT transfer_seq, count(*) AS legs, max(leg) AS last_leg FROM arrived GROUP BY transfer_seq) l
      LEFT JOIN ledger_transfer t ON t.seq = l.transfer_seq
      WHERE t.seq IS NULL OR t.created_xid <> pg_current_xact_id() OR t.leg_count <> l.legs OR t.leg_count <> l.last_leg
      LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'transfer % takes its legs once, all in one INSERT, in the transaction that created it', wrong.seq
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_entry_arrives_whole', TABLE = 'ledger_entry';
    END IF;

    SELECT transfer_seq AS seq, currency, sum(amount_minor) AS excess INTO wrong
      FROM arrived GROUP BY transfer_seq, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'transfer % is off by % % (minor units)', wrong.seq, wrong.excess, wrong.currency
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_balances', TABLE = 'ledger_entry';
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
      IF watched.guarded AND total * watched.side < watched.floor_minor THEN
        RAISE EXCEPTION 'account % would stand at %, its floor is %', watched.code, total * watched.side, watched.floor_minor
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_account_floor', TABLE = 'ledger_account';
      END IF;
      IF abs(total) > 9223372036854775807 THEN
        RAISE EXCEPTION 'account % would not fit in 64 bits', watched.code
          USING ERRCODE = 'numeric_value_out_of_range', TABLE = 'ledger_account';
      END IF;
    END LOOP;

    PERFORM ledger_reversals_bounded(array_agg(DISTINCT t.reverses))
      FROM ledger_transfer t WHERE t.reverses IS NOT NULL AND t.seq IN (SELECT transfer_seq FROM arrived)
      HAVING count(*) > 0;
    RETURN NULL;
  END $$;
  CREATE TRIGGER ledger_legs_arrived AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION ledger_legs_arrived();
`;

const REVERSALS = `
  -- All reversals of a transfer together never take more from an account than the transfer gave it, nor the other way.
  CREATE FUNCTION ledger_reversals_bounded(originals bigint[]) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    original record;
    wrong record;
  BEGIN
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

const LOCKS = `
  -- Row locks without the right to update the rows. In the order of ids, as everywhere.
  CREATE FUNCTION ledger_lock_accounts(codes text[]) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    PERFORM 1 FROM ledger_account WHERE code = ANY (codes) ORDER BY id FOR NO KEY UPDATE;
  END $$;
  CREATE FUNCTION ledger_lock_transfer(transfer_id text) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    PERFORM 1 FROM ledger_transfer WHERE id = transfer_id FOR NO KEY UPDATE;
  END $$;
  REVOKE ALL ON FUNCTION ledger_lock_accounts, ledger_lock_transfer, ledger_reversals_bounded FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION ledger_lock_accounts, ledger_lock_transfer TO benren_app;
`;

/** Accounts, transfers, entries: append-only, balanced, guarded, for every role (docs/promises.md "Entries"). */
export class CreateLedger1764000020000 implements MigrationInterface {
  name = 'CreateLedger1764000020000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [TABLES, ...TRACED.map(traceIndex), STAMP, REVERSALS, LEGS, LOCKS]) await runner.query(part);
    await keepAppendOnly(runner, ['currency', 'ledger_account', 'ledger_transfer', 'ledger_entry'], null);
    await runner.query(`
      GRANT SELECT ON currency TO benren_app;
      GRANT SELECT, INSERT ON ledger_account, ledger_transfer, ledger_entry TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
