import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, sql } from '../platform/postgres/index.ts';

/** Who must confirm a stop, who has, and the acknowledgement that ends the waiting. */

export interface RegisteredGateway {
  gatewayId: string;
  process: string;
}

export async function servingGateways(tx: Tx): Promise<RegisteredGateway[]> {
  return await sql<RegisteredGateway>(tx, `SELECT id AS "gatewayId", process FROM gateway_lease WHERE state = 'serving' ORDER BY id`);
}

/**
 * Whether the registry may lack gateways whose leases still run: this server began, or became the primary, less than a whole
 * wait ago. A promoted standby, or an old backup, does not hold what was registered after it.
 */
export async function registryMayLack(tx: Tx): Promise<boolean> {
  const seen = await maybeOne<{ young: boolean }>(tx, `
    SELECT clock_timestamp() - greatest(pg_postmaster_start_time(), first_seen_at) < interval '1100 milliseconds' AS young
    FROM database_timeline JOIN pg_control_system() AS system ON system.system_identifier::text = database_timeline.system_identifier
    WHERE timeline = ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int`);
  if (seen !== null) return seen.young;
  await execute(tx, `
    INSERT INTO database_timeline (system_identifier, timeline)
    SELECT system_identifier::text, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int FROM pg_control_system()
    ON CONFLICT DO NOTHING`);
  return true;
}

export interface StreamCut {
  kind: string;
  subjectId: string;
  bytes: string;
}

export interface Confirmation {
  gatewayId: string;
  streams: StreamCut[];
  bytes: bigint;
  at: Date;
}

export async function confirmationsOf(tx: Tx, stopId: string): Promise<Confirmation[]> {
  return await sql<Confirmation>(tx, `
    SELECT gateway_id AS "gatewayId", streams, bytes, recorded_at AS at FROM gate_stop_confirmation WHERE stop_id = $1 ORDER BY recorded_at, gateway_id`, [stopId]);
}

/** Of these, the ones that left the registry by themselves. */
export async function goneGateways(tx: Tx, gatewayIds: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }>(tx, `SELECT id FROM gateway_lease WHERE id = ANY ($1) AND state <> 'serving'`, [gatewayIds]);
  return rows.map(({ id }) => id);
}

/** Takes gateways out of the registry whose whole lease has passed in silence; one that renewed meanwhile stays. */
export async function expireGateways(tx: Tx, gatewayIds: readonly string[]): Promise<void> {
  await execute(tx, `
    UPDATE gateway_lease SET state = 'expired'
    WHERE id = ANY ($1) AND state = 'serving' AND clock_timestamp() - renewed_at >= interval '1020 milliseconds'`, [gatewayIds]);
}

/** What one gateway did about a stop, as it stands in the acknowledgement. */
export interface GatewayOutcome {
  gatewayId: string;
  process: string;
  outcome: 'confirmed' | 'lease_ran_out' | 'left';
  /** From the return of COMMIT, on the coordinator's clock. */
  milliseconds: number;
  streams: number;
  bytes: string;
}

export interface Acknowledgement {
  stopId: string;
  at: Date;
  nanoseconds: bigint | null;
  waitedNanoseconds: bigint | null;
  gateways: GatewayOutcome[];
  streams: number;
  bytes: bigint;
}

/** The first acknowledgement stands, and is answered; a second one changes nothing. */
export async function insertAcknowledgement(tx: Tx, row: Acknowledgement): Promise<Acknowledgement> {
  const written = await execute(tx, `
    INSERT INTO stop_acknowledgement (stop_id, acknowledged_at, nanoseconds, waited_nanoseconds, gateways, streams, bytes)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (stop_id) DO NOTHING`,
  [row.stopId, row.at, row.nanoseconds, row.waitedNanoseconds, JSON.stringify(row.gateways), row.streams, row.bytes]);
  if (written === 1) return row;
  const kept = await loadAcknowledgement(tx, row.stopId);
  if (kept === null) throw new Error(`Stop ${row.stopId} lost its acknowledgement.`);
  return kept;
}

export async function loadAcknowledgement(tx: Tx, stopId: string): Promise<Acknowledgement | null> {
  return await maybeOne<Acknowledgement>(tx, `
    SELECT stop_id AS "stopId", acknowledged_at AS at, nanoseconds, waited_nanoseconds AS "waitedNanoseconds", gateways, streams, bytes
    FROM stop_acknowledgement WHERE stop_id = $1`, [stopId]);
}
