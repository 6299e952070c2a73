import type { Tx } from '../kernel/tx.ts';
import { maybeOne, one, sql } from '../platform/postgres/index.ts';

/** Orders of two operators, the registry as people read it, and the confirmations of a distrusted database. */

export interface PlatformOrderRow {
  orderId: string;
  action: 'pause' | 'resume';
  reason: string;
  orderedBy: string;
  orderedAt: Date;
  expiresAt: Date;
  confirmedAt: Date | null;
  stopId: string | null;
}

export async function insertOrder(tx: Tx, row: Omit<PlatformOrderRow, 'confirmedAt' | 'stopId'>): Promise<void> {
  await sql(tx, `
    INSERT INTO platform_order (id, action, reason, ordered_by, ordered_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
  [row.orderId, row.action, row.reason, row.orderedBy, row.orderedAt, row.expiresAt]);
}

/** Two confirmations of one order take turns. */
export async function lockOrder(tx: Tx, orderId: string): Promise<PlatformOrderRow | null> {
  await sql(tx, 'SELECT pg_advisory_xact_lock(hashtextextended($1, 6240))', [orderId]);
  return await maybeOne<PlatformOrderRow>(tx, `
    SELECT id AS "orderId", action, reason, ordered_by AS "orderedBy", ordered_at AS "orderedAt", expires_at AS "expiresAt",
      confirmed_at AS "confirmedAt", stop_id AS "stopId"
    FROM platform_order LEFT JOIN platform_order_confirmation ON order_id = id WHERE id = $1`, [orderId]);
}

export async function insertConfirmation(tx: Tx, row: { orderId: string; stopId: string | null; by: string; at: Date }): Promise<void> {
  await sql(tx, 'INSERT INTO platform_order_confirmation (order_id, stop_id, confirmed_by, confirmed_at) VALUES ($1, $2, $3, $4)',
    [row.orderId, row.stopId, row.by, row.at]);
}

export interface GatewayRow {
  gatewayId: string;
  process: string;
  renewals: string;
  renewedAt: string;
}

export async function gateways(tx: Tx): Promise<GatewayRow[]> {
  const rows = await sql<{ gatewayId: string; process: string; renewals: bigint; renewedAt: Date }>(tx, `
    SELECT id AS "gatewayId", process, renewals, renewed_at AS "renewedAt" FROM gateway_lease WHERE state = 'serving' ORDER BY id`);
  return rows.map((row) => ({ ...row, renewals: row.renewals.toString(), renewedAt: row.renewedAt.toISOString() }));
}

export interface DistrustRow {
  distrustId: string;
  what: 'system' | 'timeline' | 'epoch' | 'stops';
  remembered: string;
  seen: string;
  at: string;
  confirmations: number;
}

export async function distrusts(tx: Tx): Promise<DistrustRow[]> {
  const rows = await sql<Omit<DistrustRow, 'at'> & { at: Date }>(tx, `
    SELECT id AS "distrustId", what, remembered, seen, recorded_at AS at,
      (SELECT count(*)::int FROM database_confirmation WHERE distrust_id = id) AS confirmations
    FROM database_distrust ORDER BY recorded_at DESC, id LIMIT 100`);
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

export async function isDistrust(tx: Tx, distrustId: string): Promise<boolean> {
  return (await maybeOne(tx, 'SELECT 1 FROM database_distrust WHERE id = $1', [distrustId])) !== null;
}

/** An operator counts once, however often they confirm. */
export async function insertDatabaseConfirmation(
  tx: Tx, row: { distrustId: string; accountId: string; logSize: string; logRootHash: string; at: Date },
): Promise<void> {
  await sql(tx, `
    INSERT INTO database_confirmation (distrust_id, account_id, log_size, log_root_hash, at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (distrust_id, account_id) DO NOTHING`, [row.distrustId, row.accountId, row.logSize, row.logRootHash, row.at]);
}

export async function countConfirmations(tx: Tx, distrustId: string): Promise<number> {
  return (await one<{ count: number }>(tx, 'SELECT count(*)::int AS count FROM database_confirmation WHERE distrust_id = $1', [distrustId])).count;
}
