import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { refuseUnsafeStandby } from '../../src/compose/lease.ts';
import { openLeaseStore } from '../../src/consent/lease-store.ts';
import { connect, sql } from '../../src/platform/postgres/index.ts';
import { registryMayLack } from '../../src/stop/registry-store.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { until } from '../support/until.ts';

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

/** No gateway can hold a lease of a standby: it cannot listen there, and nothing is written there. */
async function refusesRenewals(): Promise<void> {
  await expect(openLeaseStore(standby.appUrl('registry'), () => undefined)).rejects.toThrow(/recovery/);
  const database = await connect({ url: standby.appUrl('registry'), poolSize: 1 });
  try {
    for (const text of ['UPDATE gateway_lease SET renewals = renewals + 1', `INSERT INTO gateway_lease (id, process) VALUES ('gwy_x', 'x')`]) {
      await expect(database.runTx((tx) => sql(tx, text))).rejects.toThrow(/read-only/);
    }
    await expect(database.runTx((tx) => sql(tx, 'SELECT pg_current_wal_lsn()'))).rejects.toThrow(/recovery/);
  } finally {
    await database.close();
  }
}

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
    await refusesRenewals();
    await rest();
    expect(await mayLack(primary)).toBe(false);
    await standby.promote();
    expect(await mayLack(standby)).toBe(true);
    await rest();
    expect(await mayLack(standby)).toBe(false);
  }, 60_000);

  it('of a server with a standby that does not commit together with it is refused by the service, and of one alone or in step is not', async () => {
    const root = new pg.Client({ connectionString: primary.superuserUrl('registry') });
    await root.connect();
    const refused = async (): Promise<string> => {
      const database = await connect({ url: primary.appUrl('registry'), poolSize: 1 });
      return await refuseUnsafeStandby(database).then(() => 'accepted', (error: unknown) => String(error)).finally(() => database.close());
    };
    expect(await refused()).toBe('accepted');
    await root.query(`SELECT pg_create_physical_replication_slot('standby')`);
    expect(await refused()).toMatch(/a failover could lose a stop/);
    await root.query(`ALTER ROLE benren_app SET synchronous_commit = local`);
    await root.query(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`);
    await root.query('SELECT pg_reload_conf()');
    await until(async () => (await refused()) === 'accepted');
    await root.end();
  }, 60_000);
});
