import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Closed periods: which positions each covers, the statements, and the entries that stand on their lines. */
export class CreateStatements1764000081000 implements MigrationInterface {
  name = 'CreateStatements1764000081000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await keepAppendOnly(runner, ['statement_close', 'statement', 'statement_line']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  CREATE TABLE statement_close (
    number integer PRIMARY KEY CHECK (number >= 1),
    -- Entries at positions (from_position, to_position] of the ledger.
    from_position bigint NOT NULL CHECK (from_position >= 0),
    to_position bigint NOT NULL CHECK (to_position >= from_position),
    -- Days [from_day, through_day).
    from_day date NOT NULL,
    through_day date NOT NULL CHECK (through_day > from_day),
    closed_by text NOT NULL,
    closed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  -- Each close begins where the last one ended: by position and by day.
  CREATE FUNCTION statement_close_follows() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    last statement_close;
  BEGIN
    SELECT * INTO last FROM statement_close ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.from_position <> coalesce(last.to_position, 0)
       OR NEW.from_day <> coalesce(last.through_day, NEW.from_day) THEN
      RAISE EXCEPTION 'close % does not follow the last one', NEW.number
        USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_close_follows', TABLE = 'statement_close';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER statement_close_follows BEFORE INSERT ON statement_close
    FOR EACH ROW EXECUTE FUNCTION statement_close_follows();

  CREATE TABLE statement (
    id text PRIMARY KEY CHECK (id ~ '^stm_'),
    close_number integer NOT NULL REFERENCES statement_close (number),
    payee text NOT NULL,
    account_id text GENERATED ALWAYS AS (NULLIF(payee, 'platform')) STORED REFERENCES account (id),
    payee_name text NOT NULL,
    currency text NOT NULL REFERENCES currency (code),
    number integer NOT NULL CHECK (number >= 1),
    opening_minor bigint NOT NULL,
    closing_minor bigint NOT NULL,
    debt_opening_minor bigint NOT NULL,
    debt_closing_minor bigint NOT NULL,
    -- RFC 8785 text and the service's signature over its digest.
    canonical text NOT NULL,
    digest text NOT NULL UNIQUE CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    key_id text NOT NULL,
    signature text NOT NULL,
    leaf_id text NOT NULL,
    closed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (payee, currency, number),
    UNIQUE (payee, currency, close_number)
  );

  -- What was closing is opening.
  CREATE FUNCTION statement_follows() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    last statement;
  BEGIN
    SELECT * INTO last FROM statement WHERE payee = NEW.payee AND currency = NEW.currency ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.opening_minor <> coalesce(last.closing_minor, 0)
       OR NEW.debt_opening_minor <> coalesce(last.debt_closing_minor, 0) THEN
      RAISE EXCEPTION 'statement % does not follow the last one of %', NEW.id, NEW.payee
        USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_follows', TABLE = 'statement';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER statement_follows BEFORE INSERT ON statement FOR EACH ROW EXECUTE FUNCTION statement_follows();

  CREATE TABLE statement_line (
    statement_id text NOT NULL REFERENCES statement (id),
    -- '1', '2' … for the balance, 'd1' … for the debt.
    line_id text NOT NULL CHECK (line_id ~ '^d?[1-9][0-9]{0,8}$'),
    transfer_id text NOT NULL,
    leg smallint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    PRIMARY KEY (statement_id, line_id),
    -- Each entry stands on one statement.
    CONSTRAINT statement_line_once UNIQUE (transfer_id, leg)
  );
`;
