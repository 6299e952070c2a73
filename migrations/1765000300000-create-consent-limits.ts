import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is used of a grant's volume, and the owner's word on single outputs. */
export class CreateConsentLimits1765000300000 implements MigrationInterface {
  name = 'CreateConsentLimits1765000300000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(VOLUME);
    await runner.query(APPROVALS);
    await runner.query(RELEASES);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const VOLUME = `
  -- One row for each output that was admitted for a listener. What ended without a release is given back.
  CREATE TABLE consent_volume_use (
    subject_id text PRIMARY KEY,
    grant_id text NOT NULL REFERENCES consent_grant (id),
    capability text NOT NULL,
    -- A calendar day in Asia/Shanghai.
    day date NOT NULL,
    -- Expected at first, measured at the release.
    milliseconds bigint NOT NULL CHECK (milliseconds >= 0),
    state text NOT NULL DEFAULT 'taken' CHECK (state IN ('taken', 'given_back')),
    taken_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX consent_volume_use_of_day ON consent_volume_use (grant_id, day) WHERE state = 'taken';
  GRANT SELECT, INSERT, UPDATE (state, milliseconds) ON consent_volume_use TO benren_app;

  -- Whoever decides under a grant with caps, and whoever uses of it, takes turns until the end of the transaction.
  CREATE FUNCTION lock_consent_volume(of_grant text) RETURNS void LANGUAGE sql VOLATILE SET search_path = public AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(of_grant, 6241));
  $$;

  CREATE FUNCTION consent_volume_use_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
  BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.state = 'given_back'
      OR (NEW.subject_id, NEW.grant_id, NEW.capability, NEW.day, NEW.taken_at) IS DISTINCT FROM
         (OLD.subject_id, OLD.grant_id, OLD.capability, OLD.day, OLD.taken_at)) THEN
      RAISE EXCEPTION 'what was used of a grant is only measured or given back'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_volume_use_fixed';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER consent_volume_use_guard BEFORE UPDATE ON consent_volume_use
    FOR EACH ROW EXECUTE FUNCTION consent_volume_use_guard();

  -- A cap of N is never passed, by whatever statement: the lock first, the sum in the statement after it.
  CREATE FUNCTION consent_volume_within_caps() RETURNS trigger LANGUAGE plpgsql VOLATILE SET search_path = public AS $$
  DECLARE
    caps jsonb;
    cap jsonb;
    used record;
  BEGIN
    IF NEW.state <> 'taken' THEN
      RETURN NULL;
    END IF;
    SELECT draft.canonical::jsonb -> 'volumeCaps' INTO caps
      FROM consent_grant_signature AS signed JOIN consent_grant_draft AS draft USING (grant_id, digest)
      WHERE signed.grant_id = NEW.grant_id ORDER BY signed.version DESC LIMIT 1;
    IF coalesce(jsonb_array_length(caps), 0) = 0 THEN
      RETURN NULL;
    END IF;
    PERFORM lock_consent_volume(NEW.grant_id);
    FOR cap IN SELECT * FROM jsonb_array_elements(caps) LOOP
      CONTINUE WHEN cap ->> 'capability' NOT IN ('any', NEW.capability);
      SELECT count(*) AS outputs, coalesce(sum(milliseconds), 0) AS milliseconds INTO used FROM consent_volume_use
        WHERE grant_id = NEW.grant_id AND state = 'taken'
          AND (cap ->> 'capability' = 'any' OR capability = cap ->> 'capability')
          AND (cap ->> 'window' = 'term' OR day = NEW.day);
      IF used.outputs > (cap ->> 'outputs')::bigint OR used.milliseconds > (cap ->> 'seconds')::bigint * 1000 THEN
        RAISE EXCEPTION 'grant % allows no more in this %', NEW.grant_id, cap ->> 'window'
          USING ERRCODE = 'BN002', CONSTRAINT = 'consent_volume_within_caps';
      END IF;
    END LOOP;
    RETURN NULL;
  END $$;
  CREATE TRIGGER consent_volume_within_caps AFTER INSERT OR UPDATE ON consent_volume_use
    FOR EACH ROW EXECUTE FUNCTION consent_volume_within_caps();
  CREATE TRIGGER consent_volume_use_never_deleted BEFORE DELETE ON consent_volume_use
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
`;

const APPROVALS = `
  -- Outputs under a grant that lets the owner look at each: before its release, or for a while after it.
  CREATE TABLE output_approval (
    output_id text PRIMARY KEY REFERENCES output (id),
    clone_id text NOT NULL REFERENCES clone (id),
    mode text NOT NULL CHECK (mode IN ('before', 'after')),
    undo_hours integer NOT NULL CHECK (undo_hours >= 0),
    verdict text CHECK (verdict IN ('approved', 'rejected')),
    decided_by text REFERENCES account (id),
    decided_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT output_approval_is_whole CHECK (num_nonnulls(verdict, decided_by, decided_at) IN (0, 3))
  );
  GRANT SELECT, INSERT, UPDATE (verdict, decided_by, decided_at) ON output_approval TO benren_app;

  CREATE FUNCTION output_approval_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
  BEGIN
    IF OLD.verdict IS NOT NULL OR (NEW.output_id, NEW.clone_id, NEW.mode, NEW.undo_hours) IS DISTINCT FROM
       (OLD.output_id, OLD.clone_id, OLD.mode, OLD.undo_hours) THEN
      RAISE EXCEPTION 'an output is judged once' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_approval_once';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER output_approval_guard BEFORE UPDATE ON output_approval FOR EACH ROW EXECUTE FUNCTION output_approval_guard();
  CREATE TRIGGER output_approval_never_deleted BEFORE DELETE ON output_approval FOR EACH ROW EXECUTE FUNCTION refuse_change();
`;

const RELEASES = `
  -- The terms that the decision saw: who wanted to approve has approved, and what is capped has been counted.
  CREATE FUNCTION release_is_within_terms() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
  DECLARE
    terms json;
  BEGIN
    SELECT decision.receipt #> '{document,state,grant,document}' INTO terms
      FROM output JOIN decision ON decision.id = output.decision_id
      WHERE output.id = NEW.output_id AND output.audience <> 'owner';
    IF terms #>> '{outputApproval,mode}' = 'before' AND NOT EXISTS (
      SELECT FROM output_approval WHERE output_id = NEW.output_id AND verdict = 'approved') THEN
      RAISE EXCEPTION 'output % waits for its owner', NEW.output_id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_approved';
    END IF;
    IF coalesce(json_array_length(terms -> 'volumeCaps'), 0) > 0 AND NOT EXISTS (
      SELECT FROM consent_volume_use WHERE subject_id = NEW.output_id AND state = 'taken') THEN
      RAISE EXCEPTION 'output % is not counted', NEW.output_id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_counted';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER release_is_within_terms BEFORE INSERT ON release FOR EACH ROW EXECUTE FUNCTION release_is_within_terms();
`;
