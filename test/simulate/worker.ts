/**
 * A service process of its own: works the jobs that are due and what else it is asked to do, until it has done it or is killed.
 * It has its own connections and shares nothing with its parent but PostgreSQL and the processor.
 */
import { makeIds } from '../../src/kernel/ids.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import type { Actor } from '../../src/kernel/request.ts';
import type { IdempotencyKey } from '../../src/kernel/tx.ts';
import { makeStripe } from '../../src/platform/stripe/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { makeRooms, openDatabase, simulationKeys } from './rooms.ts';
import { atStatement } from './statements.ts';

export interface WorkerOrders {
  appUrl: string;
  secretKey: string;
  apiBase: { host: string; port: number; protocol: 'http' };
  testClock: string;
  now: string;
  owners: [string, string][];
  taxRateBasisPoints: number;
  /** At which statement of its own it is killed. */
  dieAt: number;
  /** Runs to be made when no job is due. */
  runs: { actor: Actor; key: IdempotencyKey; cloneId: string; throughDay: string }[];
}

const orders = JSON.parse(process.argv[2] ?? '') as WorkerOrders;
const database = await openDatabase(orders.appUrl, 4);
const clock = makeTestClock(orders.now);
const rooms = makeRooms({
  runTx: database.runTx, clock, ids: makeIds(clock, systemRandom), testClock: orders.testClock, keys: await simulationKeys(), taxRateBasisPoints: orders.taxRateBasisPoints,
  port: makeStripe({ secretKey: orders.secretKey, apiBase: orders.apiBase, webhookSecret: 'whsec_none' }), facts: { owners: new Map(orders.owners) },
});
process.send?.('working');
atStatement(Number(new URL(orders.appUrl).port), orders.dieAt, () => process.kill(process.pid, 'SIGKILL'));
while (await rooms.runner.runNext());
for (const { actor, key, ...asked } of orders.runs) await rooms.royalties.runRoyalties(actor, key, asked);
process.send?.('done');
// Only its parent ends it.
setInterval(() => undefined, 60_000);
