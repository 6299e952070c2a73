import pg from 'pg';

import { systemClock } from '../../src/platform/clock.ts';
import { acknowledge } from '../../src/stop/coordinator.ts';
import { STOP_FAULTS, type StopFault } from '../support/stop-faults.ts';
import type { Target } from './messages.ts';
import type { GatewayProcess, Listeners } from './processes.ts';
import type { Stage } from './stage.ts';

/**
 * Nine faults, each given to the real parts in a scene in which it must show. A scene answers whether the law was broken; with
 * no fault it must not be.
 */
type Scene = (stage: Stage, listeners: Listeners, fault: StopFault | null) => Promise<boolean>;

const rest = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));
let names = 0;

async function withSession<T>(url: string, work: (session: pg.Client) => Promise<T>): Promise<T> {
  const session = new pg.Client({ connectionString: url });
  session.on('error', () => undefined);
  await session.connect();
  try {
    return await work(session);
  } finally {
    await session.end().catch(() => undefined);
  }
}

// ── in PostgreSQL ─────────────────────────────────────────────────────────────────────────────────────────────────────

const LOCKING = /PERFORM pg_advisory_xact_lock_shared\(tree\.lock_key\) FROM \([\s\S]*?\) AS tree;/;
const TREE = `array_position(ARRAY['platform', 'clone', 'capability', 'grant', 'licence'], kind), id`;

function faulty(source: string, fault: StopFault | null): string {
  switch (fault) {
    case 'check without lock': return source.replace(LOCKING, '');
    case 'FOR KEY SHARE': return source.replace(LOCKING, `PERFORM 1 FROM gate WHERE id = ANY (gate_ids) ORDER BY ${TREE} FOR KEY SHARE;`);
    case 'lock and read in one statement':
      return source.replace(LOCKING, '').replace('LEFT JOIN gate ON gate.id = asked.id', `LEFT JOIN (
        WITH locked AS MATERIALIZED (SELECT *, pg_advisory_xact_lock_shared(lock_key) AS got FROM gate WHERE id = ANY (gate_ids) ORDER BY ${TREE}) SELECT * FROM locked
      ) AS gate ON gate.id = asked.id`);
    default: return source;
  }
}

/** A release meets a stop that has shut the gate and counted, and has not committed yet. */
const betweenCountAndCommit: Scene = async (stage, _listeners, fault) => {
  const [definition] = await stage.ask<{ source: string }>(`SELECT pg_get_functiondef('assert_gates_open'::regproc) AS source`);
  const source = definition?.source ?? '';
  const other = faulty(source, fault);
  if (fault !== null && other === source) throw new Error(`${fault} changed nothing.`);
  const [target] = await stage.clones(1);
  if (target === undefined) throw new Error('no clone');
  await stage.ask(other);
  try {
    return await withSession(stage.appUrl, (stop) => withSession(stage.appUrl, async (release) => {
      await stop.query('BEGIN');
      await stop.query('SELECT pg_advisory_xact_lock(lock_key) FROM gate WHERE id = $1', [target.gates[1]]);
      await stop.query(`UPDATE gate SET state = 'stopped', epoch = epoch + 1, reason = 'x', changed_by = 'x', changed_at = now() WHERE id = $1`, [target.gates[1]]);
      const { rows: [counted] } = await stop.query<{ n: number }>('SELECT count(*)::int AS n FROM probe WHERE clone_id = $1', [target.cloneId]);
      const inserted = release.query('INSERT INTO probe (id, clone_id, grant_id, gate_ids, epochs) VALUES ($1, $2, $3, $4, $5)',
        [`mutant ${target.cloneId}`, target.cloneId, target.grantId, target.gates, target.gates.map(() => '1')]).catch(() => undefined);
      await rest(100);
      await stop.query('COMMIT');
      await inserted;
      const [kept] = await stage.ask<{ n: number }>('SELECT count(*)::int AS n FROM probe WHERE clone_id = $1', [target.cloneId]);
      return kept?.n !== counted?.n;
    }));
  } finally {
    await stage.ask(source);
  }
};

// ── over processes ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Flow {
  target: Target;
  ids: string[];
}

async function flow(
  stage: Stage, listeners: Listeners, gateway: GatewayProcess, options: { bps?: number; slow?: boolean; target?: Target } = {},
): Promise<Flow> {
  const target = options.target ?? (await stage.clones(1))[0];
  if (target === undefined) throw new Error('no clone');
  names += 1;
  const ids = [`m${names}.0`, `m${names}.1`];
  const gates = target.gates.map((gateId) => `${gateId}:1`).join(',');
  listeners.open(ids.map((id) => ({ id, url: `${gateway.origin}/stream?id=${id}&bps=${options.bps ?? 400_000}&gates=${gates}` })), options.slow === true);
  for (const end = performance.now() + 15_000; performance.now() < end;) {
    const heard = await listeners.counts(ids);
    if (ids.every((id) => heard[id]?.status === 200)) return { target, ids };
    await rest(10);
  }
  throw new Error('The streams of the scene do not flow.');
}

async function bytes(listeners: Listeners, ids: readonly string[]): Promise<number> {
  const heard = await listeners.counts(ids);
  return ids.reduce((sum, id) => sum + (heard[id]?.bytes ?? 0), 0);
}

/** Whether prompt listeners get more after an acknowledgement, once what kernels held was read. */
async function goesOn(listeners: Listeners, ids: readonly string[], forMs: number, graceMs = 100): Promise<boolean> {
  await rest(graceMs);
  const before = await bytes(listeners, ids);
  await rest(forMs);
  return (await bytes(listeners, ids)) > before;
}

/** Shuts the clone's gate as the service's role does, in statements of its own, and answers when COMMIT has returned. */
async function shut(session: pg.Client, target: Target, stopId: string): Promise<void> {
  const gateId = target.gates[1];
  await session.query('BEGIN');
  await session.query('SELECT pg_advisory_xact_lock(lock_key) FROM gate WHERE id = $1', [gateId]);
  await session.query(`UPDATE gate SET state = 'stopped', epoch = epoch + 1, reason = 'x', changed_by = 'x', changed_at = now() WHERE id = $1`, [gateId]);
  await session.query(`
    INSERT INTO gate_stop (id, number, kind, scope, clone_id, gate_id, epoch, releases, reason, ordered_by, ordered_at)
    VALUES ($1, 0, 'existence', 'clone', $2, $3, 2, 0, 'stop.ordered', 'test', now())`, [stopId, target.cloneId, gateId]);
  await session.query('COMMIT');
}

const stopId = (target: Target): string => `stp_${target.cloneId.slice(4)}`;

/** Waits, in the real coordinator, for whoever is registered; then nobody who is dead is any more. */
async function clearRegistry(stage: Stage): Promise<void> {
  const [target] = await stage.clones(1);
  if (target !== undefined) await stage.order(await stage.prepare(target));
}

const fromTheReply: Scene = async (stage, listeners, fault) => {
  const gateway = await stage.gateway('mutant', { ...(fault === null ? {} : { fault }), deafToNotify: true });
  try {
    const { target, ids } = await flow(stage, listeners, gateway);
    const order = await stage.prepare(target);
    // What a renewal sees is answered most of a lease later, and the stop comes right after it was seen.
    gateway.proxy.weather({ kind: 'late', milliseconds: 750, longerThan: 150 });
    await rest(1_200);
    await gateway.renewed();
    await rest(230);
    await stage.order(order);
    return await goesOn(listeners, ids, 400, 60);
  } finally {
    await gateway.close();
  }
};

const confirmFirst: Scene = async (stage, listeners, fault) => {
  await clearRegistry(stage);
  const gateway = await stage.gateway('mutant', fault === null ? {} : { fault });
  try {
    const { target, ids } = await flow(stage, listeners, gateway);
    const order = await stage.prepare(target);
    gateway.proxy.weather({ kind: 'late', milliseconds: 350 });
    await rest(300);
    const answer = await stage.order(order);
    return (await goesOn(listeners, ids, 200, 40)) || (await bytes(listeners, ids)) > Number(answer.bytes);
  } finally {
    await gateway.close();
  }
};

const registryFirst: Scene = async (stage, listeners, fault) => {
  await clearRegistry(stage);
  const early = await stage.ask<{ id: string }>(`SELECT id FROM gateway_lease WHERE state = 'serving'`);
  // Now somebody registers and serves, while the stop still waits for its locks.
  const gateway = await stage.gateway('mutant', { deafToNotify: true });
  try {
    const { target, ids } = await flow(stage, listeners, gateway);
    gateway.proxy.weather({ kind: 'slow', milliseconds: 100 });
    await withSession(stage.appUrl, (session) => shut(session, target, stopId(target)));
    if (fault === null || early.length > 0) await acknowledge({ runTx: stage.runTx, clock: systemClock }, stopId(target), null);
    return await goesOn(listeners, ids, 300);
  } finally {
    await gateway.close();
  }
};

const bySequence: Scene = async (stage, listeners, fault) => {
  const gateway = await stage.gateway('mutant', fault === null ? {} : { fault });
  try {
    const [first, second] = [await flow(stage, listeners, gateway), await flow(stage, listeners, gateway)];
    for (const [number, { target }] of [first, second].entries()) await stage.ask('INSERT INTO probe_sequence VALUES ($1, $2)', [stopId(target), number + 1]);
    await withSession(stage.appUrl, (release) => withSession(stage.appUrl, (one) => withSession(stage.appUrl, async (two) => {
      // A release in flight holds the first stop up; the second, with the higher number, commits before it.
      await release.query('BEGIN');
      await release.query('SELECT pg_advisory_xact_lock_shared(lock_key) FROM gate WHERE id = $1', [first.target.gates[1]]);
      const held = shut(one, first.target, stopId(first.target));
      await shut(two, second.target, stopId(second.target));
      await rest(400);
      await release.query('COMMIT');
      await held;
    })));
    await acknowledge({ runTx: stage.runTx, clock: systemClock }, stopId(first.target), null);
    return await goesOn(listeners, first.ids, 300);
  } finally {
    await gateway.close();
  }
};

const fromReplica: Scene = async (stage, listeners, fault) => {
  const [target] = await stage.clones(1);
  if (target === undefined) throw new Error('no clone');
  await stage.primary.stop('fast');
  const replica = await stage.primary.copy('standby');
  await stage.primary.start();
  await replica.start();
  const gateway = await stage.gateway('mutant', fault === null ? {} : { fault, replicaUrl: replica.appUrl('chaos') });
  try {
    const { ids } = await flow(stage, listeners, gateway, { target });
    await stage.order(await stage.prepare(target));
    return await goesOn(listeners, ids, 300);
  } finally {
    await gateway.close();
    await replica.remove();
  }
};

/** A slow listener: what it gets in the end must be less than what was handed out, since the connection was reset. */
const endInsteadOfReset: Scene = async (stage, listeners, fault) => {
  const gateway = await stage.gateway('mutant', fault === null ? {} : { fault });
  try {
    const { target, ids } = await flow(stage, listeners, gateway, { bps: 20_000_000, slow: true });
    await rest(1_500);
    const answer = await stage.order(await stage.prepare(target));
    listeners.resume();
    await rest(1_500);
    return (await bytes(listeners, ids)) >= Number(answer.bytes);
  } finally {
    await gateway.close();
  }
};

const SCENES: Record<StopFault, Scene> = {
  'check without lock': betweenCountAndCommit, 'lock and read in one statement': betweenCountAndCommit, 'FOR KEY SHARE': betweenCountAndCommit,
  'lease counted from the reply': fromTheReply, 'confirm before sockets are reset': confirmFirst, 'registry read before COMMIT': registryFirst,
  'feed by seq > last': bySequence, 'read-only renewal against a replica': fromReplica, 'end() instead of reset': endInsteadOfReset,
};

/** Which faults are noticed. A scene that finds something without its fault notices nothing. */
export async function mutantsCaught(
  stage: Stage, listeners: Listeners, { controls, only = STOP_FAULTS }: { controls: boolean; only?: readonly StopFault[] },
): Promise<StopFault[]> {
  const caught: StopFault[] = [];
  for (const fault of only) {
    const scene = SCENES[fault];
    const innocent = controls ? !(await scene(stage, listeners, null)) : true;
    let noticed = false;
    // Some show only when a busy machine lets them come at the right moment.
    for (let tries = 0; tries < 3 && !noticed; tries += 1) noticed = await scene(stage, listeners, fault);
    process.stdout.write(`${noticed && innocent ? '✓ caught' : '✗ NOT caught'}: ${fault}${innocent ? '' : ' (and something without it)'}\n`);
    if (noticed && innocent) caught.push(fault);
  }
  return caught;
}
