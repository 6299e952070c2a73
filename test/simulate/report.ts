import { systemRandom } from '../../src/kernel/random.ts';

/** What a simulation prints as its last line. */
export interface SimulateReport {
  simulate: string;
  held: boolean;
  figures: Record<string, unknown>;
}

/** What stands after the name: `--seed 7`, `--seeds 1..1000`, `--quick`. */
export interface SimulateOptions {
  quick: boolean;
  /** The seeds to run, in order; one fresh seed when none is given. */
  seeds: readonly number[];
  number(name: string, usual: number): number;
  text(name: string): string | null;
}

function seedsIn(text: string): number[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(text);
  const [from, to] = range === null ? [Number(text), Number(text)] : [Number(range[1]), Number(range[2])];
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || to < from) throw new Error('Seeds are one whole number, or two as in 1..1000.');
  return Array.from({ length: to - from + 1 }, (_none, index) => from + index);
}

export function optionsOf(args: readonly string[]): SimulateOptions {
  const text = (name: string): string | null => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? null : args[at + 1] ?? null;
  };
  return {
    quick: args.includes('--quick'), text,
    seeds: seedsIn(text('seeds') ?? text('seed') ?? String(systemRandom.below(2 ** 31))),
    number(name, usual) {
      const given = text(name);
      if (given === null) return usual;
      if (!/^\d+$/.test(given)) throw new Error(`--${name} takes a whole number.`);
      return Number(given);
    },
  };
}
