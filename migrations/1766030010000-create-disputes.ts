import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Disputes: what a fan's bank takes back, and how it ended. */
export class CreateDisputes1766030010000 implements MigrationInterface {
  name = 'CreateDisputes1766030010000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE dispute (
        -- The processor's: it is told of under this name.
        id text PRIMARY KEY CHECK (length(id) BETWEEN 3 AND 255),
        stripe_charge text NOT NULL,
        account_id text NOT NULL REFERENCES account (id),
        lot_id text REFERENCES coin_lot (id),
        currency text NOT NULL CHECK (currency = 'CNY'),
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        -- Of it, what was not refunded already: nothing is returned twice.
        claim_minor bigint NOT NULL CHECK (claim_minor BETWEEN 0 AND amount_minor),
        reason text NOT NULL,
        state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'won', 'lost')),
        opened_at timestamptz NOT NULL,
        closed_at timestamptz,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        CHECK ((state = 'open') = (closed_at IS NULL))
      );
      CREATE INDEX dispute_of_charge ON dispute (stripe_charge);
      CREATE INDEX dispute_open ON dispute (opened_at) WHERE state = 'open';
      GRANT SELECT, UPDATE (state, closed_at), INSERT (id, stripe_charge, account_id, lot_id, currency, amount_minor, claim_minor, reason, opened_at)
        ON dispute TO benren_app;

      CREATE FUNCTION dispute_ends_once() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        IF OLD.state <> 'open' THEN
          RAISE EXCEPTION 'dispute % is already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER dispute_ends_once BEFORE UPDATE ON dispute FOR EACH ROW EXECUTE FUNCTION dispute_ends_once();
      CREATE TRIGGER dispute_stays BEFORE DELETE ON dispute FOR EACH ROW EXECUTE FUNCTION refuse_change();

      -- While a payment is disputed its claim stands like a refund that is on its way, so that nothing more is refunded of it than is left.
      ALTER TABLE refund DROP CONSTRAINT refund_kind_check, ADD CONSTRAINT refund_kind_check CHECK (kind IN ('stop', 'goodwill', 'dispute'));
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
