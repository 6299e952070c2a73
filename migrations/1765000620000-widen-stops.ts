import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/**
 * Stops of a part: of the tiers that a capability carries, of one grant, of what was sold before consent ended. A clone can
 * then have several; only what is final keeps later sales away. And stops that come at the end of a notice period.
 */
export class WidenStops1765000620000 implements MigrationInterface {
  name = 'WidenStops1765000620000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(MONEY);
    await runner.query(ORDERS);
    await keepAppendOnly(runner, ['billing_sales_end', 'wind_down', 'platform_order', 'platform_order_confirmation']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const MONEY = `
  ALTER TABLE billing_stop DROP CONSTRAINT billing_stop_clone_id_key;
  -- Null: every tier. Not final: what was sold after it is not touched.
  ALTER TABLE billing_stop ADD COLUMN tier_ids text[];
  ALTER TABLE billing_stop ADD COLUMN final boolean NOT NULL DEFAULT true;
  ALTER TABLE billing_stop ADD COLUMN reason text NOT NULL DEFAULT 'stop' CHECK (length(reason) BETWEEN 1 AND 100);
  CREATE INDEX billing_stop_of_clone ON billing_stop (clone_id, at);

  -- From here on nothing new is sold, while what was sold runs on to the end of a notice period.
  CREATE TABLE billing_sales_end (
    stop_id text PRIMARY KEY,
    clone_id text NOT NULL REFERENCES clone (id),
    tier_ids text[],
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX billing_sales_end_of_clone ON billing_sales_end (clone_id);

  -- Since when a clone has had nothing to deliver: after the grace its fans get their unused days back.
  CREATE TABLE billing_grace (
    clone_id text PRIMARY KEY REFERENCES clone (id),
    since timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  GRANT SELECT, INSERT, DELETE ON billing_grace TO benren_app;
`;

const ORDERS = `
  ALTER TABLE stop_order DROP CONSTRAINT stop_order_clone_id_key;
  CREATE INDEX stop_order_of_clone ON stop_order (clone_id, ordered_at);

  CREATE OR REPLACE FUNCTION stop_order_holds() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM clone JOIN signed_document AS signed ON signed.account_id = clone.owner_account_id
        JOIN stop_quote AS quote ON quote.id = NEW.quote_id AND quote.clone_id = clone.id
      WHERE clone.id = NEW.clone_id AND NEW.ordered_by = clone.owner_account_id
        AND signed.id = NEW.signed_document_id AND signed.document_type = 'stop_order'
        AND signed.canonical::jsonb ->> 'cloneId' = clone.id
        AND signed.canonical::jsonb ->> 'quoteId' = quote.id AND signed.canonical::jsonb ->> 'quoteDigest' = quote.digest) THEN
      RAISE EXCEPTION 'a stop is signed by the clone''s owner'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stop_order_is_the_owners';
    END IF;
    IF NOT EXISTS (
      SELECT FROM gate_stop AS stop JOIN gate ON gate.id = stop.gate_id AND gate.state = 'stopped' AND gate.epoch = stop.epoch
        JOIN signed_document AS signed ON signed.id = NEW.signed_document_id
      WHERE stop.id = NEW.id AND stop.kind = 'existence' AND stop.clone_id = NEW.clone_id AND stop.epoch = NEW.epoch
        AND coalesce(signed.canonical::jsonb ->> 'scope', 'clone') = stop.scope
        AND (signed.canonical::jsonb ->> 'target') IS NOT DISTINCT FROM coalesce(gate.capability, gate.grant_id, gate.licence_id)) THEN
      RAISE EXCEPTION 'a stop shuts the gate first'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stop_order_shuts_the_gate';
    END IF;
    RETURN NEW;
  END $$;

  -- Ordered by the owner's signature; its gate is shut at the end of the notice period, under the same id.
  CREATE TABLE wind_down (
    stop_id text PRIMARY KEY CHECK (stop_id ~ '^stp_'),
    clone_id text NOT NULL REFERENCES clone (id),
    scope text NOT NULL CHECK (scope IN ('clone', 'capability', 'grant', 'licence')),
    gate_id text NOT NULL UNIQUE REFERENCES gate (id),
    quote_id text NOT NULL REFERENCES stop_quote (id),
    signed_document_id text NOT NULL UNIQUE REFERENCES signed_document (id),
    leaf_id text NOT NULL,
    ordered_by text NOT NULL REFERENCES account (id),
    ordered_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at >= ordered_at),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE FUNCTION wind_down_is_the_owners() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM clone JOIN signed_document AS signed ON signed.account_id = clone.owner_account_id
      WHERE clone.id = NEW.clone_id AND NEW.ordered_by = clone.owner_account_id
        AND signed.id = NEW.signed_document_id AND signed.document_type = 'stop_order'
        AND signed.canonical::jsonb ->> 'kind' = 'wind_down' AND signed.canonical::jsonb ->> 'cloneId' = clone.id
        AND (signed.canonical::jsonb ->> 'endsAt')::timestamptz = NEW.ends_at) THEN
      RAISE EXCEPTION 'a wind-down is signed by the clone''s owner'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'wind_down_is_the_owners';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER wind_down_is_the_owners BEFORE INSERT ON wind_down FOR EACH ROW EXECUTE FUNCTION wind_down_is_the_owners();

  -- The whole house is paused, and opened again, by two operators: one orders, another confirms.
  CREATE TABLE platform_order (
    id text PRIMARY KEY CHECK (id ~ '^por_'),
    action text NOT NULL CHECK (action IN ('pause', 'resume')),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    ordered_by text NOT NULL REFERENCES account (id),
    ordered_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE platform_order_confirmation (
    order_id text PRIMARY KEY REFERENCES platform_order (id),
    stop_id text REFERENCES gate_stop (id),
    confirmed_by text NOT NULL REFERENCES account (id),
    confirmed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE FUNCTION platform_order_needs_two() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF EXISTS (SELECT FROM platform_order WHERE id = NEW.order_id AND ordered_by = NEW.confirmed_by) THEN
      RAISE EXCEPTION 'whoever ordered it does not confirm it' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'platform_order_needs_two';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER platform_order_needs_two BEFORE INSERT ON platform_order_confirmation
    FOR EACH ROW EXECUTE FUNCTION platform_order_needs_two();
`;
