/** `npm run bench -- NAME [--quick]`: figures and goals; the last line is JSON. A goal that is missed is said, not thrown. */
import { corruptions } from './corruptions.ts';
import { decide } from './decide.ts';
import { ledger } from './ledger.ts';
import type { BenchReport } from './report.ts';
import { royalties } from './royalties.ts';
import { stop } from './stop.ts';

const BENCHES: Record<string, (options: { quick: boolean; large: boolean }) => Promise<BenchReport>> = { corruptions, decide, ledger, royalties, stop };

const [name = '', ...rest] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  process.stderr.write(`npm run bench -- ${Object.keys(BENCHES).join(' | ')} [--quick] [--large]\n`);
  process.exit(2);
}
const report = await bench({ quick: rest.includes('--quick'), large: rest.includes('--large') });
for (const [what, figure] of Object.entries(report.figures)) process.stdout.write(`${what.padEnd(38)} ${figure}\n`);
for (const [what, { goal, met }] of Object.entries(report.goals)) process.stdout.write(`${met ? '✓' : '✗'} ${what} ${goal}\n`);
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);
