import type { GateKind } from '../consent/index.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Tx } from '../kernel/tx.ts';
import { maybeOne, sql } from '../platform/postgres/index.ts';
import type { QuoteDocument } from './model.ts';

/** Stops take turns: two that touch each other's gates can then never wait for each other. */
const ONE_AT_A_TIME = 6_239;

export async function lockStops(tx: Tx): Promise<void> {
  await sql(tx, 'SELECT pg_advisory_xact_lock($1)', [ONE_AT_A_TIME]);
}

export async function insertQuote(
  tx: Tx, quote: { document: QuoteDocument; canonical: string; digest: string; lines: readonly JsonObject[] },
): Promise<void> {
  const { document } = quote;
  await sql(tx, `
    INSERT INTO stop_quote (id, clone_id, owner_account_id, canonical, digest, lines, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)`,
  [document.quoteId, document.cloneId, document.ownerAccountId, quote.canonical, quote.digest, JSON.stringify(quote.lines), document.expiresAt]);
}

export interface QuoteRow {
  canonical: string;
  digest: string;
  lines: JsonObject[];
}

export async function loadQuote(tx: Tx, quoteId: string): Promise<QuoteRow | null> {
  return await maybeOne<QuoteRow>(tx, 'SELECT canonical, digest, lines FROM stop_quote WHERE id = $1', [quoteId]);
}

export interface StopRow {
  stopId: string;
  cloneId: string;
  orderedBy: string;
  quoteId: string;
  signedDocumentId: string;
  epoch: bigint;
  releases: bigint;
  leafId: string;
  orderedAt: Date;
}

const STOP = `
  SELECT o.id AS "stopId", o.clone_id AS "cloneId", o.ordered_by AS "orderedBy", o.quote_id AS "quoteId",
    o.signed_document_id AS "signedDocumentId", o.epoch, o.releases, o.leaf_id AS "leafId", o.ordered_at AS "orderedAt"
  FROM stop_order AS o`;

export async function loadStop(tx: Tx, stopId: string): Promise<StopRow | null> {
  return await maybeOne<StopRow>(tx, `${STOP} WHERE o.id = $1`, [stopId]);
}

export async function loadStopOfClone(tx: Tx, cloneId: string): Promise<StopRow | null> {
  return await maybeOne<StopRow>(tx, `${STOP} WHERE o.clone_id = $1`, [cloneId]);
}

export async function insertStop(tx: Tx, stop: StopRow): Promise<void> {
  await sql(tx, `
    INSERT INTO stop_order (id, clone_id, ordered_by, quote_id, signed_document_id, epoch, releases, leaf_id, ordered_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  [stop.stopId, stop.cloneId, stop.orderedBy, stop.quoteId, stop.signedDocumentId, stop.epoch, stop.releases, stop.leafId, stop.orderedAt]);
}

/** What every gateway has to confirm. Its number is given by PostgreSQL, under the lock of `lockStops`. */
export interface GateStopRow {
  stopId: string;
  kind: 'pause' | 'wind_down' | 'existence';
  scope: GateKind;
  cloneId: string | null;
  gateId: string;
  epoch: bigint;
  releases: bigint;
  reason: string;
  orderedBy: string;
  orderedAt: Date;
}

export async function insertGateStop(tx: Tx, stop: GateStopRow): Promise<void> {
  await sql(tx, `
    INSERT INTO gate_stop (id, number, kind, scope, clone_id, gate_id, epoch, releases, reason, ordered_by, ordered_at)
    VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
  [stop.stopId, stop.kind, stop.scope, stop.cloneId, stop.gateId, stop.epoch, stop.releases, stop.reason, stop.orderedBy, stop.orderedAt]);
}

export async function loadGateStop(tx: Tx, stopId: string): Promise<GateStopRow | null> {
  return await maybeOne<GateStopRow>(tx, `
    SELECT id AS "stopId", kind, scope, clone_id AS "cloneId", gate_id AS "gateId", epoch, releases, reason, ordered_by AS "orderedBy",
      ordered_at AS "orderedAt" FROM gate_stop WHERE id = $1`, [stopId]);
}
