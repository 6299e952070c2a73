import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Asked inside of the statement that a transaction ends with, whose COMMIT is on its way already: what is not right must fail there. */
const ASKED_LAST = `
  -- The transfer that a key names, seen now and not as the statement began: somebody else may have committed it meanwhile.
  CREATE FUNCTION ledger_repeated(asked text, hash bytea) RETURNS text LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
  DECLARE
    kept record;
  BEGIN
    SELECT id, content_hash INTO STRICT kept FROM ledger_transfer WHERE key = asked;
    IF kept.content_hash <> hash THEN
      RAISE EXCEPTION 'key % names another transfer', asked
        USING ERRCODE = 'unique_violation', CONSTRAINT = 'ledger_key_reused', TABLE = 'ledger_transfer';
    END IF;
    RETURN kept.id;
  END $$;

  CREATE FUNCTION ledger_all_written(written bigint, asked bigint) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
  BEGIN
    IF written <> asked THEN
      RAISE EXCEPTION 'of % transfers the keys of % were free', asked, written
        USING ERRCODE = 'unique_violation', CONSTRAINT = 'ledger_batch_written', TABLE = 'ledger_transfer';
    END IF;
  END $$;
`;

/** A transaction's last statement takes the COMMIT along, in one packet. */
export class EndWithTheLastStatement1766160000000 implements MigrationInterface {
  name = 'EndWithTheLastStatement1766160000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(ASKED_LAST);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
