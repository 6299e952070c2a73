import type { components } from '../../contracts/generated/api.ts';
import { type PeriodFacts, refundCashLegs, type RefundRow } from '../billing/index.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, dayOf, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { returnedBy } from './debts.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { PLATFORM } from './model.ts';
import { daysRefunded, refundFeeCharged } from './postings.ts';
import * as store from './refund-store.ts';
import { insertUndividedReturn } from './return-store.ts';
import { takeEarned } from './returns.ts';
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
    payees: (await store.returnedPayees(tx, refundId)).map(({ payee, reserveMinor, unpaidMinor, debtMinor }) => ({
      payee, reserveMinor: reserveMinor.toString(), unpaidMinor: unpaidMinor.toString(), debtMinor: debtMinor.toString(),
    })),
    requestedAt: refund.requestedAt.toISOString(),
  };
}

/** Who signed for the fee that the processor keeps of these days, in order: the split that they were earned under says it, never a later one. */
async function bearerOf(tx: Tx, cloneId: string, days: readonly Day[]): Promise<string> {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return PLATFORM;
  const applied = await splits.appliedOver(tx, cloneId, first, addDays(last, 1));
  const byDay = days.map((day) => ({ day, bearer: applied.findLast(({ fromDay }) => fromDay <= day)?.split?.refundFeeBearer ?? PLATFORM }));
  const [bearer = PLATFORM, ...others] = new Set(byDay.map((one) => one.bearer));
  if (others.length === 0) return bearer;
  throw new Refusal(
    'refund_bearers_differ', 'These days were earned under splits that name different bearers of the processor’s fee: return the days of each in a request of its own.',
    { extra: { days: byDay } },
  );
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
  const feeBearer = await bearerOf(tx, cloneId, days);
  const { refundId } = await deps.billing.requestRefund(tx, {
    key: `goodwill:${deps.ids.next('refund')}`, periodId, kind: 'goodwill', reason, parts, feeBearer, at, settledTopic: BOOK_REFUND_TOPIC,
  });
  await store.insertGoodwill(tx, { refundId, cloneId, periodId, requestedBy: actor.accountId, days });
  return await viewOf(tx, deps, refundId);
}

async function book(tx: Tx, deps: RoyaltiesDeps, refund: RefundRow, period: PeriodFacts): Promise<void> {
  const { id: refundId, currency, netMinor, taxMinor, feeMinor } = refund;
  const { periodId, cloneId, tierId, subscriptionId, invoice, charge } = period;
  const { undivided, undividedMinor, returned, takenMinor } = await takeEarned(tx, deps, {
    causeId: refundId, cloneId, periodId, currency, claim: { netMinor, taxMinor, feeMinor },
  });
  // The processor keeps its fee of these days: nobody received that part.
  const expenseMinor = netMinor - takenMinor;
  const day = dayOf(deps.clock.now());
  const { transferId } = await deps.ledger.post(tx, daysRefunded({
    refundId, cloneId, tierId, trace: { periodId, subscriptionId, invoice, charge }, currency, day, taxMinor, expenseMinor, undivided, returned,
    cash: refundCashLegs(refund),
  }));
  if (undivided.length > 0) await insertUndividedReturn(tx, transferId, cloneId);
  await store.insertReturned(tx, refundId, returned);
  if (refund.feeBearer !== PLATFORM && expenseMinor > 0n) {
    const from = await returnedBy(tx, deps, { payee: refund.feeBearer, currency, cloneId, amountMinor: expenseMinor, causeId: `${refundId}:fee` });
    await deps.ledger.post(tx, refundFeeCharged({ refundId, periodId, cloneId, currency, day, feeMinor: expenseMinor, from }));
  }
  await store.bookGoodwill(tx, refundId, { undividedMinor, expenseMinor, transferId });
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
