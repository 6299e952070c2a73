import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Clones, their material and their versions. */
export class CreateClones1764000040000 implements MigrationInterface {
  name = 'CreateClones1764000040000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(GUARDS);
    await runner.query(`
      GRANT SELECT, INSERT ON clone, clone_material, clone_version TO benren_app;
      GRANT UPDATE (ownership_proof_id) ON clone TO benren_app;
      GRANT UPDATE (state, approved_at, withdrawn_at, signed_document_id, leaf_id) ON clone_version TO benren_app;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const TABLES = `
  CREATE TABLE clone (
    id text PRIMARY KEY,
    owner_account_id text NOT NULL REFERENCES account (id),
    ownership_proof_id text NOT NULL,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    handle text NOT NULL UNIQUE CHECK (handle ~ '^[a-z0-9][a-z0-9-]{1,28}[a-z0-9]$'),
    created_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, ownership_proof_id),
    -- A clone stands on a proof of its own owner, in whatever state.
    CONSTRAINT clone_stands_on_own_proof FOREIGN KEY (ownership_proof_id, owner_account_id)
      REFERENCES ownership_proof (id, account_id)
  );
  CREATE INDEX clone_of_owner ON clone (owner_account_id);
  CREATE INDEX clone_of_proof ON clone (ownership_proof_id);

  CREATE TABLE clone_material (
    id text PRIMARY KEY,
    clone_id text NOT NULL REFERENCES clone (id),
    kind text NOT NULL CHECK (kind IN ('voice', 'persona')),
    -- The newest of a kind is the one that the next version freezes.
    number integer NOT NULL CHECK (number > 0),
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    details jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, kind, number),
    UNIQUE (clone_id, id)
  );

  CREATE TABLE clone_version (
    id text PRIMARY KEY,
    clone_id text NOT NULL,
    ownership_proof_id text NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    state text NOT NULL CHECK (state IN ('draft', 'approved', 'withdrawn')),
    voice_material_id text NOT NULL,
    persona_material_id text NOT NULL,
    material_digest text NOT NULL,
    persona_digest text NOT NULL,
    policy_digest text NOT NULL,
    lineage jsonb NOT NULL,
    languages text[] NOT NULL CHECK (cardinality(languages) > 0),
    speaker double precision[] NOT NULL CHECK (cardinality(speaker) = 8),
    -- The version_approval as it is to be signed; json keeps its member order.
    document json NOT NULL,
    document_digest text NOT NULL CHECK (document_digest ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL,
    approved_at timestamptz,
    withdrawn_at timestamptz,
    signed_document_id text UNIQUE,
    leaf_id text,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (clone_id, number),
    FOREIGN KEY (clone_id, ownership_proof_id) REFERENCES clone (id, ownership_proof_id) ON UPDATE CASCADE,
    FOREIGN KEY (clone_id, voice_material_id) REFERENCES clone_material (clone_id, id),
    FOREIGN KEY (clone_id, persona_material_id) REFERENCES clone_material (clone_id, id),
    CHECK (state <> 'approved' OR (approved_at IS NOT NULL AND signed_document_id IS NOT NULL)),
    CHECK (state <> 'withdrawn' OR withdrawn_at IS NOT NULL),

    -- No proof, no clone (docs/promises.md promise 1), as a plain foreign key: an approved version points at its proof
    -- *being approved*. It holds for every role and every path, and it holds on: the proof cannot leave that state
    -- while an approved version points at it (clone_version_falls_with_proof withdraws those first).
    needed_proof_state text GENERATED ALWAYS AS (CASE WHEN state = 'approved' THEN 'approved' END) STORED,
    CONSTRAINT clone_version_needs_proof FOREIGN KEY (ownership_proof_id, needed_proof_state)
      REFERENCES ownership_proof (id, state),
    -- And what signs a version is the signature over its very document.
    CONSTRAINT clone_version_signed_as_it_is FOREIGN KEY (signed_document_id, document_digest)
      REFERENCES signed_document (id, digest)
  );
  CREATE INDEX clone_version_of_proof ON clone_version (ownership_proof_id, needed_proof_state);
  CREATE INDEX clone_version_serving ON clone_version (clone_id, number DESC) WHERE state = 'approved';
`;

const GUARDS = `
  -- What the owner signed stays what it was; a withdrawn version stays withdrawn.
  CREATE FUNCTION clone_version_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF (NEW.id, NEW.clone_id, NEW.number, NEW.voice_material_id, NEW.persona_material_id, NEW.material_digest, NEW.persona_digest,
        NEW.policy_digest, NEW.lineage, NEW.languages, NEW.speaker, NEW.document::text, NEW.document_digest, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.clone_id, OLD.number, OLD.voice_material_id, OLD.persona_material_id, OLD.material_digest, OLD.persona_digest,
        OLD.policy_digest, OLD.lineage, OLD.languages, OLD.speaker, OLD.document::text, OLD.document_digest, OLD.created_at) THEN
      RAISE EXCEPTION 'a version is frozen' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'clone_version_is_frozen';
    END IF;
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN
       (('draft', 'approved'), ('draft', 'withdrawn'), ('approved', 'withdrawn')) THEN
      RAISE EXCEPTION 'a version does not go from % to %', OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'clone_version_moves';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER clone_version_is_frozen BEFORE UPDATE ON clone_version
    FOR EACH ROW EXECUTE FUNCTION clone_version_is_frozen();

  -- A proof that stops being approved takes its approved versions with it, by whichever path it stopped.
  CREATE FUNCTION clone_version_falls_with_proof() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE clone_version SET state = 'withdrawn', withdrawn_at = NEW.ended_at
      WHERE ownership_proof_id = OLD.id AND state = 'approved';
    RETURN NEW;
  END $$;
  CREATE TRIGGER clone_version_falls_with_proof BEFORE UPDATE OF state ON ownership_proof
    FOR EACH ROW WHEN (OLD.state = 'approved' AND NEW.state <> 'approved') EXECUTE FUNCTION clone_version_falls_with_proof();
`;
