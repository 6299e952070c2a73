import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Gates, makeGates, PLATFORM_GATE } from '../../src/consent/gates.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { type GateBench, makeGateBench } from './gate-bench.ts';

let database: TestDatabase;
let bench: GateBench;
let gates: Gates;
const told: { cloneId: string; state: string; at: Date }[] = [];
const AT = new Date('2026-03-01T00:00:00Z');
const ids = makeIds({ now: () => AT }, seededRandom('holds'));
const hold = (holder: string): { holder: string; reason: string; at: Date; by: string } => ({ holder, reason: `${holder} says so`, at: AT, by: 'acc_x' });

beforeAll(async () => {
  database = await openTestDatabase();
  bench = await makeGateBench(database);
  gates = makeGates({
    ids, async onCloneGate(_tx, change) {
      told.push(change);
    },
  });
});
afterAll(async () => {
  await bench.close();
  await database.close();
});

const made = async (): Promise<{ cloneId: string; gateId: string }> => {
  const of = await bench.makeClone(ids.next('clone').slice(4));
  return { cloneId: of.cloneId, gateId: of.gates[1] ?? '' };
};
const place = (gateId: string, holder: string): ReturnType<Gates['hold']> => database.runTx((tx) => gates.hold(tx, gateId, hold(holder)));
const lift = (gateId: string, holder: string): ReturnType<Gates['lift']> => database.runTx((tx) => gates.lift(tx, gateId, hold(holder)));
const holders = async (gateId: string): Promise<string[]> => (await database.runTx((tx) => gates.holds(tx, gateId))).map(({ holder }) => holder);

describe('a gate', () => {
  it('is paused by its first hold and opens with its last; a holder lifts only its own', async () => {
    const { cloneId, gateId } = await made();
    expect(await place(gateId, 'proof')).toMatchObject({ state: 'paused', epoch: 2n, changed: true, moved: true });
    expect(await place(gateId, 'owner')).toMatchObject({ state: 'paused', epoch: 2n, changed: true, moved: false });
    expect(await place(gateId, 'owner')).toMatchObject({ epoch: 2n, changed: false, moved: false });
    expect(await holders(gateId)).toEqual(['owner', 'proof']);
    expect(await lift(gateId, 'notice:ntc_1')).toMatchObject({ state: 'paused', changed: false });
    expect(await lift(gateId, 'owner')).toMatchObject({ state: 'paused', epoch: 2n, changed: true, moved: false });
    expect(await lift(gateId, 'owner')).toMatchObject({ changed: false });
    expect(await lift(gateId, 'proof')).toMatchObject({ state: 'open', epoch: 3n, changed: true, moved: true });
    expect(told.filter((change) => change.cloneId === cloneId).map(({ state }) => state)).toEqual(['paused', 'open']);
  });

  it('that is narrowed while paused stays paused; the platform\'s gate is held too, and no clone is told', async () => {
    const { gateId } = await made();
    await place(gateId, 'owner');
    await database.runTx((tx) => gates.narrow(tx, gateId, { reason: 'narrower', at: AT, by: 'acc_x' }));
    expect(await lift(gateId, 'owner')).toMatchObject({ state: 'open', epoch: 4n });
    const before = told.length;
    expect(await place(PLATFORM_GATE, 'platform')).toMatchObject({ state: 'paused' });
    expect(await lift(PLATFORM_GATE, 'platform')).toMatchObject({ state: 'open' });
    expect(told).toHaveLength(before);
  });

  it('keeps every hold through any number of holders that come and go at once', async () => {
    const { gateId } = await made();
    const all = Array.from({ length: 6 }, (_, n) => `notice:n${n}`);
    await Promise.all(all.flatMap((holder) => [place(gateId, holder), place(gateId, holder)]));
    expect(await holders(gateId)).toEqual(all);
    await Promise.all(all.slice(1).map((holder) => lift(gateId, holder)));
    expect(await holders(gateId)).toEqual(['notice:n0']);
    expect(await database.runTx((tx) => gates.read(tx, [{ gateId }]))).toMatchObject([{ state: 'paused', epoch: 2n }]);
    expect(await lift(gateId, 'notice:n0')).toMatchObject({ state: 'open', epoch: 3n });
  });
});

describe('raw SQL', () => {
  const insert = (gateId: string, holder: string, fact: string, url: 'asApp' | 'asOwner' = 'asApp'): Promise<unknown> => database[url](`
    INSERT INTO gate_hold (gate_id, position, holder, fact, reason, by_whom, at) VALUES ($1, 7, $2, $3, 'raw', 'raw', now())`, [gateId, holder, fact]);

  it('moves the gate by a hold, and by nothing else', async () => {
    const { gateId } = await made();
    await expect(insert(gateId, 'proof', 'lifted')).rejects.toMatchObject({ constraint: 'gate_hold_alternates' });
    await insert(gateId, 'proof', 'placed');
    await expect(insert(gateId, 'proof', 'placed')).rejects.toMatchObject({ constraint: 'gate_hold_alternates' });
    for (const url of ['asApp', 'asOwner'] as const) {
      await expect(database[url](`UPDATE gate SET state = 'open', epoch = epoch + 1 WHERE id = $1`, [gateId])).rejects.toMatchObject({ constraint: 'gate_paused_by_holds' });
    }
    expect(await database.asApp('SELECT state, position FROM gate JOIN gate_hold ON gate_id = id WHERE id = $1', [gateId])).toEqual([{ state: 'paused', position: '1' }]);
    await expect(database.asOwner('DELETE FROM gate_hold')).rejects.toThrow(/is refused/);
    await insert(gateId, 'proof', 'lifted');
    await database.runTx((tx) => gates.narrow(tx, gateId, { state: 'stopped', reason: 'over', at: AT, by: 'acc_x' }));
    await expect(insert(gateId, 'proof', 'placed')).rejects.toMatchObject({ constraint: 'gate_stopped_is_final' });
  });
});
