import type { MigrationInterface, QueryRunner } from 'typeorm';

import { keepAppendOnly } from './append-only.ts';

const CONTRACTS = `
  -- What a draft looked like when it was shown. The draft names it by its digest, and it names the draft's terms.
  CREATE TABLE consent_contract (
    grant_id text NOT NULL,
    digest text NOT NULL,
    sha256 text NOT NULL,
    bytes bytea NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 16777216),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grant_id, digest),
    FOREIGN KEY (grant_id, digest) REFERENCES consent_grant_draft (grant_id, digest),
    CONSTRAINT consent_contract_is_its_digest CHECK (sha256 = encode(sha256(bytes), 'hex'))
  );

  CREATE FUNCTION consent_contract_named() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (SELECT FROM consent_grant_draft AS d WHERE d.grant_id = NEW.grant_id AND d.digest = NEW.digest
        AND d.canonical::jsonb #>> '{rendering,sha256}' = NEW.sha256) THEN
      RAISE EXCEPTION 'the draft names another contract' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_contract_named';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER consent_contract_named BEFORE INSERT ON consent_contract FOR EACH ROW EXECUTE FUNCTION consent_contract_named();

  -- Nothing is signed that was not shown. Documents of the first version named no contract.
  CREATE FUNCTION consent_signature_shown() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
  BEGIN
    IF EXISTS (SELECT FROM consent_grant_draft AS d WHERE d.grant_id = NEW.grant_id AND d.digest = NEW.digest
        AND d.canonical::jsonb -> 'schemaVersion' IS DISTINCT FROM '1'::jsonb)
      AND NOT EXISTS (SELECT FROM consent_contract AS c WHERE c.grant_id = NEW.grant_id AND c.digest = NEW.digest) THEN
      RAISE EXCEPTION 'a grant is signed after it was shown' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'consent_signature_shown';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER consent_signature_shown BEFORE INSERT ON consent_grant_signature FOR EACH ROW EXECUTE FUNCTION consent_signature_shown();
`;

const OLD = "('type', 'version', 'supersedes')";
const NEW = "('type', 'version', 'supersedes', 'rendering')";

/** The contract that is shown before a signature; another paper for other terms neither narrows nor widens anything. */
export class CreateContract1765000500000 implements MigrationInterface {
  name = 'CreateContract1765000500000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CONTRACTS);
    await keepAppendOnly(runner, ['consent_contract']);
    const [narrowing] = (await runner.query("SELECT pg_get_functiondef('amendment_only_narrows'::regproc) AS text")) as { text: string }[];
    const text = narrowing?.text ?? '';
    if (!text.includes(OLD) && !text.includes(NEW)) throw new Error('amendment_only_narrows does not list what it leaves out.');
    await runner.query(text.replace(OLD, NEW));
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
