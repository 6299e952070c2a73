import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** What a stop would cost, the stops that were ordered, and when each was acknowledged. */
export class CreateStop1764000100000 implements MigrationInterface {
  name = 'CreateStop1764000100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE stop_quote (
        id text PRIMARY KEY CHECK (id ~ '^quo_'),
        clone_id text NOT NULL REFERENCES clone (id),
        owner_account_id text NOT NULL REFERENCES account (id),
        -- RFC 8785 text: the digest in the signed order is over these bytes.
        canonical text NOT NULL,
        digest text NOT NULL CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
        -- One line a paid period; its digest stands in the quote.
        lines json NOT NULL,
        expires_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX stop_quote_of_clone ON stop_quote (clone_id, id);

      CREATE TABLE stop_order (
        id text PRIMARY KEY CHECK (id ~ '^stp_'),
        clone_id text NOT NULL UNIQUE REFERENCES clone (id),
        ordered_by text NOT NULL REFERENCES account (id),
        quote_id text NOT NULL REFERENCES stop_quote (id),
        signed_document_id text NOT NULL UNIQUE REFERENCES signed_document (id),
        -- The clone gate's epoch from this stop on, and how many releases its scope had under the exclusive lock.
        epoch bigint NOT NULL,
        releases bigint NOT NULL CHECK (releases >= 0),
        leaf_id text NOT NULL,
        ordered_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE stop_acknowledgement (
        stop_id text PRIMARY KEY REFERENCES stop_order (id),
        acknowledged_at timestamptz NOT NULL,
        -- From the order's arrival to the return of COMMIT, on one process's monotonic clock; null when another took over.
        nanoseconds bigint CHECK (nanoseconds >= 0),
        recorded_at timestamptz NOT NULL DEFAULT now()
      );

      -- A stop is what its owner signed, and its gate is stopped in the same transaction: not one without the other.
      CREATE FUNCTION stop_order_holds() RETURNS trigger LANGUAGE plpgsql AS $$
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
          SELECT FROM gate WHERE kind = 'clone' AND clone_id = NEW.clone_id AND state = 'stopped' AND epoch = NEW.epoch) THEN
          RAISE EXCEPTION 'a stop shuts the gate first'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stop_order_shuts_the_gate';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER stop_order_holds BEFORE INSERT ON stop_order FOR EACH ROW EXECUTE FUNCTION stop_order_holds();
    `);
    await keepAppendOnly(runner, ['stop_quote', 'stop_order', 'stop_acknowledgement']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
