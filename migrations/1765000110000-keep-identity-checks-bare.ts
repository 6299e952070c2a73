import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Of a check by an identity provider its id and its outcome are kept, and nothing that was read from a paper. */
export class KeepIdentityChecksBare1765000110000 implements MigrationInterface {
  name = 'KeepIdentityChecksBare1765000110000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE ownership_evidence ADD CONSTRAINT ownership_evidence_identity_is_bare CHECK (kind <> 'identity_provider'
        OR (terms ? 'sessionId' AND terms - 'sessionId' = '{}'
          AND (finding IS NULL OR finding = '{"status": "verified", "nameMatches": true}')));
      -- One check proves one claim.
      CREATE UNIQUE INDEX ownership_evidence_identity_once ON ownership_evidence ((terms ->> 'sessionId')) WHERE kind = 'identity_provider';
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
