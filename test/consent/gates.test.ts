import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeGates, type Gates } from '../../src/consent/gates.ts';
import { gateRefusal } from '../../src/consent/index.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { execute } from '../../src/platform/postgres/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { type GateBench, makeGateBench, openSession, type Outcome, type Session } from './gate-bench.ts';

const AT = new Date('2026-03-01T00:00:00Z');
const INSERT = 'INSERT INTO probe (id, clone_id, grant_id, gate_ids, epochs) VALUES ($1, $2, $3, $4, $5)';

let database: TestDatabase;
let bench: GateBench;
let monitor: pg.Client;
let one: Session;
let two: Session;
let gates: Gates;
let made = 0;

async function clone(): Promise<{ cloneId: string; grantId: string; gates: string[] }> {
  made += 1;
  return await bench.makeClone(`g${made}`);
}

function row(of: { cloneId: string; grantId: string; gates: string[] }, epochs = ['1', '1', '1', '1'], id = of.cloneId): unknown[] {
  return [id, of.cloneId, of.grantId, of.gates, epochs];
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof pg.DatabaseError) return error.constraint ?? 'none';
    throw error;
  }
  return 'accepted';
}

const STOP = `UPDATE gate SET state = 'stopped', epoch = epoch + 1, reason = 'x', changed_by = 'x', changed_at = now() WHERE id = $1`;

beforeAll(async () => {
  database = await openTestDatabase();
  bench = await makeGateBench(database);
  monitor = new pg.Client({ connectionString: database.superuserUrl });
  await monitor.connect();
  [one, two] = [await openSession(database.appUrl, monitor), await openSession(database.appUrl, monitor)];
  gates = makeGates({ ids: makeIds(makeTestClock('2026-01-01T00:00:00Z'), seededRandom('gates')) });
});

afterAll(async () => {
  await Promise.all([one.close(), two.close(), bench.close(), monitor.end()]);
  await database.close();
});

describe('a release by raw SQL as the service\'s role', () => {
  it('passes when every gate is open at the epoch it was decided under', async () => {
    expect(await refusalOf(database.asApp(INSERT, row(await clone())))).toBe('accepted');
  });

  it.each([0, 1, 2, 3])('is refused when gate %i has another epoch', async (index) => {
    const of = await clone();
    const epochs = ['1', '1', '1', '1'].map((epoch, at) => (at === index ? '2' : epoch));
    expect(await refusalOf(database.asApp(INSERT, row(of, epochs)))).toBe('gate_changed');
  });

  it.each([1, 2, 3])('is refused when gate %i is paused or stopped, even with the new epoch', async (index) => {
    const of = await clone();
    const gateId = of.gates[index] ?? '';
    const epochs = (epoch: string): string[] => ['1', '1', '1', '1'].map((old, at) => (at === index ? epoch : old));
    await database.runTx((tx) => gates.hold(tx, gateId, { holder: 'owner', reason: 'test', at: AT, by: 'acc_x' }));
    expect(await refusalOf(database.asApp(INSERT, row(of, epochs('2'))))).toBe('gate_paused');
    await database.runTx((tx) => gates.lift(tx, gateId, { holder: 'owner', reason: 'test', at: AT, by: 'acc_x' }));
    expect(await refusalOf(database.asApp(INSERT, row(of, epochs('2'))))).toBe('gate_changed');
    expect(await refusalOf(database.asApp(INSERT, row(of, epochs('3'))))).toBe('accepted');
    await database.runTx((tx) => gates.narrow(tx, gateId, { state: 'stopped', reason: 'test', at: AT, by: 'acc_x' }));
    expect(await refusalOf(database.asApp(INSERT, row(of, epochs('4'), 'again')))).toBe('gate_stopped');
  });

  it('may not choose its gates: one missing, one too many, one twice, one of another clone', async () => {
    const [of, other] = [await clone(), await clone()];
    const attempt = (ids: (string | undefined)[]): Promise<string> =>
      refusalOf(database.asApp(INSERT, [of.cloneId, of.cloneId, of.grantId, ids, ids.map(() => '1')]));
    expect(await attempt(of.gates.slice(0, 3))).toBe('gate_unnamed');
    expect(await attempt([...of.gates, other.gates[1]])).toBe('gate_unnamed');
    expect(await attempt([...of.gates, of.gates[1]])).toBe('gate_unnamed');
    expect(await attempt([...of.gates.slice(0, 3), other.gates[3]])).toBe('gate_unnamed');
    expect(await attempt([])).toBe('gate_unnamed');
    expect(await refusalOf(database.asApp(INSERT, [of.cloneId, of.cloneId, other.grantId, [...of.gates.slice(0, 3), other.gates[3]], ['1', '1', '1', '1']])))
      .toBe('gate_unnamed');
    expect(await refusalOf(database.asApp(INSERT, [of.cloneId, of.cloneId, of.grantId, of.gates, ['1', '1', '1']]))).toBe('gate_unnamed');
  });

  it('is refused under an older snapshot, whatever it reads there', async () => {
    const of = await clone();
    for (const level of ['REPEATABLE READ', 'SERIALIZABLE']) {
      await one.run(`BEGIN ISOLATION LEVEL ${level}`);
      expect(await refusalOf(one.run(INSERT, row(of)))).toBe('gate_isolation');
      await one.run('ROLLBACK');
    }
  });
});

/** A stop is written but not committed; a release comes; the stop commits; the release commits. */
async function releaseMeetsStop(of: { cloneId: string; grantId: string; gates: string[] }): Promise<{ waited: boolean; released: boolean }> {
  await one.run('BEGIN');
  await one.run('SELECT pg_advisory_xact_lock(lock_key) FROM gate WHERE id = $1', [of.gates[1]]);
  await one.run(STOP, [of.gates[1]]);
  await two.run('BEGIN');
  const insert = await two.start(INSERT, row(of));
  await one.run('COMMIT');
  const outcome: Outcome = await insert.done;
  await two.run(outcome.ok ? 'COMMIT' : 'ROLLBACK');
  return { waited: insert.waiting, released: outcome.ok };
}

/** A release is written but not committed; a stop comes by one bare UPDATE. */
async function stopMeetsRelease(of: { cloneId: string; grantId: string; gates: string[] }): Promise<{ waited: boolean }> {
  await two.run('BEGIN');
  await two.run(INSERT, row(of));
  const stop = await one.start(STOP, [of.gates[1]]);
  await two.run('COMMIT');
  expect((await stop.done).ok).toBe(true);
  return { waited: stop.waiting };
}

describe('order of a release and a stop', () => {
  it('a release that meets a stop waits for it, sees it, and is refused', async () => {
    expect(await releaseMeetsStop(await clone())).toEqual({ waited: true, released: false });
  });

  it('a release that met a stop which then rolled back goes out', async () => {
    const of = await clone();
    await one.run('BEGIN');
    await one.run(STOP, [of.gates[1]]);
    const insert = await two.start(INSERT, row(of));
    await one.run('ROLLBACK');
    expect(insert.waiting).toBe(true);
    expect((await insert.done).ok).toBe(true);
  });

  it('a stop waits for a release in flight, even by one bare UPDATE', async () => {
    expect(await stopMeetsRelease(await clone())).toEqual({ waited: true });
  });

  it('a stop through the door waits too, and counts the release under its lock', async () => {
    const of = await clone();
    await two.run('BEGIN');
    await two.run(INSERT, row(of));
    const stopping = database.runTx(async (tx) => {
      await gates.narrow(tx, of.gates[1] ?? '', { state: 'stopped', reason: 'test', at: AT, by: 'acc_x' });
      return await execute(tx, 'SELECT 1 FROM probe WHERE clone_id = $1', [of.cloneId]);
    });
    const first = await Promise.race([stopping.then(() => 'stopped'), new Promise((done) => setTimeout(() => { done('waits'); }, 200))]);
    expect(first).toBe('waits');
    await two.run('COMMIT');
    expect(await stopping).toBe(1);
    expect(await refusalOf(database.asApp(INSERT, row(of, ['1', '2', '1', '1'], 'late')))).toBe('gate_stopped');
  });

  it('a release whose process says nothing for a whole lease is rolled back for a stop; one that works is waited for', async () => {
    const [silent, busy] = [await clone(), await clone()];
    const gone = new pg.Client({ connectionString: database.appUrl });
    gone.on('error', () => undefined);
    await gone.connect();
    await gone.query('BEGIN');
    await gone.query(INSERT, row(silent));
    await two.run('BEGIN');
    await two.run(INSERT, row(busy));
    const working = two.run('SELECT pg_sleep(2)').then(() => two.run('COMMIT'));
    const narrow = (of: { gates: string[] }): Promise<bigint> =>
      database.runTx((tx) => gates.narrow(tx, of.gates[1] ?? '', { state: 'stopped', reason: 'test', at: AT, by: 'acc_x' }));
    await Promise.all([narrow(silent), narrow(busy), working]);
    const kept = await database.asApp<{ id: string }>('SELECT id FROM probe WHERE id = ANY ($1)', [[silent.cloneId, busy.cloneId]]);
    expect(kept).toEqual([{ id: busy.cloneId }]);
    await expect(gone.query('COMMIT')).rejects.toThrow();
    await gone.end().catch(() => undefined);
  });

  it('releases of one clone do not wait for each other', async () => {
    const of = await clone();
    await one.run('BEGIN');
    await one.run(INSERT, row(of, undefined, `${of.cloneId}a`));
    const second = await two.start(INSERT, row(of, undefined, `${of.cloneId}b`));
    expect(second.waiting).toBe(false);
    expect((await second.done).ok).toBe(true);
    await one.run('COMMIT');
  });
});

describe('a gate', () => {
  it('begins open at epoch 1 and is made once, however many ask', async () => {
    const { cloneId, grantId } = await clone();
    const of = { cloneId, capabilities: ['voice', 'video'], grantId, at: AT, by: 'acc_x' };
    await Promise.all([1, 2, 3].map(() => database.runTx((tx) => gates.ensure(tx, of))));
    const refs = await database.runTx((tx) => gates.applicable(tx, { cloneId, capability: 'video', grantId }));
    expect(refs.map((ref) => ref.kind)).toEqual(['platform', 'clone', 'capability', 'grant']);
    const states = await database.runTx((tx) => gates.read(tx, refs));
    expect(states.map(({ kind, state, epoch }) => [kind, state, epoch])).toEqual(
      ['platform', 'clone', 'capability', 'grant'].map((kind) => [kind, 'open', 1n]));
    expect(await database.runTx((tx) => gates.applicable(tx, { cloneId, capability: 'sing', grantId: null }))).toHaveLength(2);
  });

  it.each([
    ['gate_begins_open', `INSERT INTO gate (id, kind, clone_id, licence_id, state, reason, changed_by, changed_at)
      VALUES ('gat_l', 'licence', $1, 'l', 'paused', 'x', 'x', now())`],
    ['gate_once', `INSERT INTO gate (id, kind, clone_id, reason, changed_by, changed_at) VALUES ('gat_2', 'clone', $1, 'x', 'x', now())`],
    ['gate_shape', `INSERT INTO gate (id, kind, clone_id, reason, changed_by, changed_at) VALUES ('gat_3', 'capability', $1, 'x', 'x', now())`],
    ['gate_epoch_rises', `UPDATE gate SET state = 'paused' WHERE clone_id = $1 AND kind = 'clone'`],
    ['gate_paused_by_holds', `UPDATE gate SET state = 'paused', epoch = epoch + 1 WHERE clone_id = $1 AND kind = 'clone'`],
    ['gate_epoch_rises', `UPDATE gate SET epoch = epoch - 1 WHERE clone_id = $1 AND kind = 'clone'`],
  ])('%s', async (constraint, sql) => {
    expect(await refusalOf(database.asApp(sql, [(await clone()).cloneId]))).toBe(constraint);
  });

  it('is never deleted, moved or hidden, by the owner of the tables either', async () => {
    const { cloneId } = await clone();
    for (const sql of ['DELETE FROM gate', 'TRUNCATE gate CASCADE', 'DELETE FROM gate_change', 'UPDATE gate_change SET epoch = 9']) {
      await expect(database.asOwner(sql)).rejects.toThrow(/is refused/);
    }
    await expect(database.asOwner(`UPDATE gate SET capability = 'sing', epoch = epoch + 1 WHERE clone_id = $1 AND kind = 'capability'`, [cloneId]))
      .rejects.toThrow(/never changes/);
    await expect(database.asApp(`UPDATE gate SET clone_id = NULL WHERE clone_id = $1`, [cloneId])).rejects.toThrow(/permission denied/);
    await expect(database.asApp(`INSERT INTO gate_change VALUES ('gat_platform', 9, 'open', 'x', 'x', now())`)).rejects.toThrow(/permission denied/);
  });

  it('once stopped never changes, through the door or by raw SQL', async () => {
    const of = await clone();
    const gateId = of.gates[1] ?? '';
    await database.runTx((tx) => gates.narrow(tx, gateId, { state: 'stopped', reason: 'test', at: AT, by: 'acc_x' }));
    const change = { reason: 'test', at: AT, by: 'acc_x' };
    for (const holder of ['owner', 'proof']) {
      expect(await database.runTx((tx) => gates.hold(tx, gateId, { ...change, holder }))).toMatchObject({ state: 'stopped', changed: false });
      expect(await database.runTx((tx) => gates.lift(tx, gateId, { ...change, holder }))).toMatchObject({ state: 'stopped', changed: false });
    }
    await expect(database.runTx((tx) => gates.narrow(tx, gateId, change))).rejects.toMatchObject({ code: 'stop_state' });
    expect(await refusalOf(database.asOwner(`UPDATE gate SET state = 'open', epoch = epoch + 1 WHERE id = $1`, [gateId]))).toBe('gate_stopped_is_final');
  });

  it('remembers every change, and tells the clone\'s pauses', async () => {
    const of = await clone();
    const gateId = of.gates[1] ?? '';
    const day = (n: number): Date => new Date(AT.getTime() + n * 86_400_000);
    const change = (n: number): { reason: string; at: Date; by: string } => ({ reason: `day ${n}`, at: day(n), by: 'acc_x' });
    await database.runTx((tx) => gates.hold(tx, gateId, { ...change(1), holder: 'owner' }));
    await database.runTx((tx) => gates.narrow(tx, gateId, change(2)));
    await database.runTx((tx) => gates.lift(tx, gateId, { ...change(3), holder: 'owner' }));
    await database.runTx((tx) => gates.hold(tx, gateId, { ...change(4), holder: 'owner' }));
    expect(await database.runTx((tx) => gates.pauses(tx, of.cloneId))).toEqual([{ from: day(1), to: day(3) }, { from: day(4), to: null }]);
    const kept = await database.asApp<{ epoch: string; state: string; reason: string }>('SELECT epoch, state, reason FROM gate_change WHERE gate_id = $1 ORDER BY epoch', [gateId]);
    expect(kept.map(({ epoch, state, reason }) => [epoch, state, reason])).toEqual([
      ['1', 'open', 'made'], ['2', 'paused', 'day 1'], ['3', 'paused', 'day 2'], ['4', 'open', 'day 3'], ['5', 'paused', 'day 4'],
    ]);
  });

  it('is only locked under READ COMMITTED', async () => {
    const of = await clone();
    const refs = await database.runTx((tx) => gates.applicable(tx, { ...of, capability: 'voice' }));
    const old = { isolation: 'REPEATABLE READ' } as const;
    await expect(database.runTx((tx) => gates.lockShared(tx, refs), old)).rejects.toThrow(/READ COMMITTED/);
    await expect(database.runTx((tx) => gates.lockExclusive(tx, { gateId: 'gat_platform' }), old)).rejects.toThrow(/READ COMMITTED/);
  });
});

describe('the trigger\'s no', () => {
  it('becomes a refusal, and other errors stay what they are', async () => {
    const of = await clone();
    const attempt = (epochs: string[]): Promise<unknown> =>
      database.runTx((tx) => execute(tx, INSERT, row(of, epochs))).then(() => null, (error: unknown) => error);
    expect(gateRefusal(await attempt(['1', '7', '1', '1']))).toMatchObject({ code: 'gate_changed' });
    await database.runTx((tx) => gates.hold(tx, of.gates[1] ?? '', { holder: 'owner', reason: 'x', at: AT, by: 'acc_x' }));
    const paused = gateRefusal(await attempt(['1', '2', '1', '1']));
    expect(paused).toBeInstanceOf(Refusal);
    expect(paused).toMatchObject({ code: 'stopped', extra: { clauses: ['stop.paused'] } });
    expect(gateRefusal(new Error('other'))).toBeNull();
    expect(gateRefusal(null)).toBeNull();
  });
});

const READ = `
  SELECT asked.id INTO shut FROM unnest(gate_ids, epochs) AS asked (id, epoch) LEFT JOIN gate ON gate.id = asked.id
    WHERE gate.id IS NULL OR gate.state <> 'open' OR gate.epoch IS DISTINCT FROM asked.epoch LIMIT 1;`;
const RAISE = `IF FOUND THEN RAISE EXCEPTION 'shut' USING ERRCODE = 'BN001', CONSTRAINT = 'gate_stopped'; END IF;`;

function faulty(body: string, volatility = 'VOLATILE'): string {
  return `CREATE OR REPLACE FUNCTION assert_gates_open(gate_ids text[], epochs bigint[]) RETURNS void
    LANGUAGE plpgsql ${volatility} SET search_path = public AS $$ DECLARE shut record; BEGIN ${body} END $$`;
}

const LOCK = 'PERFORM pg_advisory_xact_lock_shared(lock_key) FROM gate WHERE id = ANY (gate_ids);';

/** Each is a way in which this was once, or could be, written wrongly: the barrier tests above must tell. */
const FAULTS: [name: string, sql: string][] = [
  ['check without lock', faulty(`${READ} ${RAISE}`)],
  ['read before lock', faulty(`${READ} ${RAISE} ${LOCK}`)],
  ['lock and read in one statement', faulty(`
    SELECT asked.id, pg_advisory_xact_lock_shared(gate.lock_key) AS locked, gate.state, gate.epoch, asked.epoch AS wanted
      INTO shut FROM unnest(gate_ids, epochs) AS asked (id, epoch) JOIN gate ON gate.id = asked.id WHERE gate.kind = 'clone';
    IF shut.state <> 'open' OR shut.epoch <> shut.wanted THEN RAISE EXCEPTION 'shut' USING ERRCODE = 'BN001', CONSTRAINT = 'gate_stopped'; END IF;`)],
  ['FOR KEY SHARE instead of the lock', faulty(`PERFORM 1 FROM gate WHERE id = ANY (gate_ids) FOR KEY SHARE; ${READ} ${RAISE}`)],
  ['a function that keeps its caller\'s snapshot', faulty(`${LOCK} ${READ} ${RAISE}`, 'STABLE')],
];

describe('seeded faults', () => {
  async function originals(): Promise<string[]> {
    const { rows } = await monitor.query<{ source: string }>(
      `SELECT pg_get_functiondef(oid) AS source FROM pg_proc WHERE proname IN ('assert_gates_open', 'gate_guard')`);
    return rows.map(({ source }) => source);
  }

  it('each lets a release out after a stop, so the tests of the order would fail', async () => {
    const kept = await originals();
    const caught: string[] = [];
    for (const [name, sql] of FAULTS) {
      await bench.plant(sql);
      if ((await releaseMeetsStop(await clone())).released) caught.push(name);
    }
    for (const source of kept) await bench.plant(source);
    expect(caught).toEqual(FAULTS.map(([name]) => name));
    expect(await releaseMeetsStop(await clone())).toEqual({ waited: true, released: false });
  });

  it('a gate that is changed without its lock does not wait for the release in flight', async () => {
    const kept = await originals();
    await bench.plant(`CREATE OR REPLACE FUNCTION gate_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$`);
    const faultyOrder = await stopMeetsRelease(await clone());
    for (const source of kept) await bench.plant(source);
    expect(faultyOrder).toEqual({ waited: false });
    expect(await stopMeetsRelease(await clone())).toEqual({ waited: true });
  });
});
