import type { QueryRunner } from 'typeorm';

/**
 * Pins the search path of every function that the migrations have made so far. Each reads the house's own tables: unless
 * `pg_temp` is named last, PostgreSQL looks into it first, and a session that made itself a temporary `gate` would show a
 * trigger a gate that is open while the real one is stopped. A migration that makes functions calls this last.
 * Migrations that have run share this: what it does must not change either.
 */
export async function pinFunctions(runner: QueryRunner): Promise<void> {
  await runner.query(`
      DO $$
      DECLARE
        function regprocedure;
      BEGIN
        FOR function IN
          SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND proowner = current_user::regrole
        LOOP
          EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', function);
        END LOOP;
      END $$;
    `);
}
