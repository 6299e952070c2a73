/**
 * A gateway in a process of its own, without the rest of the house: a lease, and streams that hand out 16 KiB every few
 * milliseconds. Speaks JSON lines: `{"open": [[gateId, epoch], …]}` in, what happened out. For tests that freeze and kill.
 */
import { createInterface } from 'node:readline';

import { makeGatewayLease, openLeaseStore } from '../../src/consent/index.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { systemClock, systemLeaseClocks } from '../../src/platform/clock.ts';

const PIECE = 16_384;
const [, , url = ''] = process.argv;

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const lease = makeGatewayLease({
  openStore: (heard) => openLeaseStore(url, heard), clocks: systemLeaseClocks, ids: makeIds(systemClock, systemRandom), process: `test ${process.pid}`,
});

async function flow(gates: [string, string][]): Promise<void> {
  const timers: NodeJS.Timeout[] = [];
  let total = 0;
  const end = (code: string): void => {
    timers.forEach(clearInterval);
    say({ ended: code, bytes: total });
  };
  const stream = await lease.open({
    kind: 'output', subjectId: 'out_test', gates: gates.map(([gateId, epoch]) => ({ gateId, epoch: BigInt(epoch) })), cut: ({ code }) => end(code),
  });
  timers.push(setInterval(() => {
    try {
      stream.check();
      total += PIECE;
      stream.wrote(PIECE);
      say({ wrote: total });
    } catch (error) {
      end((error as { code?: string }).code ?? 'error');
    }
  }, 5));
}

await lease.start();
say({ gatewayId: lease.gatewayId });
for await (const line of createInterface({ input: process.stdin })) {
  const { open } = JSON.parse(line) as { open: [string, string][] };
  try {
    await flow(open);
    say({ opened: true });
  } catch (error) {
    say({ refused: (error as { code?: string }).code ?? String(error) });
  }
}
await lease.close();
