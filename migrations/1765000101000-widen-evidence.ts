import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * More kinds of evidence, each counting for a time of its own, and claims by those who act for another. Which of them
 * makes whom verified is configuration; what the database keeps is that an approval rests on evidence that still counts.
 */
export class WidenEvidence1765000101000 implements MigrationInterface {
  name = 'WidenEvidence1765000101000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE ownership_proof
        -- The claims of before said "I am" and no more: the strictest reading.
        ADD COLUMN subject_kind text NOT NULL DEFAULT 'private_person'
          CHECK (subject_kind IN ('public_figure', 'private_person', 'representative', 'heir', 'guardian')),
        ADD COLUMN claimant_name text CHECK (char_length(claimant_name) BETWEEN 1 AND 80),
        ADD COLUMN renews_proof_id text,
        ADD CONSTRAINT ownership_proof_names_claimant
          CHECK ((subject_kind IN ('representative', 'heir', 'guardian')) = (claimant_name IS NOT NULL)),
        ADD CONSTRAINT ownership_proof_renews_own FOREIGN KEY (renews_proof_id, account_id) REFERENCES ownership_proof (id, account_id);
      CREATE INDEX ownership_proof_renewing ON ownership_proof (renews_proof_id) WHERE renews_proof_id IS NOT NULL;

      ALTER TABLE ownership_evidence
        -- Until when the answer counts.
        ADD COLUMN valid_until timestamptz,
        DROP CONSTRAINT ownership_evidence_kind_check,
        DROP CONSTRAINT ownership_evidence_check2,
        DROP CONSTRAINT ownership_evidence_check3;
      ALTER TABLE ownership_evidence DISABLE TRIGGER ownership_evidence_closes;
      UPDATE ownership_evidence SET valid_until = passed_at + interval '365 days' WHERE passed_at IS NOT NULL;
      ALTER TABLE ownership_evidence ENABLE TRIGGER ownership_evidence_closes;
      ALTER TABLE ownership_evidence
        ADD CONSTRAINT ownership_evidence_kind_known CHECK (kind IN ('domain', 'public_account', 'voice_challenge', 'video_challenge',
          'document', 'identity_provider', 'vouching', 'representation')),
        -- What we find ourselves passes; what people must judge is only kept.
        ADD CONSTRAINT ownership_evidence_passes_by_kind
          CHECK (state <> 'passed' OR kind IN ('domain', 'public_account', 'identity_provider', 'vouching')),
        ADD CONSTRAINT ownership_evidence_uploads_by_kind CHECK (state <> 'uploaded'
          OR (kind IN ('voice_challenge', 'video_challenge', 'document', 'representation') AND blob_digest IS NOT NULL)),
        ADD CONSTRAINT ownership_evidence_counts_until CHECK (state NOT IN ('passed', 'uploaded') OR valid_until > passed_at);
      GRANT UPDATE (valid_until) ON ownership_evidence TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
