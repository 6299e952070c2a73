import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { lockPayee } from './balances.ts';
import { returnedBy } from './debts.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { earnedEntry, type Returned, type UndividedLeg } from './postings.ts';
import { restoreAdvances } from './restorations.ts';
import * as store from './return-store.ts';
import { claimOn, less, type Parts, plus, stepsOf, takeParts } from './returns-model.ts';
import * as runs from './run-store.ts';

interface Undivided extends Pick<UndividedLeg, 'tierId' | 'splitId' | 'firstDay' | 'lastDay'> {
  available: Parts;
}

/** What the period has earned and no run has divided, by split, latest first. */
async function undividedOf(tx: Tx, deps: RoyaltiesDeps, periodId: string): Promise<Undivided[]> {
  const covered = await runs.coveredOf(tx, periodId);
  const groups = new Map<string, Undivided>();
  for (const view of await deps.ledger.entriesFor(tx, { periodId })) {
    const entry = earnedEntry(view);
    if (entry === null || covered.has(`${entry.transferId}.${entry.leg}`)) continue;
    const { tierId, splitId, firstDay, lastDay, amountMinor, feeMinor, taxMinor } = entry;
    const available = { netMinor: amountMinor + feeMinor, taxMinor, feeMinor };
    const key = splitId ?? `${firstDay}/${lastDay}`;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { tierId, splitId, firstDay, lastDay, available });
      continue;
    }
    group.available = plus(group.available, available);
    if (firstDay < group.firstDay) group.firstDay = firstDay;
    if (lastDay > group.lastDay) group.lastDay = lastDay;
  }
  return [...groups.values()].sort((a, b) => (a.lastDay === b.lastDay ? 0 : a.lastDay > b.lastDay ? -1 : 1));
}

/** What a claim takes of a group. Where its price is just its fee both are taken, so that a split of the price divides no more of it. */
function undividedLegs({ available: _available, ...group }: Undivided, { netMinor, taxMinor, feeMinor }: Parts): UndividedLeg[] {
  if (netMinor !== feeMinor) return [{ ...group, amountMinor: netMinor - feeMinor, feeMinor, taxMinor }];
  return netMinor === 0n ? [] : [{ ...group, amountMinor: netMinor, feeMinor: 0n, taxMinor }, { ...group, amountMinor: -feeMinor, feeMinor, taxMinor: 0n }];
}

interface Cause {
  /** What takes it back: a refund, a dispute. */
  causeId: string;
  cloneId: string;
  periodId: string;
  currency: Currency;
}

interface FromPots {
  /** By payee, in order: what they return in all, and the runs that had given it, the latest first. */
  payees: [payee: string, { amountMinor: bigint; runIds: string[] }][];
  amountMinor: bigint;
}

/** Takes a claim back from the period's pots, the latest first. */
async function takeBack(tx: Tx, { causeId, periodId }: Cause, claim: Parts): Promise<FromPots> {
  const pots = await store.potsOfPeriod(tx, periodId);
  const { taken } = takeParts(claim, pots.map((pot) => less(pot.own, pot.ownClaimed)));
  const totals = new Map<string, { amountMinor: bigint; runIds: string[] }>();
  let amountMinor = 0n;
  for (const [index, pot] of pots.entries()) {
    const parts = taken[index];
    if (parts === undefined || (parts.netMinor === 0n && parts.taxMinor === 0n && parts.feeMinor === 0n)) continue;
    const potClaim = claimOn(pot, parts);
    const legs = stepsOf(pot, potClaim);
    await store.insertPotRefund(tx, { refundId: causeId, periodId, potId: pot.potId, taken: parts, claim: potClaim, legs });
    amountMinor += potClaim.amountMinor;
    for (const leg of legs) {
      const total = totals.get(leg.payee) ?? { amountMinor: 0n, runIds: [] };
      totals.set(leg.payee, total);
      total.amountMinor += leg.amountMinor;
      if (!total.runIds.includes(pot.runId)) total.runIds.push(pot.runId);
    }
  }
  return { payees: [...totals].sort(([a], [b]) => (a < b ? -1 : 1)), amountMinor };
}

/** Out of what an amount of a period's earnings comes back. */
export interface TakenBack {
  /** Out of what no run has divided. */
  undivided: UndividedLeg[];
  undividedMinor: bigint;
  /** By each payee, out of what they received. */
  returned: Returned[];
  /** All that was found of the claim; what lacks to its price without tax nobody received. */
  takenMinor: bigint;
}

/**
 * Takes back what a period has earned for some of its money: what no run has divided first, then the pots it stands in, the latest first;
 * each payee gives it out of what was recouped of it, what is held, what is unpaid, and the rest as a debt. Call it under `lockClone`, and
 * post what it answers in the same transaction. `heldBy` names the cause whose reserve is taken before the run's.
 */
export async function takeEarned(tx: Tx, deps: RoyaltiesDeps, order: Cause & { claim: Parts; heldBy?: string }): Promise<TakenBack> {
  const { causeId, cloneId, periodId, currency, claim } = order;
  const groups = await undividedOf(tx, deps, periodId);
  const early = takeParts(claim, groups.map((group) => group.available));
  const undivided = groups.flatMap((group, index) => {
    const parts = early.taken[index];
    return parts === undefined ? [] : undividedLegs(group, parts);
  });
  const late = await takeBack(tx, order, early.rest);
  const returned: Returned[] = [];
  for (const [payee, { amountMinor, runIds }] of late.payees) {
    if (amountMinor === 0n) continue;
    const heldBy = order.heldBy === undefined ? {} : { heldBy: order.heldBy };
    await lockPayee(tx, deps, payee, currency);
    await restoreAdvances(tx, deps, { payee, currency, cloneId, causeId, runIds, limitMinor: amountMinor });
    returned.push(await returnedBy(tx, deps, { payee, currency, cloneId, amountMinor, causeId, ...heldBy }));
  }
  const undividedMinor = undivided.reduce((sum, leg) => sum + leg.amountMinor, 0n);
  return { undivided, undividedMinor, returned, takenMinor: undividedMinor + late.amountMinor };
}
