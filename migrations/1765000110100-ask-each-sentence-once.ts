import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A sentence of a video challenge is asked of one person once, ever; what is kept is a video of a bounded length. */
export class AskEachSentenceOnce1765000110100 implements MigrationInterface {
  name = 'AskEachSentenceOnce1765000110100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE UNIQUE INDEX ownership_evidence_asked_once ON ownership_evidence ((terms ->> 'sentence')) WHERE kind = 'video_challenge';
      ALTER TABLE ownership_evidence ADD CONSTRAINT ownership_evidence_video_is_read CHECK (kind <> 'video_challenge'
        OR (terms ->> 'sentence' IS NOT NULL AND terms ->> 'gesture' IS NOT NULL
          AND (finding IS NULL OR (coalesce(finding ->> 'contentType' IN ('video/mp4', 'video/webm'), false)
            AND coalesce((finding ->> 'seconds')::numeric BETWEEN 2 AND 60, false)
            AND coalesce((finding ->> 'byteLength')::numeric > 0, false)))));
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
