import type { components } from '../../contracts/generated/api.ts';
import { type PeriodFacts, refundCashLegs, type RefundRow } from '../billing/index.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { returnedBy } from './debts.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { PLATFORM, returnedOf, splitOn, takeFrom } from './model.ts';
import { daysRefunded, earnedEntry, refundFeeCharged, type Returned, type UndividedLeg } from './postings.ts';
import * as store from './refund-store.ts';
import * as runs from './run-store.ts';
import * as splits from './split-store.ts';

export type GoodwillJson = components['schemas']['GoodwillRefund'];

/** Delivered days returned to a fan, out of what the payees received for them. */
export interface GoodwillRefunds {
  refundGoodwill: (actor: Actor, key: IdempotencyKey, input: { periodId: string; days: readonly Day[]; reason: string }) => Promise<GoodwillJson>;
  getRefund: (refundId: string) => Promise<GoodwillJson>;
  /** Job: the processor has answered; books who returned what, or gives the days free again. */
  bookRefund: (refundId: string) => Promise<void>;
}

export const BOOK_REFUND_TOPIC = 'royalties.bookRefund';

async function viewOf(tx: Tx, deps: RoyaltiesDeps, refundId: string): Promise<GoodwillJson> {
  const row = await store.findGoodwill(tx, refundId);
  const refund = await deps.billing.refund(tx, refundId);
  if (row === null || refund === null) throw notFound();
  return {
    refundId, cloneId: row.cloneId, periodId: row.periodId, days: await store.daysOf(tx, refundId), reason: refund.reason, currency: refund.currency,
    grossMinor: refund.grossMinor.toString(), netMinor: refund.netMinor.toString(), taxMinor: refund.taxMinor.toString(),
    feeMinor: refund.feeMinor.toString(), feeBearer: refund.feeBearer, state: row.state, failure: refund.failure,
    undividedMinor: row.undividedMinor.toString(), expenseMinor: row.expenseMinor.toString(),
    legs: (await store.returnedLegs(tx, refundId)).map((leg) => ({ ...leg, amountMinor: leg.amountMinor.toString() })),
    payees: (await store.returnedPayees(tx, refundId)).map(({ payee, unpaidMinor, debtMinor }) => ({
      payee, unpaidMinor: unpaidMinor.toString(), debtMinor: debtMinor.toString(),
    })),
    requestedAt: refund.requestedAt.toISOString(),
  };
}

async function request(tx: Tx, deps: RoyaltiesDeps, actor: Actor, input: { periodId: string; days: readonly Day[]; reason: string }): Promise<GoodwillJson> {
  const { periodId, reason } = input;
  const days = [...input.days].sort();
  const period = await deps.billing.period(tx, periodId);
  if (period === null) throw notFound();
  const { cloneId } = period;
  await splits.lockClone(tx, cloneId);
  const at = deps.clock.now();
  const today = dayOf(at);
  if (period.recognisedDays < period.days && period.endedOn === null) await deps.billing.recognise(tx, { cloneId, throughDay: today });
  const before = await store.daysReturned(tx, periodId, days);
  if (before.length > 0) throw new Refusal('refund_too_large', 'A day is returned once.', { extra: { days: before } });
  const parts = { grossMinor: 0n, netMinor: 0n, taxMinor: 0n, feeMinor: 0n };
  for (const day of days) {
    const part = await deps.billing.dayParts(tx, { periodId, day });
    parts.grossMinor += part.grossMinor;
    parts.netMinor += part.netMinor;
    parts.taxMinor += part.taxMinor;
    parts.feeMinor += part.feeMinor;
  }
  const feeBearer = splitOn(await splits.versionsOf(tx, cloneId), today)?.refundFeeBearer ?? PLATFORM;
  const { refundId } = await deps.billing.requestRefund(tx, {
    key: `goodwill:${deps.ids.next('refund')}`, periodId, kind: 'goodwill', reason, parts, feeBearer, at, settledTopic: BOOK_REFUND_TOPIC,
  });
  await store.insertGoodwill(tx, { refundId, cloneId, periodId, requestedBy: actor.accountId, days });
  return await viewOf(tx, deps, refundId);
}

interface Undivided extends UndividedLeg {
  availableMinor: bigint;
}

/** What the period has earned and no run has divided, by split, latest first. */
async function undividedOf(tx: Tx, deps: RoyaltiesDeps, periodId: string): Promise<Undivided[]> {
  const covered = await runs.coveredOf(tx, periodId);
  const groups = new Map<string, Undivided>();
  for (const view of await deps.ledger.entriesFor(tx, { periodId })) {
    const entry = earnedEntry(view);
    if (entry === null || covered.has(`${entry.transferId}.${entry.leg}`)) continue;
    const { tierId, splitId, firstDay, lastDay, amountMinor } = entry;
    const key = splitId ?? `${firstDay}/${lastDay}`;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { tierId, splitId, firstDay, lastDay, amountMinor: 0n, availableMinor: amountMinor });
      continue;
    }
    group.availableMinor += amountMinor;
    if (firstDay < group.firstDay) group.firstDay = firstDay;
    if (lastDay > group.lastDay) group.lastDay = lastDay;
  }
  return [...groups.values()].sort((a, b) => (a.lastDay === b.lastDay ? 0 : a.lastDay > b.lastDay ? -1 : 1));
}

/** Takes back from pots; answers what each payee returns of them in all, in the order of payees. */
async function takeBack(
  tx: Tx, refund: { refundId: string; periodId: string }, taken: readonly { source: store.PotSource; amountMinor: bigint }[],
): Promise<Map<string, bigint>> {
  const totals = new Map<string, bigint>();
  for (const { source, amountMinor } of taken) {
    const legs = await runs.legsOfPot(tx, source.potId);
    const received = legs.map((leg) => leg.amountMinor);
    const before = returnedOf(source.refundedMinor, received);
    const after = returnedOf(source.refundedMinor + amountMinor, received);
    const steps = legs.map(({ payee }, index) => ({ payee, amountMinor: (after[index] ?? 0n) - (before[index] ?? 0n) }));
    await store.insertPotRefund(tx, { ...refund, potId: source.potId, amountMinor, legs: steps });
    for (const step of steps) totals.set(step.payee, (totals.get(step.payee) ?? 0n) + step.amountMinor);
  }
  return totals;
}

async function returnsOf(tx: Tx, deps: RoyaltiesDeps, currency: RefundRow['currency'], totals: Map<string, bigint>): Promise<Returned[]> {
  const returned: Returned[] = [];
  for (const [payee, amountMinor] of [...totals].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (amountMinor > 0n) returned.push(await returnedBy(tx, deps, payee, currency, amountMinor));
  }
  return returned;
}

async function book(tx: Tx, deps: RoyaltiesDeps, refund: RefundRow, period: PeriodFacts): Promise<void> {
  const { id: refundId, currency, netMinor, taxMinor, feeMinor } = refund;
  const { periodId, cloneId, tierId, subscriptionId, invoice, charge } = period;
  // The payees received these days less the processor's fee, which it keeps: nobody can be asked for that part.
  const claimMinor = netMinor > feeMinor ? netMinor - feeMinor : 0n;
  const early = takeFrom(claimMinor, await undividedOf(tx, deps, periodId));
  const late = takeFrom(early.restMinor, await store.potsOfPeriod(tx, periodId));
  const totals = await takeBack(tx, { refundId, periodId }, late.taken);
  const returned = await returnsOf(tx, deps, currency, totals);
  const expenseMinor = netMinor - (claimMinor - late.restMinor);
  const day = dayOf(deps.clock.now());
  const { transferId } = await deps.ledger.post(tx, daysRefunded({
    refundId, cloneId, tierId, trace: { periodId, subscriptionId, invoice, charge }, currency, day, taxMinor, expenseMinor,
    undivided: early.taken.map(({ source, amountMinor }) => ({ ...source, amountMinor })), returned, cash: refundCashLegs(refund),
  }));
  await store.insertReturned(tx, refundId, returned);
  if (refund.feeBearer !== PLATFORM && expenseMinor > 0n) {
    const from = await returnedBy(tx, deps, refund.feeBearer, currency, expenseMinor);
    await deps.ledger.post(tx, refundFeeCharged({ refundId, cloneId, currency, day, feeMinor: expenseMinor, from }));
  }
  await store.bookGoodwill(tx, refundId, { undividedMinor: claimMinor - early.restMinor, expenseMinor, transferId });
}

export function makeGoodwillRefunds(deps: RoyaltiesDeps): GoodwillRefunds {
  const { runTx, billing } = deps;
  return {
    refundGoodwill: (actor, key, input) => runTx((tx) => once(tx, key, () => request(tx, deps, actor, input))),

    getRefund: (refundId) => runTx((tx) => viewOf(tx, deps, refundId)),

    bookRefund: (refundId) => runTx(async (tx) => {
      const seen = await store.findGoodwill(tx, refundId);
      if (seen === null) throw new Error(`There is no refund of delivered days ${refundId}.`);
      await splits.lockClone(tx, seen.cloneId);
      // Read again under the lock: another run of this job may have booked it meanwhile.
      const row = await store.findGoodwill(tx, refundId);
      const refund = await billing.refund(tx, refundId);
      const period = await billing.period(tx, seen.periodId);
      if (row?.state !== 'pending' || refund === null || period === null || refund.state === 'pending') return;
      if (refund.state === 'failed') await store.failGoodwill(tx, refundId);
      else await book(tx, deps, refund, period);
    }),
  };
}
