import { openTemplateServer } from '../support/global.ts';
import { outside } from '../support/database.ts';
import { named, openCorruptible } from '../ledger/corrupted.ts';
import { KINDS } from '../ledger/corruptions.ts';
import type { BenchReport } from './report.ts';

/** A thousand corruptions of a ledger, a hundred of each kind, made with triggers off; how many verify finds and names. */
export async function corruptions({ quick }: { quick: boolean }): Promise<BenchReport> {
  const each = quick ? 10 : 100;
  const server = await openTemplateServer();
  outside.address = server.address;
  const seed = `corruptions/${each}`;
  const figures: BenchReport['figures'] = { seed, made: each * KINDS.length };
  try {
    const ledger = await openCorruptible();
    let found = 0;
    await ledger.within(async () => {
      for (const corruption of ledger.corruptions(seed, each)) {
        const report = await ledger.verify(corruption);
        const seen = report.verdict === 'broken' && named(report, corruption);
        found += Number(seen);
        figures[corruption.kind] = Number(figures[corruption.kind] ?? 0) + Number(seen);
        if (!seen) process.stdout.write(`missed: ${corruption.kind}, should name ${String(corruption.names)}\n`);
      }
    });
    await ledger.close();
    figures['found and named'] = found;
    return { bench: 'corruptions', figures, goals: { 'found and named': { goal: `= ${each * KINDS.length}`, met: found === each * KINDS.length } } };
  } finally {
    await server.stop();
  }
}
