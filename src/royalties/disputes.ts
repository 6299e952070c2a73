import type { DisputedSource, DisputeHooks, LostPart } from '../billing/index.ts';
import { least, type Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart, type TransferDraft } from '../ledger/index.ts';
import { lockPayee } from './balances.ts';
import type { RoyaltiesDeps } from './deps.ts';
import * as store from './dispute-store.ts';
import { PLATFORM } from './model.ts';
import { returnedLegs } from './postings.ts';
import { holdReserve, releaseDated, releaseReserve } from './reserves.ts';
import { insertUndividedReturn, potsOfPeriod } from './return-store.ts';
import { type TakenBack, takeEarned } from './returns.ts';
import { claimOn, less, partWithin, stepsOf } from './returns-model.ts';
import * as splits from './split-store.ts';

const CNY: Currency = 'CNY';
const HELD = 'royalties.dispute_held';
const RELEASED = 'royalties.dispute_released';
const LOST = 'royalties.dispute_lost';

/** Who returns which part of what a lost dispute takes of delivered things; what nobody received is named by `uncoveredBy`. */
function partLost(part: LostPart, taken: TakenBack, uncoveredMinor: bigint): TransferDraft {
  const { disputeId, charge, cloneId, tierId, source, netMinor, taxMinor, day, uncoveredBy } = part;
  const uncovered = uncoveredBy === null ? chart.platformExpense('processor_fees', CNY) : chart.fanDebt(uncoveredBy, CNY);
  return {
    key: `dispute:${disputeId}:${source.periodId}`,
    kind: LOST,
    effectiveDate: day,
    // First, so that the places in `earnedLegs` are those of the legs.
    legs: [
      ...taken.undivided.map((one) => ({ account: chart.earned(cloneId, one.tierId, CNY), amountMinor: one.amountMinor })),
      ...returnedLegs(taken.returned, CNY),
      { account: uncovered, amountMinor: uncoveredMinor },
      { account: chart.taxPayable(CNY), amountMinor: taxMinor },
      { account: chart.disputesPending(CNY), amountMinor: -netMinor - taxMinor },
    ].filter((leg) => leg.amountMinor !== 0n),
    metadata: {
      disputeId, charge, cloneId, tierId, periodId: source.periodId,
      ...(taken.undivided.length === 0 ? {} : {
        earnedLegs: taken.undivided.map((one) => ({
          splitVersionId: one.splitId, fromDay: one.firstDay, throughDay: one.lastDay, feeMinor: (-one.feeMinor).toString(), taxMinor: (-one.taxMinor).toString(),
        })),
      }),
    },
  };
}

/** What each payee has of a thing, within so much of its price: as much as they would have to return. */
async function receivedOf(tx: Tx, periodId: string, grossMinor: bigint): Promise<{ totals: Map<string, bigint>; grossMinor: bigint }> {
  const totals = new Map<string, bigint>();
  let left = grossMinor;
  for (const pot of await potsOfPeriod(tx, periodId)) {
    const part = partWithin(less(pot.own, pot.ownClaimed), left);
    left -= part.netMinor + part.taxMinor;
    for (const step of stepsOf(pot, claimOn(pot, part))) totals.set(step.payee, (totals.get(step.payee) ?? 0n) + step.amountMinor);
  }
  return { totals, grossMinor: grossMinor - left };
}

interface Claim {
  disputeId: string;
  charge: string;
  claimMinor: bigint;
  sources: readonly DisputedSource[];
  day: Day;
  /** The run that divided what is held. */
  runId?: string;
}

/** Holds an amount of a payee for one thing that a disputed payment bought. What the unpaid balance lacks, the clone's own reserve gives. */
async function hold(tx: Tx, deps: RoyaltiesDeps, claim: Claim, source: DisputedSource, of: { payee: string; amountMinor: bigint }): Promise<void> {
  const { disputeId, charge, day } = claim;
  const { cloneId, periodId } = source;
  const metadata = { disputeId, charge, cloneId, periodId };
  const held = { ...of, currency: CNY, cloneId, day, metadata };
  const { unpaidMinor } = await lockPayee(tx, deps, of.payee, CNY);
  const lackMinor = of.amountMinor - (unpaidMinor > 0n ? unpaidMinor : 0n);
  if (lackMinor > 0n) await releaseDated(tx, deps, { ...held, amountMinor: lackMinor, causeId: `${disputeId}:${deps.ids.next('reserve')}` });
  await holdReserve(tx, deps, { ...held, causeId: disputeId, sourceId: periodId, dueDay: null, kind: HELD, ...(claim.runId === undefined ? {} : { runId: claim.runId }) });
}

/** Holds what is not held yet of what a claim may ask of each payee and clone, in one order everywhere. */
async function holdClaim(tx: Tx, deps: RoyaltiesDeps, claim: Claim, asks: (payee: string, cloneId: string) => boolean): Promise<void> {
  const wanted: { payee: string; source: DisputedSource; amountMinor: bigint }[] = [];
  let left = claim.claimMinor;
  for (const source of claim.sources) {
    const received = await receivedOf(tx, source.periodId, left);
    left -= received.grossMinor;
    for (const [payee, amountMinor] of received.totals) {
      if (payee !== PLATFORM && asks(payee, source.cloneId)) wanted.push({ payee, source, amountMinor });
    }
  }
  const there = await store.heldBySource(tx, claim.disputeId);
  const key = (payee: string, cloneId: string): string => `${payee} ${cloneId}`;
  // A claim can move between the things that a payment bought: what is held for another of the same clone counts.
  const lacks = new Map<string, bigint>();
  const add = (at: string, amountMinor: bigint): void => void lacks.set(at, (lacks.get(at) ?? 0n) + amountMinor);
  for (const one of wanted) add(key(one.payee, one.source.cloneId), one.amountMinor);
  for (const one of there) add(key(one.payee, one.cloneId), -one.leftMinor);
  for (const { payee, source, amountMinor } of wanted.sort((a, b) => (a.payee < b.payee ? -1 : a.payee > b.payee ? 1 : 0))) {
    const at = key(payee, source.cloneId);
    const ownMinor = there.filter((one) => one.payee === payee && one.sourceId === source.periodId).reduce((sum, one) => sum + one.leftMinor, 0n);
    const moreMinor = least(amountMinor - ownMinor, lacks.get(at) ?? 0n);
    if (moreMinor <= 0n) continue;
    add(at, -moreMinor);
    await hold(tx, deps, claim, source, { payee, amountMinor: moreMinor });
  }
}

/**
 * What a run has just divided of disputed payments is held of those who received it, before it can be paid out: nobody knows yet whose it is.
 * Of the run's own payees alone, whose balances it has locked.
 */
export async function holdAtRun(tx: Tx, deps: RoyaltiesDeps, run: { runId: string; cloneId: string; payees: ReadonlySet<string>; day: Day }): Promise<void> {
  for (const claim of await deps.billing.openDisputes(tx, run.cloneId)) {
    await holdClaim(tx, deps, { ...claim, day: run.day, runId: run.runId }, (payee, cloneId) => cloneId === run.cloneId && run.payees.has(payee));
  }
}

/** Owner money's side of a dispute: held while it is open, released when it is won, returned when it is lost. */
export function makeDisputeSide(deps: RoyaltiesDeps): DisputeHooks {
  return {
    async lockClones(tx, cloneIds) {
      for (const cloneId of [...new Set(cloneIds)].sort()) await splits.lockClone(tx, cloneId);
    },

    holdForDispute: (tx, asked) => holdClaim(tx, deps, asked, () => true),

    async releaseDispute(tx, { disputeId, day }) {
      for (const { payee, currency, cloneId } of await store.heldFor(tx, disputeId)) {
        await releaseReserve(tx, deps, { payee, currency, cloneId, heldBy: disputeId, causeId: `${disputeId}:end`, day, kind: RELEASED, metadata: { disputeId, cloneId } });
      }
    },

    async loseDispute(tx, part) {
      const { disputeId, cloneId, source, netMinor, taxMinor, feeMinor } = part;
      const taken = await takeEarned(tx, deps, {
        causeId: `${disputeId}:${source.periodId}`, cloneId, periodId: source.periodId, currency: CNY, claim: { netMinor, taxMinor, feeMinor }, heldBy: disputeId,
      });
      // The payees received this less the processor's fee, which it keeps.
      const { transferId } = await deps.ledger.post(tx, partLost(part, taken, netMinor - taken.takenMinor));
      if (taken.undivided.length > 0) await insertUndividedReturn(tx, transferId, cloneId);
    },
  };
}
