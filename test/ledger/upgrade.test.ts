import type { DataSource } from 'typeorm';
import { afterAll, expect, inject, it } from 'vitest';

import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import type { Tx } from '../../src/kernel/tx.ts';
import { makeLedger } from '../../src/ledger/index.ts';
import { connect, migrate, sql } from '../../src/platform/postgres/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { DATABASE } from '../support/global.ts';
import { openOlderDatabase } from '../support/older.ts';
import { house, into, wallet } from './support.ts';

/** A ledger that was filled and rolled up before its balances were kept in trees, and goes on under today's migrations. */
const name = `upgrade_${process.pid}`;
const BEFORE = 1766100000000;
/** Until then a roll-up could pass a late transfer over. */
const PASSED_OVER_BEFORE = 1766200000000;
const { ownerUrl, appUrl } = inject('postgres');
const at = (url: string, database = name): string => url.replace(DATABASE, database);
const dropped: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const drop of dropped) await drop();
});

async function databaseBefore(timestamp: number, database: string): Promise<DataSource> {
  const { source, drop } = await openOlderDatabase(database, timestamp);
  dropped.push(drop);
  return source;
}

it('keeps every balance, on both axes, and verifies', async () => {
  const source = await databaseBefore(BEFORE, name);
  const database = await connect({ url: at(appUrl) });
  const { runTx } = database;
  const random = seededRandom('upgrade');
  const ledger = makeLedger({ runTx, ids: makeIds(makeTestClock('2026-01-01T00:00:00Z'), random) });
  const days = ['2026-01-01', '2026-01-15', '2026-02-01', '2025-12-31'];
  const post = (from: number, to: number): Promise<void> => runTx(async (tx) => {
    for (let n = from; n < to; n += 1) {
      await ledger.post(tx, { key: `old/${n}`, kind: 'test.move', effectiveDate: days[n % 4] ?? '', metadata: { n }, legs: into(wallet(`w${n % 3}`), BigInt(1 + n % 50)) });
    }
  });
  // Rolled up by the function of that time, in its middle and with a tail that is not, and entries that have no position yet.
  await post(0, 200);
  await source.query('SELECT ledger_sequence(1000)');
  await source.query('SELECT ledger_take_roll_up(1, 16, 8)');
  await post(200, 300);
  await source.query('SELECT ledger_sequence(1000)');
  await post(300, 310);
  await source.destroy();
  const asked = [house('cash').code, ...[0, 1, 2].map((n) => wallet(`w${n}`).code)].flatMap((code) => [
    [code, {}], ...[1n, 99n, 160n, 200n, 233n, 300n].map((position) => [code, { position }] as const), ...days.map((effectiveDate) => [code, { effectiveDate }] as const),
    [code, { position: 150n, effectiveDate: '2026-01-15' }],
  ] as [string, { position?: bigint; effectiveDate?: string }][]);
  const balances = (): Promise<bigint[]> => runTx(async (tx) => {
    const all: bigint[] = [];
    for (const [code, when] of asked) all.push(await ledger.balanceAsOf(tx, { code }, when));
    return all;
  });
  const before = await balances();
  await database.close();

  expect((await migrate(at(ownerUrl))).length).toBeGreaterThan(10);
  const upgraded = await connect({ url: at(appUrl) });
  const today = makeLedger({ runTx: upgraded.runTx, ids: makeIds(makeTestClock('2026-03-01T00:00:00Z'), random) });
  const now = (): Promise<bigint[]> => upgraded.runTx(async (tx) => {
    const all: bigint[] = [];
    for (const [code, when] of asked) all.push(await today.balanceAsOf(tx, { code }, when));
    return all;
  });
  expect(await now()).toEqual(before);
  expect((await today.verify()).problems).toEqual([]);
  await today.sequence();
  await today.rollUp();
  expect(await now()).toEqual(before);
  await upgraded.runTx((tx) => today.post(tx, { key: 'new', kind: 'test.move', effectiveDate: '2026-01-15', metadata: {}, legs: into(wallet('w1'), 5n) }));
  await today.sequence();
  await today.rollUp();
  expect((await today.verify()).problems).toEqual([]);
  await upgraded.close();
}, 60_000);

it('gives a transfer its place that a roll-up had passed over', async () => {
  const source = await databaseBefore(PASSED_OVER_BEFORE, `${name}_over`);
  const database = await connect({ url: at(appUrl, `${name}_over`) });
  const { runTx } = database;
  const ledger = makeLedger({ runTx, ids: makeIds(makeTestClock('2026-01-01T00:00:00Z'), seededRandom('passed over')) });
  const post = (tx: Tx, key: string): Promise<unknown> => ledger.post(tx, { key, kind: 'test.move', effectiveDate: '2026-01-01', metadata: {}, legs: into(house('over'), 1n) });
  for (let n = 0; n < 70; n += 1) await runTx((tx) => post(tx, `before/${n}`));
  const passedOver = async (): Promise<boolean> => (await ledger.verify()).unpositioned > 0;
  let pairs = 0;
  // Whoever writes in another database of the server, and began before, keeps a roll-up from being wrong: then once more.
  do {
    await runTx(async (younger) => {
      // It took its number first and its place last, and ended first: the other one was hidden behind it.
      await runTx(async (older) => {
        await sql(older, 'SELECT pg_current_xact_id()');
        await post(younger, `younger/${pairs}`);
        await post(older, `older/${pairs}`);
      });
      await source.query('SELECT ledger_take_roll_up(1, 16, 8, 8)');
    });
    await source.query('SELECT ledger_take_roll_up(1, 16, 8, 8)');
    pairs += 1;
  } while (!await passedOver());
  await source.destroy();
  expect((await ledger.verify()).unpositioned).toBe(1);
  await migrate(at(ownerUrl, `${name}_over`));
  await ledger.sequence();
  const report = await ledger.verify();
  expect([report.problems, report.unpositioned]).toEqual([[], 0]);
  expect(await runTx((tx) => ledger.balance(tx, house('over')))).toBe(-BigInt(70 + 2 * pairs));
  await database.close();
}, 60_000);
