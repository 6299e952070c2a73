import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Transfers are found by these for equality alone: a hash of 4 bytes a row does, however long the id is. */
const TRACED = ['subscriptionId', 'periodId', 'charge', 'outputId', 'runId', 'payoutId'];

const traceIndex = (key: string): string => {
  const name = `ledger_transfer_by_${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
  return `
    DROP INDEX ${name};
    CREATE INDEX ${name} ON ledger_transfer USING hash ((metadata ->> '${key}')) WHERE metadata ->> '${key}' IS NOT NULL;
  `;
};

/** That legs are numbered 1, 2, 3, each once, is asked where they arrive, all at once. The index then holds each transfer once. */
const LEGS = `
  ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_pkey;
  CREATE INDEX ledger_entry_of_transfer ON ledger_entry (transfer_seq);
`;

/** The same reads for fewer bytes a transfer. */
export class NarrowLedgerIndexes1766100020000 implements MigrationInterface {
  name = 'NarrowLedgerIndexes1766100020000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [...TRACED.map(traceIndex), LEGS]) await runner.query(part);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
