import { least } from '../kernel/money.ts';
import { dayOf } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import type { BillingDeps } from './deps.ts';
import { disputeLost, lossRecovered } from './dispute-postings.ts';
import type { DisputeRow } from './dispute-store.ts';
import * as store from './owed-store.ts';

/** Refunds that came back, of payments that the fan's bank took: the fan has that money, whichever of the two was first. */

type Deps = Pick<BillingDeps, 'ids' | 'ledger' | 'clock'>;

/** Settles what is owed of a payment up to an amount, the oldest first; what is left of the last stays owed. Answers how much that was. */
async function take(tx: Tx, deps: Deps, charge: string, limitMinor: bigint, post: (row: store.OwedRow, amountMinor: bigint) => Promise<unknown>): Promise<bigint> {
  let takenMinor = 0n;
  for (const row of await store.lockOwedOfCharge(tx, charge)) {
    const amountMinor = least(limitMinor - takenMinor, row.grossMinor);
    if (amountMinor <= 0n) break;
    await post(row, amountMinor);
    await store.putOwed(tx, row.id, { state: 'taken_by_bank', stripeRefund: null, settled: null, at: deps.clock.now() });
    const left = { ...row, id: deps.ids.next('refund'), returnedRefund: `rest:${row.id}`, grossMinor: row.grossMinor - amountMinor };
    if (left.grossMinor > 0n) await store.insertOwed(tx, left);
    takenMinor += amountMinor;
  }
  return takenMinor;
}

/** In the loss of a dispute: what it takes beyond its claim was refunded before, and what of that came back is owed no more. */
export async function loseOwed(tx: Tx, deps: Deps, { id: disputeId, stripeCharge: charge, currency }: DisputeRow, limitMinor: bigint): Promise<bigint> {
  const day = dayOf(deps.clock.now());
  return await take(tx, deps, charge, limitMinor, (row, amountMinor) => deps.ledger.post(tx, disputeLost(
    { disputeId, charge, currency, amountMinor, day, trace: { refundId: row.refundId } }, `owed:${row.id}`, [{ account: chart.refundsOwed(currency), amountMinor }],
  )));
}

/** When a refund comes back: what lost disputes of its payment had taken beyond their claims was the platform's loss until now. */
export async function recoverLosses(tx: Tx, deps: Deps, charge: string): Promise<void> {
  const lostMinor = await store.lostBeyondClaims(tx, charge);
  const day = dayOf(deps.clock.now());
  await take(tx, deps, charge, lostMinor, (row, amountMinor) => deps.ledger.post(tx, lossRecovered({ owedId: row.id, refundId: row.refundId, charge, currency: row.currency, amountMinor, day })));
}
