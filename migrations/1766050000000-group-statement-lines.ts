import type { MigrationInterface, QueryRunner } from 'typeorm';

import { pinFunctions } from './pin-functions.ts';

/** A line sums up many entries; a statement shows the reserve beside balance and debt; PostgreSQL adds all of it up at commit. */
export class GroupStatementLines1766050000000 implements MigrationInterface {
  name = 'GroupStatementLines1766050000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(FOLLOWS);
    await runner.query(ADDS_UP);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  ALTER TABLE statement
    ADD COLUMN reserve_opening_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN reserve_closing_minor bigint NOT NULL DEFAULT 0;

  -- One row for each entry still, and an entry on one statement; now many on one line.
  ALTER TABLE statement_line DROP CONSTRAINT statement_line_pkey;
  ALTER TABLE statement_line DROP CONSTRAINT statement_line_line_id_check;
  -- '1', '2' … for the balance, 'd1' … for the debt, 'r1' … for the reserve.
  ALTER TABLE statement_line ADD CONSTRAINT statement_line_line_id_check CHECK (line_id ~ '^[dr]?[1-9][0-9]{0,8}$');
  ALTER TABLE statement_line DROP CONSTRAINT statement_line_once;
  ALTER TABLE statement_line ADD CONSTRAINT statement_line_once PRIMARY KEY (transfer_id, leg);
  CREATE INDEX statement_line_of_statement ON statement_line (statement_id, line_id, transfer_id, leg);
`;

const FOLLOWS = `
  CREATE OR REPLACE FUNCTION statement_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    last statement;
  BEGIN
    SELECT * INTO last FROM statement WHERE payee = NEW.payee AND currency = NEW.currency ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.opening_minor <> coalesce(last.closing_minor, 0)
       OR NEW.debt_opening_minor <> coalesce(last.debt_closing_minor, 0) OR NEW.reserve_opening_minor <> coalesce(last.reserve_closing_minor, 0) THEN
      RAISE EXCEPTION 'statement % does not follow the last one of %', NEW.id, NEW.payee
        USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_follows', TABLE = 'statement';
    END IF;
    RETURN NEW;
  END $$;
`;

/** Asked at commit, when the lines are there. SECURITY DEFINER: the service's role may not sum balances by account id. */
const ADDS_UP = `
  CREATE FUNCTION statement_balance(account_code text, through bigint) RETURNS numeric LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT ledger_balance(a.id, through, NULL) FROM ledger_account a WHERE a.code = account_code), 0)
  $$;
  REVOKE ALL ON FUNCTION statement_balance FROM PUBLIC;

  CREATE FUNCTION statement_adds_up() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    through bigint;
    added record;
  BEGIN
    SELECT to_position INTO through FROM statement_close WHERE number = NEW.close_number;
    SELECT coalesce(sum(amount_minor) FILTER (WHERE line_id !~ '^[dr]'), 0) AS balance,
           coalesce(sum(amount_minor) FILTER (WHERE line_id ^@ 'd'), 0) AS debt,
           coalesce(sum(amount_minor) FILTER (WHERE line_id ^@ 'r'), 0) AS reserve
      INTO added FROM statement_line WHERE statement_id = NEW.id;
    IF NEW.opening_minor + added.balance <> NEW.closing_minor OR NEW.debt_opening_minor + added.debt <> NEW.debt_closing_minor
       OR NEW.reserve_opening_minor + added.reserve <> NEW.reserve_closing_minor THEN
      RAISE EXCEPTION 'statement %: opening and lines are not closing', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_adds_up', TABLE = 'statement';
    END IF;
    IF NEW.closing_minor <> -statement_balance('payable:' || NEW.payee || ':' || NEW.currency, through)
       OR NEW.debt_closing_minor <> statement_balance('payee_debt:' || NEW.payee || ':' || NEW.currency, through)
       OR NEW.reserve_closing_minor <> -statement_balance('payee_reserve:' || NEW.payee || ':' || NEW.currency, through) THEN
      RAISE EXCEPTION 'statement % is not what the ledger says at position %', NEW.id, through
        USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_is_the_ledger', TABLE = 'statement';
    END IF;
    RETURN NULL;
  END $$;
  REVOKE ALL ON FUNCTION statement_adds_up FROM PUBLIC;
  CREATE CONSTRAINT TRIGGER statement_adds_up AFTER INSERT ON statement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION statement_adds_up();
`;
