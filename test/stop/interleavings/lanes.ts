import pg from 'pg';

import { makeGates } from '../../../src/consent/gates.ts';
import { type LeaseStore, openLeaseStore } from '../../../src/consent/lease-store.ts';
import { makeIds } from '../../../src/kernel/ids.ts';
import { seededRandom } from '../../../src/kernel/random.ts';
import { type GateBench, makeGateBench } from '../../consent/gate-bench.ts';
import { makeTestClock } from '../../support/clock.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type Counts, Course, type Fault, noCounts, type Target, type Tools } from './course.ts';
import { interleave } from './turns.ts';

/** The registry and the turns of stops are a database's: courses that run at once have one each. */
interface Lane {
  tools: Tools;
  makeClones(names: readonly string[]): Promise<Target[]>;
  waiting(): Promise<number>;
  close(): Promise<void>;
}

async function definition(root: pg.Client, name: string): Promise<string> {
  const { rows } = await root.query<{ source: string }>('SELECT pg_get_functiondef($1::regproc) AS source', [name]);
  return rows[0]?.source ?? '';
}

/** Planted as its own text with one thing replaced, which must be there. */
async function replaced(bench: GateBench, root: pg.Client, name: string, from: string, to: string): Promise<void> {
  const source = await definition(root, name);
  if (!source.includes(from)) throw new Error(`${name} does not say ${from}.`);
  await bench.plant(source.replaceAll(from, to));
}

/** Sequences are the one thing that every session sees change at once. No two readings are the same: each is a microsecond later. */
const CLOCK = `
  CREATE SEQUENCE shared_clock_ms MINVALUE 0 START 0;
  CREATE SEQUENCE shared_clock_us;
  GRANT SELECT ON shared_clock_ms TO benren_app;
  GRANT USAGE ON shared_clock_us TO benren_app;
  CREATE FUNCTION shared_clock() RETURNS timestamptz LANGUAGE sql VOLATILE SET search_path = public, pg_temp
    AS $$ SELECT timestamptz '2026-03-02' + last_value * interval '1 millisecond' + nextval('shared_clock_us') * interval '1 microsecond' FROM shared_clock_ms $$;
  ALTER TABLE gateway_lease ALTER COLUMN recorded_at SET DEFAULT shared_clock(), ALTER COLUMN renewed_at SET DEFAULT shared_clock();
  ALTER TABLE gate_stop ALTER COLUMN recorded_at SET DEFAULT shared_clock();
  CREATE FUNCTION shared_clock_renews() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.renewals > OLD.renewals THEN NEW.renewed_at := shared_clock(); END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER a_shared_clock BEFORE UPDATE ON gateway_lease FOR EACH ROW EXECUTE FUNCTION shared_clock_renews();
`;

async function openLane(fault: Fault | null): Promise<Lane> {
  const database: TestDatabase = await openTestDatabase([], 7);
  const bench = await makeGateBench(database);
  const root = new pg.Client({ connectionString: database.superuserUrl });
  await root.connect();
  await bench.plant(CLOCK);
  for (const name of ['gateway_lease_guard', 'stop_acknowledgement_fits']) await replaced(bench, root, name, 'clock_timestamp()', 'shared_clock()');
  if (fault === 'releases check without locks') {
    await replaced(bench, root, 'assert_gates_open', 'pg_advisory_xact_lock_shared(tree.lock_key)', 'tree.lock_key');
  } else if (fault === 'acknowledgements are not guarded') {
    await bench.plant('DROP TRIGGER stop_acknowledgement_fits ON stop_acknowledgement');
  }
  const stores: LeaseStore[] = await Promise.all(Array.from({ length: 3 }, () => openLeaseStore(database.appUrl, () => undefined)));
  const gates = makeGates({ ids: makeIds(makeTestClock('2026-03-02T04:00:00Z'), seededRandom('interleavings')) });
  let now = 0;
  const clock = {
    now: () => now,
    async advance(milliseconds: number) {
      now += Math.ceil(milliseconds);
      await root.query(`SELECT setval('shared_clock_ms', $1)`, [now]);
    },
  };
  await clock.advance(1);
  return {
    tools: { runTx: database.runTx, gates, stores, clock },
    makeClones: (names) => bench.makeClones(names),
    async waiting() {
      const { rows } = await root.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
      return rows[0]?.count ?? 0;
    },
    async close() {
      await Promise.all([...stores.map((store) => store.close()), bench.close(), root.end()]);
      await database.close();
    },
  };
}

export interface Played {
  courses: number;
  counts: Counts;
  /** What broke, by the number of the course, which with the seed replays it. */
  broken: { course: number; violations: string[] }[];
}

/**
 * Plays courses `first` … `first + runs - 1` of a seed in several databases at once. Course n of a seed draws the same whether
 * it runs alone or among others, and time is the draw's too. With `untilBroken` the first that
 * breaks is the last.
 */
export async function playCourses(
  seed: number, options: { runs: number; first?: number; lanes?: number; fault?: Fault | null; untilBroken?: boolean },
): Promise<Played> {
  const { runs, first = 0, fault = null, untilBroken = false } = options;
  const played: Played = { courses: 0, counts: noCounts(), broken: [] };
  const opened = await Promise.all(Array.from({ length: Math.min(runs, options.lanes ?? 4) }, () => openLane(fault)));
  try {
    await Promise.all(opened.map(async (lane, at) => {
      const mine = Array.from({ length: Math.ceil((runs - at) / opened.length) }, (_none, index) => first + at + index * opened.length);
      const targets = await lane.makeClones(mine.map((course) => `i${course}`));
      for (const [index, course] of mine.entries()) {
        if (untilBroken && played.broken.length > 0) return;
        const random = seededRandom(`${seed} ${course}`);
        const one = new Course(`i${course}`, targets[index]!, lane.tools, random, fault);
        await interleave(one.scripts(), random, () => lane.waiting());
        await one.conclude();
        played.courses += 1;
        for (const name of Object.keys(one.counts) as (keyof Counts)[]) played.counts[name] += one.counts[name];
        if (one.violations.length > 0) played.broken.push({ course, violations: one.violations });
      }
    }));
  } finally {
    await Promise.all(opened.map((lane) => lane.close()));
  }
  return played;
}
