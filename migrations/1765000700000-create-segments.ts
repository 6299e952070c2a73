import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

/** Streams: one output in segments, each a release of its own. */
export class CreateSegments1765000700000 implements MigrationInterface {
  name = 'CreateSegments1765000700000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(STREAMED_OUTPUTS);
    await runner.query(SEGMENTS);
    await runner.query(MOVES);
    await runner.query(READS);
    await keepAppendOnly(runner, ['release_segment'], null);
    await runner.query(`INSERT INTO log_leaf_type (name) VALUES ('segment.committed')`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const STREAMED_OUTPUTS = `
  ALTER TABLE output
    ADD COLUMN delivery text NOT NULL DEFAULT 'file' CHECK (delivery IN ('file', 'stream')),
    -- Until then the gateway that streams it has told of itself again, or it has died.
    ADD COLUMN alive_until timestamptz,
    DROP CONSTRAINT output_state_check,
    ADD CONSTRAINT output_state_check CHECK (state IN
      ('queued', 'streaming', 'rendering', 'signing', 'released', 'cut', 'voided', 'failed', 'denied')),
    DROP CONSTRAINT output_reason_check,
    ADD CONSTRAINT output_reason_check CHECK (reason IN
      ('stopped', 'paused', 'gate_changed', 'consent_ended', 'text_unspeakable', 'too_long', 'render_failed', 'disconnected', 'interrupted', 'not_fetched')),
    DROP CONSTRAINT output_says_why,
    ADD CONSTRAINT output_says_why CHECK ((state IN ('voided', 'failed', 'cut')) = (reason IS NOT NULL)),
    ADD CONSTRAINT output_streams_alive CHECK (state <> 'streaming' OR (delivery = 'stream' AND alive_until IS NOT NULL)),
    ADD CONSTRAINT output_probe_is_no_stream CHECK (delivery = 'file' OR audience = 'fan');
  GRANT UPDATE (alive_until) ON output TO benren_app;
`;

const SEGMENTS = `
  -- A piece of a live stream: a release of its own under one output, committed before its first byte leaves.
  CREATE TABLE release_segment (
    id text PRIMARY KEY CHECK (id ~ '^seg_'),
    clone_id text NOT NULL,
    output_id text NOT NULL,
    sequence integer NOT NULL CHECK (sequence >= 1),
    last boolean NOT NULL,
    -- Written by the trigger, out of the decision, as for a release.
    gate_ids text[] NOT NULL,
    epochs bigint[] NOT NULL,
    file_sha256 text NOT NULL UNIQUE CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    file_bytes bigint NOT NULL CHECK (file_bytes > 0),
    samples_sha256 text NOT NULL CHECK (samples_sha256 ~ '^[0-9a-f]{64}$'),
    -- Of the speech alone, without its disclosure: the whole file says exactly this again.
    speech_sha256 text NOT NULL CHECK (speech_sha256 ~ '^[0-9a-f]{64}$'),
    seconds double precision NOT NULL CHECK (seconds > 0),
    leaf_id text NOT NULL,
    receipt json NOT NULL,
    released_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (output_id, sequence),
    FOREIGN KEY (clone_id, output_id) REFERENCES output (clone_id, id)
  );
  CREATE INDEX release_segment_of_clone ON release_segment (clone_id, id);
  CREATE INDEX release_segment_of_samples ON release_segment (samples_sha256);
  GRANT SELECT, INSERT ON release_segment TO benren_app;

  -- The same function that gates a release: it asks for output_id and released_at, and writes the gates.
  CREATE TRIGGER release_segment_is_gated BEFORE INSERT ON release_segment FOR EACH ROW EXECUTE FUNCTION release_is_gated();

  CREATE FUNCTION release_segment_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    before record;
  BEGIN
    PERFORM FROM output WHERE id = NEW.output_id AND state = 'streaming' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'output % is not streaming', NEW.output_id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_segment_streams';
    END IF;
    SELECT coalesce(max(sequence), 0) AS sequence, coalesce(bool_or(last), false) AS last INTO before
      FROM release_segment WHERE output_id = NEW.output_id;
    IF before.last OR NEW.sequence <> before.sequence + 1 THEN
      RAISE EXCEPTION 'segment % does not follow', NEW.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_segment_follows';
    END IF;
    RETURN NEW;
  END $$;
  -- Named so that it comes after the gates: locks are taken in their order.
  CREATE TRIGGER release_segment_sequenced BEFORE INSERT ON release_segment FOR EACH ROW EXECUTE FUNCTION release_segment_follows();

  -- At commit: the last segment has spent the hold and ended the stream; until then nothing is spent.
  CREATE FUNCTION release_segment_is_whole() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM output JOIN quota_hold AS hold ON hold.id = output.hold_id
      WHERE output.id = NEW.output_id AND CASE WHEN NEW.last
        THEN output.state <> 'streaming' AND hold.state = 'captured' AND hold.release_id = NEW.id
        ELSE hold.state <> 'captured' OR hold.release_id = (SELECT id FROM release_segment WHERE output_id = NEW.output_id AND last) END) THEN
      RAISE EXCEPTION 'segment % is not whole', NEW.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_segment_is_whole';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER release_segment_is_whole AFTER INSERT ON release_segment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION release_segment_is_whole();

  -- The hold of a stream was spent by its last segment, not by its file.
  CREATE OR REPLACE FUNCTION release_is_whole() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT FROM output LEFT JOIN quota_hold AS hold ON hold.id = output.hold_id
      WHERE output.id = NEW.output_id AND output.state = 'released'
        AND (output.hold_id IS NULL OR (hold.state = 'captured' AND hold.release_id = CASE output.delivery
          WHEN 'file' THEN NEW.id
          ELSE (SELECT id FROM release_segment AS segment WHERE segment.output_id = output.id AND segment.last) END))) THEN
      RAISE EXCEPTION 'release % is not whole', NEW.id USING ERRCODE = 'restrict_violation', CONSTRAINT = 'release_is_whole';
    END IF;
    RETURN NULL;
  END $$;
`;

const MOVES = `
  CREATE FUNCTION output_streams() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  DECLARE
    sent record;
  BEGIN
    IF (OLD.state, NEW.state) IN (('queued', 'rendering'), ('queued', 'signing')) THEN
      RAISE EXCEPTION 'a stream is listened to before its file is made' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_streams_first';
    END IF;
    SELECT count(*) AS segments, coalesce(bool_or(last), false) AS last INTO sent FROM release_segment WHERE output_id = NEW.id;
    IF (NEW.state = 'signing' AND NOT sent.last) OR (NEW.state = 'cut' AND sent.segments = 0)
      OR (NEW.state IN ('voided', 'failed') AND sent.segments > 0) THEN
      RAISE EXCEPTION 'a stream with % segments does not become %', sent.segments, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_streams';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER output_streams BEFORE UPDATE ON output
    FOR EACH ROW WHEN (NEW.delivery = 'stream' AND OLD.state <> NEW.state) EXECUTE FUNCTION output_streams();

  DROP TRIGGER output_gives_back ON output;
  -- At commit: what did not come through has given back what was held for it. A cut stream has spent it only with its last segment.
  CREATE OR REPLACE FUNCTION output_gives_back() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF EXISTS (
      SELECT FROM quota_hold AS hold WHERE hold.id = NEW.hold_id AND hold.state <> 'voided'
        AND NOT (NEW.state = 'cut' AND hold.state = 'captured' AND EXISTS (
          SELECT FROM release_segment AS segment WHERE segment.output_id = NEW.id AND segment.last AND segment.id = hold.release_id))) THEN
      RAISE EXCEPTION 'output % has ended and its hold has not', NEW.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_gives_back';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER output_gives_back AFTER UPDATE ON output DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state IN ('voided', 'failed', 'cut')) EXECUTE FUNCTION output_gives_back();

  CREATE OR REPLACE FUNCTION output_moves() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state NOT IN ('queued', 'denied') OR NEW.file IS NOT NULL THEN
        RAISE EXCEPTION 'an output begins queued or denied' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_begins';
      END IF;
      IF NOT EXISTS (
        SELECT FROM decision, json_to_record(decision.receipt #> '{document,request}')
          AS asked (capability text, language text, audience text, purpose text, "text" text)
        WHERE decision.id = NEW.decision_id AND decision.clone_id = NEW.clone_id AND decision.requester = NEW.requester
          AND decision.allowed = (NEW.state <> 'denied')
          AND (decision.grant_id, decision.grant_digest) IS NOT DISTINCT FROM (NEW.grant_id, NEW.grant_digest)
          AND (asked.capability, asked.language, asked.audience, asked.purpose, asked."text")
            = (NEW.capability, NEW.language, NEW.audience, NEW.purpose, NEW.script)) THEN
        RAISE EXCEPTION 'output % is not what % decided', NEW.id, NEW.decision_id
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_is_as_decided';
      END IF;
      IF NEW.hold_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM quota_hold AS hold JOIN subscription_period AS period ON period.id = hold.period_id
        WHERE hold.id = NEW.hold_id AND hold.output_id = NEW.id AND hold.clone_id = NEW.clone_id AND period.account_id = NEW.requester) THEN
        RAISE EXCEPTION 'hold % is not for output %', NEW.hold_id, NEW.id
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_has_its_hold';
      END IF;
      RETURN NEW;
    END IF;
    IF OLD.state IN ('released', 'cut', 'voided', 'failed', 'denied') THEN
      RAISE EXCEPTION 'output % has ended as %', OLD.id, OLD.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_has_ended';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
      ('queued', 'streaming'), ('streaming', 'signing'), ('streaming', 'cut'), ('streaming', 'voided'), ('streaming', 'failed'),
      ('rendering', 'cut'), ('signing', 'cut'),
      ('queued', 'rendering'), ('rendering', 'signing'), ('signing', 'rendering'), ('signing', 'released'),
      ('queued', 'voided'), ('rendering', 'voided'), ('signing', 'voided'),
      ('queued', 'failed'), ('rendering', 'failed'), ('signing', 'failed')) THEN
      RAISE EXCEPTION 'an output does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_moves';
    END IF;
    IF NEW.state = 'cut' AND NEW.delivery <> 'stream' THEN
      RAISE EXCEPTION 'only a stream is cut' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_moves';
    END IF;
    IF NEW.state = 'released' AND NOT EXISTS (SELECT FROM release WHERE output_id = NEW.id) THEN
      RAISE EXCEPTION 'an output is released by its release' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'output_needs_release';
    END IF;
    RETURN NEW;
  END $$;
`;

const READS = `
  -- What for: a fan's delivery, the owner's preview of a version, a reviewer's review, or somebody's own recording.
  ALTER TABLE media_read ADD COLUMN purpose text NOT NULL DEFAULT 'delivery' CHECK (purpose IN ('delivery', 'preview', 'review', 'own')),
    DROP CONSTRAINT media_read_kind_check,
    ADD CONSTRAINT media_read_kind_check CHECK (kind IN ('output', 'stream', 'evidence', 'enrolment'));
`;
