import type { Ids } from '../kernel/ids.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import { execute, maybeOne, one, sql, sqlConstraint, sqlState } from '../platform/postgres/index.ts';
import type { GateKind, GateStateName } from './decide.ts';

export const PLATFORM_GATE = 'gat_platform';

export interface GateRef {
  gateId: string;
  kind: GateKind;
}

export interface GateState extends GateRef {
  state: GateStateName;
  epoch: bigint;
}

/** Who changes a gate, when and why; kept for ever in `gate_change`. */
export interface GateChange {
  reason: string;
  at: Date;
  by: string;
}

/** A reason for which a gate is paused. */
export interface Hold {
  /** A short key: `owner`, `platform`, `proof`, `notice:<id>`, `succession:<id>`. */
  holder: string;
  reason: string;
  at: Date;
  by: string;
}

/** A gate after a hold was placed or lifted. */
export interface Held extends GateState {
  /** Whether the hold was new, or was there to be lifted. */
  changed: boolean;
  /** Whether the gate's state became another one. */
  moved: boolean;
}

/** Told in the transaction in which the gate of a clone, or of one of its capabilities, was paused or opened again, whoever held it. */
export type OnCloneGate = (tx: Tx, change: { cloneId: string; capability: string | null; state: 'open' | 'paused'; at: Date }) => Promise<void>;

/** While something held the clone's gate; `to` is null until the last hold is lifted. */
export interface Pause {
  from: Date;
  to: Date | null;
}

/**
 * The gates of docs/promises.md. A release takes the shared lock of every gate that applies, a change the exclusive lock of
 * one; each lock is taken in a statement of its own, and only the statement after it reads. Locks are held to the
 * end of the transaction. Everywhere the order is: gates in tree order, idempotency key, guarded accounts by id.
 */
export interface Gates {
  /** Makes the gates that are missing, open at epoch 1. */
  ensure(tx: Tx, of: { cloneId: string; capabilities?: readonly string[]; grantId?: string; at: Date; by: string }): Promise<void>;
  /** Those that apply, in tree order. One that does not exist is not in the list, and a decision then denies. */
  applicable(tx: Tx, of: { cloneId: string; capability: string; grantId: string | null }): Promise<GateRef[]>;
  ofClone(tx: Tx, cloneId: string): Promise<GateState | null>;
  ofGrant(tx: Tx, grantId: string): Promise<GateState | null>;
  /** The gate of the platform, or of a clone, a capability, a grant or a licence of a clone; null where there is none. */
  ofScope(tx: Tx, scope: { kind: GateKind; cloneId: string | null; target: string | null }): Promise<GateState | null>;
  /** Waits for every change under way. Refused outside READ COMMITTED. */
  lockShared(tx: Tx, refs: readonly GateRef[]): Promise<void>;
  /** Waits for every release in flight that holds the gate. */
  lockExclusive(tx: Tx, ref: Pick<GateRef, 'gateId'>): Promise<void>;
  /** The exclusive lock, and what the gate is under it. */
  lockAndRead(tx: Tx, ref: Pick<GateRef, 'gateId'>): Promise<GateState>;
  /** In tree order. */
  read(tx: Tx, refs: readonly Pick<GateRef, 'gateId'>[]): Promise<GateState[]>;
  /**
   * Raises the epoch, and stops the gate for good when asked to. What was decided under the old epoch is not released
   * any more. Refuses `stop_state` on a stopped gate. Answers the new epoch. `locked` is what `lockAndRead` answered in
   * this transaction, where it was asked; nobody can have changed the gate since.
   */
  narrow(tx: Tx, gateId: string, change: GateChange & { state?: 'stopped' }, locked?: GateState): Promise<bigint>;
  /**
   * A gate is paused while something holds it. The first hold raises the epoch; the same hold twice is one. A stopped
   * gate is shut already: the answer then says so and nothing is held.
   */
  hold(tx: Tx, gateId: string, hold: Hold): Promise<Held>;
  /** Takes away this holder's hold and no other. The last one opens the gate, with a raised epoch. */
  lift(tx: Tx, gateId: string, lifted: Omit<Hold, 'reason'> & { reason?: string }): Promise<Held>;
  /** What holds the gate now, by holder. */
  holds(tx: Tx, gateId: string): Promise<Hold[]>;
  /** The clone's pauses, oldest first; billing earns nothing in them. */
  pauses(tx: Tx, cloneId: string): Promise<Pause[]>;
}

const TREE = `array_position(ARRAY['platform', 'clone', 'capability', 'grant', 'licence'], kind), id`;

interface Taken {
  level: string;
}

/** A lock outlives its purpose in an older snapshot: the read after it would see the world before the wait. */
function refuseOldSnapshot(taken: readonly Taken[]): void {
  if (taken.some(({ level }) => level !== 'read committed')) throw new Error('Gates are only locked under READ COMMITTED.');
}

async function lockShared(tx: Tx, refs: readonly GateRef[]): Promise<void> {
  // lock_key and kind never change, so reading them together with the lock is safe; state and epoch are not read here.
  refuseOldSnapshot(await sql<Taken>(tx, `
    SELECT pg_advisory_xact_lock_shared(tree.lock_key), current_setting('transaction_isolation') AS level
    FROM (SELECT lock_key FROM gate WHERE id = ANY ($1) ORDER BY ${TREE}) AS tree`, [refs.map((ref) => ref.gateId)]));
}

async function lockExclusive(tx: Tx, { gateId }: Pick<GateRef, 'gateId'>): Promise<void> {
  // Ends sessions that hold the gate in a transaction and have said nothing for a whole lease: frozen, or cut off.
  const { level } = await one<{ level: string | null }>(tx, 'SELECT lock_gate_alone($1) AS level', [gateId]);
  if (level === null) throw new Error(`No gate ${gateId}.`);
  refuseOldSnapshot([{ level }]);
}

async function read(tx: Tx, refs: readonly Pick<GateRef, 'gateId'>[]): Promise<GateState[]> {
  return await sql<GateState>(
    tx, `SELECT id AS "gateId", kind, state, epoch FROM gate WHERE id = ANY ($1) ORDER BY ${TREE}`,
    [refs.map((ref) => ref.gateId)],
  );
}

async function readOne(tx: Tx, gateId: string): Promise<GateState> {
  const [now] = await read(tx, [{ gateId }]);
  if (now === undefined) throw new Error(`No gate ${gateId}.`);
  return now;
}

/** Asked for in one go: the read is a statement of its own, which begins when the lock was got. */
async function lockAndRead(tx: Tx, gateId: string): Promise<GateState> {
  const [, now] = await Promise.all([lockExclusive(tx, { gateId }), readOne(tx, gateId)]);
  return now;
}

async function narrow(tx: Tx, gateId: string, change: GateChange & { state?: 'stopped' }, locked?: GateState): Promise<bigint> {
  const now = locked ?? await lockAndRead(tx, gateId);
  if (now.state === 'stopped') throw new Refusal('stop_state', 'This was stopped for good; nothing opens or changes it again.');
  const { epoch } = await one<{ epoch: bigint }>(tx, `
    UPDATE gate SET state = $2, epoch = epoch + 1, reason = $3, changed_by = $4, changed_at = $5
    WHERE id = $1 RETURNING epoch`, [gateId, change.state ?? now.state, change.reason, change.by, change.at]);
  return epoch;
}

async function holds(tx: Tx, gateId: string): Promise<Hold[]> {
  return await sql<Hold>(tx, `
    SELECT holder, reason, at, by_whom AS by FROM (
      SELECT DISTINCT ON (holder) * FROM gate_hold WHERE gate_id = $1 ORDER BY holder, position DESC) AS last
    WHERE fact = 'placed' ORDER BY holder`, [gateId]);
}

/** Writes the fact; PostgreSQL moves the gate with it. */
async function putHold(tx: Tx, gateId: string, fact: 'placed' | 'lifted', hold: Hold, told: OnCloneGate | undefined): Promise<Held> {
  const [before, placed] = await Promise.all([lockAndRead(tx, gateId), holds(tx, gateId)]);
  const held = placed.some(({ holder }) => holder === hold.holder);
  if (before.state === 'stopped' || held === (fact === 'placed')) return { ...before, changed: false, moved: false };
  await sql(tx, `
    INSERT INTO gate_hold (gate_id, position, holder, fact, reason, by_whom, at) VALUES ($1, 0, $2, $3, $4, $5, $6)`,
  [gateId, hold.holder, fact, hold.reason, hold.by, hold.at]);
  const after = await readOne(tx, gateId);
  const moved = after.state !== before.state;
  if (moved && (after.kind === 'clone' || after.kind === 'capability') && after.state !== 'stopped') {
    const of = await one<{ cloneId: string; capability: string | null }>(tx, 'SELECT clone_id AS "cloneId", capability FROM gate WHERE id = $1', [gateId]);
    await told?.(tx, { ...of, state: after.state, at: hold.at });
  }
  return { ...after, changed: true, moved };
}

async function ensure(
  tx: Tx, ids: Ids, of: { cloneId: string; capabilities?: readonly string[]; grantId?: string; at: Date; by: string },
): Promise<void> {
  const wanted = [
    { kind: 'clone', capability: null, grantId: null },
    ...(of.capabilities ?? []).map((capability) => ({ kind: 'capability', capability, grantId: null })),
    ...(of.grantId === undefined ? [] : [{ kind: 'grant', capability: null, grantId: of.grantId }]),
  ];
  await execute(tx, `
    INSERT INTO gate (id, kind, clone_id, capability, grant_id, reason, changed_by, changed_at)
    SELECT item.id, item.kind, $1, item.capability, item.grant_id, 'made', $2, $3
    FROM unnest($4::text[], $5::text[], $6::text[], $7::text[]) AS item (id, kind, capability, grant_id)
    ON CONFLICT ON CONSTRAINT gate_once DO NOTHING`,
  [of.cloneId, of.by, of.at, wanted.map(() => ids.next('gate')), wanted.map((gate) => gate.kind),
    wanted.map((gate) => gate.capability), wanted.map((gate) => gate.grantId)]);
}

async function applicable(
  tx: Tx, of: { cloneId: string; capability: string; grantId: string | null },
): Promise<GateRef[]> {
  return await sql<GateRef>(tx, `
    SELECT id AS "gateId", kind FROM gate
    WHERE id = $4 OR (clone_id = $1 AND (kind = 'clone'
      OR (kind = 'capability' AND capability = $2) OR (kind = 'grant' AND grant_id = $3)))
    ORDER BY ${TREE}`, [of.cloneId, of.capability, of.grantId, PLATFORM_GATE]);
}

async function pauses(tx: Tx, cloneId: string): Promise<Pause[]> {
  const changes = await sql<{ state: GateStateName; at: Date }>(tx, `
    SELECT change.state, change.changed_at AS at FROM gate_change AS change JOIN gate ON gate.id = change.gate_id
    WHERE gate.clone_id = $1 AND gate.kind = 'clone' ORDER BY change.epoch`, [cloneId]);
  const found: Pause[] = [];
  let open: Pause | null = null;
  for (const { state, at } of changes) {
    if (state === 'paused' && open === null) {
      open = { from: at, to: null };
      found.push(open);
    } else if (state !== 'paused' && open !== null) {
      open.to = at;
      open = null;
    }
  }
  return found;
}

export function makeGates(deps: { ids: Ids; onCloneGate?: OnCloneGate }): Gates {
  const find = async (tx: Tx, where: string, id: string): Promise<GateState | null> =>
    await maybeOne<GateState>(tx, `SELECT id AS "gateId", kind, state, epoch FROM gate WHERE ${where}`, [id]);
  return {
    ensure: (tx, of) => ensure(tx, deps.ids, of),
    applicable,
    ofClone: (tx, cloneId) => find(tx, `clone_id = $1 AND kind = 'clone'`, cloneId),
    ofGrant: (tx, grantId) => find(tx, `grant_id = $1 AND kind = 'grant'`, grantId),
    ofScope: (tx, { kind, cloneId, target }) => maybeOne<GateState>(tx, `
      SELECT id AS "gateId", kind, state, epoch FROM gate
      WHERE kind = $1 AND clone_id IS NOT DISTINCT FROM $2 AND coalesce(capability, grant_id, licence_id) IS NOT DISTINCT FROM $3`, [kind, cloneId, target]),
    lockShared,
    lockExclusive,
    lockAndRead: (tx, { gateId }) => lockAndRead(tx, gateId),
    read,
    narrow,
    hold: (tx, gateId, hold) => putHold(tx, gateId, 'placed', hold, deps.onCloneGate),
    lift: (tx, gateId, { reason = 'lifted', ...hold }) => putHold(tx, gateId, 'lifted', { ...hold, reason }, deps.onCloneGate),
    holds,
    pauses,
  };
}

/** The SQLSTATE of `assert_gates_open` and `assert_release_gates`. */
const GATE_SQLSTATE = 'BN001';

/** What the release trigger said no with, as a refusal; null when the error is another one. */
export function gateRefusal(error: unknown): Refusal | null {
  if (sqlState(error) !== GATE_SQLSTATE) return null;
  const constraint = sqlConstraint(error);
  if (constraint === 'gate_stopped' || constraint === 'gate_paused') {
    const clause = constraint === 'gate_stopped' ? 'stop.stopped' : 'stop.paused';
    return new Refusal('stopped', 'The owner stopped this before it was released.', { extra: { clauses: [clause] }, cause: error });
  }
  return new Refusal('gate_changed', 'What was allowed changed before the release; ask again.', { cause: error });
}
