import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import { unusedOf } from './dispute-periods.ts';
import { isDisputed } from './dispute-store.ts';
import type { DisputeDeps } from './disputes.ts';
import { insertPaidOtherwise, type OwedRow } from './owed-store.ts';
import * as periods from './period-store.ts';
import { unusedPaidOtherwise } from './postings.ts';
import * as store from './refund-store.ts';

/** Returns of unused days that the processor would not make: their money is deferred still, and the fan's. */

/** Whether so much of a period's unused money is still there to be returned. A bank that asks for the payment decides first. */
async function stillOwed(tx: Tx, refund: store.RefundRow, period: periods.PeriodRow): Promise<boolean> {
  const { netMinor, taxMinor } = await unusedOf(tx, period);
  return refund.netMinor <= netMinor && refund.taxMinor <= taxMinor && !(await isDisputed(tx, period.stripeCharge));
}

const seen = (refund: store.RefundRow, period: periods.PeriodRow): Omit<OwedRow, 'state' | 'returnedRefund'> => ({
  id: refund.id, refundId: refund.id, stripeCharge: period.stripeCharge, failure: refund.failure ?? 'failed', currency: refund.currency, grossMinor: refund.grossMinor,
  owedAt: refund.requestedAt,
});

export type Refused = ReturnType<typeof seen>;

/** At most `limit` of them after a place, the newest first: those whose money is still there. */
export async function listRefused(tx: Tx, after: store.Place | null, limit: number): Promise<Refused[]> {
  const found: Refused[] = [];
  for (let place = after; ;) {
    const some = await store.refusedRefunds(tx, place, limit);
    for (const refund of some) {
      const period = await periods.findPeriod(tx, refund.periodId);
      if (period !== null && await stillOwed(tx, refund, period)) found.push(seen(refund, period));
      if (found.length === limit) return found;
    }
    const last = some.at(-1);
    if (last === undefined || some.length < limit) return found;
    place = { at: last.requestedAt, id: last.id };
  }
}

const claimedOtherwise = (): Refusal => new Refusal('refund_too_large', 'This money was returned or claimed otherwise meanwhile.', { extra: { limitMinor: '0' } });

const stateOf = (refund: store.RefundRow): store.RefundRow['state'] | 'paid_otherwise' => (refund.stripeRefund?.startsWith('outside:') === true ? 'paid_otherwise' : refund.state);

interface Found {
  was: store.RefundRow;
  /** Locked. */
  period: periods.PeriodRow;
  /** What was asked for in its place. */
  later: store.RefundRow | null;
}

const againKey = (refundId: string): string => `again:${refundId}`;

/** A return that was refused: one that nobody has asked for anew is still owed. Null for what was not refused. Refuses `refund_too_large`. */
async function refusedOne(tx: Tx, refundId: string): Promise<Found | null> {
  const was = await store.findRefund(tx, refundId);
  if (was?.kind !== 'stop' || was.state !== 'failed') return null;
  const period = await periods.lockPeriod(tx, was.periodId);
  if (period === null) return null;
  const later = await store.refundByKey(tx, againKey(refundId));
  if (later === null && !(await stillOwed(tx, was, period))) throw claimedOtherwise();
  return { was, period, later };
}

/** A refused return by its id, as it stands: still owed (`refused`), or what became of it. Null for what was not refused. Refuses `refund_too_large`. */
export async function refusedNow(tx: Tx, refundId: string): Promise<(Refused & { state: store.RefundRow['state'] | 'refused' | 'paid_otherwise' }) | null> {
  const found = await refusedOne(tx, refundId);
  if (found === null) return null;
  return { ...seen(found.was, found.period), state: found.later === null ? 'refused' : stateOf(found.later) };
}

interface Again {
  was: Refused;
  refund: store.RefundRow;
  period: periods.PeriodRow;
  /** Nobody had asked for it before. */
  fresh: boolean;
}

/** Asks for a refused return anew, once: the same days, the same parts. Null for what was not refused. Refuses `refund_too_large`. */
async function again(tx: Tx, deps: DisputeDeps, refundId: string): Promise<Again | null> {
  const found = await refusedOne(tx, refundId);
  if (found === null) return null;
  const { was, period, later } = found;
  if (later !== null) return { was: seen(was, period), refund: later, period, fresh: false };
  const key = againKey(refundId);
  const { grossMinor, netMinor, taxMinor, feeMinor, feeBearer, reason } = was;
  await deps.requestRefund(tx, { key, periodId: period.id, kind: 'stop', reason, parts: { grossMinor, netMinor, taxMinor, feeMinor }, feeBearer, at: deps.clock.now() });
  const refund = await store.refundByKey(tx, key);
  if (refund === null) throw new Error(`Refund ${key} is gone.`);
  return { was: seen(was, period), refund, period, fresh: true };
}

/** Sends a refused return again. Null for what was not refused. */
export async function sendRefused(tx: Tx, deps: DisputeDeps, refundId: string): Promise<(Refused & { state: store.RefundRow['state'] }) | null> {
  const made = await again(tx, deps, refundId);
  return made === null ? null : { ...made.was, state: made.refund.state };
}

/** Books that a refused return was paid otherwise; one that was sent again meanwhile is answered as it is. Null for what was not refused. */
export async function settleRefused(
  tx: Tx, deps: DisputeDeps, refundId: string, told: { reference: string; recordedBy: string },
): Promise<(Refused & { state: store.RefundRow['state'] | 'paid_otherwise' }) | null> {
  const made = await again(tx, deps, refundId);
  if (made === null) return null;
  const { was, refund, period, fresh } = made;
  if (!fresh) return { ...was, state: stateOf(refund) };
  const at = deps.clock.now();
  // Settled in the transaction that asked for it: the job that would send it finds nothing to do.
  await store.putRefund(tx, refund.id, { state: 'succeeded', stripeRefund: `outside:${refund.id}`, failure: null, settled: { currency: refund.currency, amountMinor: refund.grossMinor }, at });
  const { transferId } = await deps.ledger.post(tx, unusedPaidOtherwise(period, refund, told.reference, at));
  await insertPaidOtherwise(tx, { ...told, owedId: refundId, paidAt: at, transferId });
  return { ...was, state: 'paid_otherwise' };
}
