import type { StopQuote as Quoted } from '../billing/index.ts';
import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import type { StopDeps } from './deps.ts';
import { linesDigest, type QuoteDocument, QUOTE_VALID_MS, type QuotedKind, type StopCost, type StopOrderDocument, stopOrderFor } from './model.ts';
import { type PartInput, salesOf, type Scope, scopeGate, scopeOf } from './scope.ts';
import * as store from './store.ts';

export interface StopQuoteView {
  quoteId: string;
  cloneId: string;
  at: string;
  expiresAt: string;
  cost: StopCost;
  digest: string;
  order: StopOrderDocument;
}

function costOf(quoted: Quoted, openOutputs: number): StopCost {
  return {
    day: quoted.day, currency: quoted.currency, fans: quoted.fans, renewals: quoted.renewals, openCheckouts: quoted.openCheckouts,
    openOutputs, refundMinor: quoted.refundMinor.toString(), deferredMinor: quoted.deferredMinor.toString(),
    taxMinor: quoted.taxMinor.toString(), feeMinor: quoted.feeMinor.toString(), feeBearer: quoted.feeBearer,
  };
}

type QuoteLine = Quoted['lines'][number];

function lineJson(line: QuoteLine): JsonObject {
  const { refundMinor, deferredMinor, taxMinor, feeMinor, ...rest } = line;
  return {
    ...rest, refundMinor: refundMinor.toString(), deferredMinor: deferredMinor.toString(), taxMinor: taxMinor.toString(),
    feeMinor: feeMinor.toString(),
  };
}

export function lineOf(json: JsonObject): QuoteLine {
  const text = json as unknown as Record<'subscriptionId' | 'periodId' | 'accountId' | 'refundMinor' | 'deferredMinor' | 'taxMinor' | 'feeMinor', string>;
  const count = json as unknown as Record<'days' | 'unusedDays', number>;
  return {
    subscriptionId: text.subscriptionId, periodId: text.periodId, accountId: text.accountId, days: count.days, unusedDays: count.unusedDays,
    refundMinor: BigInt(text.refundMinor), deferredMinor: BigInt(text.deferredMinor), taxMinor: BigInt(text.taxMinor), feeMinor: BigInt(text.feeMinor),
  };
}

export function quoteOf(row: store.QuoteRow): QuoteDocument {
  return JSON.parse(row.canonical) as QuoteDocument;
}

/** When a wind-down ends: the notice period of the licence or of the grant in force, in whole days of 24 hours. Null for a stop at once. */
async function endOf(deps: StopDeps, tx: Tx, scope: Scope & { cloneId: string }, kind: QuotedKind, at: Date): Promise<Date | null> {
  if (kind === 'existence') return null;
  const days = await deps.noticeDays(tx, scope, at);
  if (days === null) throw new Refusal('grant_missing', 'There is no grant in force whose notice period could run.');
  return new Date(at.getTime() + days * 86_400_000);
}

/** What a stop would cost, kept with its digest. A wind-down is quoted for its end, from what is paid for now. */
export async function quote(deps: StopDeps, tx: Tx, actor: Actor, cloneId: string, asked: PartInput & { kind?: QuotedKind | undefined }): Promise<StopQuoteView> {
  const at = deps.clock.now();
  const kind = asked.kind ?? 'existence';
  const scope = scopeOf(cloneId, asked);
  const gate = await scopeGate(deps, tx, actor, scope, 'orderStop');
  if (gate.state === 'stopped') throw new Refusal('stop_state', 'This was stopped already.');
  const endsAt = await endOf(deps, tx, { ...scope, cloneId }, kind, at);
  const quoted = await deps.billing.quoteStop(tx, { cloneId, at: endsAt ?? at, ...(await salesOf(deps, tx, scope)) });
  const lines = quoted.lines.map(lineJson);
  const whole = kind === 'existence' && scope.kind === 'clone';
  const document: QuoteDocument = {
    type: 'benren.stop_quote', schemaVersion: whole ? 1 : 2, quoteId: deps.ids.next('quote'), cloneId, ownerAccountId: actor.accountId,
    at: at.toISOString(), expiresAt: new Date(at.getTime() + QUOTE_VALID_MS).toISOString(),
    cost: costOf(quoted, await deps.countOpenOutputs(tx, cloneId)), linesSha256: linesDigest(lines),
    ...(whole ? {} : { kind, scope: scope.kind, target: scope.target, endsAt: endsAt?.toISOString() ?? null }),
  };
  const canonical = canonicalJson(document);
  const digest = sha256Hex(canonical);
  await store.insertQuote(tx, { document, canonical, digest, lines });
  const { quoteId, expiresAt, cost } = document;
  return { quoteId, cloneId, at: document.at, expiresAt, cost, digest, order: stopOrderFor(document, digest) };
}
