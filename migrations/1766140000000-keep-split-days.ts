import type { MigrationInterface, QueryRunner } from 'typeorm';

import { pinFunctions } from './pin-functions.ts';

/**
 * Under which split each day of a clone was booked, day by day, also where there was none. One day alone said up to where all were answered,
 * so days that had no split could never be given one.
 */
export class KeepSplitDays1766140000000 implements MigrationInterface {
  name = 'KeepSplitDays1766140000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE split_day (
        clone_id text NOT NULL REFERENCES clone (id),
        day date NOT NULL,
        -- Null: booked without one. The split that takes it later is said once.
        split_id text REFERENCES split (id),
        PRIMARY KEY (clone_id, day)
      );
      CREATE INDEX split_day_open ON split_day (clone_id, day) WHERE split_id IS NULL;
      GRANT SELECT, INSERT, UPDATE (split_id) ON split_day TO benren_app;

      CREATE FUNCTION split_day_holds() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'UPDATE' AND (OLD.split_id IS NOT NULL OR NEW.clone_id <> OLD.clone_id OR NEW.day <> OLD.day) THEN
          RAISE EXCEPTION 'day % of % keeps its split', OLD.day, OLD.clone_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.split_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM split WHERE id = NEW.split_id AND clone_id = NEW.clone_id AND state = 'signed' AND effective_from <= NEW.day
        ) THEN
          RAISE EXCEPTION 'split % is not in force on %', NEW.split_id, NEW.day
            USING ERRCODE = 'check_violation', CONSTRAINT = 'split_day_holds', TABLE = 'split_day';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER split_day_holds BEFORE INSERT OR UPDATE ON split_day FOR EACH ROW EXECUTE FUNCTION split_day_holds();
      CREATE TRIGGER split_day_stays BEFORE DELETE ON split_day FOR EACH ROW EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER split_day_never_truncated BEFORE TRUNCATE ON split_day FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

      -- What was answered before: no split could begin on those days afterwards, so what is in force on them now is what they were booked under.
      INSERT INTO split_day (clone_id, day, split_id)
        SELECT a.clone_id, d.day::date, v.split_id
        FROM split_answered a
        JOIN LATERAL (SELECT min(effective_from) AS day FROM split WHERE clone_id = a.clone_id AND state = 'signed') first ON first.day IS NOT NULL
        CROSS JOIN LATERAL generate_series(first.day, a.before_day - 1, interval '1 day') AS d (day)
        JOIN LATERAL (
          SELECT one.split_id FROM (
            SELECT id AS split_id, number::numeric AS number, effective_from FROM split WHERE clone_id = a.clone_id AND state = 'signed'
            UNION ALL SELECT NULL, after_split + 0.5, effective_from FROM derivative_term WHERE clone_id = a.clone_id AND state = 'signed'
          ) one WHERE one.effective_from <= d.day ORDER BY one.number DESC LIMIT 1
        ) v ON true;
      DROP TABLE split_answered;
    `);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
