import type { GateKind } from '../consent/model.ts';
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

/** What the owner signs: an end at once, or at the end of the notice period. A pause is not signed. */
export type QuotedKind = 'existence' | 'wind_down';
export type ScopeKind = Exclude<GateKind, 'platform'>;

/** The quote as it is kept: its digest stands in the signed order. */
export interface QuoteDocument {
  type: 'benren.stop_quote';
  /** 2 for everything but the whole clone at once, and only there stands what follows `linesSha256`. */
  schemaVersion: 1 | 2;
  quoteId: string;
  cloneId: string;
  ownerAccountId: string;
  at: string;
  expiresAt: string;
  cost: StopCost;
  /** SHA-256 of the lines' canonical form, one line a paid period. */
  linesSha256: string;
  kind?: QuotedKind;
  scope?: ScopeKind;
  target?: string | null;
  endsAt?: string | null;
}

export interface StopOrderDocument {
  type: 'benren.stop_order';
  schemaVersion: 1 | 2;
  kind: QuotedKind;
  cloneId: string;
  ownerAccountId: string;
  quoteId: string;
  quoteDigest: string;
  reason: string;
  scope?: ScopeKind;
  target?: string | null;
  endsAt?: string | null;
}

/** What the log's leaf is over. */
export interface StopRecord {
  type: 'benren.stop_record';
  schemaVersion: 1 | 2;
  stopId: string;
  cloneId: string;
  epoch: string | null;
  releases: string | null;
  orderedAt: string;
  orderSha256: string;
  evidenceSha256: string;
  kind?: QuotedKind;
  scope?: ScopeKind;
  target?: string | null;
  endsAt?: string | null;
}

/** What was ordered. A wind-down has no epoch and no count before its end, and its record, made at the order, never has. */
export interface RecordedStop {
  stopId: string;
  cloneId: string;
  kind: QuotedKind;
  scope: GateKind;
  target: string | null;
  endsAt: Date | null;
  epoch: bigint | null;
  releases: bigint | null;
  orderedAt: Date;
}

export function recordOf(stop: RecordedStop, signed: { digest: string; evidenceSha256: string }): StopRecord {
  const { kind, scope, target } = stop;
  const whole = kind === 'existence' && scope === 'clone';
  const counted = kind === 'existence';
  return {
    type: 'benren.stop_record', schemaVersion: whole ? 1 : 2, stopId: stop.stopId, cloneId: stop.cloneId,
    epoch: counted ? (stop.epoch?.toString() ?? null) : null, releases: counted ? (stop.releases?.toString() ?? null) : null,
    orderedAt: stop.orderedAt.toISOString(), orderSha256: signed.digest, evidenceSha256: signed.evidenceSha256,
    ...(whole || scope === 'platform' ? {} : { kind, scope, target, endsAt: stop.endsAt?.toISOString() ?? null }),
  };
}

export function stopOrderFor(
  quote: Pick<QuoteDocument, 'quoteId' | 'cloneId' | 'ownerAccountId' | 'kind' | 'scope' | 'target' | 'endsAt'>, quoteDigest: string, reason = '',
): StopOrderDocument {
  const { cloneId, ownerAccountId, quoteId, kind = 'existence', scope = 'clone', target = null, endsAt = null } = quote;
  const head = { type: 'benren.stop_order' as const, kind, cloneId, ownerAccountId, quoteId, quoteDigest, reason };
  const whole = kind === 'existence' && scope === 'clone';
  return whole ? { ...head, schemaVersion: 1 } : { ...head, schemaVersion: 2, scope, target, endsAt };
}

/** Whether what was signed is the order that this quote asks for. The reason is the owner's own. */
export function isOrderFor(signed: JsonObject, quote: QuoteDocument, quoteDigest: string): boolean {
  const reason = signed['reason'];
  if (typeof reason !== 'string') return false;
  return canonicalJson(signed) === canonicalJson(stopOrderFor(quote, quoteDigest, reason));
}

export type Difference = 'quoted_on_another_day' | 'paid_after_quote' | 'ended_before_stop' | 'kept_by_fan' | 'payment_disputed' | 'refund_failed';

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
