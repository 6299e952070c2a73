import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/**
 * Proofs that run out pause their clones instead of undoing what the owner approved: an approved version is suspended
 * with its proof and serves again when the clone stands on an approved one. A withdrawn proof takes it away for good.
 */
export class LookAgain1765000103000 implements MigrationInterface {
  name = 'LookAgain1765000103000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(LOOKS);
    await keepAppendOnly(runner, ['ownership_look']);
    await runner.query(VERSIONS);
    await runner.query('GRANT UPDATE (suspended_at) ON clone_version TO benren_app');
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const LOOKS = `
  -- Evidence that lives on the net, looked for again on its due days.
  CREATE TABLE ownership_look (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    evidence_id text NOT NULL REFERENCES ownership_evidence (id),
    -- Null for a look that the owner asked for.
    due_at timestamptz,
    at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('found', 'absent', 'unreachable')),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (evidence_id, due_at)
  );
`;

const VERSIONS = `
  ALTER TABLE clone_version
    ADD COLUMN suspended_at timestamptz,
    DROP CONSTRAINT clone_version_state_check,
    ADD CONSTRAINT clone_version_state_known CHECK (state IN ('draft', 'approved', 'suspended', 'withdrawn')),
    ADD CONSTRAINT clone_version_suspended_after_approval
      CHECK (state <> 'suspended' OR (suspended_at IS NOT NULL AND approved_at IS NOT NULL AND signed_document_id IS NOT NULL));

  CREATE OR REPLACE FUNCTION clone_version_is_frozen() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF (NEW.id, NEW.clone_id, NEW.number, NEW.voice_material_id, NEW.persona_material_id, NEW.material_digest, NEW.persona_digest,
        NEW.policy_digest, NEW.lineage, NEW.languages, NEW.speaker, NEW.document::text, NEW.document_digest, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.clone_id, OLD.number, OLD.voice_material_id, OLD.persona_material_id, OLD.material_digest, OLD.persona_digest,
        OLD.policy_digest, OLD.lineage, OLD.languages, OLD.speaker, OLD.document::text, OLD.document_digest, OLD.created_at) THEN
      RAISE EXCEPTION 'a version is frozen' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'clone_version_is_frozen';
    END IF;
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
       ('draft', 'approved'), ('draft', 'withdrawn'), ('approved', 'withdrawn'), ('approved', 'suspended'), ('suspended', 'approved'),
       ('suspended', 'withdrawn')) THEN
      RAISE EXCEPTION 'a version does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'clone_version_moves';
    END IF;
    -- What serves again is what was approved, by the same signature.
    IF OLD.state = 'suspended' AND (NEW.approved_at, NEW.signed_document_id) IS DISTINCT FROM (OLD.approved_at, OLD.signed_document_id) THEN
      RAISE EXCEPTION 'a suspended version is approved as it was'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'clone_version_is_frozen';
    END IF;
    RETURN NEW;
  END $$;

  -- A proof that stops being approved takes its approved versions with it, by whichever path it stopped: for as long as it
  -- takes to renew it when it ran out, for good when it was withdrawn.
  CREATE OR REPLACE FUNCTION clone_version_falls_with_proof() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NEW.state = 'expired' THEN
      UPDATE clone_version SET state = 'suspended', suspended_at = NEW.ended_at WHERE ownership_proof_id = OLD.id AND state = 'approved';
    ELSE
      UPDATE clone_version SET state = 'withdrawn', withdrawn_at = NEW.ended_at WHERE ownership_proof_id = OLD.id AND state = 'approved';
    END IF;
    RETURN NEW;
  END $$;

  CREATE OR REPLACE FUNCTION clone_gate_narrows() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_TABLE_NAME = 'clone_version' THEN
      UPDATE gate SET epoch = epoch + 1, reason = 'version.' || NEW.state, changed_by = 'database',
          changed_at = CASE NEW.state WHEN 'suspended' THEN NEW.suspended_at ELSE NEW.withdrawn_at END
        WHERE kind = 'clone' AND clone_id = NEW.clone_id AND state <> 'stopped';
    ELSE
      UPDATE gate SET epoch = epoch + 1, reason = 'ownership_proof.' || NEW.state, changed_by = 'database', changed_at = NEW.ended_at
        WHERE kind = 'clone' AND state <> 'stopped'
          AND clone_id IN (SELECT id FROM clone WHERE ownership_proof_id = NEW.id);
    END IF;
    RETURN NULL;
  END $$;
`;
