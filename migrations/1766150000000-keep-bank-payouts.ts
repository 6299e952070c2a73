import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/**
 * What became of the processor's payouts to payees' banks, one by one, so that their order of arrival decides nothing; and what is taken
 * back of our transfers when a bank's failure stands.
 */
export class KeepBankPayouts1766150000000 implements MigrationInterface {
  name = 'KeepBankPayouts1766150000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await keepAppendOnly(runner, ['bank_take_back'], null);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  CREATE TABLE bank_payout (
    stripe_payout text PRIMARY KEY,
    stripe_account text NOT NULL REFERENCES payout_account (stripe_account),
    -- The bank account that it went to, at the processor.
    destination text,
    currency text NOT NULL REFERENCES currency (code),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    sent_at timestamptz NOT NULL,
    -- Why the bank gave it back; null when it arrived.
    failure text CHECK (failure <> ''),
    seen_at timestamptz NOT NULL,
    -- When it was decided what is taken back for it.
    taken_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX bank_payout_newest ON bank_payout (stripe_account, sent_at DESC, stripe_payout DESC);
  GRANT SELECT, INSERT, UPDATE (failure, seen_at, taken_at) ON bank_payout TO benren_app;

  -- Decided before anything is asked of the processor: whoever goes on after a death asks for the same.
  CREATE TABLE bank_take_back (
    stripe_payout text NOT NULL REFERENCES bank_payout (stripe_payout),
    payout_id text NOT NULL REFERENCES payout (id),
    stripe_transfer text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stripe_payout, payout_id)
  );
  GRANT SELECT, INSERT ON bank_take_back TO benren_app;
  -- How often the processor said for certain that it took nothing back, and when it did.
  CREATE TABLE bank_take_back_try (
    stripe_payout text NOT NULL,
    payout_id text NOT NULL,
    refusals integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    PRIMARY KEY (stripe_payout, payout_id),
    FOREIGN KEY (stripe_payout, payout_id) REFERENCES bank_take_back (stripe_payout, payout_id)
  );
  GRANT SELECT, INSERT, UPDATE (refusals, done_at) ON bank_take_back_try TO benren_app;
`;
