import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A segment is a release: the terms that the decision saw hold for it as well. And every function reads the house's own tables:
 * unless `pg_temp` is named last, PostgreSQL looks into it first.
 */
export class GateSegments1765000710000 implements MigrationInterface {
  name = 'GateSegments1765000710000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TRIGGER release_segment_is_within_terms BEFORE INSERT ON release_segment
        FOR EACH ROW EXECUTE FUNCTION release_is_within_terms();
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
