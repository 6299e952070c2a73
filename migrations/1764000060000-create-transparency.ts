import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const WAITING_LIST = `
  -- The waiting list is kept by the owner's triggers alone: the service can neither hide a leaf from the
  -- sequencer nor take it off the list without giving it a place.
  CREATE FUNCTION log_leaf_waits() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    INSERT INTO log_waiting (leaf_id) VALUES (NEW.id);
    RETURN NULL;
  END $$;
  CREATE TRIGGER log_leaf_waits AFTER INSERT ON log_leaf FOR EACH ROW EXECUTE FUNCTION log_leaf_waits();

  CREATE FUNCTION log_position_taken() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    DELETE FROM log_waiting WHERE leaf_id = NEW.leaf_id;
    RETURN NULL;
  END $$;
  CREATE TRIGGER log_position_taken AFTER INSERT ON log_position FOR EACH ROW EXECUTE FUNCTION log_position_taken();
`;

/** The append-only log: leaves, their places in the tree, the hashes of perfect subtrees, the signed heads. */
export class CreateTransparency1764000060000 implements MigrationInterface {
  name = 'CreateTransparency1764000060000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE log_leaf (
        id text PRIMARY KEY,
        type text NOT NULL CHECK (type IN (
          'ownership_proof.decided', 'grant.signed', 'grant.amended', 'grant.revoked', 'version.approved',
          'split.signed', 'gate.paused', 'gate.resumed', 'stop.ordered', 'release.committed', 'statement.closed')),
        subject_id text NOT NULL CHECK (subject_id <> ''),
        at timestamptz NOT NULL,
        -- tlog-tiles carries entries behind a 16-bit length.
        entry bytea NOT NULL CHECK (octet_length(entry) BETWEEN 1 AND 65535),
        -- Recomputed from the entry by the database (RFC 9162 §2.1.1): a row cannot claim another hash.
        leaf_hash bytea NOT NULL CHECK (leaf_hash = sha256('\\x00'::bytea || entry)),
        recorded_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX log_leaf_of_subject ON log_leaf (subject_id, at, id);

      -- A leaf that has no place yet. A leaf is written by whichever transaction commits it, early or late, so the
      -- sequencer looks at what is committed and waiting, never at "greater than the last one".
      CREATE TABLE log_waiting (
        leaf_id text PRIMARY KEY REFERENCES log_leaf (id),
        recorded_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX log_waiting_order ON log_waiting (recorded_at, leaf_id);

      CREATE TABLE log_position (
        index bigint PRIMARY KEY CHECK (index >= 0),
        -- Every place but the first stands behind an earlier one: no gap can be committed.
        previous bigint GENERATED ALWAYS AS (CASE WHEN index = 0 THEN NULL ELSE index - 1 END) STORED
          REFERENCES log_position (index),
        leaf_id text NOT NULL UNIQUE REFERENCES log_leaf (id),
        recorded_at timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE log_node (
        level smallint NOT NULL CHECK (level BETWEEN 0 AND 62),
        index bigint NOT NULL CHECK (index >= 0),
        hash bytea NOT NULL CHECK (octet_length(hash) = 32),
        PRIMARY KEY (level, index)
      );

      CREATE TABLE log_checkpoint (
        size bigint PRIMARY KEY CHECK (size >= 0),
        last bigint GENERATED ALWAYS AS (CASE WHEN size = 0 THEN NULL ELSE size - 1 END) STORED
          REFERENCES log_position (index),
        root bytea NOT NULL CHECK (octet_length(root) = 32),
        note text NOT NULL,
        at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now()
      );
    `);
    await runner.query(WAITING_LIST);
    await keepAppendOnly(runner, ['log_leaf', 'log_position', 'log_node', 'log_checkpoint']);
    await runner.query('GRANT SELECT ON log_waiting TO benren_app');
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
