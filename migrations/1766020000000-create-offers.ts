import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';
import { pinFunctions } from './pin-functions.ts';

/**
 * What a tier costs and gives is an offer, in versions that never change: whoever subscribed keeps the version that they
 * agreed to. Tiers have a kind, prices by the month and by the year; free turns are counted for each fan and clone.
 */
export class CreateOffers1766020000000 implements MigrationInterface {
  name = 'CreateOffers1766020000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(OFFERS);
    await runner.query(SUBSCRIPTIONS);
    await runner.query(FREE_TURNS);
    await runner.query(HOLDS);
    await keepAppendOnly(runner, ['tier_offer', 'tier_offer_price']);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const OFFERS = `
  ALTER TABLE tier ADD COLUMN kind text NOT NULL DEFAULT 'friend' CHECK (kind IN ('free', 'friend', 'work'));
  UPDATE tier SET kind = 'work' WHERE name = 'work';
  ALTER TABLE tier ALTER COLUMN kind DROP DEFAULT;
  ALTER TABLE tier ADD UNIQUE (clone_id, id, kind);
  -- Not on offer any more; what was sold of it runs on to the end of what is paid.
  ALTER TABLE tier ADD COLUMN removed_at timestamptz;
  ALTER TABLE tier DROP CONSTRAINT tier_clone_id_name_key;
  CREATE UNIQUE INDEX tier_name ON tier (clone_id, name) WHERE removed_at IS NULL;
  -- Free turns are one number for each fan and clone, so there is one tier that gives them.
  CREATE UNIQUE INDEX tier_one_free ON tier (clone_id) WHERE kind = 'free' AND removed_at IS NULL;

  CREATE TABLE tier_offer (
    clone_id text NOT NULL,
    tier_id text NOT NULL,
    kind text NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    currency text NOT NULL CHECK (currency = 'CNY'),
    -- Stripe takes at most eight digits.
    price_minor bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 99999999),
    -- Null: not sold by the year.
    year_price_minor bigint CHECK (year_price_minor BETWEEN 1 AND 99999999),
    -- Of a month, also when it is paid by the year. Of a free tier, once; null there: without a limit.
    outputs_per_period integer CHECK (outputs_per_period BETWEEN 0 AND 1000000),
    capabilities text[] NOT NULL,
    instant_replies boolean NOT NULL,
    created_by text NOT NULL REFERENCES account (id),
    created_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tier_id, version),
    UNIQUE (clone_id, tier_id, version),
    FOREIGN KEY (clone_id, tier_id, kind) REFERENCES tier (clone_id, id, kind),
    CHECK ((kind = 'free') = (price_minor = 0)),
    CHECK (kind <> 'free' OR year_price_minor IS NULL),
    CHECK (kind = 'free' OR outputs_per_period IS NOT NULL)
  );
  -- What of it exists at the processor. An offer is ready when each of its prices does; a free one needs none.
  CREATE TABLE tier_offer_price (
    tier_id text NOT NULL,
    version integer NOT NULL,
    interval text NOT NULL CHECK (interval IN ('month', 'year')),
    stripe_price text NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tier_id, version, interval),
    FOREIGN KEY (tier_id, version) REFERENCES tier_offer (tier_id, version)
  );

  INSERT INTO tier_offer (clone_id, tier_id, kind, version, currency, price_minor, outputs_per_period, capabilities, instant_replies, created_by, created_at)
    SELECT clone_id, id, kind, 1, currency, price_minor, voice_outputs_per_period,
           CASE WHEN voice_outputs_per_period > 0 THEN ARRAY['voice'] ELSE '{}' END, true, created_by, created_at FROM tier;
  INSERT INTO tier_offer_price (tier_id, version, interval, stripe_price) SELECT id, 1, 'month', stripe_price FROM tier WHERE stripe_price IS NOT NULL;

  ALTER TABLE tier DROP CONSTRAINT tier_check, DROP COLUMN price_minor, DROP COLUMN currency, DROP COLUMN period,
    DROP COLUMN voice_outputs_per_period, DROP COLUMN state, DROP COLUMN stripe_price;
  GRANT UPDATE (removed_at) ON tier TO benren_app;

  CREATE FUNCTION tier_stays_removed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF (OLD.removed_at IS NOT NULL AND NEW.removed_at IS DISTINCT FROM OLD.removed_at)
       OR (OLD.stripe_product IS NOT NULL AND NEW.stripe_product IS DISTINCT FROM OLD.stripe_product) THEN
      RAISE EXCEPTION 'tier % does not go back', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER tier_stays_removed BEFORE UPDATE ON tier FOR EACH ROW EXECUTE FUNCTION tier_stays_removed();
`;

const SUBSCRIPTIONS = `
  ALTER TABLE subscription ADD COLUMN offer_version integer NOT NULL DEFAULT 1;
  ALTER TABLE subscription ADD COLUMN interval text NOT NULL DEFAULT 'month' CHECK (interval IN ('month', 'year'));
  ALTER TABLE subscription ADD FOREIGN KEY (tier_id, offer_version) REFERENCES tier_offer (tier_id, version);
  GRANT INSERT (offer_version, interval) ON subscription TO benren_app;

  ALTER TABLE subscription_period ADD COLUMN offer_version integer NOT NULL DEFAULT 1;
  ALTER TABLE subscription_period ADD FOREIGN KEY (tier_id, offer_version) REFERENCES tier_offer (tier_id, version);
  GRANT INSERT (offer_version) ON subscription_period TO benren_app;
`;

const FREE_TURNS = `
  CREATE TABLE free_quota (
    clone_id text NOT NULL REFERENCES clone (id),
    account_id text NOT NULL REFERENCES account (id),
    tier_id text NOT NULL,
    offer_version integer NOT NULL,
    -- Null: without a limit.
    granted integer CHECK (granted >= 0),
    held integer NOT NULL DEFAULT 0 CHECK (held >= 0),
    captured integer NOT NULL DEFAULT 0 CHECK (captured >= 0),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (clone_id, account_id),
    FOREIGN KEY (clone_id, tier_id, offer_version) REFERENCES tier_offer (clone_id, tier_id, version),
    CONSTRAINT free_quota_limit CHECK (held + captured <= granted)
  );
  -- Its counters move with holds and in no other way: the service has no word in them.
  GRANT SELECT ON free_quota TO benren_app;

  ALTER TABLE quota_hold ALTER COLUMN period_id DROP NOT NULL;
  ALTER TABLE quota_hold ADD COLUMN free_account_id text REFERENCES account (id);
  ALTER TABLE quota_hold ADD CONSTRAINT quota_hold_source CHECK ((period_id IS NULL) = (free_account_id IS NOT NULL));
  CREATE INDEX quota_hold_free_open ON quota_hold (clone_id, free_account_id) WHERE state = 'held' AND free_account_id IS NOT NULL;

  /*
   * What an account may have had for nothing once the newest free offer counts. Fewer turns than they began with are not
   * given by a later offer; more are. Whoever lived without a limit begins, when it ends, with the new number.
   */
  CREATE FUNCTION free_turns_granted(was integer, used integer, offered integer) RETURNS integer LANGUAGE sql IMMUTABLE
    SET search_path = public, pg_temp
    AS $$ SELECT CASE WHEN offered IS NULL THEN NULL WHEN was IS NULL THEN used + offered ELSE greatest(was, offered) END $$;

  CREATE FUNCTION free_turn_held(clone text, account text) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    offer tier_offer;
  BEGIN
    SELECT o.* INTO offer FROM tier_offer AS o JOIN tier AS t ON t.id = o.tier_id
      WHERE o.clone_id = clone AND o.kind = 'free' AND t.removed_at IS NULL ORDER BY o.version DESC LIMIT 1;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'clone % gives no free turns', clone USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO free_quota (clone_id, account_id, tier_id, offer_version, granted)
      VALUES (clone, account, offer.tier_id, offer.version, offer.outputs_per_period) ON CONFLICT DO NOTHING;
    UPDATE free_quota
       SET held = held + 1, tier_id = offer.tier_id, offer_version = offer.version,
           granted = CASE WHEN tier_id = offer.tier_id AND offer_version = offer.version THEN granted
                          ELSE free_turns_granted(granted, held + captured, offer.outputs_per_period) END
     WHERE clone_id = clone AND account_id = account;
  END $$;

  CREATE OR REPLACE FUNCTION quota_hold_counts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'held' THEN
        RAISE EXCEPTION 'a hold begins as held' USING ERRCODE = 'restrict_violation';
      END IF;
      IF NEW.free_account_id IS NOT NULL THEN
        PERFORM free_turn_held(NEW.clone_id, NEW.free_account_id);
        RETURN NULL;
      END IF;
      UPDATE subscription_period SET held = held + 1 WHERE id = NEW.period_id AND ended_on IS NULL;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'period % was ended', NEW.period_id USING ERRCODE = 'restrict_violation';
      END IF;
    ELSE
      IF OLD.state <> 'held' OR NEW.state = 'held' THEN
        RAISE EXCEPTION 'hold % is already %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
      END IF;
      UPDATE free_quota
         SET held = held - 1, captured = captured + CASE NEW.state WHEN 'captured' THEN 1 ELSE 0 END
       WHERE clone_id = NEW.clone_id AND account_id = NEW.free_account_id;
      UPDATE subscription_period
         SET held = held - 1, captured = captured + CASE NEW.state WHEN 'captured' THEN 1 ELSE 0 END
       WHERE id = NEW.period_id;
    END IF;
    RETURN NULL;
  END $$;
  REVOKE EXECUTE ON FUNCTION free_turn_held(text, text) FROM PUBLIC;
`;

const HOLDS = `
  -- Apart from output_moves: of what an output is held changes more often than how an output moves.
  CREATE FUNCTION hold_is_for(hold text, output text, clone text, account text) RETURNS boolean LANGUAGE sql STABLE
    SET search_path = public, pg_temp
    AS $$
      SELECT EXISTS (
        SELECT FROM quota_hold AS h LEFT JOIN subscription_period AS p ON p.id = h.period_id
        WHERE h.id = hold AND h.output_id = output AND h.clone_id = clone AND coalesce(p.account_id, h.free_account_id) = account)
    $$;

  CREATE OR REPLACE FUNCTION output_moves() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state NOT IN ('queued', 'denied') OR NEW.file IS NOT NULL THEN
        RAISE EXCEPTION 'an output begins queued or denied' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_begins';
      END IF;
      IF NOT EXISTS (
        SELECT FROM decision, json_to_record(decision.receipt #> '{document,request}')
          AS asked (capability text, language text, audience text, purpose text, "text" text)
        WHERE decision.id = NEW.decision_id AND decision.clone_id = NEW.clone_id AND decision.requester = NEW.requester
          AND decision.allowed = (NEW.state <> 'denied')
          AND (decision.grant_id, decision.grant_digest) IS NOT DISTINCT FROM (NEW.grant_id, NEW.grant_digest)
          AND (asked.capability, asked.language, asked.audience, asked.purpose, asked."text")
            = (NEW.capability, NEW.language, NEW.audience, NEW.purpose, NEW.script)) THEN
        RAISE EXCEPTION 'output % is not what % decided', NEW.id, NEW.decision_id
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_is_as_decided';
      END IF;
      IF NEW.hold_id IS NOT NULL AND NOT hold_is_for(NEW.hold_id, NEW.id, NEW.clone_id, NEW.requester) THEN
        RAISE EXCEPTION 'hold % is not for output %', NEW.hold_id, NEW.id
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_has_its_hold';
      END IF;
      RETURN NEW;
    END IF;
    IF OLD.state IN ('released', 'cut', 'voided', 'failed', 'denied') THEN
      RAISE EXCEPTION 'output % has ended as %', OLD.id, OLD.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_has_ended';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
      ('queued', 'streaming'), ('streaming', 'signing'), ('streaming', 'cut'), ('streaming', 'voided'), ('streaming', 'failed'),
      ('rendering', 'cut'), ('signing', 'cut'),
      ('queued', 'rendering'), ('rendering', 'signing'), ('signing', 'rendering'), ('signing', 'released'),
      ('queued', 'voided'), ('rendering', 'voided'), ('signing', 'voided'),
      ('queued', 'failed'), ('rendering', 'failed'), ('signing', 'failed')) THEN
      RAISE EXCEPTION 'an output does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_moves';
    END IF;
    IF NEW.state = 'cut' AND NEW.delivery <> 'stream' THEN
      RAISE EXCEPTION 'only a stream is cut' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_moves';
    END IF;
    IF NEW.state = 'released' AND NOT EXISTS (SELECT FROM release WHERE output_id = NEW.id) THEN
      RAISE EXCEPTION 'an output is released by its release' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_needs_release';
    END IF;
    RETURN NEW;
  END $$;
`;
