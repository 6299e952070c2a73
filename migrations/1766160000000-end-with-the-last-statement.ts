import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Asked inside of the statement that a transaction ends with, whose COMMIT is on its way already: what is not right must fail there. */
const ASKED_LAST = `
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
