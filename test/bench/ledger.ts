import pg from 'pg';

import { makeIds } from '../../src/kernel/ids.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { type AccountRef, type Ledger, makeLedger, makeLedgerTicks, type TransferDraft } from '../../src/ledger/index.ts';
import { connect, type Database, sql } from '../../src/platform/postgres/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { openTestDatabase, outside, type TestDatabase } from '../support/database.ts';
import { openTemplateServer } from '../support/global.ts';
import { asClient, baselines, dice, fill, FILL_ACCOUNTS, HOT, makeBaselines } from './ledger-data.ts';
import { openProcessor, type Processor } from './processor.ts';
import type { BenchReport } from './report.ts';

/**
 * The ledger beside bare inserts and TPC-B, through the same driver, on the same server, in turns. Ratios are what counts:
 * clients, service and PostgreSQL share the machine.
 */
interface Sizes {
  transfers: number;
  scale: number;
  rounds: number;
  milliseconds: number;
  /** Before each measure, not counted: a connection that is new plans everything, and Node compiles what it runs. */
  warmMilliseconds: number;
  asks: number;
}

/** A session plans a statement anew five times before it keeps a plan. */
const WARM_ASKS = 50;

const roll = dice(1);
let serial = 0;
const began = performance.now();
const tell = (what: string): boolean => process.stderr.write(`${((performance.now() - began) / 1_000).toFixed(0).padStart(5)} s  ${what}\n`);

/**
 * Steps of each client before its measure: a session plans a statement anew five times before it keeps a plan, and the first
 * write to a page after a checkpoint writes all of it.
 */
const warmSteps = (clients: number): number => Math.min(40, Math.max(8, Math.ceil(1_200 / clients)));

/** How many a second, and the processor's microseconds for each, on both sides together. */
interface Measured {
  rate: number;
  node: number;
  postgres: number;
}

/** Every client takes its next step when its last one is answered. */
async function rate(clients: number, { sizes, processor }: Bench, step: (client: number) => Promise<number>): Promise<Measured> {
  await counted(clients, sizes.warmMilliseconds, step, warmSteps(clients));
  const before = processor();
  const { done, seconds } = await counted(clients, sizes.milliseconds, step);
  const after = processor();
  const each = (side: keyof Processor): number => (((after?.[side] ?? 0) - (before?.[side] ?? 0)) * 1_000) / done;
  return { rate: done / seconds, node: each('node'), postgres: each('postgres') };
}

/** For so long, and so many steps of each client at least. */
async function counted(clients: number, milliseconds: number, step: (client: number) => Promise<number>, least = 0): Promise<{ done: number; seconds: number }> {
  const start = performance.now();
  let done = 0;
  await Promise.all(Array.from({ length: clients }, async (_, client) => {
    for (let steps = 0; steps < least || performance.now() - start < milliseconds; steps += 1) {
      // Awaited first: `done +=` would remember what stood there before the wait, and forget what others counted meanwhile.
      const more = await step(client);
      done += more;
    }
  }));
  return { done, seconds: (performance.now() - start) / 1_000 };
}

function draft(legs: TransferDraft['legs']): TransferDraft {
  serial += 1;
  return {
    key: `bench/${serial}`, kind: 'bench.paid', effectiveDate: '2026-12-31', legs,
    metadata: { cloneId: 'cln_00000000000000000000000001', charge: `ch_b${serial}`, splitVersionId: 'spl_1' },
  };
}

const account = (code: string, guarded = false): AccountRef => ({ code: `bench:${code}:CNY`, currency: 'CNY', class: guarded ? 'liability' : 'asset', guarded });
const fan = (): AccountRef => account(`fan${1 + roll(FILL_ACCOUNTS)}`);
const SHARES = ['bench:agency:CNY', 'bench:platform:CNY'].map((code): AccountRef => ({ code, currency: 'CNY', class: 'liability' }));

const fourLegs = (): TransferDraft => draft([
  { account: fan(), amountMinor: 100n }, { account: HOT, amountMinor: -70n }, ...SHARES.map((share) => ({ account: share, amountMinor: -15n })),
]);
/** A debit of a guarded wallet; every second item is of the one that everybody uses. */
function guarded(): TransferDraft {
  const wallet = account(serial % 2 === 0 ? 'wallet' : `wallet${roll(500)}`, true);
  return draft([{ account: wallet, amountMinor: 1n }, { account: fan(), amountMinor: -1n }]);
}
const twoLegs = (): TransferDraft => draft([{ account: fan(), amountMinor: 5n }, { account: HOT, amountMinor: -5n }]);

interface Bench {
  sizes: Sizes;
  test: TestDatabase;
  ledger: Ledger;
  /** The service's own, at its own pace: it gives positions and rolls balances up. */
  tick: { everyMs: number; run: () => Promise<void> };
  database: Database;
  processor: () => Processor | null;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Each measure once a round, one after the other; the median of the rounds. */
async function throughput(bench: Bench): Promise<Record<string, number | string>> {
  const { sizes, test, ledger, tick, database } = bench;
  /** On connections of their own, which are gone again before the service takes as many. */
  const base = (name: 'a' | 'b' | 'c', many: number) => async (): Promise<Measured> => {
    const connections = Array.from({ length: many }, () => new pg.Client({ connectionString: test.appUrl }));
    await Promise.all(connections.map((client) => client.connect()));
    const steps = connections.map((client) => baselines(client, sizes.scale, roll)[name]);
    const found = await rate(many, bench, (client) => steps[client]?.() ?? Promise.resolve(0));
    await Promise.all(connections.map((client) => client.end()));
    return found;
  };
  const post = async (): Promise<number> => {
    await database.runTx((tx) => ledger.post(tx, fourLegs()));
    return 1;
  };
  const submit = (make: () => TransferDraft, many = 1) => async (): Promise<number> => {
    await Promise.all(Array.from({ length: many }, () => ledger.submit(make())));
    return many;
  };
  /** With what the service does beside its work. */
  const ticking = (measure: () => Promise<Measured>) => async (): Promise<Measured> => {
    let ticks: Promise<unknown> = Promise.resolve();
    const timer = setInterval(() => {
      ticks = ticks.then(() => tick.run());
    }, tick.everyMs);
    try {
      return await measure();
    } finally {
      clearInterval(timer);
      await ticks;
    }
  };
  const measures: [name: string, measure: () => Promise<Measured>][] = [
    ['a insert 32', base('a', 32)], ['b tpcb call 32', base('b', 32)], ['c tpcb 7 statements 32', base('c', 32)],
    ['post 4 legs 32', ticking(() => rate(32, bench, post))], ['group commit 32', ticking(() => rate(32, bench, submit(guarded)))],
    ['bulk', ticking(() => rate(4, bench, submit(twoLegs, 100)))],
    ['c tpcb 7 statements 128', base('c', 128)], ['post 4 legs 128', ticking(() => rate(128, bench, post))],
  ];
  const found = new Map<string, Measured[]>();
  for (let round = 0; round < sizes.rounds; round += 1) {
    for (const [name, measure] of measures) {
      await ledger.rollUp();
      const measured = await measure();
      found.set(name, [...found.get(name) ?? [], measured]);
      tell(`round ${round + 1}: ${name} ${measured.rate.toFixed(0)}/s`);
    }
  }
  const middle = (values: readonly Measured[], side: keyof Measured): number => Math.round(median(values.map((one) => one[side])));
  return Object.fromEntries([...found].flatMap(([name, values]): [string, number | string][] => [
    [name, middle(values, 'rate')], [`${name}, processor µs`, `${middle(values, 'node')} + ${middle(values, 'postgres')}`],
  ]));
}

/** Milliseconds that half of the questions and one percent of them exceed. */
async function asOf({ sizes, ledger, database }: Bench): Promise<{ p50: number; p99: number }> {
  const times: number[] = [];
  await database.runTx(async (tx) => {
    const top = Number(await ledger.position(tx));
    for (let i = -WARM_ASKS; i < sizes.asks; i += 1) {
      const position = BigInt(1 + roll(top));
      const effectiveDate = new Date(Date.UTC(2026, 0, 1 + roll(365))).toISOString().slice(0, 10);
      const start = performance.now();
      await ledger.balanceAsOf(tx, HOT, { position, effectiveDate });
      if (i >= 0) times.push(performance.now() - start);
    }
  });
  times.sort((a, b) => a - b);
  const beyond = (part: number): number => times[Math.floor(times.length * part)] ?? 0;
  return { p50: beyond(0.5), p99: beyond(0.99) };
}

/** Half of what a tick would find in bulk, and what the next one does with it. */
async function halfWay({ ledger, tick }: Bench, perSecond: number): Promise<void> {
  for (let left = (perSecond * tick.everyMs) / 2_000; left > 0; left -= 100) await Promise.all(Array.from({ length: 100 }, () => ledger.submit(twoLegs())));
  await ledger.sequence();
}

async function statement({ ledger, database, sizes }: Bench): Promise<{ ours: number; bare: number }> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < sizes.rounds; round += 1) {
    await database.runTx(async (tx) => {
      const toPosition = await ledger.position(tx);
      let start = performance.now();
      await sql(tx, `SELECT t.kind, count(*), sum(e.amount_minor) FROM ledger_entry e JOIN ledger_transfer t ON t.seq = e.transfer_seq
        JOIN ledger_position p ON p.transfer_seq = e.transfer_seq JOIN ledger_account a ON a.id = e.account_id WHERE a.code = $1 AND p.position <= $2 GROUP BY t.kind`, [HOT.code, toPosition.toString()]);
      bare.push(performance.now() - start);
      start = performance.now();
      await ledger.sums(tx, { prefixes: [HOT.code], fromPosition: 0n, toPosition, beforeDay: '2026-06-01' });
      ours.push(performance.now() - start);
    });
  }
  return { ours: median(ours), bare: median(bare) };
}

/** Tables and indexes that a transfer touches, its position and its idempotency key among them; log leaves are not. */
async function bytesEach(test: TestDatabase): Promise<number> {
  const [row] = await test.asOwner<{ bytes: string; n: string }>(
    `SELECT sum(pg_total_relation_size(name))::text AS bytes, (SELECT count(*) FROM ledger_transfer)::text AS n
       FROM unnest(ARRAY['ledger_transfer', 'ledger_entry', 'ledger_position', 'ledger_roll_up', 'ledger_balance_snapshot', 'ledger_balance_day']) name`,
  );
  return Number(row?.bytes ?? 0) / Number(row?.n ?? 1);
}

async function prepare(bench: Bench): Promise<Record<string, number | string>> {
  const { test, ledger, sizes } = bench;
  await makeBaselines(test.ownerUrl, sizes.scale);
  const start = performance.now();
  await fill(test.appUrl, sizes.transfers, () => ledger.rollUp(), (done) => tell(`${done} of ${sizes.transfers} transfers`));
  await asClient(test.superuserUrl, (client) => client.query('VACUUM ANALYZE'));
  const seconds = (performance.now() - start) / 1_000;
  const bytes = await bytesEach(test);
  tell(`filled and vacuumed, ${bytes.toFixed(0)} bytes a transfer`);
  const rolled = await asOf(bench);
  tell(`as-of, rolled up: p50 ${rolled.p50.toFixed(2)} ms, p99 ${rolled.p99.toFixed(2)} ms`);
  const { ours, bare } = await statement(bench);
  tell(`statement ${ours.toFixed(0)} ms beside ${bare.toFixed(0)} ms`);
  await Promise.all(['wallet', ...Array.from({ length: 500 }, (_, i) => `wallet${i}`)].map((name) => {
    return ledger.submit(draft([{ account: account(name, true), amountMinor: -1_000_000_000n }, { account: fan(), amountMinor: 1_000_000_000n }]));
  }));
  return { 'filled in s': Math.round(seconds), 'bytes a transfer': Math.round(bytes), 'as-of p50 ms, rolled up': rolled.p50, 'as-of p99 ms, rolled up': rolled.p99, 'statement ms': Math.round(ours), 'bare group by ms': Math.round(bare) };
}

/** Judges, and puts what it judged among the figures. */
function goalsOf(f: Record<string, number | string>): BenchReport['goals'] {
  const at = (name: string): number => Number(f[name] ?? 0);
  const goals: BenchReport['goals'] = {};
  const judged = (name: string, value: number, goal: string, met: boolean): void => {
    f[name] = value;
    goals[name] = { goal, met };
  };
  const least = (name: string, value: number, goal: number): void => judged(name, value, `≥ ${goal}`, value >= goal);
  const most = (name: string, value: number, goal: number): void => judged(name, value, `≤ ${goal}`, value <= goal);
  const [a, c] = [at('a insert 32'), at('c tpcb 7 statements 32')];
  least('post × a', at('post 4 legs 32') / a, 0.35);
  least('post × c', at('post 4 legs 32') / c, 1.8);
  least('post from 32 to 128, × what c keeps', at('post 4 legs 128') / at('post 4 legs 32') / (at('c tpcb 7 statements 128') / c), 1);
  least('group commit × a', at('group commit 32') / a, 1.2);
  least('group commit × c', at('group commit 32') / c, 6);
  least('bulk × a', at('bulk') / a, 2.5);
  least('bulk × c', at('bulk') / c, 15);
  most('bytes a transfer', at('bytes a transfer'), 700);
  most('as-of p99 ms, rolled up', at('as-of p99 ms, rolled up'), 1);
  most('as-of p99 ms, between', at('as-of p99 ms, between'), 1);
  most('statement × bare', at('statement ms') / at('bare group by ms'), 2);
  return goals;
}

export async function ledger({ quick, large = false }: { quick: boolean; large?: boolean }): Promise<BenchReport> {
  const sizes: Sizes = quick
    ? { transfers: 60_000, scale: 5, rounds: 1, milliseconds: 1_000, warmMilliseconds: 400, asks: 400 }
    : { transfers: large ? 10_000_000 : 1_000_000, scale: 50, rounds: 3, milliseconds: 4_000, warmMilliseconds: 1_500, asks: 2_000 };
  const server = await openTemplateServer();
  outside.address = server.address;
  try {
    const test = await openTestDatabase([], 2);
    const database = await connect({ url: test.appUrl, poolSize: 128 });
    tell('the server is there');
    const clock = makeTestClock('2026-12-31T00:00:00Z');
    const own = makeLedger({ runTx: database.runTx, ids: makeIds(clock, systemRandom) });
    const tick = makeLedgerTicks(own, { seal: () => Promise.reject(new Error('Nothing is sealed here.')) }, clock)['ledger.sequence'];
    if (tick === undefined) throw new Error('The ledger has no tick.');
    const bench: Bench = { sizes, test, database, tick, processor: await openProcessor(test), ledger: own };
    const figures: Record<string, number | string> = { transfers: sizes.transfers, ...await prepare(bench) };
    Object.assign(figures, await throughput(bench));
    await bench.ledger.rollUp();
    await halfWay(bench, Number(figures['bulk']));
    const between = await asOf(bench);
    Object.assign(figures, { 'as-of p50 ms, between': between.p50, 'as-of p99 ms, between': between.p99 });
    await database.close();
    await test.close();
    const goals = goalsOf(figures);
    return { bench: 'ledger', figures: Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, typeof value === 'number' ? Number(value.toFixed(2)) : value])), goals };
  } finally {
    await server.stop();
  }
}
