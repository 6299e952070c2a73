import pg from 'pg';

import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import type { Tx } from '../../src/kernel/tx.ts';
import type { AccountRef, Ledger, Posted, TransferDraft } from '../../src/ledger/index.ts';
import { makeLedger } from '../../src/ledger/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

export interface TestLedger {
  database: TestDatabase;
  ledger: Ledger;
  /** Posts in a transaction of its own. */
  post: (draft: Partial<TransferDraft> & Pick<TransferDraft, 'legs'>) => Promise<Posted>;
  balance: (account: AccountRef) => Promise<bigint>;
  close: () => Promise<void>;
}

export async function openTestLedger(seed: string, poolSize = 10): Promise<TestLedger> {
  const database = await openTestDatabase([], poolSize);
  const ids = makeIds(makeTestClock('2026-01-01T00:00:00Z'), seededRandom(seed));
  const ledger = makeLedger({ runTx: database.runTx, ids });
  let count = 0;
  return {
    database,
    ledger,
    post(draft) {
      count += 1;
      const full = { key: `test/${seed}/${count}`, kind: 'test.move', effectiveDate: '2026-01-01', metadata: {}, ...draft };
      return database.runTx((tx: Tx) => ledger.post(tx, full));
    },
    balance: (account) => database.runTx((tx) => ledger.balance(tx, account)),
    close: () => database.close(),
  };
}

/** For tests that seal nothing. */
export const NO_LOG = { append: () => Promise.reject(new Error('Nothing is sealed here.')) };
export const NO_SEALS = { seal: () => Promise.resolve(0) };

export { house, into, wallet } from './accounts.ts';

/** Runs statements in one transaction on a connection of its own; answers the SQLSTATE of the first refusal. */
export async function attack(url: string, statements: readonly string[]): Promise<{ state: string; constraint?: string | undefined }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN');
    for (const statement of statements) await client.query(statement);
    await client.query('COMMIT');
    return { state: '00000' };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await client.query('ROLLBACK');
    return { state: error.code ?? '', constraint: error.constraint };
  } finally {
    await client.end();
  }
}
