import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Stops of a part, and wind-downs, are signed by whoever holds the owner's rights now: the owner, or after her death the heirs'. */
export class LetHeirsStop1765000630000 implements MigrationInterface {
  name = 'LetHeirsStop1765000630000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE OR REPLACE FUNCTION stop_order_holds() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        IF NOT EXISTS (
          SELECT FROM clone JOIN signed_document AS signed ON signed.account_id = rights_holder(clone.id)
            JOIN stop_quote AS quote ON quote.id = NEW.quote_id AND quote.clone_id = clone.id
          WHERE clone.id = NEW.clone_id AND NEW.ordered_by = rights_holder(clone.id)
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

      CREATE OR REPLACE FUNCTION wind_down_is_the_owners() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        IF NOT EXISTS (
          SELECT FROM signed_document AS signed
          WHERE signed.account_id = rights_holder(NEW.clone_id) AND NEW.ordered_by = signed.account_id
            AND signed.id = NEW.signed_document_id AND signed.document_type = 'stop_order'
            AND signed.canonical::jsonb ->> 'kind' = 'wind_down' AND signed.canonical::jsonb ->> 'cloneId' = NEW.clone_id
            AND (signed.canonical::jsonb ->> 'endsAt')::timestamptz = NEW.ends_at) THEN
          RAISE EXCEPTION 'a wind-down is signed by the clone''s owner'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'wind_down_is_the_owners';
        END IF;
        RETURN NEW;
      END $$;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
