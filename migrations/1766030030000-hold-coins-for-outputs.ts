import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An output may be paid with coins. */
export class HoldCoinsForOutputs1766030030000 implements MigrationInterface {
  name = 'HoldCoinsForOutputs1766030030000';

  async up(runner: QueryRunner): Promise<void> {
    // That a hold is there, and for this output, is what hold_is_for asks; it may be of either kind.
    await runner.query('ALTER TABLE output DROP CONSTRAINT output_hold_id_fkey');
    await runner.query(`
      CREATE OR REPLACE FUNCTION hold_is_for(hold text, output text, clone text, account text) RETURNS boolean LANGUAGE sql STABLE
        SET search_path = public, pg_temp
        AS $$
          SELECT EXISTS (
            SELECT FROM quota_hold AS h LEFT JOIN subscription_period AS p ON p.id = h.period_id
            WHERE h.id = hold AND h.output_id = output AND h.clone_id = clone AND coalesce(p.account_id, h.free_account_id) = account)
          OR EXISTS (
            SELECT FROM coin_spend AS s
            WHERE s.id = hold AND s.output_id = output AND s.clone_id = clone AND s.account_id = account AND s.state = 'held')
        $$;

      -- Holds of either kind, as whoever asks whether one was spent on a release or given back sees them.
      CREATE VIEW any_hold AS
        SELECT id, output_id, state, release_id FROM quota_hold UNION ALL
        SELECT id, output_id, state, captured_for FROM coin_spend WHERE purpose = 'output';
      GRANT SELECT ON any_hold TO benren_app;

      -- The functions stay what they are, and look there.
      DO $do$
      DECLARE
        body text;
        changed integer := 0;
      BEGIN
        FOR body IN
          SELECT pg_get_functiondef(oid) FROM pg_proc
          WHERE pronamespace = 'public'::regnamespace AND proname IN ('release_is_whole', 'release_segment_is_whole', 'output_gives_back')
        LOOP
          IF strpos(body, 'quota_hold AS hold ') = 0 THEN
            RAISE EXCEPTION 'a function that asks for holds is not what it was';
          END IF;
          EXECUTE replace(body, 'quota_hold AS hold ', 'any_hold AS hold ');
          changed := changed + 1;
        END LOOP;
        IF changed <> 3 THEN
          RAISE EXCEPTION '% of three functions that ask for holds are there', changed;
        END IF;
      END $do$;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
