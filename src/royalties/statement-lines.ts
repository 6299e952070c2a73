import { Refusal } from '../kernel/refusals.ts';

/** Which line of a statement a posting on a payee's accounts becomes. Pure. */

export const LINE_KINDS = [
  'earnings', 'derivative', 'refunds', 'disputes', 'fees', 'tax', 'withholding', 'recoupment', 'advance', 'reserve_held', 'reserve_released',
  'debt', 'conversion', 'adjustment', 'payout', 'payout_returned',
] as const;
export type LineKind = (typeof LINE_KINDS)[number];

/**
 * By the transfer's kind, for every account of a payee (unpaid balance, debt, reserve, advance): whoever posts on one of them
 * names the kind here, or no period that holds it can be closed.
 */
const LINE_OF: Readonly<Record<string, LineKind>> = {
  'royalties.pot_divided': 'earnings',
  'royalties.derivative_divided': 'derivative',
  'royalties.days_refunded': 'refunds',
  'royalties.refund_fee': 'fees',
  'billing.unused_refunded': 'fees',
  'royalties.debt_netted': 'debt',
  'royalties.payout_begun': 'payout',
  'royalties.payout_returned': 'payout_returned',
  'royalties.dispute_lost': 'disputes',
  'royalties.dispute_held': 'reserve_held',
  'royalties.dispute_released': 'reserve_released',
  'royalties.reserve_held': 'reserve_held',
  'royalties.reserve_released': 'reserve_released',
  'royalties.tax_withheld': 'withholding',
  'royalties.tax_returned': 'withholding',
  'royalties.advance_paid': 'advance',
  'royalties.advance_returned': 'advance',
  'royalties.advance_written_off': 'advance',
  'royalties.advance_recouped': 'recoupment',
  'royalties.advance_restored': 'recoupment',
  // Put right by hand, or brought in from older books: what no other line speaks of.
  'ledger.adjusted': 'adjustment',
  'ledger.opened': 'adjustment',
  'royalties.adjusted': 'adjustment',
};

const REVERSAL = '.reversal';

/** The line of a transfer's kind; a reversal stands on the line of what it undoes. Null when nobody named it. */
export function lineKindOf(transferKind: string): LineKind | null {
  const kind = transferKind.endsWith(REVERSAL) ? transferKind.slice(0, -REVERSAL.length) : transferKind;
  return Object.hasOwn(LINE_OF, kind) ? (LINE_OF[kind] ?? null) : null;
}

/** Refuses a close over postings that no line speaks of: a statement hides nothing under "other". */
export function checkKinds(transferKinds: Iterable<string>): void {
  const unknown = [...new Set(transferKinds)].filter((kind) => lineKindOf(kind) === null).sort();
  if (unknown.length === 0) return;
  throw new Refusal('statement_line_unknown', 'Postings on payees\' accounts have kinds that no line of a statement is named for.', {
    extra: { kinds: unknown },
  });
}
