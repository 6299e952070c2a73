import type { MigrationInterface, QueryRunner } from 'typeorm';

import { pinFunctions } from './pin-functions.ts';

/**
 * Changes of a plan: at once, when unused days are worth something in the new period, or at the end of what is paid. What
 * an old period hands on becomes a period of its own beside the new one, of the same charge, so that each charge still
 * answers for its own money.
 */
export class CreatePlanChanges1766020100000 implements MigrationInterface {
  name = 'CreatePlanChanges1766020100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SUBSCRIPTIONS);
    await runner.query(CREDITS);
    await runner.query(CHANGES);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const SUBSCRIPTIONS = `
  -- When the fan agreed to the present plan; null: when it was asked for. A stop ends what was agreed before it.
  ALTER TABLE subscription ADD COLUMN agreed_at timestamptz;
  ALTER TABLE subscription ADD COLUMN cancel_at_period_end boolean NOT NULL DEFAULT false;
  -- Versions of the offer below it are not renewed any more.
  ALTER TABLE tier ADD COLUMN withdrawn_below integer NOT NULL DEFAULT 1;
  GRANT UPDATE (withdrawn_below) ON tier TO benren_app;
  GRANT UPDATE (tier_id, offer_version, interval, agreed_at, cancel_at_period_end) ON subscription TO benren_app;
`;

const CREDITS = `
  ALTER TABLE subscription_period ADD COLUMN agreed_at timestamptz;
  ALTER TABLE subscription_period ADD COLUMN credited_from text;
  -- What moved on to a later period: it is neither earned here nor returned from here.
  ALTER TABLE subscription_period ADD COLUMN credited_minor bigint NOT NULL DEFAULT 0 CHECK (credited_minor >= 0);
  ALTER TABLE subscription_period DROP CONSTRAINT subscription_period_stripe_invoice_key;
  CREATE UNIQUE INDEX subscription_period_invoice ON subscription_period (stripe_invoice) WHERE credited_from IS NULL;
  CREATE UNIQUE INDEX subscription_period_credit ON subscription_period (credited_from);
  CREATE INDEX subscription_period_of_charge ON subscription_period (stripe_charge);
  ALTER TABLE subscription_period ADD FOREIGN KEY (clone_id, credited_from) REFERENCES subscription_period (clone_id, id);
  ALTER TABLE subscription_period DROP CONSTRAINT subscription_period_refunds;
  ALTER TABLE subscription_period ADD CONSTRAINT subscription_period_refunds
    CHECK (refunded_minor >= 0 AND refunded_minor + credited_minor <= gross_minor);
  GRANT INSERT (agreed_at, credited_from) ON subscription_period TO benren_app;

  -- A credit comes out of an ended period of the same subscription and charge, once, and never more than is left there.
  CREATE FUNCTION subscription_period_credits() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    UPDATE subscription_period SET credited_minor = credited_minor + NEW.gross_minor
     WHERE id = NEW.credited_from AND subscription_id = NEW.subscription_id AND stripe_charge = NEW.stripe_charge
       AND stripe_invoice = NEW.stripe_invoice AND ended_on IS NOT NULL;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'period % has nothing to credit from', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER subscription_period_credits AFTER INSERT ON subscription_period
    FOR EACH ROW WHEN (NEW.credited_from IS NOT NULL) EXECUTE FUNCTION subscription_period_credits();
`;

const CHANGES = `
  CREATE TABLE plan_change (
    id text PRIMARY KEY,
    clone_id text NOT NULL,
    account_id text NOT NULL,
    subscription_id text NOT NULL,
    tier_id text NOT NULL,
    offer_version integer NOT NULL,
    interval text NOT NULL CHECK (interval IN ('month', 'year')),
    effect text NOT NULL CHECK (effect IN ('now', 'period_end')),
    asked_at timestamptz NOT NULL,
    day date NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor > 0),
    -- Out of the old period, into the new one; the rest of the price is charged, the rest of the old period returned.
    credit_minor bigint NOT NULL CHECK (credit_minor BETWEEN 0 AND price_minor),
    refund_minor bigint NOT NULL CHECK (refund_minor >= 0),
    state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'applied', 'failed', 'withdrawn')),
    stripe_invoice text UNIQUE,
    failure text,
    settled_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (clone_id, account_id, subscription_id) REFERENCES subscription (clone_id, account_id, id),
    FOREIGN KEY (tier_id, offer_version) REFERENCES tier_offer (tier_id, version),
    CHECK ((state = 'asked') = (settled_at IS NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CHECK (effect = 'now' OR credit_minor + refund_minor = 0)
  );
  CREATE UNIQUE INDEX plan_change_one_open ON plan_change (subscription_id) WHERE state = 'asked';
  CREATE INDEX plan_change_open_of_clone ON plan_change (clone_id) WHERE state = 'asked';
  GRANT SELECT, UPDATE (state, stripe_invoice, failure, settled_at), INSERT (id, clone_id, account_id, subscription_id, tier_id, offer_version,
    interval, effect, asked_at, day, price_minor, credit_minor, refund_minor) ON plan_change TO benren_app;

  CREATE FUNCTION plan_change_ends_once() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF OLD.state <> 'asked' THEN
      RAISE EXCEPTION 'plan change % is already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER plan_change_ends_once BEFORE UPDATE ON plan_change FOR EACH ROW EXECUTE FUNCTION plan_change_ends_once();
  CREATE TRIGGER plan_change_never_deleted BEFORE DELETE ON plan_change FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER plan_change_never_truncated BEFORE TRUNCATE ON plan_change FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
`;
