import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { returnedBy } from './debts.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { stepsOf, takeFrom } from './model.ts';
import { earnedEntry, type Returned, type UndividedLeg } from './postings.ts';
import * as store from './return-store.ts';
import * as runs from './run-store.ts';

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
    const { tierId, splitId, firstDay, lastDay, amountMinor, feeMinor, taxMinor } = entry;
    const key = splitId ?? `${firstDay}/${lastDay}`;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { tierId, splitId, firstDay, lastDay, amountMinor: 0n, availableMinor: amountMinor, feeMinor, taxMinor });
      continue;
    }
    group.availableMinor += amountMinor;
    group.feeMinor += feeMinor;
    group.taxMinor += taxMinor;
    if (firstDay < group.firstDay) group.firstDay = firstDay;
    if (lastDay > group.lastDay) group.lastDay = lastDay;
  }
  return [...groups.values()].sort((a, b) => (a.lastDay === b.lastDay ? 0 : a.lastDay > b.lastDay ? -1 : 1));
}

/** A part of what was not divided, with as much of its fee and tax. */
function partOf({ availableMinor, ...group }: Undivided, amountMinor: bigint): UndividedLeg {
  const part = (wholeMinor: bigint): bigint => (wholeMinor * amountMinor) / availableMinor;
  return { ...group, amountMinor, feeMinor: part(group.feeMinor), taxMinor: part(group.taxMinor) };
}

interface Cause {
  /** What takes it back: a refund, a dispute. */
  causeId: string;
  cloneId: string;
  periodId: string;
  currency: Currency;
}

/** Takes back from pots; answers what each payee returns of them in all, in the order of payees. */
async function takeBack(
  tx: Tx, { causeId, periodId }: Cause, taken: readonly { source: store.PotSource; amountMinor: bigint }[],
): Promise<[payee: string, amountMinor: bigint][]> {
  const totals = new Map<string, bigint>();
  for (const { source, amountMinor } of taken) {
    const steps = stepsOf({ ...source, legs: await runs.legsOfPot(tx, source.potId) }, amountMinor);
    await store.insertPotRefund(tx, { refundId: causeId, periodId, potId: source.potId, amountMinor, legs: steps });
    for (const step of steps) totals.set(step.payee, (totals.get(step.payee) ?? 0n) + step.amountMinor);
  }
  return [...totals].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Out of what an amount of a period's earnings comes back. */
export interface TakenBack {
  /** Out of what no run has divided. */
  undivided: UndividedLeg[];
  undividedMinor: bigint;
  /** By each payee, out of what they received. */
  returned: Returned[];
  /** What nobody received. */
  restMinor: bigint;
}

/**
 * Takes an amount back out of what a period has earned: what no run has divided first, then the pots it stands in, the latest first; each
 * payee gives it out of what is held, what is unpaid, and the rest as a debt. Call it under `lockClone`, and post what it answers in
 * the same transaction. `heldBy` names the cause whose reserve is taken instead of the run's.
 */
export async function takeEarned(tx: Tx, deps: RoyaltiesDeps, order: Cause & { claimMinor: bigint; heldBy?: string }): Promise<TakenBack> {
  const { causeId, cloneId, periodId, currency, claimMinor } = order;
  const early = takeFrom(claimMinor, await undividedOf(tx, deps, periodId));
  const late = takeFrom(early.restMinor, await store.potsOfPeriod(tx, periodId));
  const returned: Returned[] = [];
  for (const [payee, amountMinor] of await takeBack(tx, order, late.taken)) {
    if (amountMinor === 0n) continue;
    const heldBy = order.heldBy === undefined ? {} : { heldBy: order.heldBy };
    returned.push(await returnedBy(tx, deps, { payee, currency, cloneId, amountMinor, causeId, ...heldBy }));
  }
  return {
    undivided: early.taken.map(({ source, amountMinor }) => partOf(source, amountMinor)), undividedMinor: claimMinor - early.restMinor, returned,
    restMinor: late.restMinor,
  };
}
