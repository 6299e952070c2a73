import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const TABLES = `
  -- Days before "through_day" are closed, for ever. The period is not those days but what was recorded: positions above
  -- the previous close's and up to this one's. What comes later stands behind, with its own effective date.
  CREATE TABLE ledger_close (
    number integer PRIMARY KEY CHECK (number >= 1),
    through_day date NOT NULL UNIQUE CHECK (through_day BETWEEN '2000-01-02' AND '2199-12-31'),
    position bigint NOT NULL CHECK (position >= 0),
    closed_by text NOT NULL CHECK (closed_by <> ''),
    closed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  -- What the period moved, what of it belongs to days that were closed before, and how it stood then.
  CREATE TABLE ledger_close_total (
    number integer NOT NULL REFERENCES ledger_close (number),
    currency text NOT NULL REFERENCES currency (code),
    class text NOT NULL CHECK (class IN ('asset', 'liability', 'income', 'expense')),
    movement_minor numeric NOT NULL,
    adjustments_minor numeric NOT NULL,
    balance_minor numeric NOT NULL,
    PRIMARY KEY (number, currency, class)
  );
`;

const FUNCTIONS = `
  CREATE FUNCTION ledger_close_follows() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    last ledger_close;
  BEGIN
    SELECT * INTO last FROM ledger_close ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.through_day <= last.through_day
       OR NEW.position <> (SELECT coalesce(max(position), 0) FROM ledger_position) THEN
      RAISE EXCEPTION 'a close of days before % does not follow the last one', NEW.through_day
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_close_follows', TABLE = 'ledger_close';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ledger_close_follows BEFORE INSERT ON ledger_close FOR EACH ROW EXECUTE FUNCTION ledger_close_follows();

  -- Under the sequencer's lock, so that no position comes between: whatever has committed is in, the rest comes after.
  CREATE FUNCTION ledger_close_through(day date, by_whom text, at timestamptz) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    last ledger_close;
    made ledger_close;
  BEGIN
    PERFORM pg_advisory_xact_lock(6237003);
    WHILE ledger_sequence(10000) > 0 LOOP
    END LOOP;
    SELECT * INTO last FROM ledger_close ORDER BY number DESC LIMIT 1;
    INSERT INTO ledger_close (number, through_day, position, closed_by, closed_at)
      VALUES (coalesce(last.number, 0) + 1, day, (SELECT coalesce(max(position), 0) FROM ledger_position), by_whom, at)
      RETURNING * INTO made;
    INSERT INTO ledger_close_total (number, currency, class, movement_minor, adjustments_minor, balance_minor)
      SELECT made.number, currency, class, sum(moved), sum(adjusted), sum(moved) + sum(before)
      FROM (SELECT e.currency, a.class, e.amount_minor AS moved,
                   CASE WHEN t.effective_date < last.through_day THEN e.amount_minor ELSE 0 END AS adjusted, 0 AS before
              FROM ledger_position p JOIN ledger_transfer t ON t.seq = p.transfer_seq
              JOIN ledger_entry e ON e.transfer_seq = p.transfer_seq JOIN ledger_account a ON a.id = e.account_id
              WHERE p.position > coalesce(last.position, 0) AND p.position <= made.position
            UNION ALL
            SELECT currency, class, 0, 0, balance_minor FROM ledger_close_total WHERE number = last.number) parts
      GROUP BY currency, class;
    RETURN made.number;
  END $$;
`;

/** Closed periods: closed once and for good, as ranges of positions. */
export class CreateLedgerCloses1766010001000 implements MigrationInterface {
  name = 'CreateLedgerCloses1766010001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(FUNCTIONS);
    // Written by the owner's function alone: the service cannot close a period at a place of its choice.
    await keepAppendOnly(runner, ['ledger_close', 'ledger_close_total'], 'SELECT');
    await runner.query(`
      REVOKE ALL ON FUNCTION ledger_close_through FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ledger_close_through TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
