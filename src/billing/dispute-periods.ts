import { least, mulDivFloor } from '../kernel/money.ts';
import { dayOf, type Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import { DISPUTE_LOSSES, disputeLost } from './dispute-postings.ts';
import * as store from './dispute-store.ts';
import type { BillingDeps } from './deps.ts';
import type { DisputeDeps, DisputedSource } from './disputes.ts';
import { partsOfDays, type Parts } from './model.ts';
import { pausesOf } from './pause-store.ts';
import * as periods from './period-store.ts';
import { traceOf } from './postings.ts';
import { earn, lastDays } from './recognition.ts';
import * as refunds from './refund-store.ts';

/** The periods that a disputed payment bought. */

/** So much gross of an amount made of net and tax; all of it is exactly all of it. */
function partOf(whole: Parts, grossMinor: bigint): Parts {
  if (grossMinor === whole.grossMinor) return whole;
  const taxMinor = mulDivFloor(whole.taxMinor, grossMinor, whole.grossMinor);
  return { grossMinor, taxMinor, netMinor: grossMinor - taxMinor, feeMinor: mulDivFloor(whole.feeMinor, grossMinor, whole.grossMinor) };
}

function less(a: Parts, b: Parts): Parts {
  return {
    grossMinor: a.grossMinor - b.grossMinor, netMinor: a.netMinor - b.netMinor, taxMinor: a.taxMinor - b.taxMinor, feeMinor: a.feeMinor - b.feeMinor,
  };
}

const keyOf = (disputeId: string, periodId: string): string => `dispute:${disputeId}:${periodId}`;

async function fallClaim(tx: Tx, claim: refunds.RefundRow, failure: string, at: Date): Promise<void> {
  await refunds.putRefund(tx, claim.id, { state: 'failed', stripeRefund: null, failure, settled: null, at });
}

/** The claim of a dispute on a period that stands. */
async function standingClaim(tx: Tx, disputeId: string, periodId: string): Promise<refunds.RefundRow | null> {
  return (await refunds.claimsOf(tx, periodId, keyOf(disputeId, periodId))).find(({ state }) => state === 'pending') ?? null;
}

type Claiming = Pick<BillingDeps, 'ids' | 'clock'>;

/** Writes a claim on a period, in the place of the one that stands. */
async function putClaim(tx: Tx, deps: Claiming, disputeId: string, period: periods.PeriodRow, claimMinor: bigint, before: readonly refunds.RefundRow[]): Promise<void> {
  const at = deps.clock.now();
  const standing = before.find(({ state }) => state === 'pending');
  if (standing?.grossMinor === claimMinor) return;
  if (standing !== undefined) await fallClaim(tx, standing, 'claimed_anew', at);
  if (claimMinor === 0n) return;
  const { netMinor, taxMinor } = partOf({ grossMinor: period.grossMinor, netMinor: period.grossMinor - period.taxMinor, taxMinor: period.taxMinor, feeMinor: 0n }, claimMinor);
  const key = keyOf(disputeId, period.id);
  await refunds.insertRefund(tx, {
    id: deps.ids.next('refund'), cloneId: period.cloneId, periodId: period.id, key: before.length === 0 ? key : `${key}:${before.length}`, kind: 'dispute',
    reason: 'Disputed by the fan’s bank.', currency: period.currency, grossMinor: claimMinor, netMinor, taxMinor, feeMinor: 0n, feeBearer: 'platform',
    settledTopic: null, requestedAt: at,
  });
}

/**
 * Marks what is disputed of each period as claimed, the latest first, like a refund that is on its way. Called again, what was
 * claimed before is claimed anew: a refund may have failed meanwhile, or a change of plan have moved the money on.
 */
export async function claimPeriods(
  tx: Tx, deps: Claiming, asked: Pick<store.DisputeRow, 'id' | 'stripeCharge' | 'amountMinor'>,
): Promise<{ minor: bigint; sources: DisputedSource[] }> {
  let minor = 0n;
  const sources: DisputedSource[] = [];
  for (const id of await store.periodsOfCharge(tx, asked.stripeCharge)) {
    const period = await periods.lockPeriod(tx, id);
    if (period === null) continue;
    const before = await refunds.claimsOf(tx, id, keyOf(asked.id, id));
    const claimed = before.find(({ state }) => state === 'pending')?.grossMinor ?? 0n;
    const claim = least(asked.amountMinor - minor, period.grossMinor - period.refundedMinor - period.creditedMinor + claimed);
    await putClaim(tx, deps, asked.id, period, claim, before);
    if (claim === 0n) continue;
    minor += claim;
    sources.push({ cloneId: period.cloneId, periodId: id });
  }
  return { minor, sources };
}

/** The periods that a dispute claims something of. */
export async function periodsAsSources(tx: Tx, row: Pick<store.DisputeRow, 'id' | 'stripeCharge'>): Promise<DisputedSource[]> {
  const sources: DisputedSource[] = [];
  for (const periodId of await store.periodsOfCharge(tx, row.stripeCharge)) {
    const claim = await standingClaim(tx, row.id, periodId);
    if (claim !== null) sources.push({ cloneId: claim.cloneId, periodId });
  }
  return sources;
}

/** Lets the claims of a dispute go while its money moves on; `claimPeriods` follows in the same transaction. */
export async function liftClaims(tx: Tx, deps: Claiming, row: Pick<store.DisputeRow, 'id' | 'stripeCharge'>): Promise<void> {
  for (const id of await store.periodsOfCharge(tx, row.stripeCharge)) {
    const claim = await standingClaim(tx, row.id, id);
    if (claim !== null) await fallClaim(tx, claim, 'claimed_anew', deps.clock.now());
  }
}

/** What a period has earned and not returned yet. */
async function earnedOf(tx: Tx, period: periods.PeriodRow): Promise<Parts> {
  let left = partsOfDays(period, 0, period.recognisedDays, period.days);
  for (const before of await refunds.goodwillOf(tx, period.id)) left = less(left, before);
  return left;
}

const NOTHING: Parts = { grossMinor: 0n, netMinor: 0n, taxMinor: 0n, feeMinor: 0n };

/** What is deferred of days that nobody has used: without what was returned, went into another plan, or was lost to a dispute. */
export async function unusedOf(tx: Tx, period: periods.PeriodRow): Promise<Parts> {
  const rest = await refunds.leftByLoss(tx, period.id);
  if (rest === 'nothing') return NOTHING;
  let left: Parts = rest ?? partsOfDays(period, period.recognisedDays, period.days, period.days);
  for (const returned of await refunds.stopRefundsOf(tx, period.id)) left = less(left, returned);
  if (rest !== null) return left;
  for (const { grossMinor, taxMinor, feeMinor } of await periods.carriedOnFrom(tx, period.id)) {
    left = less(left, { grossMinor, netMinor: grossMinor - taxMinor, taxMinor, feeMinor });
  }
  return left;
}

/** Days that nobody has used: out of deferred revenue; what is left of them beyond the claim goes back to the fan as at a stop. */
async function loseUnused(tx: Tx, deps: DisputeDeps, row: store.DisputeRow, period: periods.PeriodRow, { claimMinor, until }: { claimMinor: bigint; until: Day }): Promise<bigint> {
  const at = deps.clock.now();
  const unused = await unusedOf(tx, period);
  if (unused.grossMinor === 0n) return claimMinor;
  const taken = partOf(unused, least(claimMinor, unused.grossMinor));
  const { currency, cloneId } = period;
  await deps.ledger.post(tx, disputeLost(
    { disputeId: row.id, charge: row.stripeCharge, currency, amountMinor: taken.grossMinor, day: dayOf(at), trace: traceOf(period) }, `${period.id}:unused`, [
      { account: chart.deferred(cloneId, currency), amountMinor: taken.netMinor },
      { account: chart.taxPayable(currency), amountMinor: taken.taxMinor },
      { account: chart.platformExpense('processor_fees', currency), amountMinor: taken.feeMinor },
      { account: chart.deferredFees(cloneId, currency), amountMinor: -taken.feeMinor },
    ],
  ));
  if (period.endedOn === null) await periods.endPeriod(tx, period.id, until);
  const rest = less(unused, taken);
  if (rest.grossMinor > 0n) {
    await deps.requestRefund(tx, {
      key: `${keyOf(row.id, period.id)}:rest`, periodId: period.id, kind: 'stop', reason: 'The payment was disputed in part.', parts: rest, feeBearer: 'platform', at,
    });
  }
  return claimMinor - taken.grossMinor;
}

/** Delivered days: out of what the payees received for them. */
async function loseEarned(tx: Tx, deps: DisputeDeps, row: store.DisputeRow, period: periods.PeriodRow, claimMinor: bigint): Promise<void> {
  const day = dayOf(deps.clock.now());
  const earned = await earnedOf(tx, period);
  const part = partOf(earned, least(claimMinor, earned.grossMinor));
  const { cloneId, tierId, currency } = period;
  if (part.grossMinor > 0n && deps.disputes !== undefined) {
    const { netMinor, taxMinor, feeMinor } = part;
    await deps.disputes.loseDispute(tx, {
      disputeId: row.id, charge: row.stripeCharge, cloneId, tierId, source: { cloneId, periodId: period.id }, netMinor, taxMinor, feeMinor, day, uncoveredBy: null,
    });
  }
  const unreturned = deps.disputes === undefined ? claimMinor : claimMinor - part.grossMinor;
  if (unreturned === 0n) return;
  await deps.ledger.post(tx, disputeLost(
    { disputeId: row.id, charge: row.stripeCharge, currency, amountMinor: unreturned, day, trace: traceOf(period) }, `${period.id}:unreturned`,
    [{ account: chart.platformExpense(DISPUTE_LOSSES, currency), amountMinor: unreturned }],
  ));
}

/** Unearned days first, then what was earned, period by period. */
export async function losePeriods(tx: Tx, deps: DisputeDeps, row: store.DisputeRow): Promise<void> {
  const at = deps.clock.now();
  for (const id of await store.periodsOfCharge(tx, row.stripeCharge)) {
    const claim = await standingClaim(tx, row.id, id);
    const before = await periods.lockPeriod(tx, id);
    if (claim === null || before === null) continue;
    const until = (await lastDays(tx, before.cloneId, [before], dayOf(at)))(before);
    if (before.endedOn === null) await earn(tx, deps, [before], (await pausesOf(tx, before.cloneId, [before.subscriptionId])).of, until);
    const period = await periods.lockPeriod(tx, id);
    if (period === null) continue;
    const rest = await loseUnused(tx, deps, row, period, { claimMinor: claim.grossMinor, until });
    // Behind the question how much is unused: from here on the answer is what this has left.
    await refunds.putRefund(tx, claim.id, {
      state: 'succeeded', stripeRefund: `${row.id}:${id}`, failure: null, settled: { currency: period.currency, amountMinor: claim.grossMinor }, at,
    });
    await loseEarned(tx, deps, row, period, rest);
  }
}

/** The claims fall; days that a stop or a change of plan ended meanwhile, and that could not be paid back, are paid back now. */
export async function winPeriods(tx: Tx, deps: DisputeDeps, row: store.DisputeRow): Promise<void> {
  const at = deps.clock.now();
  for (const id of await store.periodsOfCharge(tx, row.stripeCharge)) {
    const claim = await standingClaim(tx, row.id, id);
    if (claim !== null) await fallClaim(tx, claim, 'dispute_won', at);
    const period = await periods.lockPeriod(tx, id);
    if (period?.endedOn == null) continue;
    const parts = await unusedOf(tx, period);
    if (parts.grossMinor === 0n) continue;
    await deps.requestRefund(tx, {
      key: `${keyOf(row.id, id)}:won`, periodId: id, kind: 'stop', reason: 'What was paid for has ended.', parts,
      feeBearer: (await deps.refundFeeBearer?.(tx, period.cloneId, period.endedOn)) ?? 'platform', at,
    });
  }
}
