import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is owed to a fan because a refund came back is owed no more once the fan's bank has taken it. */
export class TakeOwedRefunds1766210003000 implements MigrationInterface {
  name = 'TakeOwedRefunds1766210003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE owed_refund DROP CONSTRAINT owed_refund_state_check, ADD CONSTRAINT owed_refund_state_check
        CHECK (state IN ('owed', 'pending', 'succeeded', 'failed', 'paid_otherwise', 'taken_by_bank'));
      ALTER TABLE owed_refund DROP CONSTRAINT owed_refund_check, ADD CONSTRAINT owed_refund_check
        CHECK ((state IN ('succeeded', 'failed', 'paid_otherwise', 'taken_by_bank')) = (settled_at IS NOT NULL));

      CREATE OR REPLACE FUNCTION owed_refund_moves_on() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
      BEGIN
        IF NOT ((OLD.state = 'owed' AND NEW.state IN ('pending', 'paid_otherwise', 'taken_by_bank')) OR (OLD.state = 'pending' AND NEW.state IN ('succeeded', 'failed'))) THEN
          RAISE EXCEPTION 'what is owed under % is %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state = 'paid_otherwise' AND NOT EXISTS (SELECT FROM refund_paid_otherwise WHERE owed_id = NEW.id) THEN
          RAISE EXCEPTION 'nobody said how % was paid', NEW.id USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state = 'taken_by_bank' AND NOT EXISTS (SELECT FROM dispute WHERE stripe_charge = NEW.stripe_charge) THEN
          RAISE EXCEPTION 'no bank asks for what is owed under %', NEW.id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
