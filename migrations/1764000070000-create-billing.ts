import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Fan money: tiers, subscriptions, paid periods with their quota, holds, refunds, pauses, stops, Stripe's inbox. */
export class CreateBilling1764000070000 implements MigrationInterface {
  name = 'CreateBilling1764000070000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TIERS_AND_SUBSCRIPTIONS);
    await runner.query(PERIODS_AND_HOLDS);
    await runner.query(REFUNDS);
    await runner.query(PAUSES_AND_STOPS);
    await runner.query(INBOX);
    await keepAppendOnly(runner, ['billing_stop', 'stripe_event', 'stripe_event_applied', 'billing_customer']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TIERS_AND_SUBSCRIPTIONS = `
  CREATE TABLE tier (
    id text PRIMARY KEY,
    clone_id text NOT NULL REFERENCES clone (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    -- Stripe takes at most eight digits.
    price_minor bigint NOT NULL CHECK (price_minor BETWEEN 1 AND 99999999),
    currency text NOT NULL CHECK (currency = 'CNY'),
    period text NOT NULL CHECK (period = 'month'),
    voice_outputs_per_period integer NOT NULL CHECK (voice_outputs_per_period BETWEEN 0 AND 1000000),
    state text NOT NULL DEFAULT 'creating' CHECK (state IN ('creating', 'ready')),
    stripe_product text,
    stripe_price text UNIQUE,
    created_by text NOT NULL REFERENCES account (id),
    created_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, name),
    UNIQUE (clone_id, id),
    CHECK ((state = 'ready') = (stripe_product IS NOT NULL AND stripe_price IS NOT NULL))
  );
  -- By column: a price that fans agreed to is not changed by the service, it is another tier.
  GRANT SELECT, INSERT, UPDATE (state, stripe_product, stripe_price) ON tier TO benren_app;

  CREATE TABLE billing_customer (
    account_id text PRIMARY KEY REFERENCES account (id),
    stripe_customer text NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  CREATE TABLE subscription (
    id text PRIMARY KEY,
    clone_id text NOT NULL,
    account_id text NOT NULL REFERENCES account (id),
    tier_id text NOT NULL,
    state text NOT NULL DEFAULT 'opening'
      CHECK (state IN ('opening', 'checkout', 'active', 'past_due', 'canceled', 'expired')),
    declared_country text NOT NULL CHECK (declared_country ~ '^[A-Z]{2}$'),
    billing_country text CHECK (billing_country ~ '^[A-Z]{2}$'),
    checkout_url text,
    stripe_session text UNIQUE,
    stripe_subscription text UNIQUE,
    -- Raised with every change: a writer that read Stripe before another writer did must read it again.
    revision integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, account_id, id),
    FOREIGN KEY (clone_id, tier_id) REFERENCES tier (clone_id, id),
    CHECK ((state IN ('canceled', 'expired')) = (ended_at IS NOT NULL)),
    CHECK (state <> 'checkout' OR (stripe_session IS NOT NULL AND checkout_url IS NOT NULL))
  );
  CREATE UNIQUE INDEX subscription_one_live ON subscription (clone_id, account_id)
    WHERE state IN ('opening', 'checkout', 'active', 'past_due');
  -- For a stop, which works them in batches.
  CREATE INDEX subscription_live ON subscription (clone_id, id) WHERE state IN ('opening', 'checkout', 'active', 'past_due');
  GRANT SELECT, INSERT (id, clone_id, account_id, tier_id, declared_country, created_at),
    UPDATE (state, billing_country, checkout_url, stripe_session, stripe_subscription, revision, ended_at)
    ON subscription TO benren_app;

  -- What ended stays ended; a fan who comes back has a new subscription.
  CREATE FUNCTION subscription_stays_ended() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF OLD.state IN ('canceled', 'expired') AND NEW.state <> OLD.state THEN
      RAISE EXCEPTION 'subscription % has ended', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER subscription_stays_ended BEFORE UPDATE ON subscription
    FOR EACH ROW EXECUTE FUNCTION subscription_stays_ended();
`;

const PERIODS_AND_HOLDS = `
  -- One paid invoice: days [start_day, end_day) in Asia/Shanghai, its money, and the quota it bought.
  CREATE TABLE subscription_period (
    id text PRIMARY KEY,
    clone_id text NOT NULL,
    subscription_id text NOT NULL,
    account_id text NOT NULL,
    tier_id text NOT NULL,
    stripe_invoice text NOT NULL UNIQUE,
    stripe_charge text NOT NULL,
    start_day date NOT NULL,
    end_day date NOT NULL,
    days integer NOT NULL CHECK (days BETWEEN 1 AND 400 AND days = end_day - start_day),
    currency text NOT NULL CHECK (currency = 'CNY'),
    gross_minor bigint NOT NULL CHECK (gross_minor > 0),
    tax_minor bigint NOT NULL CHECK (tax_minor BETWEEN 0 AND gross_minor),
    tax_rate_basis_points integer NOT NULL CHECK (tax_rate_basis_points BETWEEN 0 AND 10000),
    -- In the currency of sale; what the processor settled in stands beside it.
    fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
    settled_currency text NOT NULL,
    settled_net_minor bigint NOT NULL,
    -- Days whose money has been earned in the ledger.
    recognised_days integer NOT NULL DEFAULT 0 CHECK (recognised_days BETWEEN 0 AND days),
    -- The first day that is not delivered and was refunded; null while the period runs to its end.
    ended_on date,
    refunded_minor bigint NOT NULL DEFAULT 0,
    granted integer NOT NULL CHECK (granted >= 0),
    held integer NOT NULL DEFAULT 0 CHECK (held >= 0),
    captured integer NOT NULL DEFAULT 0 CHECK (captured >= 0),
    paid_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, id),
    FOREIGN KEY (clone_id, account_id, subscription_id) REFERENCES subscription (clone_id, account_id, id),
    FOREIGN KEY (clone_id, tier_id) REFERENCES tier (clone_id, id),
    CONSTRAINT subscription_period_quota CHECK (held + captured <= granted),
    CONSTRAINT subscription_period_refunds CHECK (refunded_minor BETWEEN 0 AND gross_minor)
  );
  CREATE INDEX subscription_period_of_fan ON subscription_period (clone_id, account_id, start_day);
  -- By id, in which order runs and stops take them batch by batch.
  CREATE INDEX subscription_period_unearned ON subscription_period (clone_id, id)
    WHERE recognised_days < days AND ended_on IS NULL;
  CREATE INDEX subscription_period_of_clone ON subscription_period (clone_id, end_day);
  CREATE INDEX subscription_period_of_subscription ON subscription_period (subscription_id, start_day);
  -- The counters are not among them: a period begins unspent, and only the triggers below move those.
  GRANT SELECT, UPDATE (recognised_days, ended_on), INSERT (id, clone_id, subscription_id, account_id, tier_id, stripe_invoice,
    stripe_charge, start_day, end_day, days, currency, gross_minor, tax_minor, tax_rate_basis_points, fee_minor,
    settled_currency, settled_net_minor, granted, paid_at) ON subscription_period TO benren_app;

  CREATE FUNCTION subscription_period_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.recognised_days < OLD.recognised_days OR (OLD.ended_on IS NOT NULL AND NEW.ended_on IS DISTINCT FROM OLD.ended_on) THEN
      RAISE EXCEPTION 'period % does not go back', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER subscription_period_moves_on BEFORE UPDATE ON subscription_period
    FOR EACH ROW EXECUTE FUNCTION subscription_period_moves_on();

  CREATE TABLE quota_hold (
    id text PRIMARY KEY,
    clone_id text NOT NULL,
    period_id text NOT NULL,
    output_id text NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'captured', 'voided')),
    release_id text,
    void_reason text,
    held_at timestamptz NOT NULL,
    settled_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (clone_id, period_id) REFERENCES subscription_period (clone_id, id),
    CHECK ((state = 'captured') = (release_id IS NOT NULL)),
    CHECK ((state = 'voided') = (void_reason IS NOT NULL)),
    CHECK ((state = 'held') = (settled_at IS NULL))
  );
  CREATE INDEX quota_hold_open ON quota_hold (clone_id, period_id) WHERE state = 'held';
  GRANT SELECT, INSERT, UPDATE (state, release_id, void_reason, settled_at) ON quota_hold TO benren_app;

  -- Runs as the owner, so that a counter moves with its hold and in no other way.
  CREATE FUNCTION quota_hold_counts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'held' THEN
        RAISE EXCEPTION 'a hold begins as held' USING ERRCODE = 'restrict_violation';
      END IF;
      UPDATE subscription_period SET held = held + 1 WHERE id = NEW.period_id AND ended_on IS NULL;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'period % was ended', NEW.period_id USING ERRCODE = 'restrict_violation';
      END IF;
    ELSE
      IF OLD.state <> 'held' OR NEW.state = 'held' THEN
        RAISE EXCEPTION 'hold % is already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
      END IF;
      UPDATE subscription_period
         SET held = held - 1, captured = captured + CASE NEW.state WHEN 'captured' THEN 1 ELSE 0 END
       WHERE id = NEW.period_id;
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER quota_hold_counts AFTER INSERT OR UPDATE ON quota_hold
    FOR EACH ROW EXECUTE FUNCTION quota_hold_counts();
`;

const REFUNDS = `
  CREATE TABLE refund (
    id text PRIMARY KEY,
    clone_id text NOT NULL,
    period_id text NOT NULL,
    -- Names the reason once: a stop refunds a period once, whatever runs twice.
    key text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('stop', 'goodwill')),
    reason text NOT NULL,
    currency text NOT NULL CHECK (currency = 'CNY'),
    gross_minor bigint NOT NULL CHECK (gross_minor > 0),
    net_minor bigint NOT NULL CHECK (net_minor >= 0),
    tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
    -- What the processor keeps of it.
    fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
    fee_bearer text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'succeeded', 'failed')),
    stripe_refund text UNIQUE,
    failure text,
    -- What left our account for it, in the currency of settlement.
    settled_currency text,
    settled_minor bigint,
    settled_topic text,
    requested_at timestamptz NOT NULL,
    settled_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (clone_id, period_id) REFERENCES subscription_period (clone_id, id),
    CHECK (gross_minor = net_minor + tax_minor),
    CHECK ((state = 'pending') = (settled_at IS NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CHECK (state <> 'succeeded' OR (stripe_refund IS NOT NULL AND settled_currency IS NOT NULL AND settled_minor IS NOT NULL))
  );
  CREATE INDEX refund_of_period ON refund (period_id);
  CREATE INDEX refund_of_clone ON refund (clone_id, state);
  GRANT SELECT, UPDATE (state, stripe_refund, failure, settled_currency, settled_minor, settled_at),
    INSERT (id, clone_id, period_id, key, kind, reason, currency, gross_minor, net_minor, tax_minor, fee_minor, fee_bearer,
    settled_topic, requested_at) ON refund TO benren_app;

  -- The check on subscription_period refuses the sum that would exceed the charge.
  CREATE FUNCTION refund_counts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'pending' THEN
        RAISE EXCEPTION 'a refund begins as pending' USING ERRCODE = 'restrict_violation';
      END IF;
      UPDATE subscription_period SET refunded_minor = refunded_minor + NEW.gross_minor WHERE id = NEW.period_id;
    ELSIF OLD.state <> 'pending' AND NEW.state <> OLD.state THEN
      RAISE EXCEPTION 'refund % has already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    ELSIF OLD.state = 'pending' AND NEW.state = 'failed' THEN
      UPDATE subscription_period SET refunded_minor = refunded_minor - NEW.gross_minor WHERE id = NEW.period_id;
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER refund_counts AFTER INSERT OR UPDATE ON refund FOR EACH ROW EXECUTE FUNCTION refund_counts();
`;

const PAUSES_AND_STOPS = `
  CREATE TABLE clone_pause (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clone_id text NOT NULL REFERENCES clone (id),
    from_at timestamptz NOT NULL,
    to_at timestamptz CHECK (to_at >= from_at),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX clone_pause_of_clone ON clone_pause (clone_id, from_at);
  CREATE UNIQUE INDEX clone_pause_one_open ON clone_pause (clone_id) WHERE to_at IS NULL;
  GRANT SELECT, INSERT, UPDATE (to_at) ON clone_pause TO benren_app;

  CREATE FUNCTION clone_pause_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF OLD.to_at IS NOT NULL THEN
      RAISE EXCEPTION 'this pause of % has ended', OLD.clone_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER clone_pause_ends_once BEFORE UPDATE ON clone_pause
    FOR EACH ROW EXECUTE FUNCTION clone_pause_ends_once();

  CREATE TABLE billing_stop (
    stop_id text PRIMARY KEY,
    clone_id text NOT NULL UNIQUE REFERENCES clone (id),
    at timestamptz NOT NULL,
    day date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
`;

const INBOX = `
  -- What the processor told us, once each. The object itself is fetched when the event is worked, so it is not kept here.
  CREATE TABLE stripe_event (
    id text PRIMARY KEY,
    type text NOT NULL,
    object_id text NOT NULL,
    connected_account text,
    created_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    body_sha256 text NOT NULL CHECK (body_sha256 ~ '^[0-9a-f]{64}$'),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );

  CREATE TABLE stripe_event_applied (
    event_id text PRIMARY KEY REFERENCES stripe_event (id),
    outcome text NOT NULL CHECK (outcome IN ('applied', 'not_ours', 'handed_on')),
    applied_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
`;
