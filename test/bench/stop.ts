import { openStage, type Order, type Stage } from '../chaos/stage.ts';
import type { GatewayFigures, Target } from '../chaos/messages.ts';
import { type GatewayProcess, type Listeners, startListeners } from '../chaos/processes.ts';
import type { BenchReport } from './report.ts';

const GATEWAYS = 8;
const STREAMS_EACH = 3;
const RELEASES_EACH = 3;
const BYTES_PER_SECOND = 65_536;
/** 1.02 L + 150 ms. */
const FROZEN_GOAL_MS = 1_170;
/** Outputs of a clone that is stopped, all of which wait for their release. */
const OUTPUTS_EACH = 64;

/**
 * The load under which stops come. `full` is docs/promises.md's: each gateway always has three releases in flight, the next
 * one begins when one has ended, and the machine has no processor left. `paced` leaves it some: the same, with a rest after each.
 */
const LOADS = { full: 0, paced: 100 } as const;
type Load = keyof typeof LOADS;

interface Stopped {
  /** To the acknowledgement being written, as it says itself; and to its answer, on this process's clock. */
  milliseconds: number;
  answeredMs: number;
  /** Releases that were asked for and not answered when the order was sent, and those counted under its lock. */
  inFlight: number;
  releases: number;
  cloneId: string;
  acknowledgedAt: bigint;
  stopId: string;
  streams: string[];
}

interface World {
  stage: Stage;
  gateways: GatewayProcess[];
  listeners: Listeners;
  bystander: Target;
  bystanders: string[];
}

const rest = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0) * 10) / 10;
}

/** Streams of a clone over every gateway, that flow. One that a late lease refused is asked for again before anything is measured. */
async function flowing({ gateways, listeners }: World, target: Target, name: string, each: number): Promise<string[]> {
  const gates = target.gates.map((gateId) => `${gateId}:1`).join(',');
  const place = (id: string, at: number) => ({ id, url: `${gateways[at]!.origin}/stream?id=${id}&bps=${BYTES_PER_SECOND}&gates=${gates}` });
  const streams = gateways.flatMap((_gateway, at) => Array.from({ length: each }, (_none, index) => ({ at, id: `${name}.${at}.${index}` })));
  listeners.open(streams.map(({ id, at }) => place(id, at)));
  for (const end = performance.now() + 30_000; ;) {
    const heard = await listeners.counts(streams.map(({ id }) => id));
    if (streams.every(({ id }) => heard[id]?.ended === false && heard[id].bytes > 0)) return streams.map(({ id }) => id);
    if (performance.now() > end) throw new Error('The streams do not flow.');
    for (const stream of streams) {
      if (heard[stream.id]?.ended !== true) continue;
      stream.id += '.again';
      listeners.open([place(stream.id, stream.at)]);
    }
    await rest(10);
  }
}

async function openWorld(bystanding: number): Promise<World> {
  const stage = await openStage([], { proxied: false });
  const [bystander] = await stage.outputs((await stage.clones(1)).map((target) => ({ target, count: bystanding })));
  if (bystander === undefined) throw new Error('no clone');
  const gateways = await Promise.all(Array.from({ length: GATEWAYS }, (_none, index) =>
    stage.gateway(`gateway ${index}`, { releasePauseMs: LOADS.full, outputs: { at: index, of: GATEWAYS } })));
  const world: World = { stage, gateways, listeners: startListeners(), bystander, bystanders: [] };
  world.bystanders = await flowing(world, bystander, 'bystander', 1);
  return world;
}

async function figuresOf({ gateways }: World): Promise<GatewayFigures[]> {
  return (await Promise.all(gateways.map((gateway) => gateway.figures()))).flatMap((answer) => (answer === null ? [] : [answer.figures]));
}

function releasing({ gateways }: World, clones: Target[], load: Load): void {
  for (const gateway of gateways) gateway.tell({ kind: 'release', clones, atOnce: RELEASES_EACH, pauseMs: LOADS[load] });
}

async function ordered({ stage }: World, target: Target, order: Order, streams: string[], inFlight: number): Promise<Stopped> {
  const sent = process.hrtime.bigint();
  const answer = await stage.order(order);
  const acknowledgedAt = process.hrtime.bigint();
  if (answer.milliseconds === null) throw new Error('nobody measured the stop');
  return {
    milliseconds: answer.milliseconds, answeredMs: Number(acknowledgedAt - sent) / 1e6, inFlight, releases: Number(answer.releases), cloneId: target.cloneId,
    acknowledgedAt, stopId: answer.stopId, streams,
  };
}

/** One stop of a clone whose streams flow over every gateway, while all of them release, of this clone and of another. */
async function stopOne(world: World, target: Target, name: string, load: Load): Promise<Stopped> {
  const order = await world.stage.prepare(target);
  const streams = await flowing(world, target, name, STREAMS_EACH);
  releasing(world, [target, world.bystander], load);
  await rest(150);
  const inFlight = (await figuresOf(world)).reduce((sum, one) => sum + one.inFlight, 0);
  const stopped = await ordered(world, target, order, streams, inFlight);
  releasing(world, [], load);
  return stopped;
}

/**
 * Stops while a gateway is frozen. One that froze in the middle of a release of this very clone holds its gate until PostgreSQL has
 * ended its session, a lease later: those are told apart.
 */
async function frozen(world: World, targets: readonly Target[], inRelease: boolean): Promise<Stopped[]> {
  const stopped: Stopped[] = [];
  for (const [index, target] of targets.entries()) {
    const gateway = world.gateways[index % GATEWAYS]!;
    const order = await world.stage.prepare(target);
    const streams = await flowing(world, target, `frozen ${String(inRelease)} ${index}`, STREAMS_EACH);
    releasing(world, inRelease ? [target] : [world.bystander], inRelease ? 'full' : 'paced');
    await rest(150);
    gateway.signal('SIGSTOP');
    stopped.push(await ordered(world, target, order, streams, 0));
    gateway.signal('SIGCONT');
    releasing(world, [], 'paced');
    // It comes back, registers again, and serves on.
    await rest(1_000);
  }
  return stopped;
}

/** Bytes that listeners had beyond what was confirmed, and writes that were made after an acknowledgement. */
async function late(world: World, stopped: readonly Stopped[], figures: readonly GatewayFigures[]): Promise<{ bytes: number; writes: number }> {
  let [bytes, writes] = [0, 0];
  for (const { stopId, streams, acknowledgedAt } of stopped) {
    const rows = await world.stage.ask<{ streams: { subjectId: string; bytes: string }[] }>('SELECT streams FROM gate_stop_confirmation WHERE stop_id = $1', [stopId]);
    const confirmed = new Map(rows.flatMap((row) => row.streams).map((stream) => [stream.subjectId, Number(stream.bytes)]));
    const heard = await world.listeners.counts(streams);
    for (const id of streams) {
      const most = confirmed.get(id);
      if (most !== undefined) bytes += Math.max(0, (heard[id]?.bytes ?? 0) - most);
      for (const { lastWrite } of figures) if (BigInt(lastWrite[id] ?? '0') > acknowledgedAt) writes += 1;
    }
  }
  return { bytes, writes };
}

/** Releases that committed after the stop that counted them. */
async function lateReleases({ stage }: World, stopped: readonly Stopped[]): Promise<number> {
  const rows = await stage.ask<{ clone: string; n: number }>('SELECT clone_id AS clone, count(*)::int AS n FROM release GROUP BY clone_id');
  const now = new Map(rows.map(({ clone, n }) => [clone, n]));
  return stopped.reduce((sum, { cloneId, releases }) => sum + Math.abs((now.get(cloneId) ?? 0) - releases), 0);
}

const NO_GATES = `
  CREATE OR REPLACE FUNCTION assert_release_gates(of_clone text, of_capability text, of_grant text, gate_ids text[], epochs bigint[])
  RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$ BEGIN RETURN; END $$`;

/** Releases a second under the full load, with the gates asked and with neither locks nor comparison, in turn and again. */
async function rates(world: World, seconds: number): Promise<{ on: number; off: number }> {
  const [source] = await world.stage.ask<{ text: string }>(`SELECT pg_get_functiondef('assert_release_gates'::regproc) AS text`);
  const total = async (): Promise<number> => Number((await world.stage.ask<{ n: string }>('SELECT count(*) AS n FROM release'))[0]?.n ?? 0);
  const sums = { on: 0, off: 0 };
  for (const mode of ['on', 'off', 'off', 'on'] as const) {
    await world.stage.ask(mode === 'on' ? source?.text ?? '' : NO_GATES);
    for (const gateway of world.gateways) gateway.tell({ kind: 'gates', asked: mode === 'on' });
    releasing(world, [world.bystander], 'full');
    await rest(300);
    const [from, began] = [await total(), performance.now()];
    await rest(seconds * 1_000);
    sums[mode] += ((await total()) - from) / ((performance.now() - began) / 1000) / 2;
  }
  releasing(world, [], 'full');
  await world.stage.ask(source?.text ?? '');
  return { on: Math.round(sums.on), off: Math.round(sums.off) };
}

/** From an order's arrival to its acknowledgement, over eight gateway processes that stream and release all the while. */
export async function stop(options: { quick: boolean }): Promise<BenchReport> {
  const [stops, pacedStops, freezes, seconds] = options.quick ? [8, 6, 1, 1] : [200, 40, 4, 4];
  const began = performance.now();
  const tell = (done: string): void => void process.stdout.write(`${Math.round((performance.now() - began) / 1_000)} s: ${done}\n`);
  const world = await openWorld(options.quick ? 6_000 : 40_000);
  tell('eight gateways stream');
  try {
    const targets = await world.stage.outputs((await world.stage.clones(stops + pacedStops + 2 * freezes)).map((target) => ({ target, count: OUTPUTS_EACH })));
    tell('outputs planted');
    const full: Stopped[] = [];
    for (const [index, target] of targets.slice(0, stops).entries()) full.push(await stopOne(world, target, `stop ${index}`, 'full'));
    tell(`${stops} stops under the full load`);
    const paced: Stopped[] = [];
    for (const [index, target] of targets.slice(stops, stops + pacedStops).entries()) paced.push(await stopOne(world, target, `paced ${index}`, 'paced'));
    tell(`${pacedStops} under the paced load`);
    const rate = await rates(world, seconds);
    tell('releases compared');
    const thawed = await frozen(world, targets.slice(stops + pacedStops, stops + pacedStops + freezes), false);
    const midway = await frozen(world, targets.slice(stops + pacedStops + freezes), true);
    tell(`${thawed.length + midway.length} with a frozen gateway`);
    await rest(300);
    const all = [...full, ...paced, ...thawed, ...midway];
    const figures = await figuresOf(world);
    const after = await late(world, all, figures);
    const releasesAfter = await lateReleases(world, all);
    // A gateway that was frozen for longer than its lease cuts everything that flowed over it, and says so.
    const spared = figures.flatMap((one) => one.cut)
      .filter(({ id }) => id.startsWith('bystander') && !thawed.some((_one, index) => id.startsWith(`bystander.${index % GATEWAYS}.`))).length;
    return report({ full, paced, thawed, midway, rate, after, releasesAfter, spared, figures });
  } finally {
    await world.listeners.close();
    await world.stage.close();
  }
}

function report({ full, paced, thawed, midway, rate, after, releasesAfter, spared, figures }: {
  full: Stopped[]; paced: Stopped[]; thawed: Stopped[]; midway: Stopped[]; rate: { on: number; off: number }; after: { bytes: number; writes: number };
  releasesAfter: number; spared: number; figures: readonly GatewayFigures[];
}): BenchReport {
  const of = (stopped: readonly Stopped[], part: number, what: 'milliseconds' | 'answeredMs' = 'milliseconds') => percentile(stopped.map((one) => one[what]), part);
  const inFlight = (stopped: readonly Stopped[]) => percentile(stopped.map((one) => one.inFlight), 0.5);
  const frozenMs = Math.max(...thawed.map(({ milliseconds }) => milliseconds));
  const ratio = Math.round((rate.on / rate.off) * 1_000) / 1_000;
  const [p50, p99, pacedP50, pacedP99] = [of(full, 0.5), of(full, 0.99), of(paced, 0.5), of(paced, 0.99)];
  const sum = (what: 'released' | 'refused' | 'failed') => figures.reduce((total, one) => total + one[what], 0);
  return {
    bench: 'stop',
    figures: {
      gateways: GATEWAYS, stops: full.length, streamsPerStop: GATEWAYS * STREAMS_EACH, releasesInFlight: inFlight(full), p50Ms: p50, p99Ms: p99,
      answeredP50Ms: of(full, 0.5, 'answeredMs'), pacedStops: paced.length, pacedReleasesInFlight: inFlight(paced), pacedP50Ms: pacedP50, pacedP99Ms: pacedP99,
      pacedAnsweredP50Ms: of(paced, 0.5, 'answeredMs'), frozenMaxMs: Math.round(frozenMs), frozenInReleaseMaxMs: Math.round(Math.max(...midway.map(({ milliseconds }) => milliseconds))),
      bytesBeyondConfirmation: after.bytes, writesAfterAcknowledgement: after.writes, releasesAfterStop: releasesAfter, streamsCutWithoutStop: spared,
      releasesPerSecond: rate.on, releasesPerSecondGatesOff: rate.off, released: sum('released'), refused: sum('refused'), failed: sum('failed'),
    },
    goals: {
      releasesInFlight: { goal: '≥ 20', met: inFlight(full) >= 20 },
      p50Ms: { goal: '≤ 30', met: p50 <= 30 }, p99Ms: { goal: '≤ 250', met: p99 <= 250 },
      pacedP50Ms: { goal: '≤ 30', met: pacedP50 <= 30 }, pacedP99Ms: { goal: '≤ 250', met: pacedP99 <= 250 },
      frozenMaxMs: { goal: `≤ ${FROZEN_GOAL_MS}`, met: frozenMs <= FROZEN_GOAL_MS },
      bytesAfterAcknowledgement: { goal: '0', met: after.bytes + after.writes === 0 }, releasesAfterStop: { goal: '0', met: releasesAfter === 0 },
      streamsCutWithoutStop: { goal: '0', met: spared === 0 }, releasesWithGates: { goal: '≥ 0.9 of gates off', met: ratio >= 0.9 },
    },
  };
}
