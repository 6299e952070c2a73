import { openSession, type Session } from '../platform/postgres/index.ts';
import type { GateStateName } from './decide.ts';
import type { Remembered } from './lease-model.ts';

/** Told at commit when a gate narrows, by PostgreSQL itself (`gate_tells`); never in a release, since NOTIFY serialises commits. */
export const STOP_CHANNEL = 'benren_stop';

export interface OpenStop {
  stopId: string;
  gateId: string;
  kind: string;
  epoch: bigint;
}

export interface SeenGate {
  gateId: string;
  state: GateStateName;
  epoch: bigint;
}

/** All of one instant: one statement, one snapshot. */
export interface Sight extends Remembered {
  gates: SeenGate[];
  /** Stops that this gateway has not confirmed. */
  open: OpenStop[];
  /** Of those asked about: what two operators have confirmed. */
  confirmed: string[];
}

export interface CutStream {
  kind: string;
  subjectId: string;
  bytes: string;
}

/** What a gateway says to PostgreSQL, over one connection of its own. */
export interface LeaseStore {
  /** Commits the row. */
  register(gatewayId: string, process: string): Promise<void>;
  /** Commits a renewal; false when the row has left the registry or this server is no primary. */
  renew(gatewayId: string): Promise<boolean>;
  see(asked: { gatewayId: string; gates: readonly string[]; incidents: readonly string[] }): Promise<Sight>;
  gates(gateIds: readonly string[]): Promise<SeenGate[]>;
  confirm(gatewayId: string, stopId: string, streams: readonly CutStream[]): Promise<void>;
  report(incident: { id: string; what: string; remembered: string; seen: string; by: string }): Promise<void>;
  leave(gatewayId: string): Promise<void>;
  readonly alive: boolean;
  close(): Promise<void>;
  destroy(): void;
}

/** On a standby `pg_current_wal_lsn` raises: what is no primary cannot be seen as one. */
const SEE = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemIdentifier",
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline,
    coalesce((SELECT max(number) FROM gate_stop), 0) AS stops,
    (SELECT json_agg(json_build_object('gateId', id, 'state', state, 'epoch', epoch::text)) FROM gate WHERE id = ANY ($2)) AS gates,
    (SELECT json_agg(json_build_object('stopId', stop.id, 'gateId', stop.gate_id, 'kind', stop.kind, 'epoch', stop.epoch::text) ORDER BY stop.number)
      FROM gate_stop_open JOIN gate_stop AS stop ON stop.id = gate_stop_open.stop_id
      WHERE NOT EXISTS (SELECT FROM gate_stop_confirmation WHERE stop_id = stop.id AND gateway_id = $1)) AS open,
    (SELECT json_agg(distrust_id) FROM (
      SELECT distrust_id FROM database_confirmation WHERE distrust_id = ANY ($3) GROUP BY distrust_id HAVING count(*) >= 2) AS two) AS confirmed`;

interface Row extends Remembered {
  gates: { gateId: string; state: GateStateName; epoch: string }[] | null;
  open: { stopId: string; gateId: string; kind: string; epoch: string }[] | null;
  confirmed: string[] | null;
}

function makeStore(session: Session): LeaseStore {
  const query = <T>(text: string, params?: unknown[], name?: string): Promise<T[]> => session.query<T>(text, params, name);
  return {
    async register(gatewayId, process) {
      await query('INSERT INTO gateway_lease (id, process) VALUES ($1, $2)', [gatewayId, process]);
    },
    async renew(gatewayId) {
      const rows = await query(`
        UPDATE gateway_lease SET renewals = renewals + 1, renewed_at = clock_timestamp()
        WHERE id = $1 AND state = 'serving' AND NOT pg_is_in_recovery() RETURNING renewals`, [gatewayId], 'renew');
      return rows.length === 1;
    },
    async see({ gatewayId, gates, incidents }) {
      const [row] = await query<Row>(SEE, [gatewayId, gates, incidents], 'see');
      if (row === undefined) throw new Error('The database answered nothing.');
      return {
        systemIdentifier: row.systemIdentifier, timeline: row.timeline, stops: row.stops,
        gates: (row.gates ?? []).map((gate) => ({ ...gate, epoch: BigInt(gate.epoch) })),
        open: (row.open ?? []).map((stop) => ({ ...stop, epoch: BigInt(stop.epoch) })),
        confirmed: row.confirmed ?? [],
      };
    },
    gates: (gateIds) => query<SeenGate>('SELECT id AS "gateId", state, epoch FROM gate WHERE id = ANY ($1)', [gateIds], 'gates'),
    async confirm(gatewayId, stopId, streams) {
      const bytes = streams.reduce((sum, stream) => sum + BigInt(stream.bytes), 0n);
      await query(`
        INSERT INTO gate_stop_confirmation (stop_id, gateway_id, streams, bytes) VALUES ($1, $2, $3, $4)
        ON CONFLICT (stop_id, gateway_id) DO NOTHING`, [stopId, gatewayId, JSON.stringify(streams), bytes], 'confirm');
    },
    async report({ id, what, remembered, seen, by }) {
      await query(`
        INSERT INTO database_distrust (id, what, remembered, seen, reported_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`,
      [id, what, remembered, seen, by]);
    },
    async leave(gatewayId) {
      await query(`UPDATE gateway_lease SET state = 'left' WHERE id = $1 AND state = 'serving'`, [gatewayId]);
    },
    get alive() {
      return session.alive;
    },
    close: () => session.close(),
    destroy: () => session.destroy(),
  };
}

/** Connects as the service's role, and calls `heard` when a stop is told of. */
export async function openLeaseStore(url: string, heard: () => void): Promise<LeaseStore> {
  const session = await openSession(url, { applicationName: 'benren lease', connectTimeoutMs: 1_000 });
  await session.listen(STOP_CHANNEL, heard);
  return makeStore(session);
}
