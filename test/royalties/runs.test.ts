import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { coinsBought } from '../../src/billing/coin-postings.ts';
import { insertLot, insertPurchase } from '../../src/billing/coin-store.ts';
import { chart, type Ledger } from '../../src/ledger/index.ts';
import { refusal } from '../billing/refusal.ts';
import { noon } from '../billing/support.ts';
import { earn } from './earned.ts';
import { openRoyalties, type RoyaltiesWorld } from './world.ts';

let world: RoyaltiesWorld;
let friend: string;
beforeAll(async () => {
  world = await openRoyalties();
  friend = await world.newTier();
  const work = await world.newTier('work', '3000');
  await world.signedSplit();
  await world.paid('mei', friend);
  await world.paid('li', work);
  // The split changes in the middle of what will be run.
  await world.signedSplit([
    { payee: world.owner.accountId, basisPoints: 6_000 }, { payee: world.agency.accountId, basisPoints: 3_000 }, { payee: 'platform', basisPoints: 1_000 },
  ], '2026-03-17');
  await world.moveTo(noon('2026-04-01'));
});
afterAll(async () => {
  await world.close();
});

type Run = Awaited<ReturnType<RoyaltiesWorld['run']>>;
const facts = ({ pots, entries, fromPosition, throughDay }: Run): object => ({
  entries, fromPosition, throughDay, pots: pots.map(({ tierId, splitId, firstDay, lastDay, amountMinor, legs }) => ({ tierId, splitId, firstDay, lastDay, amountMinor, legs })),
});
const rows = async (): Promise<string> => (await world.db.asOwner<{ count: string }>(`
  SELECT ((SELECT count(*) FROM royalty_run) + (SELECT count(*) FROM royalty_pot) + (SELECT count(*) FROM royalty_run_entry))::text AS count`))[0]?.count ?? '';
/** A ledger that dies with the process after so many pots. */
function dyingAfter(pots: number): Ledger {
  let left = pots;
  return {
    ...world.ledger,
    async post(tx, draft) {
      if (draft.kind === 'royalties.pot_divided' && left === 0) throw new Error('killed between two pots');
      if (draft.kind === 'royalties.pot_divided') left -= 1;
      return await world.ledger.post(tx, draft);
    },
  };
}

let parts = 0;
let dry: Run;
const key = { scope: 'royalties:runRoyalties', key: 'the same', digest: 'run' };

/** A process of its own that runs in parts of one position, and is killed once it has written entries and more are to come. */
async function killedInTheMiddle(): Promise<void> {
  const child: ChildProcess = fork(fileURLToPath(new URL('run-child.ts', import.meta.url)), [JSON.stringify({
    url: world.db.appUrl, cloneId: world.cloneId, key, now: world.clock.now().toISOString(),
  })], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise<string | null>((done) => child.once('exit', (_code, signal) => done(signal)));
  try {
    expect(await Promise.race([new Promise<unknown>((done) => child.once('message', done)), ended])).toEqual({ written: 1 });
  } finally {
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
  }
}

describe('a run', () => {
  it('is shown before, whole, and nothing of that stays', async () => {
    dry = await world.run('2026-04-01', true);
    expect(await rows()).toBe('0');
    expect(await world.balance(chart.payable(world.owner.accountId, 'CNY'))).toBe(0n);
    // Two tiers, each on both sides of the new split; pots stand in the order of ids, which is nobody's.
    expect(dry.pots.map((pot) => `${pot.firstDay} ${pot.lastDay}`).sort()).toEqual([
      '2026-03-01 2026-03-16', '2026-03-01 2026-03-16', '2026-03-17 2026-03-31', '2026-03-17 2026-03-31',
    ]);
  });

  it('that dies between two pots leaves nothing, and goes on when it is asked for again', async () => {
    for (const pots of [0, 1, 3]) {
      const dying = world.withStripe(world.port, dyingAfter(pots)).runRoyalties(world.operator.actor, key, { cloneId: world.cloneId, throughDay: '2026-04-01' });
      await expect(dying).rejects.toThrow('killed');
      expect(await rows()).toBe('0');
    }
    // And a process that is killed in the middle of the parts, with the first of them written.
    await killedInTheMiddle();
    expect(await rows()).toBe('0');
    expect(await world.balance(chart.payable(world.owner.accountId, 'CNY'))).toBe(0n);
    // In parts of two positions what comes out is what one look at all of it gave.
    const counting: Ledger = {
      ...world.ledger,
      entries(tx, range) {
        parts += 1;
        return world.ledger.entries(tx, range);
      },
    };
    const run = await world.withStripe(world.port, counting, 2n).runRoyalties(world.operator.actor, key, { cloneId: world.cloneId, throughDay: '2026-04-01' });
    expect(facts(run)).toEqual(facts(dry));
    expect(parts).toBeGreaterThan(3);
    await world.checkBooks();
  });

  it('answers the same to the same key, and covers each entry once, however many ask', async () => {
    const again = await world.royalties.runRoyalties(world.operator.actor, key, { cloneId: world.cloneId, throughDay: '2026-04-01' });
    expect(facts(again)).toEqual(facts(dry));
    const before = await world.balance(chart.payable(world.owner.accountId, 'CNY'));
    const runs = await Promise.all(Array.from({ length: 6 }, () => world.run('2026-04-01')));
    expect(runs.flatMap((run) => run.pots)).toEqual([]);
    expect(await world.balance(chart.payable(world.owner.accountId, 'CNY'))).toBe(before);
    // (a, b], one after the other, and no entry on `earned` stands twice or not at all.
    const ranges = await world.db.asOwner<{ off: string }>(`SELECT count(*)::text AS off FROM
      (SELECT from_position, lag(to_position, 1, 0::bigint) OVER (ORDER BY number) AS before FROM royalty_run) r WHERE from_position <> before`);
    expect(ranges).toEqual([{ off: '0' }]);
    expect(await world.db.asOwner('SELECT 1 FROM royalty_run_entry e WHERE NOT EXISTS (SELECT FROM royalty_pot p WHERE p.id = e.pot_id AND p.run_id = e.run_id)')).toEqual([]);
  });

  it('is of days that are over, and of a clone that exists', async () => {
    expect(await refusal(world.run('2026-04-02'))).toBe('run_range');
    expect(await refusal(world.royalties.runRoyalties(world.operator.actor, world.key('runRoyalties'), { cloneId: 'cln_unknown', throughDay: '2026-04-01' }))).toBe('not_found');
  });
});

describe('a run of very much', () => {
  it('holds the entries of one part of it at a time, and divides all of it once', async () => {
    const splitId = (await world.royalties.listSplits(world.owner.actor, world.cloneId)).splits.find((one) => one.effectiveFrom === '2026-03-17')?.splitId ?? '';
    const earnedMinor = await earn(world, friend, splitId, 2_000);
    let most = 0;
    const counting: Ledger = {
      ...world.ledger,
      async entries(tx, range) {
        const found = await world.ledger.entries(tx, range);
        most = Math.max(most, found.length);
        return found;
      },
    };
    const run = await world.withStripe(world.port, counting, 250n).runRoyalties(world.operator.actor, world.key('runRoyalties'), { cloneId: world.cloneId, throughDay: '2026-04-01' });
    expect([most <= 250, run.entries, run.pots.length]).toEqual([true, 2_000, 1]);
    const [pot] = run.pots;
    expect(pot).toMatchObject({ tierId: friend, splitId, amountMinor: `${earnedMinor}`, taxMinor: '6000', feeMinor: '4000' });
    expect(pot?.legs.reduce((sum, leg) => sum + BigInt(leg.amountMinor), 0n)).toBe(earnedMinor);
    expect(await world.db.asOwner('SELECT count(*)::int AS n, sum(amount_minor)::text AS sum FROM royalty_run_entry WHERE run_id = $1', [run.runId]))
      .toEqual([{ n: 2_000, sum: `${earnedMinor}` }]);
  });
});

describe('days that are worth just their fee', () => {
  const DAY = '2026-04-02';
  const legsOf = async (what: string): Promise<Record<string, string>> => Object.fromEntries((await world.db.asOwner<{ payee: string; off: string }>(
    `SELECT payee, ${what} AS off FROM royalty_pot_leg WHERE pot_id = (SELECT id FROM royalty_pot WHERE amount_minor = 0)`)).map(({ payee, off }) => [payee, off]));

  it('bring nothing, and a split of the price divides it: the platform bears it', async () => {
    const splitId = await world.signedSplit(undefined, DAY, 'platform', { base: 'net_of_tax' });
    world.facts.tiers.push('quiet');
    const tierId = await world.newTier('quiet', '700');
    await world.moveTo(noon('2026-04-04'));
    const legs = [-9n, 9n].map((amountMinor) => ({ account: chart.earned(world.cloneId, tierId, 'CNY'), amountMinor }));
    await world.ledger.submit({
      key: 'earned/fee', kind: 'billing.days_earned', effectiveDate: DAY, metadata: {
        cloneId: world.cloneId, tierId, splitVersionId: splitId, fromDay: DAY, throughDay: DAY,
        earnedLegs: [{ feeMinor: '0', taxMinor: '1' }, { feeMinor: '9', taxMinor: '0' }],
      },
      legs: [...legs, { account: chart.deferred(world.cloneId, 'CNY'), amountMinor: 9n }, { account: chart.deferredFees(world.cloneId, 'CNY'), amountMinor: -9n }],
    });
    for (const dryRun of [true, false]) {
      const run = await world.run('2026-04-03', dryRun);
      const pot = run.pots.find((one) => one.tierId === tierId);
      expect(pot).toMatchObject({ splitId, amountMinor: '0', feeMinor: '9', taxMinor: '1', entries: 2 });
    }
    expect(await legsOf('amount_minor')).toEqual({ [world.owner.accountId]: '6', [world.agency.accountId]: '2', platform: '-8' });
    await world.checkBooks();
  });

  it('are divided as an output is of which the processor kept all that its coins cost', async () => {
    const { accountId } = world.fan('wu');
    world.facts.tiers.push('calm');
    const tierId = await world.newTier('calm', '700');
    const at = world.clock.now();
    const lot = {
      id: world.ids.next('coinLot'), accountId, purchaseId: world.ids.next('coinPurchase'), stripeCharge: 'ch_all_fee', coins: 7n, netMinor: 9n, taxMinor: 0n, feeMinor: 9n, boughtAt: at,
      billingCountry: null, settledCurrency: 'CNY', settledNetMinor: 0n,
    } as const;
    await world.tx(async (tx) => {
      await insertPurchase(tx, { id: lot.purchaseId, accountId, pack: 'least', coins: 7n, priceMinor: 100n, currency: 'CNY', createdAt: at });
      await insertLot(tx, lot);
      await world.ledger.post(tx, coinsBought({ ...lot, settled: { currency: 'CNY', amountMinor: 0n }, day: '2026-04-04' }));
      const { holdId } = await world.billing.holdCoins(tx, { accountId, cloneId: world.cloneId, tierId, outputId: 'out_fee', coins: 7n, at });
      await world.billing.capture(tx, holdId, { releaseId: 'rel_fee', at });
    });
    await world.moveTo(noon('2026-04-05'));
    const [pot] = (await world.run('2026-04-05')).pots.filter((one) => one.tierId === tierId);
    expect(pot).toMatchObject({ amountMinor: '0', feeMinor: '9', taxMinor: '0', entries: 2 });
    expect(Object.fromEntries(pot!.legs.map(({ payee, amountMinor }) => [payee, amountMinor]))).toEqual({ [world.owner.accountId]: '6', [world.agency.accountId]: '2', platform: '-8' });
    await world.checkBooks();
  });
});
