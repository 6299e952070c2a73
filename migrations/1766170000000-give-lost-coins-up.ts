import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A payment that was lost takes also the coins that were held, and what comes back beyond the debt is the fan's again. */
export class GiveLostCoinsUp1766170000000 implements MigrationInterface {
  name = 'GiveLostCoinsUp1766170000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Lost stays lost while nothing is left of it. Coins that come back beyond what the fan owes for them are spent like any others.
      CREATE OR REPLACE FUNCTION coin_lot_keeps() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        IF OLD.state = 'lost' AND NEW.state <> 'lost' AND (NEW.state <> 'open' OR NEW.left_coins = 0) THEN
          RAISE EXCEPTION 'lot % was lost', OLD.id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;

      ALTER TABLE output DROP CONSTRAINT output_reason_check, ADD CONSTRAINT output_reason_check CHECK (reason IN
        ('stopped', 'paused', 'gate_changed', 'consent_ended', 'text_unspeakable', 'too_long', 'render_failed', 'disconnected', 'interrupted', 'not_fetched',
         'payment_lost'));
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
