import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const TABLES = `
  -- An adjusting entry as one operator proposed it. Whether it was booked is asked of the ledger, by its key.
  CREATE TABLE ledger_adjustment (
    id text PRIMARY KEY,
    effective_date date NOT NULL CHECK (effective_date BETWEEN '2000-01-01' AND '2199-12-31'),
    reason text NOT NULL CHECK (length(reason) BETWEEN 10 AND 500),
    evidence text NOT NULL CHECK (length(evidence) BETWEEN 3 AND 2000),
    legs jsonb NOT NULL CHECK (jsonb_typeof(legs) = 'array' AND jsonb_array_length(legs) BETWEEN 2 AND 20),
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    proposed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX ledger_adjustment_newest ON ledger_adjustment (proposed_at DESC, id DESC);

  -- One decision, for ever; an approval is another operator's than the proposal.
  CREATE TABLE ledger_adjustment_decision (
    adjustment_id text PRIMARY KEY REFERENCES ledger_adjustment (id),
    verdict text NOT NULL CHECK (verdict IN ('approved', 'rejected')),
    note text,
    decided_by text NOT NULL CHECK (decided_by <> ''),
    decided_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  -- A file of opening balances as it was tried, and by whom; then who let it be posted.
  CREATE TABLE ledger_import (
    id text PRIMARY KEY,
    transfers jsonb NOT NULL CHECK (jsonb_typeof(transfers) = 'array' AND jsonb_array_length(transfers) BETWEEN 1 AND 1000),
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    checked_by text NOT NULL CHECK (checked_by <> ''),
    checked_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE ledger_import_posting (
    import_id text PRIMARY KEY REFERENCES ledger_import (id),
    posted_by text NOT NULL CHECK (posted_by <> ''),
    posted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
`;

const FUNCTIONS = `
  CREATE FUNCTION ledger_adjustment_four_eyes() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
  BEGIN
    IF NEW.verdict = 'approved' AND NEW.decided_by = (SELECT proposed_by FROM ledger_adjustment WHERE id = NEW.adjustment_id) THEN
      RAISE EXCEPTION 'nobody approves an adjusting entry that they proposed'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_adjustment_four_eyes', TABLE = 'ledger_adjustment_decision';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ledger_adjustment_four_eyes BEFORE INSERT ON ledger_adjustment_decision
    FOR EACH ROW EXECUTE FUNCTION ledger_adjustment_four_eyes();

  CREATE FUNCTION ledger_import_four_eyes() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
  BEGIN
    IF NEW.posted_by = (SELECT checked_by FROM ledger_import WHERE id = NEW.import_id) THEN
      RAISE EXCEPTION 'nobody posts opening balances that they checked'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_import_four_eyes', TABLE = 'ledger_import_posting';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ledger_import_four_eyes BEFORE INSERT ON ledger_import_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_import_four_eyes();
`;

/** What operators post by hand, always two of them: adjusting entries, and opening balances from a file. */
export class CreateLedgerAdjustments1766120000000 implements MigrationInterface {
  name = 'CreateLedgerAdjustments1766120000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(FUNCTIONS);
    await keepAppendOnly(runner, ['ledger_adjustment', 'ledger_adjustment_decision', 'ledger_import', 'ledger_import_posting']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
