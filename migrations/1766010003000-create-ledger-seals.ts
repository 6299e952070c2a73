import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const TABLES = `
  INSERT INTO log_leaf_type (name) VALUES ('ledger.sealed');

  -- What of holds no seal speaks of yet. Kept by the owner's triggers alone.
  CREATE TABLE ledger_hold_unsealed (
    hold_seq bigint NOT NULL REFERENCES ledger_hold (seq),
    fact text NOT NULL CHECK (fact IN ('held', 'ended')),
    PRIMARY KEY (hold_seq, fact)
  );
  INSERT INTO ledger_hold_unsealed SELECT hold_seq, 'held' FROM ledger_hold_leg GROUP BY hold_seq;
  INSERT INTO ledger_hold_unsealed SELECT hold_seq, 'ended' FROM ledger_hold_resolution;

  -- A run of the recorded order, hashed: one leaf a transfer (32 bytes each, in order), then one a fact of a hold. Its root
  -- stands in the public log. A row that was changed together with its own hashes no longer fits its leaf.
  CREATE TABLE ledger_seal (
    number integer PRIMARY KEY CHECK (number >= 1),
    from_position bigint NOT NULL CHECK (from_position >= 0),
    to_position bigint NOT NULL CHECK (to_position >= from_position),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    hold_seqs bigint[] NOT NULL,
    hold_facts text[] NOT NULL CHECK (cardinality(hold_facts) = cardinality(hold_seqs)),
    leaves bytea NOT NULL,
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    leaf_id text NOT NULL UNIQUE CHECK (leaf_id ~ '^lef_[0-9a-hjkmnp-tv-z]{26}$'),
    CONSTRAINT ledger_seal_whole CHECK (octet_length(leaves) > 0
      AND octet_length(leaves) = 32 * (to_position - from_position + cardinality(hold_seqs)))
  );
`;

const LEAVES = `
  CREATE FUNCTION ledger_micros(at timestamptz) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT int8send((extract(epoch FROM at) * 1000000)::bigint)
  $$;

  -- RFC 9162 leaf hashes (a zero byte first). What a transfer says is in its content hash; with it stand its place, its time,
  -- its id and what its accounts were opened as.
  CREATE FUNCTION ledger_leaves(after bigint, through bigint, seqs bigint[], facts text[]) RETURNS bytea LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT string_agg(sha256('\\x0054'::bytea || int8send(p.position) || ledger_micros(t.recorded_at) || t.content_hash || legs.accounts
                || convert_to(t.id, 'UTF8')), ''::bytea ORDER BY p.position)
              FROM ledger_position p JOIN ledger_transfer t ON t.seq = p.transfer_seq
              CROSS JOIN LATERAL (SELECT sha256(string_agg(a.content_hash, ''::bytea ORDER BY e.leg)) AS accounts
                FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE e.transfer_seq = t.seq) legs
              WHERE p.position > after AND p.position <= through), ''::bytea)
        || coalesce((SELECT string_agg(CASE f.fact
                WHEN 'held' THEN sha256('\\x0048'::bytea || ledger_micros(h.recorded_at) || h.content_hash || legs.accounts || convert_to(h.id, 'UTF8'))
                ELSE sha256('\\x0045'::bytea || ledger_micros(r.at) || ledger_micros(r.recorded_at)
                  || convert_to(h.id || E'\\n' || r.outcome || E'\\n' || coalesce((SELECT t.id FROM ledger_transfer t WHERE t.seq = r.transfer_seq), ''), 'UTF8'))
                END, ''::bytea ORDER BY f.place)
              FROM unnest(seqs, facts) WITH ORDINALITY AS f (seq, fact, place)
              JOIN ledger_hold h ON h.seq = f.seq LEFT JOIN ledger_hold_resolution r ON r.hold_seq = f.seq AND f.fact = 'ended'
              CROSS JOIN LATERAL (SELECT sha256(string_agg(a.content_hash, ''::bytea ORDER BY l.leg)) AS accounts
                FROM ledger_hold_leg l JOIN ledger_account a ON a.id = l.account_id WHERE l.hold_seq = h.seq) legs), ''::bytea)
  $$;
`;

const FOLLOWS = `
  -- Each seal begins where the last one ended, and its leaves are what the rows say: PostgreSQL hashes them again.
  CREATE FUNCTION ledger_seal_follows() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE
    last ledger_seal;
    taken bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(6237004);
    SELECT * INTO last FROM ledger_seal ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.from_position <> coalesce(last.to_position, 0)
       OR NEW.leaves <> ledger_leaves(NEW.from_position, NEW.to_position, NEW.hold_seqs, NEW.hold_facts) THEN
      RAISE EXCEPTION 'seal % is not what the ledger says', NEW.number
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_seal_follows', TABLE = 'ledger_seal';
    END IF;
    DELETE FROM ledger_hold_unsealed u USING unnest(NEW.hold_seqs, NEW.hold_facts) AS f (seq, fact) WHERE u.hold_seq = f.seq AND u.fact = f.fact;
    GET DIAGNOSTICS taken = ROW_COUNT;
    IF taken <> cardinality(NEW.hold_seqs) THEN
      RAISE EXCEPTION 'seal % speaks of holds that are sealed already', NEW.number
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_seal_follows', TABLE = 'ledger_seal';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER ledger_seal_follows BEFORE INSERT ON ledger_seal FOR EACH ROW EXECUTE FUNCTION ledger_seal_follows();

  CREATE FUNCTION ledger_hold_waits() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
  BEGIN
    IF TG_TABLE_NAME = 'ledger_hold' THEN
      INSERT INTO ledger_hold_unsealed (hold_seq, fact) VALUES (NEW.seq, 'held');
    ELSE
      INSERT INTO ledger_hold_unsealed (hold_seq, fact) VALUES (NEW.hold_seq, 'ended');
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER ledger_hold_waits AFTER INSERT ON ledger_hold FOR EACH ROW EXECUTE FUNCTION ledger_hold_waits();
  CREATE TRIGGER ledger_hold_end_waits AFTER INSERT ON ledger_hold_resolution FOR EACH ROW EXECUTE FUNCTION ledger_hold_waits();
`;

/** The recorded order, hashed run by run for the public log: what proves a ledger against a checkpoint held elsewhere. */
export class CreateLedgerSeals1766010003000 implements MigrationInterface {
  name = 'CreateLedgerSeals1766010003000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [TABLES, LEAVES, FOLLOWS]) await runner.query(part);
    await keepAppendOnly(runner, ['ledger_seal']);
    await runner.query(`
      GRANT SELECT ON ledger_hold_unsealed TO benren_app;
      REVOKE ALL ON FUNCTION ledger_leaves FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ledger_leaves TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
