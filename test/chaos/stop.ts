import { type Random, seededRandom } from '../../src/kernel/random.ts';
import { STOP_FAULTS } from '../support/stop-faults.ts';
import { attack, type Trouble, TROUBLES } from './attack.ts';
import type { ChaosOptions, ChaosReport } from './main.ts';
import { mutantsCaught } from './mutants.ts';
import { startListeners } from './processes.ts';
import { openStage } from './stage.ts';

const STOPS_AT_ONCE = 6;
const HEAVY = 3;

/** Every trouble in turn; those of PostgreSQL itself take long, so they come seldom: each three times in 500 stops. */
function schedule(random: Random, rounds: number, quick: boolean): Trouble[] {
  const light = TROUBLES.slice(0, -HEAVY);
  const plan: Trouble[] = Array.from({ length: rounds }, (_none, index) => light[index % light.length]!);
  const heavy: Trouble[] = quick ? ['PostgreSQL failed over'] : Array.from({ length: Math.max(HEAVY, Math.floor(rounds / 9)) }, (_none, index) => TROUBLES.slice(-HEAVY)[index % HEAVY]!);
  for (const [index, trouble] of heavy.entries()) plan[Math.min(rounds - 1, index * Math.floor(rounds / heavy.length) + random.below(3))] = trouble;
  return plan;
}

/** ≥ 500 stops while everything that can go wrong does; then nine faults, each of which must be noticed. */
export async function stop(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, quick } = options;
  process.stdout.write(`seed ${seed}\n`);
  const began = performance.now();
  const random = seededRandom(`chaos stop ${seed}`);
  const atOnce = quick ? 3 : STOPS_AT_ONCE;
  const rounds = Math.ceil(options.number('stops', quick ? 9 : 510) / atOnce);
  const stage = await openStage(['-c', 'fsync=off']);
  const listeners = startListeners();
  try {
    const { figures, bad } = await attack({
      stage, listeners, random, plan: schedule(random, rounds, quick), atOnce,
      told(round, broken, { stops }) {
        for (const one of broken.slice(0, 10)) process.stdout.write(`✗ ${one}\n`);
        if (broken.length === 0 && round % 10 === 9) process.stdout.write(`${stops} stops, 0 bytes and 0 releases after them\n`);
      },
    });
    const mutants = options.flag('no-mutants') ? [] : await mutantsCaught(stage, listeners, { controls: !quick });
    process.stdout.write(`mutants ${mutants.length}/${STOP_FAULTS.length} caught\n`);
    return {
      chaos: 'stop', seed, held: bad.length === 0 && (options.flag('no-mutants') || mutants.length === STOP_FAULTS.length),
      figures: {
        ...figures, bytesOrReleasesAfterAStop: bad.length, mutants: `${mutants.length}/${STOP_FAULTS.length}`, seconds: Math.round((performance.now() - began) / 1_000),
      },
    };
  } finally {
    await listeners.close();
    await stage.close();
  }
}
