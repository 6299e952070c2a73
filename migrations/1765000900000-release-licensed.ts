import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Outputs under a licence: no fan's quota, the licence's own caps, five gates, and a licence that stands at the release. */
export class ReleaseLicensed1765000900000 implements MigrationInterface {
  name = 'ReleaseLicensed1765000900000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(OUTPUTS);
    await runner.query(MOVES);
    await runner.query(VOLUME);
    await runner.query(RELEASES);
    await runner.query(SEGMENTS);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const OUTPUTS = `
  ALTER TABLE output
    ADD COLUMN licence_id text,
    ADD CONSTRAINT output_of_licence FOREIGN KEY (clone_id, licence_id) REFERENCES licence (clone_id, id),
    ADD CONSTRAINT output_of_licence_is_no_probe CHECK (licence_id IS NULL OR audience = 'fan'),
    DROP CONSTRAINT output_is_held,
    -- A fan's output is held from what the fan paid for; an organisation's has no fan's money behind it.
    ADD CONSTRAINT output_is_held CHECK ((hold_id IS NOT NULL) = (audience = 'fan' AND state <> 'denied' AND licence_id IS NULL));
  CREATE INDEX output_under_licence ON output (licence_id, id) WHERE licence_id IS NOT NULL;
`;

const MOVES = `
  -- Apart from output_moves, so that each says one thing: the licence is the one that was decided on, and the caller's own.
  CREATE FUNCTION output_names_its_licence() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NEW.licence_id IS DISTINCT FROM (SELECT receipt #>> '{document,state,licence,licenceId}' FROM decision WHERE id = NEW.decision_id)
      OR (NEW.licence_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM licence WHERE id = NEW.licence_id AND licensee_account_id = NEW.requester)) THEN
      RAISE EXCEPTION 'output % is not under the licence that was decided on', NEW.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_names_its_licence';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER output_names_its_licence BEFORE INSERT ON output FOR EACH ROW EXECUTE FUNCTION output_names_its_licence();
`;

const VOLUME = `
  ALTER TABLE consent_volume_use ADD COLUMN licence_id text REFERENCES licence (id);
  CREATE INDEX consent_volume_use_of_licence ON consent_volume_use (licence_id, day) WHERE state = 'taken' AND licence_id IS NOT NULL;

  CREATE FUNCTION consent_volume_keeps_licence() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NEW.licence_id IS DISTINCT FROM OLD.licence_id THEN
      RAISE EXCEPTION 'what was used of a licence is only measured or given back'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_volume_use_fixed';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER consent_volume_keeps_licence BEFORE UPDATE ON consent_volume_use
    FOR EACH ROW EXECUTE FUNCTION consent_volume_keeps_licence();

  -- The grant's caps over everything under the grant, the licence's over what was made under it. One lock for both.
  CREATE OR REPLACE FUNCTION consent_volume_within_caps() RETURNS trigger LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
  DECLARE
    granted jsonb;
    licensed jsonb;
    bound record;
    used record;
  BEGIN
    IF NEW.state <> 'taken' THEN
      RETURN NULL;
    END IF;
    SELECT draft.canonical::jsonb -> 'volumeCaps' INTO granted
      FROM consent_grant_signature AS signed JOIN consent_grant_draft AS draft USING (grant_id, digest)
      WHERE signed.grant_id = NEW.grant_id ORDER BY signed.version DESC LIMIT 1;
    SELECT canonical::jsonb #> '{terms,volumeCaps}' INTO licensed FROM licence WHERE id = NEW.licence_id;
    granted := coalesce(granted, '[]');
    licensed := coalesce(licensed, '[]');
    IF jsonb_array_length(granted) + jsonb_array_length(licensed) = 0 THEN
      RETURN NULL;
    END IF;
    PERFORM lock_consent_volume(NEW.grant_id);
    FOR bound IN
      SELECT cap, NULL AS licence_id FROM jsonb_array_elements(granted) AS cap
      UNION ALL SELECT cap, NEW.licence_id FROM jsonb_array_elements(licensed) AS cap
    LOOP
      CONTINUE WHEN bound.cap ->> 'capability' NOT IN ('any', NEW.capability);
      SELECT count(*) AS outputs, coalesce(sum(milliseconds), 0) AS milliseconds INTO used FROM consent_volume_use
        WHERE grant_id = NEW.grant_id AND state = 'taken'
          AND (bound.licence_id IS NULL OR licence_id = bound.licence_id)
          AND (bound.cap ->> 'capability' = 'any' OR capability = bound.cap ->> 'capability')
          AND (bound.cap ->> 'window' = 'term' OR day = NEW.day);
      IF used.outputs > (bound.cap ->> 'outputs')::bigint OR used.milliseconds > (bound.cap ->> 'seconds')::bigint * 1000 THEN
        RAISE EXCEPTION '% allows no more in this %', coalesce(bound.licence_id, NEW.grant_id), bound.cap ->> 'window'
          USING ERRCODE = 'BN002', CONSTRAINT = 'consent_volume_within_caps';
      END IF;
    END LOOP;
    RETURN NULL;
  END $$;
`;

const RELEASES = `
  -- Named so that it comes after release_is_gated, which holds the locks of all five gates: whoever ends or suspends a licence
  -- holds its gate exclusively, so what is read here stays so.
  CREATE FUNCTION release_is_licensed() RETURNS trigger LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
  DECLARE
    made record;
  BEGIN
    SELECT licence_id, grant_id, requester INTO made FROM output WHERE id = NEW.output_id;
    IF made.licence_id IS NULL THEN
      RETURN NEW;
    END IF;
    IF NOT EXISTS (
      SELECT FROM licence
        JOIN gate ON gate.licence_id = licence.id AND gate.kind = 'licence' AND gate.id = ANY (NEW.gate_ids)
        JOIN licence_signature AS counter ON counter.licence_id = licence.id AND counter.account_id = licence.licensee_account_id
        LEFT JOIN licence_notice AS notice ON notice.licence_id = licence.id
      WHERE licence.id = made.licence_id AND licence.grant_id = made.grant_id AND licence.licensee_account_id = made.requester
        AND NOT EXISTS (SELECT FROM licence_end WHERE licence_id = licence.id)
        AND (notice.ends_at IS NULL OR NEW.released_at < notice.ends_at)
        AND coalesce((SELECT contained FROM licence_containment WHERE licence_id = licence.id ORDER BY id DESC LIMIT 1), false)
        AND NEW.released_at >= (licence.canonical::jsonb #>> '{terms,validFrom}')::timestamptz
        AND NEW.released_at < (licence.canonical::jsonb #>> '{terms,validUntil}')::timestamptz) THEN
      RAISE EXCEPTION 'no licence stands behind %', NEW.output_id USING ERRCODE = 'BN001', CONSTRAINT = 'gate_changed';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER release_is_licensed BEFORE INSERT ON release FOR EACH ROW EXECUTE FUNCTION release_is_licensed();
  -- 'release_segment_is_gated' < 'release_segment_is_licensed': the same order.
  CREATE TRIGGER release_segment_is_licensed BEFORE INSERT ON release_segment FOR EACH ROW EXECUTE FUNCTION release_is_licensed();

  -- The terms that the decision saw, the licence's with the grant's.
  CREATE OR REPLACE FUNCTION release_is_within_terms() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    terms json;
    licensed json;
    under text;
  BEGIN
    SELECT decision.receipt #> '{document,state,grant,document}', decision.receipt #> '{document,state,licence,document,terms}', output.licence_id
      INTO terms, licensed, under FROM output JOIN decision ON decision.id = output.decision_id
      WHERE output.id = NEW.output_id AND output.audience <> 'owner';
    IF 'before' IN (terms #>> '{outputApproval,mode}', licensed #>> '{outputApproval,mode}') AND NOT EXISTS (
      SELECT FROM output_approval WHERE output_id = NEW.output_id AND verdict = 'approved') THEN
      RAISE EXCEPTION 'output % waits for its owner', NEW.output_id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_approved';
    END IF;
    IF coalesce(json_array_length(terms -> 'volumeCaps'), 0) + coalesce(json_array_length(licensed -> 'volumeCaps'), 0) > 0 AND NOT EXISTS (
      SELECT FROM consent_volume_use AS use WHERE use.subject_id = NEW.output_id AND use.state = 'taken'
        AND use.licence_id IS NOT DISTINCT FROM under) THEN
      RAISE EXCEPTION 'output % is not counted', NEW.output_id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_counted';
    END IF;
    RETURN NEW;
  END $$;
`;

const SEGMENTS = `
  -- At commit: the last segment has ended the stream, and spent the hold where there is one; until then nothing is spent.
  CREATE OR REPLACE FUNCTION release_segment_is_whole() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM output LEFT JOIN quota_hold AS hold ON hold.id = output.hold_id
      WHERE output.id = NEW.output_id AND CASE
        WHEN output.licence_id IS NOT NULL THEN NOT NEW.last OR output.state <> 'streaming'
        WHEN NEW.last THEN output.state <> 'streaming' AND hold.state = 'captured' AND hold.release_id = NEW.id
        ELSE hold.state <> 'captured' OR hold.release_id = (SELECT id FROM release_segment WHERE output_id = NEW.output_id AND last) END) THEN
      RAISE EXCEPTION 'segment % is not whole', NEW.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_segment_is_whole';
    END IF;
    RETURN NULL;
  END $$;
`;
