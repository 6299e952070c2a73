import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { LEASE_MS, type LeaseClocks, makeGatewayLease, openLeaseStore, STOP_CHANNEL, type GatewayLease, type LeaseDeps, type StreamHandle } from '../../src/consent/index.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { systemClock, systemLeaseClocks } from '../../src/platform/clock.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { type GateBench, makeGateBench } from './gate-bench.ts';

type Of = Awaited<ReturnType<GateBench['makeClone']>>;

let database: TestDatabase;
let bench: GateBench;
const open: GatewayLease[] = [];
const ids = makeIds(systemClock, systemRandom);

beforeAll(async () => {
  database = await openTestDatabase();
  bench = await makeGateBench(database);
});
afterAll(async () => {
  await Promise.all(open.map((lease) => lease.close()));
  await bench.close();
  await database.close();
});

async function gateway(changes: Partial<LeaseDeps> = {}): Promise<GatewayLease> {
  const lease = makeGatewayLease({ openStore: (heard) => openLeaseStore(database.appUrl, heard), clocks: systemLeaseClocks, ids, process: 'test', ...changes });
  open.push(lease);
  await lease.start();
  return lease;
}

interface Flow {
  handle: StreamHandle;
  cuts: string[];
}

async function flow(lease: GatewayLease, of: Of, epoch = 1n): Promise<Flow> {
  const cuts: string[] = [];
  const handle = await lease.open({ kind: 'output', subjectId: of.cloneId, gates: of.gates.map((gateId) => ({ gateId, epoch })), cut: ({ code }) => cuts.push(code) });
  return { handle, cuts };
}

/** A stop by hand: shuts the clone's gate, which PostgreSQL tells of. Answers its id. */
async function stop(of: Of): Promise<string> {
  const stopId = ids.next('stop');
  await database.runTx(async (tx) => {
    await sql(tx, `UPDATE gate SET state = 'stopped', epoch = epoch + 1, reason = 'x', changed_by = 'x', changed_at = now() WHERE id = $1`, [of.gates[1]]);
    await sql(tx, `
      INSERT INTO gate_stop (id, number, kind, scope, clone_id, gate_id, epoch, releases, reason, ordered_by, ordered_at)
      SELECT $1, 0, 'existence', 'clone', clone_id, id, epoch, 0, 'x', 'x', now() FROM gate WHERE id = $2`, [stopId, of.gates[1]]);
  });
  return stopId;
}

const confirmation = async (stopId: string, lease: GatewayLease): Promise<{ bytes: string; streams: unknown } | undefined> =>
  (await database.asApp<{ bytes: string; streams: unknown }>('SELECT bytes, streams FROM gate_stop_confirmation WHERE stop_id = $1 AND gateway_id = $2', [stopId, lease.gatewayId]))[0];

/** Clocks that a test moves away from the machine's. */
function shifted(): LeaseClocks & { shift: { monotonic: bigint; wall: number; uptime: number } } {
  const shift = { monotonic: 0n, wall: 0, uptime: 0 };
  return {
    shift, monotonic: () => systemLeaseClocks.monotonic() + shift.monotonic, wall: () => systemLeaseClocks.wall() + shift.wall,
    uptime: () => systemLeaseClocks.uptime() + shift.uptime,
  };
}

describe('a gateway', () => {
  it('is registered before it serves, hands out under open gates at the decided epoch, and nothing else', async () => {
    const [lease, of] = [await gateway(), await bench.makeClone('serve')];
    expect(await database.asApp('SELECT state, process FROM gateway_lease WHERE id = $1', [lease.gatewayId])).toEqual([{ state: 'serving', process: 'test' }]);
    const { handle } = await flow(lease, of);
    handle.check();
    handle.wrote(16_384);
    handle.close();
    expect(() => handle.check()).toThrow('was closed');
    await expect(flow(lease, of, 2n)).rejects.toMatchObject({ code: 'gate_changed' });
    await expect(lease.open({ kind: 'output', subjectId: 'x', gates: [{ gateId: 'gat_unknown', epoch: 1n }], cut: () => undefined })).rejects.toMatchObject({ code: 'gate_changed' });
  });

  it('cuts the streams of a stopped clone, and no other, then confirms with their bytes', async () => {
    const [lease, other] = [await gateway(), await gateway()];
    const [of, spared] = [await bench.makeClone('cut'), await bench.makeClone('spared')];
    const flows = [await flow(lease, of), await flow(lease, of), await flow(other, of)];
    const kept = await flow(lease, spared);
    flows.forEach(({ handle }, n) => handle.wrote(100 + n));
    const stopId = await stop(of);
    await until(async () => (await confirmation(stopId, lease)) !== undefined && (await confirmation(stopId, other)) !== undefined);
    expect(await confirmation(stopId, lease)).toMatchObject({ bytes: '201', streams: [{ kind: 'output', subjectId: of.cloneId, bytes: '100' }, { bytes: '101' }] });
    expect(await confirmation(stopId, other)).toMatchObject({ bytes: '102' });
    for (const { handle, cuts } of flows) {
      expect(cuts).toEqual(['stopped']);
      expect(() => handle.check()).toThrow(expect.objectContaining({ code: 'stopped', extra: { clauses: ['stop.stopped'] } }));
    }
    kept.handle.check();
    expect(kept.cuts).toEqual([]);
    await expect(flow(lease, of, 2n)).rejects.toMatchObject({ code: 'stopped' });
  });

  it('finds a stop that nobody told of with its next renewal; a narrowed gate cuts as well', async () => {
    const deaf = await gateway({ openStore: () => openLeaseStore(database.appUrl, () => undefined) });
    const [lease, of, narrowed] = [deaf, await bench.makeClone('untold'), await bench.makeClone('narrowed')];
    const [stopped, changed] = [await flow(lease, of), await flow(lease, narrowed)];
    const stopId = await stop(of);
    await database.asApp(`UPDATE gate SET epoch = epoch + 1, reason = 'x', changed_by = 'x', changed_at = now() WHERE id = $1`, [narrowed.gates[3]]);
    await until(async () => (await confirmation(stopId, lease)) !== undefined && changed.cuts.length > 0, 1_500);
    expect([stopped.cuts, changed.cuts]).toEqual([['stopped'], ['gate_changed']]);
  });

  it('is told of whatever narrows a gate, by whoever does it, and of nothing else', async () => {
    const of = await bench.makeClone('tells');
    const ears = new pg.Client({ connectionString: database.appUrl });
    await ears.connect();
    const heard: string[] = [];
    ears.on('notification', ({ payload }) => heard.push(payload ?? ''));
    await ears.query(`LISTEN ${STOP_CHANNEL}`);
    const hold = (fact: string) => database.asApp(`
      INSERT INTO gate_hold (gate_id, position, holder, fact, reason, by_whom, at) VALUES ($1, 0, 'proof', $2, 'x', 'x', now())`, [of.gates[1], fact]);
    await hold('placed');
    await hold('lifted');
    await database.asApp(`UPDATE gate SET epoch = epoch + 1, reason = 'x', changed_by = 'x', changed_at = now() WHERE id = $1`, [of.gates[3]]);
    await database.asApp(`UPDATE gate SET state = 'stopped', epoch = epoch + 1, reason = 'x', changed_by = 'x', changed_at = now() WHERE id = $1`, [of.gates[3]]);
    await until(async () => heard.length >= 3);
    await ears.end();
    expect(heard.map((told) => JSON.parse(told) as unknown)).toEqual([
      { gateId: of.gates[1], epoch: '2' }, { gateId: of.gates[3], epoch: '2' }, { gateId: of.gates[3], epoch: '3' },
    ]);
  });

  it('refuses while a clock moved away from the others, and serves again after the next renewal', async () => {
    for (const clock of ['wall', 'uptime'] as const) {
      const clocks = shifted();
      const [lease, of] = [await gateway({ clocks }), await bench.makeClone(`jump${clock}`)];
      const { handle } = await flow(lease, of);
      handle.check();
      clocks.shift[clock] += 150;
      expect(lease.standing()).toBe('jumped');
      expect(() => handle.check()).toThrow(expect.objectContaining({ code: 'unavailable' }));
      await until(async () => lease.standing() === 'fresh');
      handle.check();
    }
  });

  it('refuses once L has passed without a renewal, though nothing else is wrong', async () => {
    let hung = false;
    const [lease, of] = [await gateway({
      async openStore(heard) {
        const store = await openLeaseStore(database.appUrl, heard);
        return { ...store, get alive() { return store.alive; }, renew: async (id) => (hung ? await new Promise(() => undefined) : await store.renew(id)) };
      },
    }), await bench.makeClone('late')];
    const { handle } = await flow(lease, of);
    hung = true;
    await until(async () => lease.standing() !== 'fresh', 2 * LEASE_MS);
    expect(lease.standing()).toBe('late');
    expect(() => handle.check()).toThrow(expect.objectContaining({ code: 'unavailable' }));
    await expect(flow(lease, of)).rejects.toMatchObject({ code: 'unavailable' });
    hung = false;
    await until(async () => lease.standing() === 'fresh');
  });

  it('that was taken out of the registry cuts everything and comes back under another name', async () => {
    const [lease, of] = [await gateway(), await bench.makeClone('expired')];
    const first = lease.gatewayId;
    const { handle, cuts } = await flow(lease, of);
    await expect(database.asApp(`UPDATE gateway_lease SET state = 'expired' WHERE id = $1`, [first])).rejects.toMatchObject({ constraint: 'gateway_lease_runs' });
    await database.asApp(`UPDATE gateway_lease SET state = 'left' WHERE id = $1`, [first]);
    await until(async () => lease.gatewayId !== first && lease.standing() === 'fresh');
    expect(cuts).toEqual(['unavailable']);
    expect(() => handle.check()).toThrow(expect.objectContaining({ code: 'unavailable' }));
    await expect(database.asApp(`UPDATE gateway_lease SET state = 'serving', renewals = 999 WHERE id = $1`, [first])).rejects.toMatchObject({ constraint: 'gateway_lease_final' });
  });

  it('cuts everything before it leaves the registry', async () => {
    const [lease, of] = [await gateway(), await bench.makeClone('leave')];
    const { cuts } = await flow(lease, of);
    await lease.close();
    expect(cuts).toEqual(['unavailable']);
    expect(await database.asApp('SELECT state FROM gateway_lease WHERE id = $1', [lease.gatewayId])).toEqual([{ state: 'left' }]);
    await expect(flow(lease, of)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
