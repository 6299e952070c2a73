import { describe, expect, it } from 'vitest';

import { seededRandom, systemRandom, type Random } from '../../src/kernel/random.ts';
import { chart } from '../../src/ledger/index.ts';
import { refusal } from './refusal.ts';
import { chargesOf } from './renewing.ts';
import { CLONE, DECLINED_CARD, openWorld, type World } from './support.ts';

/**
 * Months of a clone's life at random, told to the service by webhooks that come late, twice and in any order, worked by
 * several workers at once. What must stand in the books is computed here from the list of what happened, day by day,
 * with nothing of `src`; our cash must be what the sandbox's own book says.
 */

const HOUR = 3_600;
const DAY = 86_400;
/** Pays while its holder is present, and is declined at every renewal. */
const CARD_FAILS_LATER = '4000000000000341';
const GOOD = '4242424242424242';
const TAX_BASIS_POINTS = 600n;

type Kind = 'subscribe' | 'fails_later' | 'declined' | 'abandoned' | 'canceled' | 'pause' | 'resume' | 'recognise' | 'repeat' | 'late';
/** What every life contains; the order is drawn. */
const ACTIONS: readonly Kind[] = [
  'subscribe', 'subscribe', 'subscribe', 'subscribe', 'fails_later', 'declined', 'abandoned', 'canceled', 'pause', 'resume', 'recognise', 'recognise', 'repeat', 'late',
];
const FANS = ['mei', 'li', 'wu', 'eve', 'slow', 'late', 'crowd', 'raw', 'days', 'a', 'b', 'c'];

/** Seconds since 1970 → day in Shanghai, counted from 1970. */
const dayOf = (at: number): number => Math.floor((at + 8 * HOUR) / DAY);
const midnight = (day: number): number => day * DAY - 8 * HOUR;
const isoDay = (day: number): string => new Date(day * DAY * 1_000).toISOString().slice(0, 10);

/** The `n`-th month after an instant, by the processor's rule: same day and time in UTC, or the month's last day. */
function monthAfter(at: number, n: number): number {
  const start = new Date(at * 1_000);
  const first = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + n, 1);
  const days = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + n + 1, 0)).getUTCDate();
  return first / 1_000 + (Math.min(start.getUTCDate(), days) - 1) * DAY + (at % DAY);
}

interface Sale {
  fan: string;
  tierId: string;
  at: number;
  priceMinor: bigint;
  failsLater: boolean;
  endedAt: number;
}

interface Paid {
  at: number;
  tierId: string;
  grossMinor: bigint;
  startDay: number;
  days: number;
}

interface Life {
  sales: Sale[];
  pauses: { from: number; to: number }[];
  stopAt: number;
}

/** Every charge up to `now`, of every sale. */
function paidBy(life: Life, now: number): Paid[] {
  return life.sales.flatMap((sale) => chargesOf({ ...sale, until: Math.min(sale.endedAt, life.stopAt) }, life.pauses, now)
    .map((charge) => ({ ...charge, tierId: sale.tierId, grossMinor: sale.priceMinor })));
}

interface Books {
  deferred: bigint;
  fees: bigint;
  tax: bigint;
  expense: bigint;
  refunded: bigint;
  earned: Map<string, bigint>;
}

/** What each account holds at `now`, with everything earned that can be: counted day by day, rounded once. */
function expected(life: Life, now: number, feeOf: (grossMinor: bigint) => bigint): Books {
  const books: Books = { deferred: 0n, fees: 0n, tax: 0n, expense: 0n, refunded: 0n, earned: new Map() };
  const stopped = life.stopAt <= now;
  const through = dayOf(Math.min(now, life.stopAt));
  for (const { tierId, grossMinor, startDay, days } of paidBy(life, now)) {
    let k = 0;
    for (let day = startDay; day < through && k < days; day += 1) {
      if (!life.pauses.some(({ from, to }) => from <= midnight(day) && midnight(day + 1) <= to)) k += 1;
    }
    const fee = feeOf(grossMinor);
    const tax = (grossMinor * TAX_BASIS_POINTS) / (10_000n + TAX_BASIS_POINTS);
    const part = (amount: bigint): bigint => (amount * BigInt(k)) / BigInt(days);
    const left = { net: grossMinor - tax - part(grossMinor - tax), tax: tax - part(tax), fee: fee - part(fee) };
    books.earned.set(tierId, (books.earned.get(tierId) ?? 0n) + part(grossMinor - tax) - part(fee));
    books.tax += tax;
    if (stopped) {
      books.tax -= left.tax;
      books.expense += left.fee;
      books.refunded += left.net + left.tax;
    } else {
      books.deferred += left.net;
      books.fees += left.fee;
    }
  }
  return books;
}

const pick = <T>(random: Random, from: readonly T[]): T => {
  const found = from[random.below(from.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
};

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const rest = [...list];
  return Array.from({ length: rest.length }, () => rest.splice(random.below(rest.length), 1)).flat();
}

/** A sale comes first; a pause ends a few things later, since nothing is sold while it lasts. */
function script(random: Random): Kind[] {
  const drawn: Kind[] = shuffled(random, ACTIONS.filter((kind) => kind !== 'resume'));
  drawn.splice(Math.min(drawn.length, drawn.indexOf('pause') + 2 + random.below(2)), 0, 'resume');
  return ['subscribe', ...drawn];
}

function makeStory(world: World, random: Random, tiers: { tierId: string; priceMinor: bigint }[], start: number) {
  const life: Life = { sales: [], pauses: [], stopAt: Infinity };
  const fans = shuffled(random, FANS);
  const counts = new Map<string, number>();
  let now = start;
  let pausedFrom: number | null = null;

  const open = async (fan: string, tierId: string): Promise<string | null> =>
    (await world.billing.subscribe(world.fan(fan), world.key('subscribe'), { cloneId: CLONE, tierId })).checkoutUrl;

  async function sell(card: string, before?: string): Promise<void> {
    const fan = fans.pop();
    if (fan === undefined) throw new Error('no fan is left');
    const { tierId, priceMinor } = pick(random, tiers);
    if (pausedFrom !== null) {
      expect(await refusal(open(fan, tierId))).toBe('stopped');
      return;
    }
    const url = await open(fan, tierId);
    if (before !== undefined) expect(await world.pay(url, before)).not.toBe(303);
    expect(await world.pay(url, card)).toBe(303);
    life.sales.push({ fan, tierId, at: now, priceMinor, failsLater: card === CARD_FAILS_LATER, endedAt: Infinity });
  }

  async function cancel(): Promise<void> {
    const live = life.sales.filter((sale) => sale.endedAt === Infinity && !sale.failsLater);
    if (live.length === 0) return;
    const sale = pick(random, live);
    // By hand, at the processor: the service hears of it by webhook alone.
    const customers = await world.db.asOwner<{ customer: string }>(`SELECT stripe_customer AS customer FROM billing_customer WHERE account_id = 'acc_${sale.fan}'`);
    const [subscription] = (await world.port.sdk.subscriptions.list({ customer: customers[0]?.customer ?? '' })).data;
    if (subscription === undefined) throw new Error(`${sale.fan} has no subscription`);
    await world.port.sdk.subscriptions.cancel(subscription.id, {}, world.port.withKey(`by hand ${sale.fan}`));
    sale.endedAt = now;
  }

  const at = (): Date => new Date(now * 1_000);
  const recognise = async (throughDay: number): Promise<void> => {
    await world.tx((tx) => world.billing.recognise(tx, { cloneId: CLONE, throughDay: isoDay(throughDay) }));
  };

  const does: Record<Exclude<Kind, 'late'>, () => Promise<void>> = {
    subscribe: () => sell(GOOD),
    fails_later: () => sell(CARD_FAILS_LATER),
    declined: () => sell(GOOD, DECLINED_CARD),
    async abandoned() {
      if (pausedFrom === null) await open(fans.pop() ?? '', pick(random, tiers).tierId);
    },
    canceled: cancel,
    // Everything is told before, and the processor is told at once: so it is known which renewals fall into the pause.
    async pause() {
      await deliver();
      await world.tx((tx) => world.billing.onPaused(tx, CLONE, at()));
      await work();
      pausedFrom = now;
      life.pauses.push({ from: now, to: Infinity });
    },
    async resume() {
      await deliver();
      await world.tx((tx) => world.billing.onResumed(tx, CLONE, at()));
      await work();
      pausedFrom = null;
      for (const pause of life.pauses) pause.to = Math.min(pause.to, now);
    },
    recognise: () => recognise(dayOf(now) - random.below(8)),
    async repeat() {
      const events = await world.db.asOwner<{ id: string }>('SELECT id FROM stripe_event ORDER BY id');
      for (let times = 0; times < 5 && events.length > 0; times += 1) world.sandbox.control.repeatEvent(pick(random, events).id);
    },
  };

  /** Three workers at once; then whatever is left, and none may have failed. */
  async function work(): Promise<void> {
    await world.sandbox.control.idle();
    while ((await Promise.all([0, 1, 2].map(() => world.runner.runNext()))).includes(true));
    await world.drain();
  }

  async function deliver(): Promise<void> {
    world.sandbox.control.releaseDeliveries({ order: pick(random, ['asIs', 'reverse']), times: 1 + random.below(2) });
    await work();
    world.sandbox.control.holdDeliveries();
  }

  return {
    life, counts, deliver, work, at, recognise, open, sell,
    async act(kind: Kind) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (kind !== 'late') await does[kind]();
    },
    /** Some hours or days on; often to the edge of a day in Shanghai, or into the hour of a renewal's draft. */
    async wait(most = 9) {
      const until = now + HOUR + random.below(most * DAY);
      const edges = [midnight(dayOf(until)), midnight(dayOf(until)) - 1, midnight(dayOf(until)) + 1];
      const drafts = life.sales.flatMap((sale) => [1, 2, 3].map((n) => monthAfter(sale.at, n) + HOUR / 2)).filter((edge) => edge > now && edge < now + most * DAY);
      const to = pick(random, [until, pick(random, edges), drafts.length > 0 ? pick(random, drafts) : until]);
      now = to > now ? to : until;
      await world.moveTo(at().toISOString());
    },
    async stop() {
      life.stopAt = now;
      await world.tx((tx) => world.billing.settleStop(tx, { stopId: 'stp_1', cloneId: CLONE, at: at() }));
    },
    async check() {
      await recognise(dayOf(now));
      await world.checkBooks();
      const charges = world.sandbox.control.book().filter((entry) => entry.platform && entry.type === 'charge');
      const told = charges.map((entry) => `${entry.createdAt.getTime() / 1_000} ${entry.amountMinor}`).sort();
      expect(told).toEqual(paidBy(life, now).map((paid) => `${paid.at} ${paid.grossMinor}`).sort());
      const books = expected(life, now, (grossMinor) => {
        const charge = charges.find((entry) => entry.amountMinor === grossMinor);
        if (charge === undefined) throw new Error(`nobody paid ${grossMinor}`);
        return charge.feeMinor;
      });
      const refunds = world.sandbox.control.book().filter((entry) => entry.platform && entry.type === 'refund');
      expect(refunds.reduce((sum, entry) => sum - entry.amountMinor, 0n)).toBe(books.refunded);
      const ours = {
        deferred: -(await world.balance(chart.deferred(CLONE, 'CNY'))), fees: await world.balance(chart.deferredFees(CLONE, 'CNY')),
        tax: -(await world.balance(chart.taxPayable('CNY'))), expense: await world.balance(chart.platformExpense('processor_fees', 'CNY')),
        earned: [] as bigint[],
      };
      for (const { tierId } of tiers) ours.earned.push(-(await world.balance(chart.earned(CLONE, tierId, 'CNY'))));
      const { deferred, fees, tax, expense, earned } = books;
      expect(ours).toEqual({ deferred, fees, tax, expense, earned: tiers.map(({ tierId }) => earned.get(tierId) ?? 0n) });
    },
  };
}

async function live(seed: string): Promise<Map<string, number>> {
  const random = seededRandom(seed);
  // Late in January, so that the months that follow are shorter and longer.
  const start = Date.UTC(2026, 0, 28 + random.below(4), random.below(24), random.below(60)) / 1_000;
  const world = await openWorld({ start: new Date(start * 1_000).toISOString(), taxRateBasisPoints: Number(TAX_BASIS_POINTS) });
  try {
    const prices = { friend: BigInt(600 + random.below(200)), work: BigInt(2_900 + random.below(200)) };
    const tiers: { tierId: string; priceMinor: bigint }[] = [];
    for (const [name, priceMinor] of Object.entries(prices)) tiers.push({ tierId: await world.tier(name, String(priceMinor)), priceMinor });
    const story = makeStory(world, random, tiers, start);
    world.sandbox.control.holdDeliveries();
    for (const kind of script(random)) {
      await story.act(kind);
      if (kind !== 'late' && random.below(3) > 0) await story.deliver();
      await story.wait();
    }
    await story.deliver();
    await story.check();
    // At the stop one page is open, another was paid without anybody having told us, and the clone is or was paused.
    await story.act('subscribe');
    await story.act('abandoned');
    await story.act('pause');
    await story.wait();
    if (random.below(2) === 0) {
      await story.act('resume');
      await story.wait();
    }
    await story.stop();
    await story.work();
    await story.deliver();
    await story.check();
    const settled = await world.tx((tx) => world.billing.stopSettlement(tx, 'stp_1'));
    expect(settled).toMatchObject({ done: true, renewalsLeft: 0, checkoutsLeft: 0 });
    await story.wait(40);
    await story.deliver();
    await story.check();
    return story.counts;
  } finally {
    await world.close();
  }
}

describe('a clone\'s life at random', () => {
  const fresh = Buffer.from(systemRandom.bytes(6)).toString('hex');
  it.each(['one', process.env['SCENARIO_SEED'] ?? fresh])('adds up to the cent (SCENARIO_SEED=%s)', async (seed) => {
    const counts = await live(seed);
    for (const kind of ACTIONS) expect(counts.get(kind) ?? 0, kind).toBeGreaterThan(0);
  }, 60_000);
});
