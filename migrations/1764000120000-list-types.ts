import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/**
 * What people sign and what the log speaks of, as rows instead of a list in a check: a later migration that brings a new
 * kind inserts its name, and none of them has to repeat the names of the others. The service reads and never adds one.
 */
export class ListTypes1764000120000 implements MigrationInterface {
  name = 'ListTypes1764000120000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE signed_document_type (name text PRIMARY KEY CHECK (name ~ '^[a-z]+(_[a-z]+)*$'));
      INSERT INTO signed_document_type (name) VALUES
        ('ownership_claim'), ('grant'), ('amendment'), ('revocation'), ('split'), ('version_approval'), ('stop_order');
      ALTER TABLE signed_document DROP CONSTRAINT signed_document_document_type_check,
        ADD CONSTRAINT signed_document_type_known FOREIGN KEY (document_type) REFERENCES signed_document_type (name);

      CREATE TABLE log_leaf_type (name text PRIMARY KEY CHECK (name ~ '^[a-z]+(_[a-z]+)*\\.[a-z]+(_[a-z]+)*$'));
      INSERT INTO log_leaf_type (name) VALUES
        ('ownership_proof.decided'), ('grant.signed'), ('grant.amended'), ('grant.revoked'), ('version.approved'), ('split.signed'),
        ('gate.paused'), ('gate.resumed'), ('stop.ordered'), ('release.committed'), ('statement.closed');
      ALTER TABLE log_leaf DROP CONSTRAINT log_leaf_type_check,
        ADD CONSTRAINT log_leaf_type_known FOREIGN KEY (type) REFERENCES log_leaf_type (name);
    `);
    await keepAppendOnly(runner, ['signed_document_type', 'log_leaf_type'], 'SELECT');
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
