import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';

import { STOP_FAULTS, type StopFault } from '../support/stop-faults.ts';
import { play } from '../stop/machine/run.ts';
import { scenarios, scenariosFor } from '../stop/machine/scenario.ts';
import type { Result } from '../stop/machine/world.ts';
import type { ChaosOptions, ChaosReport } from './main.ts';

type Totals = Omit<Result, 'violations'>;

interface Part {
  runs: number;
  totals: Totals;
  /** What broke, with the words that replay it. */
  broken: string | null;
}

const lawful = async (scenario: Parameters<typeof play>[0], fault: StopFault | null, totals: Totals): Promise<boolean> => {
  const { violations, ...counts } = await play(scenario, fault);
  for (const name of Object.keys(counts) as (keyof Totals)[]) totals[name] += counts[name];
  return violations.length === 0;
};
const none = (): Totals => ({ acknowledged: 0, releases: 0, refused: 0, bytes: 0, cut: 0 });

/** One process's share. */
async function part(seed: number, runs: number, path: string | null): Promise<Part> {
  const totals = none();
  const details = await fc.check(fc.asyncProperty(scenarios, (scenario) => lawful(scenario, null, totals)), {
    seed, numRuns: runs, ...(path === null ? {} : { path }),
  });
  if (!details.failed) return { runs: details.numRuns, totals, broken: null };
  const [scenario] = details.counterexample ?? [];
  const { violations } = scenario === undefined ? { violations: [] } : await play(scenario);
  return {
    runs: details.numRuns, totals,
    broken: `npm run chaos -- model --seed ${seed} --path ${details.counterexamplePath ?? ''}: ${violations.join('; ')} in ${JSON.stringify(scenario)}`,
  };
}

async function inProcess(seed: number, runs: number): Promise<Part> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', main, 'model', '--part', '--seed', String(seed), '--runs', String(runs)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((done, fail) => child.once('error', fail).once('close', done));
  const report = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { figures: { part: Part } };
  return report.figures.part;
}

/** Which of the nine faults are noticed, each by its own search. */
async function caught(seed: number): Promise<StopFault[]> {
  const found: StopFault[] = [];
  for (const fault of STOP_FAULTS) {
    const { failed, numRuns } = await fc.check(fc.asyncProperty(scenariosFor(fault), (scenario) => lawful(scenario, fault, none())), { seed, numRuns: 5_000, endOnFailure: true });
    process.stdout.write(`${failed ? '✓ caught' : '✗ NOT caught'} after ${numRuns}: ${fault}\n`);
    if (failed) found.push(fault);
  }
  return found;
}

/** Gate, lease, registry, coordinator and release in ≥ 100,000 random courses of things; the lease is the real one. */
export async function model(options: ChaosOptions): Promise<ChaosReport> {
  const { seed } = options;
  const runs = options.number('runs', options.quick ? 5_000 : 100_000);
  const path = options.text('path');
  const report = (held: boolean, figures: Record<string, unknown>): ChaosReport => ({ chaos: 'model', seed, held, figures });
  if (path !== null || options.flag('part')) {
    const one = await part(seed, path === null ? runs : 1, path);
    return report(one.broken === null, { part: one });
  }
  process.stdout.write(`seed ${seed}\n`);
  const began = performance.now();
  const processes = availableParallelism();
  const parts = await Promise.all(Array.from({ length: processes }, (_none, index) => inProcess(seed + index, Math.ceil(runs / processes))));
  const totals = none();
  for (const { totals: counts } of parts) for (const name of Object.keys(counts) as (keyof Totals)[]) totals[name] += counts[name];
  const broken = parts.flatMap(({ broken: one }) => one ?? []);
  for (const one of broken) process.stdout.write(`✗ ${one}\n`);
  const played = parts.reduce((sum, one) => sum + one.runs, 0);
  const mutants = await caught(seed);
  process.stdout.write(`${played} courses, ${totals.acknowledged} stops, ${totals.releases} releases, ${totals.refused} refused: ${broken.length} broken\n`);
  process.stdout.write(`mutants ${mutants.length}/${STOP_FAULTS.length} caught\n`);
  return report(broken.length === 0 && mutants.length === STOP_FAULTS.length, {
    courses: played, ...totals, broken: broken.length, mutants: `${mutants.length}/${STOP_FAULTS.length}`, seconds: Math.round((performance.now() - began) / 100) / 10,
  });
}
