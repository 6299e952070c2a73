import type { MigrationInterface, QueryRunner } from 'typeorm';

import { pinFunctions } from './pin-functions.ts';

/** A segment is a release: the terms that the decision saw hold for it as well. And every function reads the house's own tables. */
export class GateSegments1765000710000 implements MigrationInterface {
  name = 'GateSegments1765000710000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TRIGGER release_segment_is_within_terms BEFORE INSERT ON release_segment
        FOR EACH ROW EXECUTE FUNCTION release_is_within_terms();
    `);
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
