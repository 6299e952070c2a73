import { performance } from 'node:perf_hooks';

import { openConsentWorld } from '../consent/world.ts';
import { outside } from '../support/database.ts';
import { openTemplateServer } from '../support/global.ts';

function at(sorted: readonly number[], share: number): number {
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2));
}

/** One whole decision as it is served: load, gates, decide, sign the receipt, keep it, commit. Milliseconds. */
export async function served(times: number): Promise<{ p50: number; p99: number }> {
  const server = await openTemplateServer();
  outside.address = server.address;
  const home = await openConsentWorld('served');
  try {
    await home.granted();
    for (let warm = 0; warm < 20; warm += 1) await home.decide();
    const taken: number[] = [];
    for (let turn = 0; turn < times; turn += 1) {
      const start = performance.now();
      await home.decide(turn % 2 === 0 ? {} : { language: 'fr' });
      taken.push(performance.now() - start);
    }
    taken.sort((a, b) => a - b);
    return { p50: at(taken, 0.5), p99: at(taken, 0.99) };
  } finally {
    await home.close();
    outside.address = null;
    await server.stop();
  }
}
