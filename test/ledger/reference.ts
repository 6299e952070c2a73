/**
 * A ledger as one would write it on paper: a list of what was booked, every question answered by adding up the list.
 * Imports nothing of `src`, so that it cannot be wrong in the same way.
 */
export interface PaperLeg {
  code: string;
  /** Positive = debit. */
  amountMinor: bigint;
  /** Natural balance (credits, on these accounts) may not fall below 0 by a debit. */
  guarded: boolean;
}

interface PaperTransfer {
  key: string;
  day: string;
  legs: PaperLeg[];
  reverses: string | null;
}

export type PaperAnswer = 'booked' | 'repeated' | 'ledger_key_reused' | 'ledger_insufficient_funds' | 'ledger_reversal_too_large';

export class PaperLedger {
  readonly booked: PaperTransfer[] = [];

  balance(code: string, options: { day?: string; first?: number } = {}): bigint {
    let sum = 0n;
    for (const transfer of this.booked.slice(0, options.first ?? this.booked.length)) {
      if (options.day !== undefined && transfer.day > options.day) continue;
      for (const leg of transfer.legs) if (leg.code === code) sum += leg.amountMinor;
    }
    return sum;
  }

  post(key: string, day: string, legs: PaperLeg[], reverses: string | null = null): PaperAnswer {
    const kept = this.booked.find((transfer) => transfer.key === key);
    if (kept !== undefined) {
      const text = (transfer: PaperTransfer): string => {
        return JSON.stringify([transfer.day, transfer.reverses, transfer.legs.map((leg) => [leg.code, String(leg.amountMinor)])]);
      };
      return text(kept) === text({ key, day, legs, reverses }) ? 'repeated' : 'ledger_key_reused';
    }
    for (const code of new Set(legs.filter((leg) => leg.guarded).map((leg) => leg.code))) {
      const change = legs.reduce((sum, leg) => sum + (leg.code === code ? leg.amountMinor : 0n), 0n);
      if (change > 0n && this.balance(code) + change > 0n) return 'ledger_insufficient_funds';
    }
    this.booked.push({ key, day, legs, reverses });
    return 'booked';
  }

  /** Takes back `amountMinor` of a two-legged transfer, or all that is left. */
  reverse(original: string, key: string, day: string, amountMinor: bigint | null): PaperAnswer {
    const found = this.booked.find((transfer) => transfer.key === original);
    const undone = this.booked.filter((transfer) => transfer.reverses === original);
    if (found === undefined) throw new Error(`no ${original}`);
    const size = magnitude(found.legs[0]!.amountMinor);
    const left = undone.reduce((rest, transfer) => rest - magnitude(transfer.legs[0]!.amountMinor), size);
    const amount = amountMinor ?? left;
    if (amount <= 0n || amount > left) return 'ledger_reversal_too_large';
    const legs = found.legs.map((leg) => ({ ...leg, amountMinor: leg.amountMinor > 0n ? -amount : amount }));
    return this.post(key, day, legs, original);
  }
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
