import type { JsonObject } from '../kernel/canonical-json.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import type { Currency } from '../kernel/money.ts';

/** For how long a quote may be ordered upon. Long enough to read it and fetch a passkey; a newer one is one call away. */
export const QUOTE_VALID_MS = 3_600_000;

/** What a stop costs, as JSON: amounts are decimal strings of minor units. */
export interface StopCost {
  day: string;
  currency: Currency;
  fans: number;
  renewals: number;
  openCheckouts: number;
  openOutputs: number;
  refundMinor: string;
  deferredMinor: string;
  taxMinor: string;
  feeMinor: string;
  feeBearer: string;
}

/** The quote as it is kept: its digest stands in the signed order. */
export interface QuoteDocument {
  type: 'benren.stop_quote';
  schemaVersion: 1;
  quoteId: string;
  cloneId: string;
  ownerAccountId: string;
  at: string;
  expiresAt: string;
  cost: StopCost;
  /** SHA-256 of the lines' canonical form, one line a paid period. */
  linesSha256: string;
}

export interface StopOrderDocument {
  type: 'benren.stop_order';
  schemaVersion: 1;
  kind: 'existence';
  cloneId: string;
  ownerAccountId: string;
  quoteId: string;
  quoteDigest: string;
  reason: string;
}

/** What the log's leaf is over. */
export interface StopRecord {
  type: 'benren.stop_record';
  schemaVersion: 1;
  stopId: string;
  cloneId: string;
  epoch: string;
  releases: string;
  orderedAt: string;
  orderSha256: string;
  evidenceSha256: string;
}

export function stopOrderFor(quote: Pick<QuoteDocument, 'quoteId' | 'cloneId' | 'ownerAccountId'>, quoteDigest: string, reason = ''): StopOrderDocument {
  return {
    type: 'benren.stop_order', schemaVersion: 1, kind: 'existence', cloneId: quote.cloneId, ownerAccountId: quote.ownerAccountId,
    quoteId: quote.quoteId, quoteDigest, reason,
  };
}

/** Whether what was signed is the order that this quote asks for. The reason is the owner's own. */
export function isOrderFor(signed: JsonObject, quote: QuoteDocument, quoteDigest: string): boolean {
  const reason = signed['reason'];
  if (typeof reason !== 'string') return false;
  return canonicalJson(signed) === canonicalJson(stopOrderFor(quote, quoteDigest, reason));
}

export type Difference = 'quoted_on_another_day' | 'paid_after_quote' | 'ended_before_stop' | 'refund_failed';

/** How the settlement stands, in the same words as the quote. */
export interface Settlement {
  done: boolean;
  renewalsLeft: number;
  checkoutsLeft: number;
  refundsPending: number;
  refundsSucceeded: number;
  refundsFailed: number;
  refundedMinor: string;
  deferredMinor: string;
  taxMinor: string;
  feeMinor: string;
  equalsQuote: boolean | null;
  differences: Difference[];
}

/** Equal to the cent in every figure that was quoted, or not; unknown until everything is done. */
export function equalsQuote(settled: Omit<Settlement, 'equalsQuote'>, quoted: StopCost): boolean | null {
  if (!settled.done) return null;
  return settled.differences.length === 0 && settled.refundedMinor === quoted.refundMinor
    && settled.deferredMinor === quoted.deferredMinor && settled.taxMinor === quoted.taxMinor && settled.feeMinor === quoted.feeMinor;
}

export function linesDigest(lines: readonly JsonObject[]): string {
  return sha256Hex(canonicalJson(lines));
}
