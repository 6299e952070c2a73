import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Refusal } from '../../src/kernel/refusals.ts';
import type { RunTx, Tx } from '../../src/kernel/tx.ts';
import { STOP_CHANNEL } from '../../src/consent/index.ts';
import { verifyBundle } from '../../src/transparency/index.ts';
import { codeOf, refusalOf } from '../ownership/world.ts';
import { until } from '../support/until.ts';
import { listen, openStopWorld, type Person, type StopWorld } from './world.ts';

let world: StopWorld;
let owner: Person;
let stranger: Person;

beforeAll(async () => {
  world = await openStopWorld('stop');
  owner = await world.register('Lin Ya');
  stranger = await world.register('An agency');
});
afterAll(async () => await world.close());

const said = ({ code, message, extra }: Refusal): unknown => ({ code, message, extra });
const rows = async (table: string, cloneId: string): Promise<number> =>
  (await world.money.db.asOwner(`SELECT 1 FROM ${table} WHERE clone_id = $1`, [cloneId])).length;
const leaves = async (subject: string): Promise<string[]> =>
  (await world.runTx((tx) => world.log.leavesOf(tx, subject))).map(({ type }) => type);

describe('a quote', () => {
  it('says what the stop costs and who bears it, and is the document that is signed', async () => {
    const of = await world.makeClone(owner);
    await world.money.subscribed(world.money.fan('mei'), of.tierId, of.cloneId);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    expect(quote.cost).toEqual({
      day: '2026-03-01', currency: 'CNY', fans: 1, renewals: 1, openCheckouts: 0, openOutputs: 3, refundMinor: '600',
      deferredMinor: '567', taxMinor: '33', feeMinor: '27', feeBearer: 'platform',
    });
    expect(quote.order).toEqual({
      type: 'benren.stop_order', schemaVersion: 1, kind: 'existence', cloneId: of.cloneId, ownerAccountId: owner.actor.accountId,
      quoteId: quote.quoteId, quoteDigest: quote.digest, reason: '',
    });
    expect(await codeOf(world.stop.quoteStop(stranger.actor, of.cloneId))).toBe('not_found');
  });
});

describe('a stop', () => {
  it('is acknowledged with its time, shuts the gate, counts the releases, and settles to what was quoted', async () => {
    const of = await world.makeClone(owner);
    await world.money.subscribed(world.money.fan('li'), of.tierId, of.cloneId);
    await world.release(of, 'before-1');
    await world.release(of, 'before-2');
    const ears = await listen(world.money.db.appUrl, STOP_CHANNEL);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    const answer = await world.order(owner, of.cloneId, { ...quote, order: { ...quote.order, reason: '够了。' } });
    expect(answer).toMatchObject({ cloneId: of.cloneId, epoch: '2', releases: '2', orderedAt: answer.acknowledgedAt, gateways: [], streams: 0, bytes: '0' });
    expect(answer.milliseconds).toBeGreaterThan(0);
    expect(answer.milliseconds).toBeLessThan(10_000);

    expect(await world.runTx((tx) => world.gates.ofClone(tx, of.cloneId))).toMatchObject({ state: 'stopped', epoch: 2n });
    await expect(world.release(of, 'after')).rejects.toMatchObject({ constraint: 'gate_stopped' });
    await until(async () => ears.heard.length > 0);
    await ears.close();
    expect(ears.heard.map((told) => JSON.parse(told) as unknown)).toEqual([{ gateId: of.gates[1], epoch: '2' }]);

    const before = await world.stop.getStop(owner.actor, answer.stopId);
    expect(before).toMatchObject({ state: 'acknowledged', quoted: quote.cost, settlement: { done: false, equalsQuote: null } });
    await world.money.drain();
    const after = await world.stop.getStop(owner.actor, answer.stopId);
    expect(after).toMatchObject({
      state: 'settled', milliseconds: answer.milliseconds,
      settlement: { done: true, refundsSucceeded: 1, refundedMinor: quote.cost.refundMinor, equalsQuote: true, differences: [] },
    });
    await world.money.checkBooks();

    await world.log.sequence();
    const bundle = await world.log.bundle(after.leafId, { ...after.record });
    const verify = (file: object): boolean => verifyBundle(JSON.stringify(file), { logPublicKey: world.log.verifierKey }).ok;
    expect(verify(bundle)).toBe(true);
    expect(verify({ ...bundle, document: { ...after.record, releases: '1' } })).toBe(false);
    expect(await codeOf(world.stop.getStop(stranger.actor, answer.stopId))).toBe('not_found');
    expect(await codeOf(world.stop.quoteStop(owner.actor, of.cloneId))).toBe('stop_state');
  });

  it('that differs from its quote says why', async () => {
    const of = await world.makeClone(owner);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    await world.money.subscribed(world.money.fan('wu'), of.tierId, of.cloneId);
    const { stopId } = await world.order(owner, of.cloneId, quote);
    await world.money.drain();
    expect(await world.stop.getStop(owner.actor, stopId)).toMatchObject({
      state: 'settled', quoted: { refundMinor: '0' },
      settlement: { refundedMinor: '600', equalsQuote: false, differences: ['paid_after_quote'] },
    });
  });

  it('is refused to every other account as to a stranger, and leaves no trace', async () => {
    const of = await world.makeClone(owner);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    for (const person of [stranger, await world.operator()]) {
      const signature = await world.sign(person, 'stop_order', quote.order);
      const order = { quoteId: quote.quoteId, signature };
      const foreign = await refusalOf(world.stop.orderStop(person.actor, world.key(), of.cloneId, order));
      const unknown = await refusalOf(world.stop.orderStop(person.actor, world.key(), 'cln_unknown', order));
      expect(said(foreign)).toEqual(said(unknown));
      expect(foreign.code).toBe('not_found');
      expect(await codeOf(world.stop.pauseClone(person.actor, world.key(), of.cloneId))).toBe('not_found');
      expect(await codeOf(world.stop.resumeClone(person.actor, world.key(), of.cloneId))).toBe('not_found');
      // Nor does her session help somebody else's passkey.
      expect(await codeOf(world.stop.orderStop(owner.actor, world.key(), of.cloneId, order))).toBe('challenge_unknown');
    }
    expect(await world.runTx((tx) => world.gates.ofClone(tx, of.cloneId))).toMatchObject({ state: 'open', epoch: 1n });
    expect(await rows('stop_order', of.cloneId)).toBe(0);
    expect(await leaves(of.cloneId)).toEqual([]);
  });

  it('needs exactly this order, signed once, upon a fresh quote of this clone', async () => {
    const [of, other] = [await world.makeClone(owner), await world.makeClone(owner)];
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    const foreign = await world.stop.quoteStop(owner.actor, other.cloneId);
    const attempt = async (document: object, quoteId = quote.quoteId): Promise<string> => {
      const signature = await world.sign(owner, 'stop_order', document);
      return await codeOf(world.stop.orderStop(owner.actor, world.key(), of.cloneId, { quoteId, signature }));
    };
    expect(await attempt({ ...quote.order, cloneId: other.cloneId })).toBe('signature_mismatch');
    expect(await attempt({ ...quote.order, quoteDigest: 'a'.repeat(64) })).toBe('signature_mismatch');
    expect(await attempt({ ...quote.order, ownerAccountId: stranger.actor.accountId })).toBe('signature_mismatch');
    expect(await attempt(foreign.order)).toBe('signature_mismatch');
    expect(await attempt(foreign.order, foreign.quoteId)).toBe('not_found');
    expect(await attempt(quote.order, 'quo_unknown')).toBe('not_found');
    world.money.clock.advance(3_600_000);
    expect(await attempt(quote.order)).toBe('quote_stale');
    expect(await rows('stop_order', of.cloneId)).toBe(0);
  });

  it('ordered twice, one after the other or at once, is one stop', async () => {
    const of = await world.makeClone(owner);
    const quotes = [await world.stop.quoteStop(owner.actor, of.cloneId), await world.stop.quoteStop(owner.actor, of.cloneId)];
    const signed = await Promise.all(quotes.map(async (quote) => ({
      quoteId: quote.quoteId, signature: await world.sign(owner, 'stop_order', quote.order),
    })));
    const answers = await Promise.all(signed.map((order) => world.stop.orderStop(owner.actor, world.key(), of.cloneId, order, 5_000)));
    expect(answers[0]?.stopId).toBe(answers[1]?.stopId);
    const key = world.key();
    const third = await world.order(owner, of.cloneId, quotes[0]!, key);
    expect({ ...third, milliseconds: 0 }).toEqual({ ...answers[0], milliseconds: 0 });
    expect(await world.order(owner, of.cloneId, quotes[0]!, key)).toEqual(third);
    expect(await rows('stop_order', of.cloneId)).toBe(1);
    expect(await leaves(of.cloneId)).toEqual(['stop.ordered']);
  });

  it('waits for the release in flight, counts it, and refuses the next', async () => {
    const of = await world.makeClone(owner);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((done) => {
      letGo = done;
    });
    let inserted: () => void = () => undefined;
    const inFlight = new Promise<void>((done) => {
      inserted = done;
    });
    const releasing = world.runTx(async (tx) => {
      const refs = await world.gates.applicable(tx, { cloneId: of.cloneId, capability: 'voice', grantId: of.grantId });
      await world.gates.lockShared(tx, refs);
      inserted();
      await held;
    });
    await inFlight;
    const ordering = world.order(owner, of.cloneId, quote);
    expect(await Promise.race([ordering.then(() => 'stopped'), new Promise((done) => setTimeout(done, 300, 'waits'))])).toBe('waits');
    letGo();
    await releasing;
    expect((await ordering).milliseconds).toBeGreaterThan(250);
    await expect(world.release(of, 'late')).rejects.toMatchObject({ constraint: 'gate_stopped' });
  });
});

/** A connection that dies: before COMMIT is sent, or after it took effect and before its answer came. */
function losing(runTx: RunTx, when: 'before' | 'after', times: number): RunTx {
  let left = times;
  const lost = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  return async <T>(work: (tx: Tx) => Promise<T>, options?: Parameters<RunTx>[1]): Promise<T> => {
    if (left === 0) return await runTx(work, options);
    left -= 1;
    if (when === 'before') {
      return await runTx(async (tx) => {
        await work(tx);
        throw lost();
      }, options);
    }
    await runTx(work, options);
    throw lost();
  };
}

describe('an unknown outcome of COMMIT', () => {
  it.each(['before', 'after'] as const)('lost %s it took effect: the same stop is tried again, then acknowledged', async (when) => {
    const of = await world.makeClone(owner);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    const signature = await world.sign(owner, 'stop_order', quote.order);
    const shaky = world.stopWith({ runTx: losing(world.runTx, when, 2) });
    const answer = await shaky.orderStop(owner.actor, world.key(), of.cloneId, { quoteId: quote.quoteId, signature }, 5_000);
    expect(answer.milliseconds).toBeGreaterThan(0);
    expect(await rows('stop_order', of.cloneId)).toBe(1);
    expect(await leaves(of.cloneId)).toEqual(['stop.ordered']);
  });

  it('that stays unknown is never acknowledged; the same request later, or the job, takes over', async () => {
    for (const takeOver of ['request', 'job']) {
      const of = await world.makeClone(owner);
      const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
      const order = { quoteId: quote.quoteId, signature: await world.sign(owner, 'stop_order', quote.order) };
      const key = world.key();
      const shaky = world.stopWith({ runTx: losing(world.runTx, 'after', 4) });
      expect(await codeOf(shaky.orderStop(owner.actor, key, of.cloneId, order))).toBe('unavailable');
      const [stopped] = await world.money.db.asApp<{ id: string }>('SELECT id FROM stop_order WHERE clone_id = $1', [of.cloneId]);
      const stopId = stopped?.id ?? '';
      expect(await world.stop.getStop(owner.actor, stopId)).toMatchObject({ state: 'ordered', acknowledgedAt: null, milliseconds: null });
      if (takeOver === 'request') {
        expect(await world.stop.orderStop(owner.actor, key, of.cloneId, order, 5_000)).toMatchObject({ stopId, milliseconds: null });
      } else {
        world.money.clock.advance(2_000);
        await world.money.drain();
        expect((await world.stop.getStop(owner.actor, stopId)).acknowledgedAt).not.toBeNull();
      }
    }
  });

  it('is not every error: a refusal and a broken rule are answered at once', async () => {
    const of = await world.makeClone(owner);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    let tries = 0;
    const failing = world.stopWith({
      countReleases: async () => {
        tries += 1;
        throw new Error('a fault of ours');
      },
    });
    const signature = await world.sign(owner, 'stop_order', quote.order);
    await expect(failing.orderStop(owner.actor, world.key(), of.cloneId, { quoteId: quote.quoteId, signature })).rejects.toThrow('a fault of ours');
    expect(tries).toBe(1);
    expect(await world.runTx((tx) => world.gates.ofClone(tx, of.cloneId))).toMatchObject({ state: 'open' });
  });
});

describe('pause and resume', () => {
  it('shut and open the gate, each with a raised epoch, and are logged', async () => {
    const of = await world.makeClone(owner);
    const key = world.key();
    const paused = await world.stop.pauseClone(owner.actor, key, of.cloneId);
    expect(paused).toEqual({
      cloneId: of.cloneId, scope: 'clone', target: null, state: 'paused', epoch: '2', holds: ['owner'], stopId: expect.stringMatching(/^stp_/) as string,
    });
    await expect(world.release(of, 'paused')).rejects.toMatchObject({ constraint: 'gate_paused' });
    expect(await world.stop.pauseClone(owner.actor, key, of.cloneId)).toEqual(paused);
    expect(await world.stop.pauseClone(owner.actor, world.key(), of.cloneId)).toEqual({ ...paused, stopId: null });
    world.money.clock.advance(86_400_000);
    expect(await world.stop.resumeClone(owner.actor, world.key(), of.cloneId)).toEqual({ cloneId: of.cloneId, scope: 'clone', target: null, state: 'open', epoch: '3', holds: [], stopId: null });
    expect(await world.stop.resumeClone(owner.actor, world.key(), of.cloneId)).toEqual({ cloneId: of.cloneId, scope: 'clone', target: null, state: 'open', epoch: '3', holds: [], stopId: null });
    await world.release(of, 'resumed');
    expect(await leaves(of.cloneId)).toEqual(['gate.paused', 'gate.resumed']);
    expect(await world.runTx((tx) => world.gates.pauses(tx, of.cloneId))).toHaveLength(1);
    expect(await rows('clone_pause', of.cloneId)).toBe(1);
  });

  it('are dated when the gate shuts: no release that they waited for is later than they', async () => {
    const of = await world.makeClone(owner);
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    const changes: [() => Promise<unknown>, string][] = [
      [() => world.stop.pauseClone(owner.actor, world.key(), of.cloneId), 'owner.paused'],
      [() => world.order(owner, of.cloneId, quote), 'stop.ordered'],
    ];
    for (const [change, reason] of changes) {
      let letGo: () => void = () => undefined;
      const held = new Promise<void>((done) => {
        letGo = done;
      });
      let locked: () => void = () => undefined;
      const inFlight = new Promise<void>((done) => {
        locked = done;
      });
      const releasing = world.runTx(async (tx) => {
        await world.gates.lockShared(tx, await world.gates.applicable(tx, { cloneId: of.cloneId, capability: 'voice', grantId: of.grantId }));
        locked();
        await held;
      });
      await inFlight;
      const changing = change();
      expect(await Promise.race([changing.then(() => 'done'), new Promise((done) => setTimeout(done, 300, 'waits'))])).toBe('waits');
      world.money.clock.advance(5_000);
      const releasedAt = world.money.clock.now();
      letGo();
      await releasing;
      await changing;
      const [shut] = await world.money.db.asApp<{ at: Date }>(`
        SELECT c.changed_at AS at FROM gate_change AS c JOIN gate ON gate.id = c.gate_id
        WHERE gate.clone_id = $1 AND gate.kind = 'clone' AND c.reason = $2`, [of.cloneId, reason]);
      expect(shut?.at.getTime()).toBeGreaterThanOrEqual(releasedAt.getTime());
    }
  });

  it('do nothing for a stopped clone: a stop is final', async () => {
    const of = await world.makeClone(owner);
    await world.stop.pauseClone(owner.actor, world.key(), of.cloneId);
    const { epoch } = await world.order(owner, of.cloneId, await world.stop.quoteStop(owner.actor, of.cloneId));
    expect(epoch).toBe('3');
    expect(await codeOf(world.stop.resumeClone(owner.actor, world.key(), of.cloneId))).toBe('stop_state');
    expect(await codeOf(world.stop.pauseClone(owner.actor, world.key(), of.cloneId))).toBe('stop_state');
  });
});

describe('raw SQL', () => {
  it('cannot write a stop that its owner did not sign, nor one that leaves the gate open, nor change one', async () => {
    const [of, done] = [await world.makeClone(owner), await world.makeClone(owner)];
    const quote = await world.stop.quoteStop(owner.actor, of.cloneId);
    const { stopId } = await world.order(owner, done.cloneId, await world.stop.quoteStop(owner.actor, done.cloneId));
    const signed = (await world.stop.getStop(owner.actor, stopId)).signedDocumentId;
    const insert = (signature: string): Promise<unknown> => world.money.db.asApp(
      `INSERT INTO stop_order (id, clone_id, ordered_by, quote_id, signed_document_id, epoch, releases, leaf_id, ordered_at)
       VALUES ('stp_forged', $1, $2, $3, $4, 2, 0, 'x', now())`, [of.cloneId, owner.actor.accountId, quote.quoteId, signature]);
    await expect(insert(signed)).rejects.toMatchObject({ constraint: 'stop_order_is_the_owners' });
    await expect(insert('sgn_unknown')).rejects.toMatchObject({ constraint: 'stop_order_is_the_owners' });
    await expect(world.money.db.asOwner('DELETE FROM stop_order')).rejects.toThrow(/is refused/);
    await expect(world.money.db.asOwner('UPDATE stop_acknowledgement SET nanoseconds = 1')).rejects.toThrow(/is refused/);
    await expect(world.money.db.asApp('UPDATE stop_quote SET digest = $1', ['x'])).rejects.toThrow(/permission denied/);
  });
});
