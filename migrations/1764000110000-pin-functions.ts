import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Every function reads the house's own tables. Unless `pg_temp` is named last, PostgreSQL looks into it first: a session
 * that made itself a temporary `gate` would show a trigger a gate that is open while the real one is stopped. Functions
 * of later migrations say `SET search_path = public, pg_temp` themselves.
 */
export class PinFunctions1764000110000 implements MigrationInterface {
  name = 'PinFunctions1764000110000';

  async up(runner: QueryRunner): Promise<void> {
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

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
