import { playCourses } from '../stop/interleavings/lanes.ts';
import { outside } from '../support/database.ts';
import { openTemplateServer } from '../support/global.ts';
import type { ChaosOptions, ChaosReport } from './main.ts';

/** Gate, lease, registry, acknowledgement and release, step by step in a random order, on a PostgreSQL of its own. */
export async function interleavings(options: ChaosOptions): Promise<ChaosReport> {
  const { seed } = options;
  const only = options.text('only') === null ? null : options.number('only', 0);
  process.stdout.write(`seed ${seed}\n`);
  const began = performance.now();
  const server = await openTemplateServer();
  outside.address = server.address;
  try {
    const { courses, counts, broken } = await playCourses(seed, {
      runs: only === null ? options.number('runs', options.quick ? 300 : 2_000) : 1, first: only ?? 0,
    });
    for (const { course, violations } of broken) {
      process.stdout.write(`✗ npm run chaos -- interleavings --seed ${seed} --only ${course}: ${violations.join('; ')}\n`);
    }
    return {
      chaos: 'interleavings', seed, held: broken.length === 0,
      figures: { courses, ...counts, broken: broken.length, seconds: Math.round((performance.now() - began) / 100) / 10 },
    };
  } finally {
    outside.address = null;
    await server.stop();
  }
}
