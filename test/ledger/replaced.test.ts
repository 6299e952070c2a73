import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { makeLedger } from '../../src/ledger/index.ts';
import { connect } from '../../src/platform/postgres/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { into, openTestLedger, type TestLedger, wallet } from './support.ts';

/** An older backup that takes the database's place while the service runs. */

let t: TestLedger;
let admin: pg.Client;
beforeAll(async () => {
  t = await openTestLedger('replaced');
  admin = new pg.Client({ connectionString: t.database.superuserUrl.replace(t.database.name, 'postgres') });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await t.close();
});

/** Nobody is connected to it any more. */
async function alone(): Promise<void> {
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [t.database.name]);
  for (;;) {
    const { rows } = await admin.query<{ count: string }>('SELECT count(*) FROM pg_stat_activity WHERE datname = $1', [t.database.name]);
    if (rows[0]?.count === '0') return;
  }
}

/** A transaction on a connection that PostgreSQL has cut fails; the next one has a new one. */
async function posted(name: string, amountMinor: bigint): Promise<void> {
  const post = (): Promise<unknown> => t.post({ legs: into(wallet(name), amountMinor) });
  await post().catch(post);
}

it('an older backup in its place gives the same numbers to other accounts: money still goes where it was sent', async () => {
  const { name } = t.database;
  await posted('before', 1n);
  await alone();
  await admin.query(`CREATE DATABASE ${name}_backup OWNER benren_owner TEMPLATE ${name}`);
  // Known to this process now, and to nothing in the backup.
  for (const who of ['mei', 'li', 'mei', 'li']) await posted(who, 10n);
  const numbers = (): Promise<{ code: string; id: string }[]> =>
    t.database.asOwner('SELECT code, id::text FROM ledger_account WHERE code IN ($1, $2) ORDER BY id', [wallet('mei').code, wallet('li').code]);
  const before = await numbers();
  await alone();
  await admin.query(`DROP DATABASE ${name}`);
  await admin.query(`ALTER DATABASE ${name}_backup RENAME TO ${name}`);
  // Another process opens the two the other way round.
  const other = await connect({ url: t.database.appUrl, poolSize: 1 });
  const ledger = makeLedger({ runTx: other.runTx, ids: makeIds(makeTestClock('2026-01-01T00:00:00Z'), seededRandom('other')) });
  for (const who of ['li', 'mei']) {
    await other.runTx((tx) => ledger.post(tx, { key: `other/${who}`, kind: 'test.move', effectiveDate: '2026-01-01', metadata: {}, legs: into(wallet(who), 1n) }));
  }
  await other.close();
  const after = await t.database.asOwner<{ code: string; id: string }>('SELECT code, id::text FROM ledger_account WHERE code IN ($1, $2) ORDER BY id', [wallet('mei').code, wallet('li').code]).catch(numbers);
  expect(after.map((one) => one.id)).toEqual(before.map((one) => one.id));
  expect(after.map((one) => one.code)).toEqual(before.map((one) => one.code).reverse());

  await posted('mei', 100n);
  await t.ledger.submit({ key: 'submitted', kind: 'test.move', effectiveDate: '2026-01-01', metadata: {}, legs: into(wallet('mei'), 1_000n) });
  expect([await t.balance(wallet('mei')), await t.balance(wallet('li'))]).toEqual([-1_101n, -1n]);
  expect((await t.ledger.verify()).problems).toEqual([]);
}, 60_000);
