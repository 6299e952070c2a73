import { makeIds } from '../../src/kernel/ids.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import type { IdempotencyKey } from '../../src/kernel/tx.ts';
import { makeLedger } from '../../src/ledger/index.ts';
import { connect, one } from '../../src/platform/postgres/index.ts';
import type { RoyaltiesDeps } from '../../src/royalties/deps.ts';
import { makeRuns } from '../../src/royalties/runs.ts';
import { makeTestClock } from '../support/clock.ts';

/** A process that begins a run and, once it has written some of its entries, says so and waits to be killed. What billing earns was earned before. */
const { url, cloneId, key, now } = JSON.parse(process.argv[2] ?? '{}') as { url: string; cloneId: string; key: IdempotencyKey; now: string };
const { runTx } = await connect({ url, poolSize: 2 });
const clock = makeTestClock(now);
const ids = makeIds(clock, systemRandom);
const ledger = makeLedger({ runTx, ids });
const deps = {
  runTx, clock, ids, positionsAtOnce: 1n,
  clones: { clone: () => Promise.resolve({ cloneId }) },
  billing: { recognise: () => Promise.resolve(undefined) },
  ledger: {
    ...ledger,
    async entries(...asked: Parameters<typeof ledger.entries>) {
      const { rows } = await one<{ rows: bigint }>(asked[0], 'SELECT count(*) AS rows FROM royalty_run_entry');
      if (rows === 0n) return await ledger.entries(...asked);
      process.send?.({ written: Number(rows) });
      return await new Promise<never>(() => setInterval(() => undefined, 1_000));
    },
  },
} as unknown as RoyaltiesDeps;
await makeRuns(deps).runRoyalties({ accountId: 'acc_child', sessionId: 'ses_child', roles: ['operator'] }, key, { cloneId, throughDay: '2026-04-01' });
