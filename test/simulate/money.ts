import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

import { kills, openPower } from './kills.ts';
import { EVERY_SEED, lifeOf, type LifeReport, SMALL, SOMEWHERE } from './life-of-seed.ts';
import type { SimulateOptions, SimulateReport } from './report.ts';
import type { Scale } from './story.ts';

/** Reports of earlier seeds, one a line; a last line that was cut off is not one. */
function readKept(file: string | null): LifeReport[] {
  if (file === null || !existsSync(file)) return [];
  const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as LifeReport);
  writeFileSync(file, whole.map((report) => `${JSON.stringify(report)}\n`).join(''));
  return whole;
}

/**
 * `npm run simulate -- money --seed N [--months 24] [--fans 2000] [--clones 24]`: one big life. With `--seeds A..B` many small ones,
 * `--lanes` (2) at once; with `--keep FILE` what was found is kept there, and a run that was interrupted goes on after the last seed
 * in it. Of many seeds every `--kills`-th (10) has its processes and PostgreSQL killed too.
 */
export async function money(options: SimulateOptions): Promise<SimulateReport> {
  const { quick, seeds } = options;
  const big = options.text('seeds') === null && !quick;
  const months = options.number('months', quick ? 1 : big ? 24 : 2);
  const scale = scaleOf(options, big, months);
  const file = options.text('keep');
  const reports = readKept(file);
  const known = new Set(reports.map((report) => report.seed));
  const log = options.text('log') === null ? {} : { log: (line: string) => void process.stdout.write(`  ${line}\n`) };
  const script = options.text('script');
  const killing = options.number('kills', seeds.length < 50 ? 1 : 10);
  const waiting = seeds.filter((one) => !known.has(one));

  /** Each lane has a PostgreSQL of its own, so that killing it stops nobody else. */
  async function lane(): Promise<void> {
    const power = await openPower();
    try {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
        const started = performance.now();
        const more = killing > 0 && seed % killing === 0 ? kills(power) : {};
        const report = await lifeOf({ seed, months, scale, address: power.address, more, ...log, ...(script === null ? {} : { script: script.split(',') }) });
        reports.push(report);
        if (file !== null) appendFileSync(file, `${JSON.stringify(report)}\n`);
        say(report, performance.now() - started);
      }
    } finally {
      await power.close();
    }
  }

  await Promise.all(Array.from({ length: Math.min(options.number('lanes', 2), waiting.length) }, lane));
  const counts = sum(reports);
  const never = [...EVERY_SEED, ...SOMEWHERE].filter((kind) => !(kind in counts));
  const broken = reports.filter((report) => report.broken !== null);
  return {
    simulate: 'money', held: broken.length === 0 && (never.length === 0 || seeds.length < 20),
    figures: {
      months, ...scale, seeds: reports.length, held: reports.length - broken.length, broken: broken.map((report) => report.seed), steps: total(reports, 'steps'),
      fans: total(reports, 'fans'), charges: total(reports, 'charges'), transfers: total(reports, 'transfers'), happened: counts, neverHappened: never,
    },
  };
}

function scaleOf(options: SimulateOptions, big: boolean, months: number): Scale {
  const clones = options.number('clones', big ? 24 : SMALL.clones);
  // Two times a month, and two at the beginning.
  const times = 2 * months + 2;
  return { clones, long: months > 9, batch: Math.max(1, Math.round(options.number('fans', big ? 2_000 : times) / times)) };
}

function say(report: LifeReport, milliseconds: number): void {
  const { seed, broken, steps, charges, transfers } = report;
  process.stdout.write(`${broken === null ? '✓' : '✗'} seed ${seed}: ${steps} steps, ${charges} charges, ${transfers} transfers, ${(milliseconds / 1_000).toFixed(1)} s\n`);
  if (broken !== null) process.stdout.write(`${broken}\n`);
}

const total = (reports: readonly LifeReport[], of: 'steps' | 'fans' | 'charges' | 'transfers'): number => reports.reduce((sum, report) => sum + report[of], 0);

function sum(reports: readonly LifeReport[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const report of reports) for (const [kind, count] of Object.entries(report.counts)) counts[kind] = (counts[kind] ?? 0) + count;
  return counts;
}
