import type { GateKind } from '../consent/index.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Tx } from '../kernel/tx.ts';
import { Refusal } from '../kernel/refusals.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';
import type { QuoteDocument, QuotedKind } from './model.ts';

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

/** An order of the owner's, at once or at the end of a notice period; the latter has an epoch once it has ended. */
export interface StopRow {
  stopId: string;
  cloneId: string;
  kind: QuotedKind;
  scope: GateKind;
  target: string | null;
  gateId: string;
  orderedBy: string;
  quoteId: string;
  signedDocumentId: string;
  epoch: bigint | null;
  releases: bigint | null;
  leafId: string;
  orderedAt: Date;
  endsAt: Date | null;
}

const STOP = `
  SELECT o.*, stop.epoch, stop.releases, coalesce(gate.capability, gate.grant_id, gate.licence_id) AS target
  FROM (
    SELECT id AS "stopId", clone_id AS "cloneId", 'existence' AS kind, (SELECT scope FROM gate_stop WHERE id = stop_order.id) AS scope,
      (SELECT gate_id FROM gate_stop WHERE id = stop_order.id) AS "gateId", ordered_by AS "orderedBy", quote_id AS "quoteId",
      signed_document_id AS "signedDocumentId", leaf_id AS "leafId", ordered_at AS "orderedAt", NULL::timestamptz AS "endsAt"
    FROM stop_order
    UNION ALL
    SELECT stop_id, clone_id, 'wind_down', scope, gate_id, ordered_by, quote_id, signed_document_id, leaf_id, ordered_at, ends_at FROM wind_down
  ) AS o JOIN gate ON gate.id = o."gateId" LEFT JOIN gate_stop AS stop ON stop.id = o."stopId"`;

export async function loadStop(tx: Tx, stopId: string): Promise<StopRow | null> {
  return await maybeOne<StopRow>(tx, `${STOP} WHERE o."stopId" = $1`, [stopId]);
}

/** What a gate was ordered to stop by: once it is stopped, nothing else can be ordered of it. A wind-down may be overtaken. */
export async function loadStopOfGate(tx: Tx, gateId: string): Promise<StopRow | null> {
  const [row] = await sql<StopRow>(tx, `${STOP} WHERE o."gateId" = $1 AND stop.id IS NOT NULL LIMIT 1`, [gateId]);
  return row ?? null;
}

export async function insertStop(
  tx: Tx, stop: Pick<StopRow, 'stopId' | 'cloneId' | 'orderedBy' | 'quoteId' | 'signedDocumentId' | 'epoch' | 'releases' | 'leafId' | 'orderedAt'>,
): Promise<void> {
  await sql(tx, `
    INSERT INTO stop_order (id, clone_id, ordered_by, quote_id, signed_document_id, epoch, releases, leaf_id, ordered_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  [stop.stopId, stop.cloneId, stop.orderedBy, stop.quoteId, stop.signedDocumentId, stop.epoch, stop.releases, stop.leafId, stop.orderedAt]);
}

export async function insertWindDown(
  tx: Tx, stop: Pick<StopRow, 'stopId' | 'cloneId' | 'scope' | 'gateId' | 'orderedBy' | 'quoteId' | 'signedDocumentId' | 'leafId' | 'orderedAt'> & { endsAt: Date },
): Promise<void> {
  const written = await execute(tx, `
    INSERT INTO wind_down (stop_id, clone_id, scope, gate_id, quote_id, signed_document_id, leaf_id, ordered_by, ordered_at, ends_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (gate_id) DO NOTHING`,
  [stop.stopId, stop.cloneId, stop.scope, stop.gateId, stop.quoteId, stop.signedDocumentId, stop.leafId, stop.orderedBy, stop.orderedAt, stop.endsAt]);
  if (written !== 1) throw new Refusal('stop_state', 'This is being wound down already.');
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
