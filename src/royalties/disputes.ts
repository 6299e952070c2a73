import type { DisputedSource, DisputeHooks, LostPart } from '../billing/index.ts';
import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { chart, type TransferDraft } from '../ledger/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { heldFor, heldOf } from './dispute-store.ts';
import { stepsOf, takeFrom } from './model.ts';
import { returnedLegs } from './postings.ts';
import { holdReserve, releaseReserve } from './reserves.ts';
import { potsOfPeriod } from './return-store.ts';
import { type TakenBack, takeEarned } from './returns.ts';
import * as runs from './run-store.ts';
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

/** What each payee received of a source, within a limit: as much as they would have to return. */
async function receivedOf(tx: Tx, periodId: string, limitMinor: bigint): Promise<{ totals: Map<string, bigint>; takenMinor: bigint }> {
  const { taken, restMinor } = takeFrom(limitMinor, await potsOfPeriod(tx, periodId));
  const totals = new Map<string, bigint>();
  for (const { source, amountMinor } of taken) {
    for (const step of stepsOf({ ...source, legs: await runs.legsOfPot(tx, source.potId) }, amountMinor)) {
      totals.set(step.payee, (totals.get(step.payee) ?? 0n) + step.amountMinor);
    }
  }
  return { totals, takenMinor: limitMinor - restMinor };
}

/** Holds of a payee what is not held for this dispute yet. */
async function hold(
  tx: Tx, deps: RoyaltiesDeps, { disputeId, charge, payee, cloneId, amountMinor, day }: { disputeId: string; charge: string; payee: string; cloneId: string; amountMinor: bigint; day: Day },
): Promise<void> {
  const heldMinor = await heldOf(tx, { causeId: disputeId, payee, currency: CNY, cloneId });
  await holdReserve(tx, deps, {
    payee, currency: CNY, amountMinor: amountMinor - heldMinor, cloneId, causeId: disputeId, dueDay: null, day, kind: HELD, metadata: { disputeId, charge, cloneId },
  });
}

/** What a claim may ask of each payee and clone, in one order everywhere. */
async function returnable(tx: Tx, claimMinor: bigint, sources: readonly DisputedSource[]): Promise<{ payee: string; cloneId: string; amountMinor: bigint }[]> {
  const all = new Map<string, { payee: string; cloneId: string; amountMinor: bigint }>();
  let left = claimMinor;
  for (const { cloneId, periodId } of sources) {
    const { totals, takenMinor } = await receivedOf(tx, periodId, left);
    left -= takenMinor;
    for (const [payee, amountMinor] of totals) {
      const key = `${payee}\n${cloneId}`;
      const one = all.get(key) ?? { payee, cloneId, amountMinor: 0n };
      one.amountMinor += amountMinor;
      all.set(key, one);
    }
  }
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/**
 * What a run has just divided of disputed payments is held of those who received it, before it can be paid out: nobody knows yet whose it is.
 * Of the run's own payees alone, whose balances it has locked.
 */
export async function holdAtRun(tx: Tx, deps: RoyaltiesDeps, run: { cloneId: string; payees: ReadonlySet<string>; day: Day }): Promise<void> {
  const { cloneId, payees, day } = run;
  for (const { disputeId, charge, claimMinor, sources } of await deps.billing.openDisputes(tx, cloneId)) {
    const mine = (await returnable(tx, claimMinor, sources)).filter((one) => one.cloneId === cloneId && payees.has(one.payee));
    for (const { payee, amountMinor } of mine) await hold(tx, deps, { disputeId, charge, payee, cloneId, amountMinor, day });
  }
}

/** Owner money's side of a dispute: held while it is open, released when it is won, returned when it is lost. */
export function makeDisputeSide(deps: RoyaltiesDeps): DisputeHooks {
  return {
    async lockClones(tx, cloneIds) {
      for (const cloneId of [...new Set(cloneIds)].sort()) await splits.lockClone(tx, cloneId);
    },

    async holdForDispute(tx, { disputeId, charge, claimMinor, sources, day }) {
      for (const one of await returnable(tx, claimMinor, sources)) await hold(tx, deps, { ...one, disputeId, charge, day });
    },

    async releaseDispute(tx, { disputeId, day }) {
      for (const { payee, currency, cloneId } of await heldFor(tx, disputeId)) {
        await releaseReserve(tx, deps, { payee, currency, cloneId, heldBy: disputeId, causeId: `${disputeId}:end`, day, kind: RELEASED, metadata: { disputeId, cloneId } });
      }
    },

    async loseDispute(tx, part) {
      const { disputeId, cloneId, source, netMinor, feeMinor } = part;
      // The payees received this less the processor's fee, which it keeps.
      const claimMinor = netMinor > feeMinor ? netMinor - feeMinor : 0n;
      const taken = await takeEarned(tx, deps, { causeId: `${disputeId}:${source.periodId}`, cloneId, periodId: source.periodId, currency: CNY, claimMinor, heldBy: disputeId });
      await deps.ledger.post(tx, partLost(part, taken, netMinor - (claimMinor - taken.restMinor)));
    },
  };
}
