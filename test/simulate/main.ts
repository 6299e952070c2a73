/**
 * `npm run simulate -- NAME [--seed N | --seeds A..B] [--quick]`: money as it could go, at random, held against a model that
 * knows nothing of the code. Each seed is printed and replays; the last line is JSON; the exit code is 1 when something broke.
 */
import { apportionment } from './apportionment.ts';
import { catchFault, control, FAULTS } from './faults.ts';
import { openPower } from './kills.ts';
import { outside } from '../support/database.ts';
import { money } from './money.ts';
import { optionsOf, type SimulateOptions, type SimulateReport } from './report.ts';

const SIMULATIONS: Record<string, (options: SimulateOptions) => Promise<SimulateReport>> = {
  async apportionment(options) {
    const { quick, seeds } = options;
    const cases = options.number('cases', quick ? 100_000 : 1_000_000);
    const found = seeds.map((seed) => ({ seed, ...apportionment(cases, seed) }));
    return { simulate: 'apportionment', held: found.every(({ broken }) => broken === null), figures: { seeds: found } };
  },
  money,
  faults,
};

/** Each planted fault must be seen, and without one nothing may be. */
async function faults(options: SimulateOptions): Promise<SimulateReport> {
  const only = options.text('only');
  const power = await openPower();
  outside.address = power.address;
  try {
    const clean = only === null ? await control(1) : null;
    if (only === null) process.stdout.write(clean === null ? '✓ without a fault nothing is found\n' : `✗ without a fault: ${clean}\n`);
    const found = [];
    for (const fault of FAULTS.filter(({ name }) => only === null || name.includes(only))) {
      const caught = await catchFault(fault);
      found.push(caught);
      process.stdout.write(`${caught.by === null ? '✗ NOT SEEN' : '✓'} ${fault.name}${caught.by === null ? '' : `: ${caught.by.split('\n', 2).join(' ').slice(0, 300)}`}\n`);
    }
    const caught = found.filter(({ by }) => by !== null).length;
    return { simulate: 'faults', held: clean === null && caught === found.length, figures: { faults: found.length, caught, control: clean ?? 'clean' } };
  } finally {
    await power.close();
  }
}

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const simulate = SIMULATIONS[name];
  if (simulate === undefined) {
    process.stderr.write(`npm run simulate -- ${Object.keys(SIMULATIONS).join(' | ')} [--seed N | --seeds A..B] [--quick]\n`);
    return 2;
  }
  const report = await simulate(optionsOf(args));
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return report.held ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
