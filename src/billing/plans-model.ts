import { mulDivFloor } from '../kernel/money.ts';
import type { Parts } from './model.ts';
import type { BillingInterval, OfferTerms } from './tier-terms.ts';

/** Changes of a plan, computed here and nowhere else: the processor is told the amount. Pure. */

export interface Plan {
  tierId: string;
  version: number;
  interval: BillingInterval;
  /** What a month of it costs, whatever the interval: the rank of a tier. */
  monthMinor: OfferTerms['priceMinor'];
}

/**
 * When a change acts. More is given at once: a dearer tier, or the same one for longer. Less, and another version of the
 * same, begins when what is paid has ended. Null: there is nothing to change.
 */
export function effectOf(from: Plan, to: Plan): 'now' | 'period_end' | null {
  if (from.tierId === to.tierId) {
    if (from.interval === to.interval) return from.version === to.version ? null : 'period_end';
    return to.interval === 'year' ? 'now' : 'period_end';
  }
  if (to.monthMinor === from.monthMinor) return from.interval === 'month' && to.interval === 'year' ? 'now' : 'period_end';
  return to.monthMinor > from.monthMinor ? 'now' : 'period_end';
}

/** Part of some days' money: what moves on, and what is left. Each member adds up exactly. */
export function divided(parts: Parts, grossMinor: bigint): { kept: Parts; left: Parts } {
  if (grossMinor < 0n || grossMinor > parts.grossMinor) throw new RangeError('no more can be kept than there is');
  if (parts.grossMinor === 0n) return { kept: parts, left: { grossMinor: 0n, netMinor: 0n, taxMinor: 0n, feeMinor: 0n } };
  // Net is taken down, so tax is at most its own whole; the fee goes with the money it was paid for.
  const netMinor = mulDivFloor(parts.netMinor, grossMinor, parts.grossMinor);
  const feeMinor = mulDivFloor(parts.feeMinor, grossMinor, parts.grossMinor);
  const kept = { grossMinor, netMinor, taxMinor: grossMinor - netMinor, feeMinor };
  return {
    kept,
    left: {
      grossMinor: parts.grossMinor - grossMinor, netMinor: parts.netMinor - netMinor, taxMinor: parts.taxMinor - kept.taxMinor,
      feeMinor: parts.feeMinor - feeMinor,
    },
  };
}

export interface Credit<Period> {
  period: Period;
  /** Moves on into the new period. */
  kept: Parts;
  /** Goes back to the fan. */
  left: Parts;
}

/** Unused money of old periods, taken in their order into a credit of at most `limitMinor`; the rest is returned. */
export function creditsOf<Period>(unused: readonly { period: Period; parts: Parts }[], limitMinor: bigint): Credit<Period>[] {
  let room = limitMinor;
  return unused.map(({ period, parts }) => {
    const take = parts.grossMinor < room ? parts.grossMinor : room;
    room -= take;
    return { period, ...divided(parts, take) };
  });
}
