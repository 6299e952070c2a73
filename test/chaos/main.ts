/**
 * `npm run chaos -- NAME [--quick] [--seed N] …`: what must hold is attacked until it breaks, or a number of times. The seed
 * is printed and replays; the last line is JSON; the exit code is 1 when something broke.
 */
import { systemRandom } from '../../src/kernel/random.ts';
import { interleavings } from './interleavings.ts';
import { model } from './model.ts';
import { stop } from './stop.ts';

export interface ChaosOptions {
  quick: boolean;
  seed: number;
  /** A number given as `--name N`, or what is usual. */
  number(name: string, usual: number): number;
  text(name: string): string | null;
  flag(name: string): boolean;
}

export interface ChaosReport {
  chaos: string;
  seed: number;
  held: boolean;
  figures: Record<string, unknown>;
}

const ATTACKS: Record<string, (options: ChaosOptions) => Promise<ChaosReport>> = { interleavings, model, stop };

function optionsOf(args: readonly string[]): ChaosOptions {
  const text = (name: string): string | null => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? null : args[at + 1] ?? null;
  };
  const number = (name: string, usual: number): number => {
    const given = text(name);
    if (given === null) return usual;
    if (!/^\d+$/.test(given)) throw new Error(`--${name} takes a whole number.`);
    return Number(given);
  };
  return { quick: args.includes('--quick'), seed: number('seed', systemRandom.below(2 ** 31)), number, text, flag: (name) => args.includes(`--${name}`) };
}

async function main(args: readonly string[]): Promise<number> {
  const [name = ''] = args;
  const attack = ATTACKS[name];
  if (attack === undefined) {
    process.stderr.write(`npm run chaos -- ${Object.keys(ATTACKS).join(' | ')} [--quick] [--seed N]\n`);
    return 2;
  }
  const report = await attack(optionsOf(args.slice(1)));
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return report.held ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
