/**
 * `npm run simulate -- NAME [--seed N | --seeds A..B] [--quick]`: money as it could go, at random, held against a model that
 * knows nothing of the code. Each seed is printed and replays; the last line is JSON; the exit code is 1 when something broke.
 */
import { apportionment } from './apportionment.ts';
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
};

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
