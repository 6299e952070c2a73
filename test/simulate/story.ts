import { seededRandom, type Random } from '../../src/kernel/random.ts';
import { type Charge, chargesOf as charged, type Paused } from '../billing/renewing.ts';
import { note } from './disputes.ts';
import type { Planting } from './rooms.ts';
import { DAY_SECONDS, dayOf, isoDay, midnight, monthAfter } from './reference/days.ts';
import type { Happening, Leg } from './reference/happenings.ts';
import { makeReference, type Reference } from './reference/model.ts';
import { openStage, type Person, type Stage, type StageOptions } from './stage.ts';

export const HOUR = 3_600;
export const GOOD_CARD = '4242424242424242';
/** Pays while its holder is present, and is declined at every renewal. */
export const CARD_FAILS_LATER = '4000000000000341';
export const DECLINED_CARD = '4000000000000002';
export const GOOD_BANK = '000123456789';
export const MINIMUM_MINOR = 100n;

export interface Sale {
  fan: string;
  clone: CloneFacts;
  tierId: string;
  priceMinor: bigint;
  at: number;
  failsLater: boolean;
  interval: 'month' | 'year';
  /** What it costs from which charge on, where the fan agreed to another price, or to a cheaper tier. */
  agreed: { from: number; priceMinor: bigint; tierId?: string }[];
  endedAt: number;
  /** How many of its charges the books know. */
  booked: number;
  /** Before this instant there is nothing new to learn of it, while its clone is paused no other time. */
  nextAt?: { at: number; pauses: number };
}

export interface CloneFacts {
  cloneId: string;
  owner: Person;
  tiers: { tierId: string; name: string; priceMinor: bigint }[];
  splits: number;
  /** Who bears the fee of a returned day, by what each split says, in the order of their signatures. */
  bearers: { fromDay: number; bearer: string }[];
  /** No split begins before this day any more: days that are earned keep theirs. */
  pausedAt: number | null;
  pauses: Paused[];
  stoppedAt: number;
}

export interface PaidPeriod {
  key: string;
  sale: Sale;
  startDay: number;
  days: number;
  returned: Set<number>;
  /** How its payment is disputed; a bank does it once. */
  disputed: 'never' | 'open' | 'won' | 'lost';
  /** A part of what a change of plan made: two of one day, which are not told apart by it. */
  shared: boolean;
}

/** A dispute that waits for the bank's decision while everything else goes on. */
export interface OpenDispute {
  id: string;
  since: number;
  /** Whose clone its payment went to; null of a pack of coins. */
  clone: CloneFacts | null;
  decide: (outcome: 'won' | 'lost') => Promise<void>;
  /** What happened meanwhile that touches it. */
  across: Set<string>;
}

export interface Scale {
  clones: number;
  /** A long story sells no years, which it would have to renew. */
  long?: boolean;
  /** Fans that one `subscribe` brings. */
  batch: number;
}

/** What a simulated life is made of: the stage, what was done on it, and the model that was told the same. */
export interface Story {
  stage: Stage;
  random: Random;
  reference: Reference;
  scale: Scale;
  clones: CloneFacts[];
  payees: { agency: Person; writer: Person; operator: Person; ready: Set<string> };
  /** Fans so far. */
  people: number;
  sales: Sale[];
  periods: PaidPeriod[];
  /** Packs of coins. */
  lots: { lot: string; fan: string; grossMinor: bigint; disputed: boolean; returned: boolean }[];
  /** Disputes that are not decided, the first first. */
  disputes: OpenDispute[];
  /** Whose bank gave the money back: how much, and when it was noticed. */
  failing: { person: Person; amountMinor: bigint; since: number } | null;
  /** Who has bought a month of which clone ahead. */
  prepaid: Set<string>;
  counts: Map<string, number>;
  /** Payouts that were begun and not seen sent. */
  underway: Map<string, { payee: string; amountMinor: bigint; advanceId: string | null }>;
  /** Webhooks wait until they are let go. */
  late: boolean;
  readonly now: number;
  readonly today: number;
  count: (kind: string) => void;
  happen: (happening: Happening) => void;
  pick: <T>(from: readonly T[]) => T;
  /** Some hours or days on; often to the edge of a day, or into the hour of a renewal's draft. */
  wait: (most?: number) => Promise<void>;
  goTo: (at: number) => Promise<void>;
  /** Lets webhooks go, works every job, and tells the model what the books have learnt. */
  settle: (how?: { mortal?: boolean }) => Promise<void>;
}

export interface StoryOptions {
  seed: number;
  scale: Scale;
  plant?: Planting;
  address?: NonNullable<StageOptions['address']>;
}

/** Every charge of a sale up to `now`. */
export function chargesOf(sale: Sale, now: number): Charge[] {
  // Nobody's story is longer than the year that was paid.
  if (sale.interval === 'year') return [{ at: sale.at, startDay: dayOf(sale.at), days: dayOf(monthAfter(sale.at, 12)) - dayOf(sale.at) }];
  return charged({ ...sale, until: Math.min(sale.endedAt, sale.clone.stoppedAt) }, sale.clone.pauses, now);
}

/** When the collection of a living sale comes next. */
export function renewals(sale: Sale, from: number, to: number): number[] {
  if (sale.failsLater || sale.interval === 'year') return [];
  return chargesOf(sale, to + HOUR).slice(1).map(({ at }) => at - HOUR).filter((at) => at >= from && at <= to);
}

/** By amount; the processor's schedule is one for all, and its book is read once an amount. */
const schedules = new WeakMap<Stage, Map<bigint, bigint>>();

/** What the processor keeps of a charge, from its own book. */
export function feeOf(stage: Stage, grossMinor: bigint): bigint {
  const fees = schedules.get(stage) ?? new Map<bigint, bigint>();
  schedules.set(stage, fees);
  const known = fees.get(grossMinor);
  if (known !== undefined) return known;
  const charge = stage.sandbox.control.book().find((entry) => entry.platform && entry.type === 'charge' && entry.amountMinor === grossMinor);
  if (charge === undefined) throw new Error(`nobody paid ${grossMinor}`);
  fees.set(grossMinor, charge.feeMinor);
  return charge.feeMinor;
}

export function split(random: Random, clone: Pick<CloneFacts, 'owner'>, { agency, writer }: Story['payees']): Leg[] {
  const shares: Leg[] = [{ payee: clone.owner.accountId, basisPoints: 0 }, { payee: agency.accountId, basisPoints: 1_000 + random.below(1_500) }];
  if (random.below(2) === 0) shares.push({ payee: writer.accountId, basisPoints: 1 + random.below(1_200) });
  shares.push({ payee: 'platform', basisPoints: 500 + random.below(1_000) });
  shares[0]!.basisPoints = 10_000 - shares.reduce((sum, leg) => sum + leg.basisPoints, 0);
  return shares;
}

/** A payee names a bank. */
export async function onboard(stage: Stage, person: Person, accountNumber: string): Promise<void> {
  const { onboardingUrl } = await stage.rooms.royalties.onboardPayee(person.actor, stage.key('onboardPayee'));
  const body = new URLSearchParams({ name: 'A Person', country: 'CN', currency: 'CNY', account_number: accountNumber, business_type: 'company' });
  const page = await fetch(onboardingUrl, { method: 'POST', body, redirect: 'manual' });
  if (page.status !== 303) throw new Error(`onboarding answered ${page.status}`);
}

async function makePeople(stage: Stage): Promise<Story['payees'] & { owners: Person[] }> {
  const operator = await stage.register('Operator', await stage.rooms.identity.operatorInvitation());
  const [agency, writer, one, two] = [
    await stage.register('Agency'), await stage.register('Writer'), await stage.register('Owner one'), await stage.register('Owner two'),
  ];
  const ready = new Set<string>();
  for (const person of [agency, writer, one]) {
    await onboard(stage, person, GOOD_BANK);
    ready.add(person.accountId);
  }
  // The second owner never onboards: what is owed to her waits.
  return { agency, writer, operator, ready, owners: [one, two] };
}

async function makeClones(stage: Stage, random: Random, owners: readonly Person[], count: number): Promise<CloneFacts[]> {
  const clones = Array.from({ length: count }, (_none, index): CloneFacts => ({
    cloneId: stage.ids.next('clone'), owner: owners[index % owners.length]!, tiers: [], splits: 0, bearers: [], pausedAt: null, pauses: [], stoppedAt: Infinity,
  }));
  await stage.clones(clones.map(({ cloneId, owner }) => ({ cloneId, owner: owner.accountId })));
  for (const clone of clones) {
    for (const [name, priceMinor] of [['friend', BigInt(600 + random.below(200))], ['work', BigInt(2_900 + random.below(200))]] as const) {
      const { tierId } = await stage.rooms.billing.createTier(clone.owner.actor, stage.key('createTier'), {
        cloneId: clone.cloneId, name, priceMinor: String(priceMinor), voiceOutputsPerPeriod: 3,
      });
      clone.tiers.push({ tierId, name, priceMinor });
    }
    await stage.rooms.billing.createTier(clone.owner.actor, stage.key('createTier'), { cloneId: clone.cloneId, name: 'free', kind: 'free', priceMinor: '0', voiceOutputsPerPeriod: 2 });
  }
  await stage.drain();
  return clones;
}

export async function openStory({ seed, scale, ...faults }: StoryOptions): Promise<Story> {
  const random = seededRandom(`story ${seed}`);
  // Late in January, so that the months that follow are shorter and longer.
  const start = Date.UTC(2026, 0, 28 + random.below(4), random.below(24), random.below(60)) / 1_000;
  const stage = await openStage({ seed, start, taxRateBasisPoints: 600, ...faults });
  const { owners, ...payees } = await makePeople(stage);
  const clones = await makeClones(stage, random, owners, scale.clones);
  let now = start;
  const story: Story = {
    stage, random, scale, clones, payees, reference: makeReference(600n), people: 0, sales: [], periods: [], lots: [], disputes: [], failing: null, prepaid: new Set(), counts: new Map(), underway: new Map(), late: false,
    get now() {
      return now;
    },
    get today() {
      return dayOf(now);
    },
    count: (kind) => void story.counts.set(kind, (story.counts.get(kind) ?? 0) + 1),
    happen(happening) {
      story.reference.happen(happening);
      note(story.disputes, happening);
    },
    pick(from) {
      if (from.length === 0) throw new Error('nothing to pick from');
      return from[random.below(from.length)]!;
    },
    async wait(most = 6) {
      const until = now + HOUR + random.below(Math.ceil(most * DAY_SECONDS));
      const edges = [midnight(dayOf(until)), midnight(dayOf(until)) - 1, midnight(dayOf(until)) + 1];
      const drafts = story.sales.slice(-20).flatMap((sale) => renewals(sale, now - HOUR / 2, until)).map((at) => at + HOUR / 2);
      const to = story.pick([until, story.pick(edges), drafts.length > 0 ? story.pick(drafts) : until]);
      await story.goTo(to > now ? to : until);
    },
    async goTo(at) {
      now = at;
      await stage.moveTo(now);
      await stage.tick('royalties.releaseDue');
      story.happen({ what: 'day_came', day: dayOf(now) });
    },
    settle: (how = {}) => settle(story, how),
  };
  return story;
}

async function settle(story: Story, { mortal = false }: { mortal?: boolean }): Promise<void> {
  const { stage, random } = story;
  if (mortal) {
    await stage.sandbox.control.idle();
    stage.life.dieAfter(1 + random.below(40));
    if (await stage.drainMortally()) story.count('process_died_in_jobs');
  }
  await stage.drain();
  if (!story.late) learn(story);
  for (const [payoutId, payout] of story.underway) {
    const { state } = await stage.rooms.royalties.getPayout(story.payees.operator.actor, payoutId);
    if (state === 'pending') continue;
    story.underway.delete(payoutId);
    story.happen({ what: 'sent', ...payout });
  }
}

/** What a stop made the service read at the processor, though nobody told it: the periods of a clone that it has booked. */
export async function learnOf(story: Story, clone: CloneFacts): Promise<void> {
  const rows = await story.stage.ask<{ key: string }>(
    `SELECT account_id || ' ' || clone_id || ' ' || start_day AS key FROM subscription_period WHERE clone_id = $1`, [clone.cloneId]);
  const known = new Set(rows.map(({ key }) => key));
  learn(story, (key) => known.has(key));
}

/** What every webhook that was sent has told the books. */
function learn(story: Story, heard: (key: string) => boolean = () => true): void {
  for (const sale of story.sales) {
    const { nextAt, clone } = sale;
    if (nextAt !== undefined && story.now < nextAt.at && nextAt.pauses === pausesOf(clone)) continue;
    const charges = chargesOf(sale, story.now);
    for (const { startDay, days } of charges.slice(sale.booked)) {
      const key = `${sale.fan} ${sale.clone.cloneId} ${isoDay(startDay)}`;
      if (!heard(key)) break;
      story.periods.push({ key, sale, startDay, days, returned: new Set(), disputed: 'never', shared: false });
      const terms = sale.agreed.findLast(({ from }) => sale.booked >= from);
      const grossMinor = terms?.priceMinor ?? sale.priceMinor;
      if (terms?.tierId !== undefined && terms.tierId !== sale.tierId) {
        sale.tierId = terms.tierId;
        story.count('renewed_cheaper');
      }
      story.happen({ what: 'paid', period: key, cloneId: sale.clone.cloneId, tierId: sale.tierId, grossMinor, feeMinor: feeOf(story.stage, grossMinor), startDay, days });
      story.count(sale.booked === 0 ? 'subscribed' : 'renewed');
      if (sale.agreed.some(({ from }) => from === sale.booked)) story.count('renewed_at_another_price');
      sale.booked += 1;
    }
    if (sale.booked === charges.length) sale.nextAt = { at: soonest(sale, story.now), pauses: pausesOf(clone) };
  }
}

/** Counts what begins and what ends a pause. */
const pausesOf = ({ pauses, pausedAt }: CloneFacts): number => 2 * pauses.length - (pausedAt === null ? 0 : 1);

/** No charge comes before it. What would be one of a subscription that may still change is looked for each month. */
function soonest(sale: Sale, now: number): number {
  if (sale.interval === 'year' || Math.min(sale.endedAt, sale.clone.stoppedAt) <= now) return Infinity;
  const month = now + 27 * DAY_SECONDS;
  return chargesOf(sale, month)[sale.booked]?.at ?? month;
}
