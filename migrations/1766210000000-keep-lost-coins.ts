import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Spent coins whose payment was lost and whose price came back from whoever had received it: they are given back to nobody any more. */
export class KeepLostCoins1766210000000 implements MigrationInterface {
  name = 'KeepLostCoins1766210000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE coin_spend_part
        -- Of those that were taken, what a lost dispute asked back of the payees.
        ADD COLUMN lost int8multirange NOT NULL DEFAULT '{}',
        ADD CONSTRAINT coin_lost_was_taken CHECK (lost <@ taken AND NOT lost && given);

      CREATE TABLE coin_loss (
        dispute_id text NOT NULL REFERENCES dispute (id),
        spend_id text NOT NULL,
        lot_id text NOT NULL,
        coins_lost int8multirange NOT NULL CHECK (NOT isempty(coins_lost)),
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (dispute_id, spend_id, lot_id),
        FOREIGN KEY (spend_id, lot_id) REFERENCES coin_spend_part (spend_id, lot_id)
      );
      GRANT SELECT, INSERT (dispute_id, spend_id, lot_id, coins_lost) ON coin_loss TO benren_app;

      CREATE FUNCTION coin_loss_takes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE
        part coin_spend_part;
      BEGIN
        SELECT p.* INTO part FROM coin_spend_part p JOIN coin_spend s ON s.id = p.spend_id AND s.state = 'captured'
          WHERE p.spend_id = NEW.spend_id AND p.lot_id = NEW.lot_id FOR UPDATE OF p;
        IF part.spend_id IS NULL OR NOT NEW.coins_lost <@ (part.taken - part.given - part.lost) THEN
          RAISE EXCEPTION 'these coins of lot % were not spent by %, or came back before', NEW.lot_id, NEW.spend_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'coin_lost_once', TABLE = 'coin_loss';
        END IF;
        UPDATE coin_spend_part SET lost = lost + NEW.coins_lost WHERE spend_id = NEW.spend_id AND lot_id = NEW.lot_id;
        RETURN NULL;
      END $$;
      CREATE TRIGGER coin_loss_takes AFTER INSERT ON coin_loss FOR EACH ROW EXECUTE FUNCTION coin_loss_takes();
    `);
    await keepAppendOnly(runner, ['coin_loss'], null);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
