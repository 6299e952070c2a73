import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeGatewayLease, openLeaseStore, type GatewayLease, type Remembered } from '../../src/consent/index.ts';
import { systemLeaseClocks } from '../../src/platform/clock.ts';
import { codeOf } from '../ownership/world.ts';
import { until } from '../support/until.ts';
import { openStopWorld, type Person, type StopWorld } from './world.ts';

let world: StopWorld;
let owner: Person;
let lease: GatewayLease;
let one: Person;
let two: Person;

const gateway = (memory?: { load(): Remembered | null; save(known: Remembered): void }): GatewayLease => makeGatewayLease({
  openStore: (heard) => openLeaseStore(world.money.db.appUrl, heard), clocks: systemLeaseClocks, ids: world.money.ids, process: 'test',
  ...(memory === undefined ? {} : { memory }),
});

beforeAll(async () => {
  world = await openStopWorld('scopes');
  owner = await world.register('Lin Ya');
  one = await world.operator();
  two = await world.register('Operator two', await world.invite(one, 'operator'));
  lease = gateway();
  await lease.start();
});
afterAll(async () => {
  await lease.close();
  await world.close();
});

const flow = async (of: { cloneId: string; gates: string[] }, epochs = [1n, 1n, 1n, 1n]): Promise<string[]> => {
  const cuts: string[] = [];
  const gates = of.gates.map((gateId, n) => ({ gateId, epoch: epochs[n] ?? 1n }));
  const handle = await lease.open({ kind: 'output', subjectId: of.cloneId, gates, cut: ({ code }) => cuts.push(code) });
  handle.wrote(5);
  return cuts;
};
const acknowledged = async (stopId: string): Promise<{ streams: number; bytes: string; gateways: { outcome: string }[] }> => {
  const find = () => world.money.db.asApp<{ streams: number; bytes: string; gateways: { outcome: string }[] }>(
    'SELECT streams, bytes, gateways FROM stop_acknowledgement WHERE stop_id = $1', [stopId]);
  await until(async () => (await find()).length === 1);
  const [row] = await find();
  if (row === undefined) throw new Error('no acknowledgement');
  return row;
};

describe('a pause', () => {
  it('is a stop: its streams are cut, its gateways confirm, and it is taken back by resuming', async () => {
    const of = await world.makeClone(owner);
    const cuts = await flow(of);
    const { stopId, state } = await world.stop.pauseClone(owner.actor, world.key(), of.cloneId);
    expect(state).toBe('paused');
    expect(await acknowledged(stopId ?? '')).toMatchObject({ streams: 1, bytes: '5', gateways: [{ outcome: 'confirmed' }] });
    expect(cuts).toEqual(['stopped']);
    await world.stop.resumeClone(owner.actor, world.key(), of.cloneId);
    expect(await flow(of, [1n, 3n, 1n, 1n])).toEqual([]);
  });

  it('of one capability leaves the others open; what is unknown is not found, and two parts at once are refused', async () => {
    const [of, part] = [await world.makeClone(owner), { capability: 'voice' }];
    expect(await world.stop.pauseClone(owner.actor, world.key(), of.cloneId, part)).toMatchObject({ scope: 'capability', target: 'voice', state: 'paused', epoch: '2' });
    await expect(world.release(of, 'paused-part')).rejects.toMatchObject({ constraint: 'gate_paused' });
    expect(await world.runTx((tx) => world.gates.ofClone(tx, of.cloneId))).toMatchObject({ state: 'open', epoch: 1n });
    expect(await world.stop.resumeClone(owner.actor, world.key(), of.cloneId, part)).toMatchObject({ state: 'open', epoch: '3' });
    for (const unknown of [{ grantId: 'grt_unknown' }, { licenceId: 'lic_unknown' }]) {
      expect(await codeOf(world.stop.pauseClone(owner.actor, world.key(), of.cloneId, unknown))).toBe('not_found');
    }
    expect(await codeOf(world.stop.pauseClone(owner.actor, world.key(), of.cloneId, { ...part, grantId: of.grantId }))).toBe('request_invalid');
  });
});

describe('a stop of a part', () => {
  it('of a capability returns what its tiers were paid for, as quoted, and sells them no more; the clone goes on', async () => {
    const of = await world.makeClone(owner);
    await world.money.subscribed(world.money.fan('mei'), of.tierId, of.cloneId);
    const idle = await world.stop.quoteStop(owner.actor, of.cloneId, { capability: 'sing' });
    expect(idle.cost).toMatchObject({ fans: 0, refundMinor: '0' });
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId, { capability: 'voice' });
    expect(quote.cost).toMatchObject({ fans: 1, renewals: 1, refundMinor: '600' });
    expect(quote.order).toMatchObject({ schemaVersion: 2, kind: 'existence', scope: 'capability', target: 'voice', endsAt: null });
    const cuts = await flow(of);
    const stop = await world.order(owner, of.cloneId, quote);
    expect(stop).toMatchObject({ scope: 'capability', target: 'voice', streams: 1, gateways: [{ outcome: 'confirmed' }] });
    expect(cuts).toEqual(['stopped']);
    await world.money.drain();
    expect(await world.stop.getStop(owner.actor, stop.stopId)).toMatchObject({ state: 'settled', settlement: { equalsQuote: true, refundedMinor: '600' } });
    expect(await world.runTx((tx) => world.gates.ofClone(tx, of.cloneId))).toMatchObject({ state: 'open' });
    expect(await codeOf(world.money.billing.subscribe(world.money.fan('li'), world.key(), { cloneId: of.cloneId, tierId: of.tierId }))).toBe('stopped');
    // The whole clone can still be stopped, once more and for good.
    expect((await world.order(owner, of.cloneId, await world.stop.quoteStop(owner.actor, of.cloneId))).scope).toBe('clone');
  });
});

describe('a wind-down', () => {
  it('delivers and earns to the end of the notice period, sells nothing new, then shuts and returns what lies beyond', async () => {
    const of = await world.makeClone(owner);
    await world.money.subscribed(world.money.fan('wu'), of.tierId, of.cloneId);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId, { kind: 'wind_down' });
    const began = world.money.clock.now();
    const endsAt = new Date(began.getTime() + 10 * 86_400_000);
    // 10 of 31 days will have been used.
    expect(quote.cost).toMatchObject({ day: '2026-03-11', refundMinor: String(600n - (567n * 10n) / 31n - (33n * 10n) / 31n) });
    const ordered = await world.order(owner, of.cloneId, quote);
    expect(ordered).toMatchObject({ kind: 'wind_down', endsAt: endsAt.toISOString(), epoch: null, acknowledgedAt: null });
    await world.release(of, 'wound-down');
    expect(await codeOf(world.money.billing.subscribe(world.money.fan('li'), world.key(), { cloneId: of.cloneId, tierId: of.tierId }))).toBe('stopped');
    expect(await world.stop.getStop(owner.actor, ordered.stopId)).toMatchObject({ state: 'winding_down', settlement: { done: false } });
    await expect(world.stop.endWindDown(ordered.stopId)).rejects.toThrow('in the future');
    await world.money.moveTo(endsAt.toISOString());
    await world.stop.idle();
    await world.money.drain();
    const ended = await world.stop.getStop(owner.actor, ordered.stopId);
    expect(ended).toMatchObject({ state: 'settled', epoch: '2', releases: '1', settlement: { equalsQuote: true, differences: [] }, gateways: [{ outcome: 'confirmed' }] });
    await expect(world.release(of, 'late')).rejects.toMatchObject({ constraint: 'gate_stopped' });
    await world.stop.endWindDown(ordered.stopId);
    await world.money.checkBooks();
  });
});

describe('a database that knows less than a gateway', () => {
  it('is not believed until two operators have compared the log with a checkpoint from outside', async () => {
    const of = await world.makeClone(owner);
    const [now] = await world.money.db.asApp<{ id: string }>('SELECT system_identifier::text AS id FROM pg_control_system()');
    // What a gateway remembers after a restart: more stops than there are in the backup that was restored.
    const doubting = gateway({ load: () => ({ systemIdentifier: now?.id ?? '', timeline: 1, stops: 1_000n }), save: () => undefined });
    await doubting.start();
    try {
      const open = (): Promise<unknown> => doubting.open({ kind: 'output', subjectId: 'x', gates: of.gates.map((gateId) => ({ gateId, epoch: 1n })), cut: () => undefined });
      expect(await codeOf(open())).toBe('database_untrusted');
      expect(() => doubting.witness([])).toThrow(expect.objectContaining({ code: 'database_untrusted' }));
      const [distrust] = (await world.stop.listGateways()).distrusts;
      expect(distrust).toMatchObject({ what: 'stops', remembered: '1000', confirmations: 0 });
      await world.log.sequence();
      const [, logSize = '', logRootHash = ''] = (await world.log.getCheckpoint()).split('\n');
      const confirm = (person: Person, seen = { logSize, logRootHash }): Promise<unknown> =>
        world.stop.confirmDatabase(person.actor, world.key(), distrust?.distrustId ?? '', seen);
      expect(await codeOf(confirm(one, { logSize: String(Number(logSize) + 1), logRootHash }))).toBe('log_mismatch');
      expect(await confirm(one)).toMatchObject({ confirmations: 1 });
      expect(await confirm(one)).toMatchObject({ confirmations: 1 });
      await new Promise((done) => setTimeout(done, 500));
      expect(await codeOf(open())).toBe('database_untrusted');
      expect(await confirm(two)).toMatchObject({ confirmations: 2 });
      await until(async () => doubting.standing() === 'fresh');
      await open();
    } finally {
      await doubting.close();
    }
  });
});

describe('the whole house', () => {
  it('is paused and opened again by two operators, never by one', async () => {
    const of = await world.makeClone(owner);
    const cuts = await flow(of);
    const order = await world.stop.orderPlatform(one.actor, world.key(), { action: 'pause', reason: 'A leak.' });
    expect(cuts).toEqual([]);
    expect(await codeOf(world.stop.confirmPlatform(one.actor, world.key(), order.orderId))).toBe('two_people_needed');
    const done = await world.stop.confirmPlatform(two.actor, world.key(), order.orderId);
    expect((await acknowledged(done.stopId ?? '')).gateways).toMatchObject([{ outcome: 'confirmed' }]);
    expect(cuts).toEqual(['stopped']);
    await expect(world.release(of, 'house')).rejects.toMatchObject({ constraint: 'gate_paused' });
    expect((await world.stop.listGateways()).platform).toMatchObject({ state: 'paused', holds: ['platform'] });
    const old = await world.stop.orderPlatform(two.actor, world.key(), { action: 'resume', reason: 'Mended.' });
    world.money.clock.advance(3_600_000);
    expect(await codeOf(world.stop.confirmPlatform(one.actor, world.key(), old.orderId))).toBe('stop_state');
    const again = await world.stop.orderPlatform(two.actor, world.key(), { action: 'resume', reason: 'Mended.' });
    await world.stop.confirmPlatform(one.actor, world.key(), again.orderId);
    expect((await world.stop.listGateways()).platform).toMatchObject({ state: 'open', holds: [] });
    await expect(world.money.db.asApp(`INSERT INTO platform_order_confirmation (order_id, confirmed_by, confirmed_at) VALUES ($1, $2, now())`,
      [(await world.stop.orderPlatform(one.actor, world.key(), { action: 'pause', reason: 'x' })).orderId, one.actor.accountId]))
      .rejects.toMatchObject({ constraint: 'platform_order_needs_two' });
  });

  it('can itself pause a clone, for a holder that nobody else lifts', async () => {
    const of = await world.makeClone(owner);
    const stop = await world.runTx((tx) => world.stop.stopByHouse(tx, { cloneId: of.cloneId, kind: 'pause', holder: 'notice:ntc_1', reason: 'A notice was upheld.', by: 'acc_x' }));
    await world.money.drain();
    expect(await acknowledged(stop?.stopId ?? '')).toMatchObject({ gateways: [{ outcome: 'confirmed' }] });
    expect(await world.stop.resumeClone(owner.actor, world.key(), of.cloneId)).toMatchObject({ state: 'paused', holds: ['notice:ntc_1'] });
    expect(await world.runTx((tx) => world.stop.stopByHouse(tx, { cloneId: of.cloneId, kind: 'pause', holder: 'notice:ntc_1', reason: 'x', by: 'acc_x' }))).toBeNull();
  });
});
