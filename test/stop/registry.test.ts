import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connect } from '../../src/platform/postgres/index.ts';
import { registryMayLack } from '../../src/stop/registry-store.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';

let primary: Cluster;
let standby: Cluster;

async function mayLack(cluster: Cluster): Promise<boolean> {
  const database = await connect({ url: cluster.appUrl('registry'), poolSize: 1 });
  try {
    return await database.runTx((tx) => registryMayLack(tx));
  } finally {
    await database.close();
  }
}
const rest = (): Promise<void> => new Promise((done) => setTimeout(done, 1_200));

beforeAll(async () => {
  primary = await openCluster('registry', ['-c', 'fsync=off']);
  await rest();
});
afterAll(async () => {
  await standby.remove();
  await primary.remove();
});

/** Confirmations shorten the wait only where everybody who may still serve can be registered. */
describe('the registry of gateways', () => {
  it('may lack somebody in the first moments of a server, and of a promoted standby however long that has run', async () => {
    expect(await mayLack(primary)).toBe(false);
    await primary.stop('fast');
    standby = await primary.copy('standby');
    await primary.start();
    expect(await mayLack(primary)).toBe(true);
    await standby.start();
    await rest();
    expect(await mayLack(primary)).toBe(false);
    await standby.promote();
    expect(await mayLack(standby)).toBe(true);
    await rest();
    expect(await mayLack(standby)).toBe(false);
  }, 60_000);
});
