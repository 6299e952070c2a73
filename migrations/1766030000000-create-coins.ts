import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Coins (冰花): purchases, lots, and what was taken of which coins of which lot. */
export class CreateCoins1766030000000 implements MigrationInterface {
  name = 'CreateCoins1766030000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [PURCHASES, SHARES, LOTS, SPENDS, PARTS, TWINS, RETURNS, PRICES]) await runner.query(part);
    await keepAppendOnly(runner, ['coin_restore', 'output_price'], null);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const PURCHASES = `
  CREATE TABLE coin_purchase (
    id text PRIMARY KEY CHECK (id ~ '^cpu_'),
    account_id text NOT NULL REFERENCES account (id),
    pack text NOT NULL,
    coins bigint NOT NULL CHECK (coins BETWEEN 1 AND 100000000),
    price_minor bigint NOT NULL CHECK (price_minor BETWEEN 1 AND 99999999),
    currency text NOT NULL CHECK (currency = 'CNY'),
    state text NOT NULL DEFAULT 'opening' CHECK (state IN ('opening', 'checkout', 'paid', 'expired')),
    checkout_url text,
    stripe_session text UNIQUE,
    created_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK (coins * 100 = price_minor * 7),
    CHECK (state <> 'checkout' OR (stripe_session IS NOT NULL AND checkout_url IS NOT NULL))
  );
  CREATE INDEX coin_purchase_of_fan ON coin_purchase (account_id, id);
  GRANT SELECT, INSERT (id, account_id, pack, coins, price_minor, currency, created_at), UPDATE (state, checkout_url, stripe_session)
    ON coin_purchase TO benren_app;

  -- What was paid stays paid. An expired page may still turn out to have been paid.
  CREATE FUNCTION coin_purchase_moves_on() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF OLD.state = 'paid' AND NEW.state <> 'paid' THEN
      RAISE EXCEPTION 'purchase % was paid', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER coin_purchase_moves_on BEFORE UPDATE ON coin_purchase FOR EACH ROW EXECUTE FUNCTION coin_purchase_moves_on();
`;

const SHARES = `
  -- Each coin of a lot has a number from 0 and its own share of the lot's money: what the first i + 1 coins are, rounded down,
  -- less what the first i are. So shares of any coins add up, and all coins together are exactly the whole.
  CREATE FUNCTION coin_count(runs int8multirange) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT coalesce(sum(upper(run) - lower(run)), 0)::bigint FROM unnest(runs) AS run
  $$;
  CREATE FUNCTION coin_share(amount bigint, coins bigint, runs int8multirange) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = public, pg_temp AS $$
    SELECT coalesce(sum(div(amount::numeric * upper(run), coins) - div(amount::numeric * lower(run), coins)), 0)::bigint FROM unnest(runs) AS run
  $$;
`;

const LOTS = `
  CREATE TABLE coin_lot (
    id text PRIMARY KEY CHECK (id ~ '^lot_'),
    account_id text NOT NULL REFERENCES account (id),
    purchase_id text NOT NULL UNIQUE REFERENCES coin_purchase (id),
    stripe_charge text NOT NULL UNIQUE,
    coins bigint NOT NULL CHECK (coins BETWEEN 1 AND 100000000),
    currency text NOT NULL CHECK (currency = 'CNY'),
    -- What the coins cost, net of tax: their basis. Each coin has at least one minor unit of it, so none moves without money.
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
    fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
    settled_currency text NOT NULL,
    settled_net_minor bigint NOT NULL,
    billing_country text CHECK (billing_country ~ '^[A-Z]{2}$'),
    bought_at timestamptz NOT NULL,
    -- A disputed payment's coins are not spent; a lost one's never again.
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'disputed', 'lost')),
    free int8multirange NOT NULL,
    left_coins bigint NOT NULL,
    left_net_minor bigint NOT NULL,
    left_tax_minor bigint NOT NULL,
    left_fee_minor bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, id),
    CONSTRAINT coin_lot_basis CHECK (net_minor >= coins),
    CONSTRAINT coin_lot_not_below_zero CHECK (left_coins >= 0 AND left_net_minor >= 0 AND left_tax_minor >= 0 AND left_fee_minor >= 0),
    CONSTRAINT coin_lot_empty_has_no_basis CHECK (left_coins > 0 OR (left_net_minor = 0 AND left_tax_minor = 0 AND left_fee_minor = 0)),
    CONSTRAINT coin_lot_adds_up CHECK (free <@ int8multirange(int8range(0, coins)) AND left_coins = coin_count(free)
      AND left_net_minor = coin_share(net_minor, coins, free) AND left_tax_minor = coin_share(tax_minor, coins, free)
      AND left_fee_minor = coin_share(fee_minor, coins, free))
  );
  CREATE INDEX coin_lot_of_fan ON coin_lot (account_id, bought_at, id) WHERE left_coins > 0;
  -- What is free of a lot is moved by the triggers below and by nobody else.
  GRANT SELECT, UPDATE (state), INSERT (id, account_id, purchase_id, stripe_charge, coins, currency, net_minor, tax_minor, fee_minor,
    settled_currency, settled_net_minor, billing_country, bought_at) ON coin_lot TO benren_app;

  CREATE FUNCTION coin_lot_begins_whole() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    NEW.free := int8multirange(int8range(0, NEW.coins));
    NEW.left_coins := NEW.coins;
    NEW.left_net_minor := NEW.net_minor;
    NEW.left_tax_minor := NEW.tax_minor;
    NEW.left_fee_minor := NEW.fee_minor;
    RETURN NEW;
  END $$;
  CREATE TRIGGER coin_lot_begins_whole BEFORE INSERT ON coin_lot FOR EACH ROW EXECUTE FUNCTION coin_lot_begins_whole();

  CREATE FUNCTION coin_lot_keeps() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF OLD.state = 'lost' AND NEW.state <> 'lost' THEN
      RAISE EXCEPTION 'lot % was lost', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER coin_lot_keeps BEFORE UPDATE ON coin_lot FOR EACH ROW EXECUTE FUNCTION coin_lot_keeps();
  CREATE TRIGGER coin_lot_stays BEFORE DELETE ON coin_lot FOR EACH ROW EXECUTE FUNCTION refuse_change();

  CREATE FUNCTION coin_lot_set(lot text, runs int8multirange) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE coin_lot SET free = runs, left_coins = coin_count(runs), left_net_minor = coin_share(net_minor, coins, runs),
      left_tax_minor = coin_share(tax_minor, coins, runs), left_fee_minor = coin_share(fee_minor, coins, runs) WHERE id = lot
  $$;
  REVOKE ALL ON FUNCTION coin_lot_set FROM PUBLIC;
`;

const SPENDS = `
  -- Coins on their way out of a wallet: held first, then captured or voided. The transfers are what the ledger says of each step.
  CREATE TABLE coin_spend (
    id text PRIMARY KEY CHECK (id ~ '^hld_'),
    account_id text NOT NULL REFERENCES account (id),
    purpose text NOT NULL CHECK (purpose IN ('output', 'month', 'return', 'dispute')),
    coins bigint NOT NULL CHECK (coins > 0),
    net_minor bigint NOT NULL CHECK (net_minor >= coins),
    tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
    fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
    clone_id text,
    tier_id text,
    output_id text UNIQUE,
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'captured', 'voided')),
    -- The release, the paid period, the refund or the dispute that it was captured for.
    captured_for text,
    void_reason text,
    held_transfer text NOT NULL UNIQUE REFERENCES ledger_transfer (id),
    settled_transfer text UNIQUE REFERENCES ledger_transfer (id),
    held_at timestamptz NOT NULL,
    settled_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (clone_id, tier_id) REFERENCES tier (clone_id, id),
    CHECK ((purpose IN ('output', 'month')) = (clone_id IS NOT NULL AND tier_id IS NOT NULL)),
    CHECK ((purpose = 'output') = (output_id IS NOT NULL)),
    CHECK ((state = 'captured') = (captured_for IS NOT NULL)),
    CHECK ((state = 'voided') = (void_reason IS NOT NULL)),
    CHECK ((state = 'held') = (settled_at IS NULL AND settled_transfer IS NULL))
  );
  CREATE INDEX coin_spend_of_fan ON coin_spend (account_id, id);
  CREATE INDEX coin_spend_open ON coin_spend (clone_id) WHERE state = 'held';
  GRANT SELECT, UPDATE (state, captured_for, void_reason, settled_transfer, settled_at), INSERT (id, account_id, purpose, coins, net_minor,
    tax_minor, fee_minor, clone_id, tier_id, output_id, held_transfer, held_at) ON coin_spend TO benren_app;
  CREATE TRIGGER coin_spend_stays BEFORE DELETE ON coin_spend FOR EACH ROW EXECUTE FUNCTION refuse_change();

  -- Which coins of which lot.
  CREATE TABLE coin_spend_part (
    spend_id text NOT NULL REFERENCES coin_spend (id),
    lot_id text NOT NULL REFERENCES coin_lot (id),
    taken int8multirange NOT NULL CHECK (NOT isempty(taken)),
    -- Of these, what a refund gave back after they had been spent.
    given int8multirange NOT NULL DEFAULT '{}',
    coins bigint NOT NULL,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    PRIMARY KEY (spend_id, lot_id),
    CHECK (given <@ taken)
  );
  CREATE INDEX coin_spend_part_of_lot ON coin_spend_part (lot_id);
  GRANT SELECT, INSERT (spend_id, lot_id, taken, coins, net_minor, tax_minor, fee_minor) ON coin_spend_part TO benren_app;
  CREATE TRIGGER coin_spend_part_stays BEFORE DELETE ON coin_spend_part FOR EACH ROW EXECUTE FUNCTION refuse_change();

  -- Spent coins given back: the same ones, at the same basis.
  CREATE TABLE coin_restore (
    spend_id text NOT NULL,
    lot_id text NOT NULL,
    refund_id text NOT NULL,
    coins_given int8multirange NOT NULL CHECK (NOT isempty(coins_given)),
    transfer_id text NOT NULL REFERENCES ledger_transfer (id),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (refund_id, spend_id, lot_id),
    FOREIGN KEY (spend_id, lot_id) REFERENCES coin_spend_part (spend_id, lot_id)
  );
  GRANT SELECT, INSERT (spend_id, lot_id, refund_id, coins_given, transfer_id) ON coin_restore TO benren_app;
`;

const PARTS = `
  -- Takes the named coins out of their lot: only free ones, of the same fan, at exactly their share.
  CREATE FUNCTION coin_spend_part_takes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    spend coin_spend;
    lot coin_lot;
  BEGIN
    SELECT * INTO spend FROM coin_spend WHERE id = NEW.spend_id;
    SELECT * INTO lot FROM coin_lot WHERE id = NEW.lot_id FOR UPDATE;
    IF spend.state <> 'held' OR lot.account_id <> spend.account_id THEN
      RAISE EXCEPTION 'spend % cannot take of lot %', NEW.spend_id, NEW.lot_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF lot.state = 'lost' AND spend.purpose <> 'dispute' THEN
      RAISE EXCEPTION 'lot % was lost', lot.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT NEW.taken <@ lot.free THEN
      RAISE EXCEPTION 'lot % has not these coins any more', lot.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_taken_once', TABLE = 'coin_spend_part';
    END IF;
    IF NEW.given <> '{}'::int8multirange OR NEW.coins <> coin_count(NEW.taken) OR NEW.net_minor <> coin_share(lot.net_minor, lot.coins, NEW.taken)
       OR NEW.tax_minor <> coin_share(lot.tax_minor, lot.coins, NEW.taken) OR NEW.fee_minor <> coin_share(lot.fee_minor, lot.coins, NEW.taken) THEN
      RAISE EXCEPTION 'these coins of lot % have another basis', lot.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_part_basis', TABLE = 'coin_spend_part';
    END IF;
    PERFORM coin_lot_set(lot.id, lot.free - NEW.taken);
    RETURN NULL;
  END $$;
  CREATE TRIGGER coin_spend_part_takes AFTER INSERT ON coin_spend_part FOR EACH ROW EXECUTE FUNCTION coin_spend_part_takes();

  CREATE FUNCTION coin_spend_moves_on() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    part record;
  BEGIN
    IF OLD.state <> 'held' OR NEW.state = 'held' THEN
      RAISE EXCEPTION 'spend % is already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'voided' THEN
      FOR part IN
        SELECT p.lot_id, p.taken, l.free FROM coin_spend_part p JOIN coin_lot l ON l.id = p.lot_id WHERE p.spend_id = NEW.id ORDER BY p.lot_id FOR UPDATE OF l
      LOOP
        PERFORM coin_lot_set(part.lot_id, part.free + part.taken);
      END LOOP;
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER coin_spend_moves_on AFTER UPDATE ON coin_spend FOR EACH ROW EXECUTE FUNCTION coin_spend_moves_on();

  CREATE FUNCTION coin_restore_gives() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    part coin_spend_part;
    lot coin_lot;
  BEGIN
    SELECT p.* INTO part FROM coin_spend_part p JOIN coin_spend s ON s.id = p.spend_id AND s.state = 'captured'
      WHERE p.spend_id = NEW.spend_id AND p.lot_id = NEW.lot_id FOR UPDATE OF p;
    SELECT * INTO lot FROM coin_lot WHERE id = NEW.lot_id FOR UPDATE;
    IF part.spend_id IS NULL OR NOT NEW.coins_given <@ part.taken OR NEW.coins_given && part.given THEN
      RAISE EXCEPTION 'these coins of lot % were not spent by %, or were given back', NEW.lot_id, NEW.spend_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_given_once', TABLE = 'coin_restore';
    END IF;
    UPDATE coin_spend_part SET given = given + NEW.coins_given WHERE spend_id = NEW.spend_id AND lot_id = NEW.lot_id;
    PERFORM coin_lot_set(lot.id, lot.free + NEW.coins_given);
    RETURN NULL;
  END $$;
  CREATE TRIGGER coin_restore_gives AFTER INSERT ON coin_restore FOR EACH ROW EXECUTE FUNCTION coin_restore_gives();
`;

const TWINS = `
  -- A coin alone is never revenue: whatever moves coins moves money in the same transfer.
  CREATE FUNCTION ledger_coins_have_twins() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF EXISTS (SELECT 1 FROM arrived WHERE currency = 'COIN') AND EXISTS (
      SELECT 1 FROM arrived GROUP BY transfer_seq HAVING bool_and(currency = 'COIN')
    ) THEN
      RAISE EXCEPTION 'coins move only with their money'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_coins_have_twins', TABLE = 'ledger_entry';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER ledger_coins_have_twins AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION ledger_coins_have_twins();

  -- What a transfer moved on an account; positive is a debit.
  CREATE FUNCTION coin_moved(transfer text, account text) RETURNS numeric LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(sum(e.amount_minor), 0) FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_seq = t.seq
      JOIN ledger_account a ON a.id = e.account_id WHERE t.id = transfer AND a.code = account
  $$;

  -- At commit: a spend took exactly what it says, and its transfers moved these coins and their basis, both.
  CREATE FUNCTION coin_spend_has_twin() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    spend coin_spend;
    parts record;
  BEGIN
    SELECT * INTO spend FROM coin_spend WHERE id = NEW.id;
    SELECT sum(coins) AS coins, sum(net_minor) AS net, sum(tax_minor) AS tax, sum(fee_minor) AS fee INTO parts FROM coin_spend_part WHERE spend_id = NEW.id;
    IF (parts.coins, parts.net, parts.tax, parts.fee) IS DISTINCT FROM (spend.coins::numeric, spend.net_minor::numeric, spend.tax_minor::numeric, spend.fee_minor::numeric) THEN
      RAISE EXCEPTION 'spend % is not what it took of the lots', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_spend_has_parts', TABLE = 'coin_spend';
    END IF;
    IF coin_moved(spend.held_transfer, 'coins:' || spend.account_id) <> spend.coins
       OR coin_moved(spend.held_transfer, 'coin_deferred:CNY') <> spend.net_minor
       OR (spend.settled_transfer IS NOT NULL AND (coin_moved(spend.settled_transfer, 'coins_held:' || spend.account_id) <> spend.coins
         OR coin_moved(spend.settled_transfer, 'coin_deferred_held:CNY') <> spend.net_minor)) THEN
      RAISE EXCEPTION 'spend % moved coins without their money', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_spend_has_twin', TABLE = 'coin_spend';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER coin_spend_has_twin AFTER INSERT OR UPDATE ON coin_spend DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION coin_spend_has_twin();

  -- A lot begins with its purchase in the ledger.
  CREATE FUNCTION coin_lot_has_twin() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    bought text;
  BEGIN
    SELECT id INTO bought FROM ledger_transfer WHERE key = 'stripe:charge:' || NEW.stripe_charge;
    IF bought IS NULL OR coin_moved(bought, 'coins:' || NEW.account_id) <> -NEW.coins OR coin_moved(bought, 'coin_deferred:CNY') <> -NEW.net_minor THEN
      RAISE EXCEPTION 'lot % has no purchase in the ledger', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_lot_has_twin', TABLE = 'coin_lot';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER coin_lot_has_twin AFTER INSERT ON coin_lot DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION coin_lot_has_twin();
`;

const RETURNS = `
  -- Unspent coins that are paid back: each lot by a refund of its own charge.
  CREATE TABLE coin_return (
    id text PRIMARY KEY CHECK (id ~ '^rfd_'),
    account_id text NOT NULL REFERENCES account (id),
    spend_id text NOT NULL UNIQUE REFERENCES coin_spend (id),
    lot_id text NOT NULL REFERENCES coin_lot (id),
    stripe_charge text NOT NULL,
    gross_minor bigint NOT NULL CHECK (gross_minor > 0),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'succeeded', 'failed')),
    stripe_refund text UNIQUE,
    failure text,
    settled_currency text,
    settled_minor bigint,
    requested_at timestamptz NOT NULL,
    settled_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'pending') = (settled_at IS NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CHECK (state <> 'succeeded' OR (stripe_refund IS NOT NULL AND settled_currency IS NOT NULL AND settled_minor IS NOT NULL))
  );
  CREATE INDEX coin_return_of_fan ON coin_return (account_id, id);
  CREATE INDEX coin_return_of_lot ON coin_return (lot_id);
  GRANT SELECT, UPDATE (state, stripe_refund, failure, settled_currency, settled_minor, settled_at),
    INSERT (id, account_id, spend_id, lot_id, stripe_charge, gross_minor, requested_at) ON coin_return TO benren_app;
  CREATE TRIGGER coin_return_stays BEFORE DELETE ON coin_return FOR EACH ROW EXECUTE FUNCTION refuse_change();

  CREATE FUNCTION coin_return_ends_once() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF OLD.state <> 'pending' THEN
      RAISE EXCEPTION 'return % has already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER coin_return_ends_once BEFORE UPDATE ON coin_return FOR EACH ROW EXECUTE FUNCTION coin_return_ends_once();
`;

const PRICES = `
  -- What an owner asks for one output beyond the quota, in coins; the newest row of a tier stands, 0 ends the offer.
  CREATE TABLE output_price (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clone_id text NOT NULL,
    tier_id text NOT NULL,
    capability text NOT NULL CHECK (capability = 'voice'),
    coins bigint NOT NULL CHECK (coins BETWEEN 0 AND 1000000),
    -- Also for fans who subscribe to nothing: their output is decided as one of this tier.
    without_subscription boolean NOT NULL,
    priced_by text NOT NULL REFERENCES account (id),
    priced_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (clone_id, tier_id) REFERENCES tier (clone_id, id)
  );
  CREATE INDEX output_price_of_clone ON output_price (clone_id, tier_id, capability, id);
  GRANT SELECT, INSERT (clone_id, tier_id, capability, coins, without_subscription, priced_by, priced_at) ON output_price TO benren_app;
`;
