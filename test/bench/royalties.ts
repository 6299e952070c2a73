import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import type { Ledger } from '../../src/ledger/index.ts';
import { noon } from '../billing/support.ts';
import { earn } from '../royalties/earned.ts';
import { openRoyalties } from '../royalties/world.ts';
import { outside } from '../support/database.ts';
import { openTemplateServer } from '../support/global.ts';
import type { BenchReport } from './report.ts';

const MB = 1_048_576;

/** A royalty run over many real positions, beside one over a fifth of them: how long, and how much of it lies in memory at once. */
export async function royalties({ quick, large }: { quick: boolean; large: boolean }): Promise<BenchReport> {
  const most = quick ? 10_000 : large ? 250_000 : 50_000;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const server = await openTemplateServer();
  outside.address = server.address;
  const figures: BenchReport['figures'] = {};
  try {
    const world = await openRoyalties();
    const tierId = await world.newTier();
    const splitId = await world.signedSplit();
    await world.moveTo(noon('2026-04-01'));

    /** Seconds, and megabytes of live memory above what there was, at the fullest part. */
    async function measured(positions: number): Promise<{ seconds: number; liveMb: number }> {
      const earnedMinor = await earn(world, tierId, splitId, positions);
      await world.ledger.sequence();
      await world.ledger.rollUp();
      collect();
      const before = process.memoryUsage().heapUsed;
      let [live, collecting] = [0, 0];
      const watched: Ledger = {
        ...world.ledger,
        async entries(tx, range) {
          const found = await world.ledger.entries(tx, range);
          const from = performance.now();
          collect();
          live = Math.max(live, process.memoryUsage().heapUsed - before);
          collecting += performance.now() - from;
          return found;
        },
      };
      const from = performance.now();
      const run = await world.withStripe(world.port, watched).runRoyalties(world.operator.actor, world.key('runRoyalties'), { cloneId: world.cloneId, throughDay: '2026-04-01' });
      const seconds = (performance.now() - from - collecting) / 1_000;
      if (run.entries !== positions || run.pots[0]?.amountMinor !== `${earnedMinor}`) throw new Error(`${run.entries} entries gave ${run.pots[0]?.amountMinor ?? 'nothing'}, not ${earnedMinor}.`);
      figures[`run of ${positions}, s`] = Number(seconds.toFixed(2));
      figures[`run of ${positions}, live MB`] = Number((live / MB).toFixed(1));
      return { seconds, liveMb: live / MB };
    }

    const few = await measured(most / 5);
    const many = await measured(most);
    await world.close();
    return {
      bench: 'royalties', figures,
      goals: {
        'five times as many take': { goal: '≤ 7 × the time', met: many.seconds <= 7 * few.seconds },
        'and of memory': { goal: '≤ 64 MB, whatever their number', met: many.liveMb <= 64 },
      },
    };
  } finally {
    await server.stop();
  }
}
