import { makeIds } from '../../src/kernel/ids.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { makeLedger } from '../../src/ledger/index.ts';
import { connect } from '../../src/platform/postgres/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { into, wallet } from './support.ts';

/** A process that submits transfers as fast as they are answered, and says which were; until it is killed. */
const { url, name, clients } = JSON.parse(process.argv[2] ?? '{}') as { url: string; name: string; clients: number };
const database = await connect({ url, poolSize: 2 });
const ledger = makeLedger({ runTx: database.runTx, ids: makeIds(makeTestClock('2026-01-01T00:00:00Z'), systemRandom) });
let next = 0;

/** One after the other; the server may be gone for a while, and then the same key is submitted again. */
async function client(): Promise<void> {
  for (;;) {
    const key = `${name}/${(next += 1)}`;
    for (;;) {
      try {
        await ledger.submit({ key, kind: 'test.move', effectiveDate: '2026-01-01', metadata: { n: key }, legs: into(wallet(`crash${next % 7}`), 1n) });
        process.send?.(key);
        break;
      } catch {
        await new Promise((done) => setTimeout(done, 20));
      }
    }
  }
}
for (let i = 0; i < clients; i += 1) void client();
