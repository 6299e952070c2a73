import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/**
 * When this database was first seen on a timeline. A standby that was promoted may lack the registrations of gateways whose
 * leases still run, so the first stops on a new timeline wait a whole lease, whoever has confirmed.
 */
export class RememberTimelines1765000800000 implements MigrationInterface {
  name = 'RememberTimelines1765000800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE database_timeline (
        system_identifier text NOT NULL,
        timeline integer NOT NULL CHECK (timeline >= 1),
        first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (system_identifier, timeline)
      );
      INSERT INTO database_timeline (system_identifier, timeline)
        SELECT system_identifier::text, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int FROM pg_control_system();
    `);
    await keepAppendOnly(runner, ['database_timeline']);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
