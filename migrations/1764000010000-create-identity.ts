import type { MigrationInterface, QueryRunner } from 'typeorm';

/** People, their passkeys, sessions and roles; challenges; the documents that people signed. */
export class CreateIdentity1764000010000 implements MigrationInterface {
  name = 'CreateIdentity1764000010000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(PEOPLE);
    await runner.query(INVITATIONS);
    await runner.query(CHALLENGES);
    await runner.query(SIGNED_DOCUMENTS);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}

const PEOPLE = `
  CREATE TABLE account (
    id text PRIMARY KEY,
    display_name text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 80),
    country text CHECK (country ~ '^[A-Z]{2}$'),
    locale text NOT NULL CHECK (locale IN ('zh-CN', 'en')),
    created_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  GRANT SELECT, INSERT, UPDATE (display_name, country, locale) ON account TO benren_app;

  CREATE TABLE credential (
    -- The authenticator's own id, base64url of at most 1023 bytes (WebAuthn L3 §5.8.3).
    id text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]+$' AND length(id) <= 1364),
    account_id text NOT NULL REFERENCES account (id),
    public_key bytea NOT NULL,
    algorithm integer NOT NULL CHECK (algorithm IN (-7, -8, -257)),
    sign_count bigint NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295),
    aaguid text NOT NULL,
    transports text[] NOT NULL,
    backup_eligible boolean NOT NULL,
    backed_up boolean NOT NULL CHECK (backup_eligible OR NOT backed_up),
    attestation_object bytea NOT NULL,
    registration_client_data bytea NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, account_id)
  );
  CREATE INDEX credential_of_account ON credential (account_id, created_at DESC, id);
  -- A kept signature is verified with this key for ten years: the key may be used, never exchanged.
  CREATE TRIGGER credential_never_exchanged BEFORE UPDATE OF id, account_id, public_key, algorithm, aaguid, transports,
    backup_eligible, attestation_object, registration_client_data, created_at ON credential
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER credential_never_deleted BEFORE DELETE ON credential FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER credential_never_truncated BEFORE TRUNCATE ON credential FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  GRANT SELECT, INSERT, UPDATE (sign_count, backed_up, last_used_at) ON credential TO benren_app;

  CREATE TABLE session (
    id text PRIMARY KEY,
    account_id text NOT NULL,
    credential_id text NOT NULL,
    -- Of the token only its hash is kept: who reads this table cannot be anybody.
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    ended_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (credential_id, account_id) REFERENCES credential (id, account_id)
  );
  CREATE INDEX session_of_account ON session (account_id, created_at);
  GRANT SELECT, INSERT, UPDATE (ended_at) ON session TO benren_app;
`;

const INVITATIONS = `
  CREATE TABLE invitation (
    id text PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('operator', 'reviewer', 'payee')),
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    -- Null only for the very first operator, who is invited from the command line.
    invited_by text REFERENCES account (id),
    -- Anybody may invite a payee; for the rest the inviter must be an operator, which the key below holds.
    inviter_role text GENERATED ALWAYS AS (CASE WHEN role = 'payee' THEN NULL ELSE 'operator' END) STORED,
    note text CHECK (length(note) <= 200),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    accepted_by text REFERENCES account (id),
    accepted_at timestamptz,
    withdrawn_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK (invited_by IS NOT NULL OR role = 'operator'),
    CHECK ((accepted_by IS NULL) = (accepted_at IS NULL)),
    CHECK (accepted_at IS NULL OR (withdrawn_at IS NULL AND accepted_at < expires_at)),
    UNIQUE (id, role, accepted_by)
  );
  CREATE INDEX invitation_of_inviter ON invitation (invited_by, created_at);
  CREATE UNIQUE INDEX invitation_one_first ON invitation ((true))
    WHERE invited_by IS NULL AND accepted_at IS NULL AND withdrawn_at IS NULL;

  CREATE TABLE account_role (
    account_id text NOT NULL REFERENCES account (id),
    role text NOT NULL CHECK (role IN ('operator', 'reviewer', 'payee')),
    -- A role is what an accepted invitation says, for the account that accepted it, once.
    invitation_id text NOT NULL UNIQUE,
    granted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, role),
    FOREIGN KEY (invitation_id, role, account_id) REFERENCES invitation (id, role, accepted_by)
  );
  CREATE TRIGGER account_role_never_changes BEFORE UPDATE OR DELETE ON account_role
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER account_role_never_truncated BEFORE TRUNCATE ON account_role
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  GRANT SELECT, INSERT ON account_role TO benren_app;

  ALTER TABLE invitation ADD CONSTRAINT invitation_from_an_operator
    FOREIGN KEY (invited_by, inviter_role) REFERENCES account_role (account_id, role);

  CREATE FUNCTION invitation_only_first_is_uninvited() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.invited_by IS NULL AND EXISTS (SELECT FROM account_role WHERE role = 'operator') THEN
      RAISE EXCEPTION 'there is an operator: invitations come from them' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER invitation_only_first_is_uninvited BEFORE INSERT ON invitation
    FOR EACH ROW EXECUTE FUNCTION invitation_only_first_is_uninvited();
  GRANT SELECT, INSERT, UPDATE (accepted_by, accepted_at, withdrawn_at) ON invitation TO benren_app;
`;

const CHALLENGES = `
  CREATE TABLE challenge (
    id text PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('registration', 'login', 'signing')),
    challenge bytea NOT NULL UNIQUE CHECK (octet_length(challenge) = 32),
    -- For a registration the account that will be made; for a login nobody yet: the passkey says who.
    account_id text CHECK ((account_id IS NULL) = (purpose = 'login')),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > issued_at),
    used_at timestamptz CHECK (used_at < expires_at),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX challenge_expired ON challenge (expires_at);
  CREATE FUNCTION challenge_used_once() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'a challenge is used once' USING ERRCODE = 'check_violation';
  END $$;
  CREATE TRIGGER challenge_used_once BEFORE UPDATE ON challenge
    FOR EACH ROW WHEN (OLD.used_at IS NOT NULL) EXECUTE FUNCTION challenge_used_once();
  -- DELETE only for the broom that sweeps dead challenges; what was signed is kept in signed_document.
  GRANT SELECT, INSERT, UPDATE (used_at), DELETE ON challenge TO benren_app;

  CREATE TABLE registration_request (
    challenge_id text PRIMARY KEY REFERENCES challenge (id) ON DELETE CASCADE,
    display_name text NOT NULL,
    locale text NOT NULL CHECK (locale IN ('zh-CN', 'en')),
    invitation_id text REFERENCES invitation (id),
    recorded_at timestamptz NOT NULL DEFAULT now()
  );
  GRANT SELECT, INSERT ON registration_request TO benren_app;

  CREATE TABLE signing_request (
    challenge_id text PRIMARY KEY REFERENCES challenge (id) ON DELETE CASCADE,
    account_id text NOT NULL,
    credential_id text NOT NULL,
    document_type text NOT NULL,
    canonical text NOT NULL,
    nonce bytea NOT NULL UNIQUE CHECK (octet_length(nonce) = 32),
    context text NOT NULL,
    rendered_text text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (credential_id, account_id) REFERENCES credential (id, account_id)
  );
  GRANT SELECT, INSERT ON signing_request TO benren_app;
`;

const SIGNED_DOCUMENTS = `
  CREATE TABLE signed_document (
    id text PRIMARY KEY,
    document_type text NOT NULL CHECK (document_type IN (
      'ownership_claim', 'grant', 'amendment', 'revocation', 'split', 'version_approval', 'stop_order')),
    account_id text NOT NULL,
    credential_id text NOT NULL,
    -- The exact bytes (UTF-8) that were hashed into the challenge, RFC 8785.
    canonical text NOT NULL,
    digest text NOT NULL CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    nonce bytea NOT NULL UNIQUE CHECK (octet_length(nonce) = 32),
    context text NOT NULL,
    -- Recomputed by the database from what it binds: a row cannot claim another document or another context.
    challenge bytea NOT NULL UNIQUE CHECK (challenge = sha256(
      convert_to('benren/consent-signature/v1', 'UTF8') || '\\x00'::bytea || sha256(convert_to(canonical, 'UTF8'))
      || nonce || sha256(convert_to(context, 'UTF8')))),
    rendered_text text NOT NULL,
    authenticator_data bytea NOT NULL,
    client_data_json bytea NOT NULL,
    signature bytea NOT NULL,
    rp_id text NOT NULL,
    origin text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    signed_at timestamptz NOT NULL CHECK (signed_at >= issued_at AND signed_at < expires_at),
    software text[] NOT NULL,
    -- SHA-256 of the whole evidence in canonical form; rooms put it into the log beside the document's own.
    evidence_sha256 text NOT NULL CHECK (evidence_sha256 ~ '^[0-9a-f]{64}$'),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (credential_id, account_id) REFERENCES credential (id, account_id),
    -- What a document proves points at who signed it, or at exactly what was signed.
    UNIQUE (id, account_id),
    UNIQUE (id, digest)
  );
  CREATE INDEX signed_document_of_account ON signed_document (account_id, signed_at);
  CREATE TRIGGER signed_document_never_changes BEFORE UPDATE OR DELETE ON signed_document
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
  CREATE TRIGGER signed_document_never_truncated BEFORE TRUNCATE ON signed_document
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  GRANT SELECT, INSERT ON signed_document TO benren_app;
`;
