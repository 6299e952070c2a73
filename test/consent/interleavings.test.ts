import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { seededRandom, type Random } from '../../src/kernel/random.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { type GateBench, makeGateBench, openSession, type Outcome, type Session } from './gate-bench.ts';

/** The gates alone; with leases, registry and acknowledgement test/stop/interleavings.test.ts plays more. */
const RUNS = 60;
const SEED = 'interleavings 1';

interface Target {
  cloneId: string;
  grantId: string;
  gates: string[];
}

/** One of several at once: a list of statements, of which the last is COMMIT. Between two steps anything may happen. */
interface Actor {
  name: string;
  session: Session;
  steps: (() => [sql: string, params?: unknown[]])[];
  /** What the step that just ended brought. */
  learn: (step: number, outcome: Outcome) => void;
  next: number;
  pending: Promise<Outcome> | null;
  failed: boolean;
}

/** What happened, in the order in which COMMITs returned. */
type Event = { kind: 'release'; id: string; epochs: bigint[] } | { kind: 'change'; gate: number; epoch: bigint; counted: number };

let database: TestDatabase;
let bench: GateBench;
let monitor: pg.Client;
let sessions: Session[];

beforeAll(async () => {
  database = await openTestDatabase();
  bench = await makeGateBench(database);
  monitor = new pg.Client({ connectionString: database.superuserUrl });
  await monitor.connect();
  sessions = await Promise.all(Array.from({ length: 5 }, () => openSession(database.appUrl, monitor)));
});

afterAll(async () => {
  await Promise.all([...sessions.map((session) => session.close()), bench.close(), monitor.end()]);
  await database.close();
});

function release(session: Session, target: Target, id: string, events: Event[]): Actor {
  let epochs: bigint[] = [];
  return {
    name: id, session, next: 0, pending: null, failed: false,
    steps: [
      () => ['SELECT epoch FROM gate WHERE id = ANY ($1) ORDER BY array_position($1, id)', [target.gates]],
      () => ['BEGIN'],
      () => ['INSERT INTO probe (id, clone_id, grant_id, gate_ids, epochs) VALUES ($1, $2, $3, $4, $5)',
        [id, target.cloneId, target.grantId, target.gates, epochs.map(String)]],
      () => ['COMMIT'],
    ],
    learn(step, outcome) {
      if (step === 0 && outcome.ok) epochs = outcome.rows.map((row) => BigInt(String(row['epoch'])));
      if (step === 3 && outcome.ok) events.push({ kind: 'release', id, epochs });
    },
  };
}

function change(session: Session, target: Target, gate: number, state: string, events: Event[]): Actor {
  const gateId = target.gates[gate];
  let epoch = 0n;
  let counted = 0;
  return {
    name: `${state} ${gate}`, session, next: 0, pending: null, failed: false,
    steps: [
      () => ['BEGIN'],
      () => ['SELECT pg_advisory_xact_lock(lock_key) FROM gate WHERE id = $1', [gateId]],
      () => [`UPDATE gate SET state = $2, epoch = epoch + 1, reason = 'x', changed_by = 'x', changed_at = now() WHERE id = $1 RETURNING epoch`, [gateId, state]],
      () => ['SELECT count(*)::int AS counted FROM probe WHERE clone_id = $1', [target.cloneId]],
      () => ['COMMIT'],
    ],
    learn(step, outcome) {
      if (!outcome.ok) return;
      if (step === 2) epoch = BigInt(String(outcome.rows[0]?.['epoch']));
      if (step === 3) counted = Number(outcome.rows[0]?.['counted']);
      if (step === 4) events.push({ kind: 'change', gate, epoch, counted });
    },
  };
}

async function settle(actor: Actor, outcome: Outcome): Promise<void> {
  actor.learn(actor.next, outcome);
  actor.next += 1;
  actor.pending = null;
  if (outcome.ok) return;
  actor.failed = true;
  await actor.session.run('ROLLBACK');
}

/** Lets whoever was waiting and no longer is take the result of its step. */
async function collect(actors: readonly Actor[]): Promise<void> {
  for (const actor of actors) {
    if (actor.pending !== null && !(await actor.session.watch(actor.pending))) await settle(actor, await actor.pending);
  }
}

/** Runs the actors step by step in a random order. One that waits for a lock is passed over until it has it. */
async function interleave(actors: readonly Actor[], random: Random): Promise<void> {
  for (;;) {
    await collect(actors);
    const free = actors.filter((actor) => actor.pending === null && !actor.failed && actor.next < actor.steps.length);
    const actor = free[random.below(Math.max(1, free.length))];
    if (actor === undefined) {
      if (actors.every((one) => one.pending === null)) return;
      continue;
    }
    const [sql, params] = actor.steps[actor.next]!();
    const { waiting, done } = await actor.session.start(sql, params);
    if (waiting) actor.pending = done;
    else await settle(actor, await done);
  }
}

interface Tally {
  released: number;
  refused: number;
}

async function run(index: number, random: Random, tally: Tally, clones: string): Promise<void> {
  const target = await bench.makeClone(`${clones}${index}`);
  const events: Event[] = [];
  const kinds = ['stopped', 'paused', 'open'];
  const actors = [
    ...sessions.slice(0, 3).map((session, at) => release(session, target, `${target.cloneId}r${at}`, events)),
    ...sessions.slice(3).map((session) => change(session, target, 1 + random.below(3), kinds[random.below(3)] ?? 'stopped', events)),
  ];
  await interleave(actors, random);

  for (const [at, event] of events.entries()) {
    if (event.kind === 'release') {
      // Nothing that was decided under an older epoch is committed after the change that made it old.
      for (const earlier of events.slice(0, at)) {
        if (earlier.kind === 'change') expect(event.epochs[earlier.gate]).toBeGreaterThanOrEqual(earlier.epoch);
      }
    } else {
      // Counted under the lock: every release before it, and none after it under the old epoch.
      const before = events.slice(0, at).filter(({ kind }) => kind === 'release').length;
      expect(event.counted).toBe(before);
    }
  }
  const kept = await monitor.query<{ id: string }>('SELECT id FROM probe WHERE clone_id = $1 ORDER BY id', [target.cloneId]);
  expect(kept.rows.map(({ id }) => id)).toEqual(events.flatMap((event) => (event.kind === 'release' ? [event.id] : [])).sort());
  tally.released += events.filter(({ kind }) => kind === 'release').length;
  tally.refused += actors.slice(0, 3).filter(({ failed }) => failed).length;
}

describe('random interleavings of releases and changes on PostgreSQL', () => {
  it(`holds the order in ${RUNS} of them`, async () => {
    const random = seededRandom(SEED);
    const tally: Tally = { released: 0, refused: 0 };
    for (let index = 0; index < RUNS; index += 1) await run(index, random, tally, 'i');
    console.log(`${RUNS} interleavings, seed "${SEED}": ${tally.released} released, ${tally.refused} refused`);
    expect(tally.released).toBeGreaterThan(RUNS / 4);
    expect(tally.refused).toBeGreaterThan(RUNS / 4);
  }, 240_000);

  it('and would notice a trigger that does not take the locks', async () => {
    const { rows } = await monitor.query<{ source: string }>(`SELECT pg_get_functiondef('assert_gates_open'::regproc) AS source`);
    const source = rows[0]?.source ?? '';
    const faulty = source.replace('pg_advisory_xact_lock_shared(tree.lock_key)', 'tree.lock_key');
    expect(faulty).not.toBe(source);
    await bench.plant(faulty);
    const random = seededRandom(`${SEED} faulty`);
    let noticed = 0;
    for (let index = 0; index < 60; index += 1) {
      await run(index, random, { released: 0, refused: 0 }, 'f').catch((error: unknown) => {
        if (!(error instanceof Error) || error.name !== 'AssertionError') throw error;
        noticed += 1;
      });
    }
    await bench.plant(source);
    console.log(`without the locks ${noticed} of 60 interleavings break the order`);
    expect(noticed).toBeGreaterThan(0);
  }, 120_000);
});
