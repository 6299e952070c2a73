import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeGatewayLease, openLeaseStore, type GatewayLease, type Remembered } from '../../src/consent/index.ts';
import { makeBillingHandlers } from '../../src/billing/index.ts';
import { makeApp } from '../../src/http/app.ts';
import { loadBundle } from '../../src/http/operations.ts';
import type { AppHandlers } from '../../src/http/router.ts';
import { makeValidators } from '../../src/http/validation.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { notFound } from '../../src/kernel/refusals.ts';
import type { Actor } from '../../src/kernel/request.ts';
import { systemClock, systemLeaseClocks } from '../../src/platform/clock.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { makeStopHandlers } from '../../src/stop/index.ts';
import { codeOf } from '../ownership/world.ts';
import { type Client, makeClient } from '../support/client.ts';
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

/** The contract's own routes over these rooms: whoever says a name in the token is that person. */
async function served(people: Readonly<Record<string, Actor>>): Promise<{ as: (name: string) => Client; close: () => void }> {
  const bundle = loadBundle();
  const rooms = { ...makeBillingHandlers(world.money.billing), ...makeStopHandlers(world.stop) };
  const unknown = (): Promise<never> => Promise.reject(notFound());
  const handlers = { ...Object.fromEntries(bundle.operations.map(({ id }) => [id, unknown])), ...rooms } as unknown as AppHandlers;
  const server = makeApp({
    bundle, handlers, validators: makeValidators(bundle), validateResponses: true, log: makeLog({ level: 'silent' }), clock: systemClock, random: systemRandom,
    authenticate: async (token) => people[token] ?? null,
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    as: (name) => makeClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, name),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

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

describe('a stop of a capability that leaves something of a tier', () => {
  it('is answered over HTTP: who keeps what remains has it to the end and is not renewed, who does not is paid back what the signed quote said', async () => {
    const of = await world.makeClone(owner);
    const { cloneId } = of;
    world.money.facts.capabilities = { voice: true, moments: true };
    const { tierId } = await world.money.billing.createTier(owner.actor, world.key(), { cloneId, name: 'work', priceMinor: '3000', capabilities: ['voice', 'moments'] });
    await world.money.drain();
    const fans = { keeps: world.money.fan('tao'), refuses: world.money.fan('bo'), other: world.money.fan('yun') };
    const { subscriptionId: kept } = await world.money.subscribed(fans.keeps, tierId, cloneId);
    const { subscriptionId: returned } = await world.money.subscribed(fans.refuses, tierId, cloneId);
    const { as, close } = await served({ owner: owner.actor, ...fans });
    try {
      const quote = await as('owner').call('quoteStop', { path: { cloneId }, query: { capability: 'moments' } });
      expect(quote.cost).toMatchObject({ fans: 2, renewals: 2 });
      const each = BigInt(quote.cost.refundMinor) / 2n;
      const body = { quoteId: quote.quoteId, signature: await world.sign(owner, 'stop_order', quote.order) };
      expect((await as('keeps').refused('orderStop', { path: { cloneId }, body })).code).toBe('not_found');
      const { stopId } = await as('owner').call('orderStop', { path: { cloneId }, body });
      await world.money.drain();
      const told = await as('keeps').call('getSubscription', { path: { subscriptionId: kept } });
      expect(told.remains).toMatchObject({ stopId, stopped: 'moments', remaining: ['voice'], refundMinor: each.toString(), answer: 'none' });
      expect(await as('owner').call('getStop', { path: { stopId } })).toMatchObject({ settlement: { done: false } });
      const answer = (name: string, subscriptionId: string, accept: boolean) => [name, { path: { subscriptionId }, body: { stopId, accept } }] as const;
      const ask = ([name, input]: ReturnType<typeof answer>) => as(name).call('answerRemains', input);
      const no = async ([name, input]: ReturnType<typeof answer>): Promise<string> => (await as(name).refused('answerRemains', input)).code;
      expect(await no(answer('other', kept, true))).toBe('not_found');
      expect(await no(answer('nobody', kept, true))).toBe('session_invalid');
      expect((await as('keeps').refused('answerRemains', { path: { subscriptionId: kept }, body: { stopId: 'stp_other', accept: true } })).code).toBe('subscription_state');
      expect(await ask(answer('keeps', kept, true))).toMatchObject({ remains: { answer: 'accepted' }, cancelAtPeriodEnd: true });
      expect(await ask(answer('refuses', returned, false))).toMatchObject({ remains: { answer: 'declined' } });
      expect(await no(answer('keeps', kept, false))).toBe('subscription_state');
      await world.money.drain();
      expect(await as('keeps').call('getSubscription', { path: { subscriptionId: kept } })).toMatchObject({ state: 'active', currentPeriod: { startDay: expect.any(String) as string } });
      expect(await as('refuses').call('getSubscription', { path: { subscriptionId: returned } })).toMatchObject({ state: 'canceled', currentPeriod: null });
      expect(await as('owner').call('getStop', { path: { stopId } })).toMatchObject({
        state: 'settled', settlement: { done: true, equalsQuote: false, differences: ['kept_by_fan'], refundsSucceeded: 1, refundedMinor: each.toString(), renewalsLeft: 0 },
      });
      await world.money.checkBooks();
    } finally {
      close();
      world.money.facts.capabilities = { voice: true };
    }
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
