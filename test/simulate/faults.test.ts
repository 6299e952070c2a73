import { describe, expect, it } from 'vitest';

import { systemRandom } from '../../src/kernel/random.ts';
import { catchFault, FAULTS } from './faults.ts';

/** Two of them a run, other ones each time; all of them: `npm run simulate -- faults`. */
const first = systemRandom.below(FAULTS.length);
const drawn = [FAULTS[first]!, FAULTS[(first + 1 + systemRandom.below(FAULTS.length - 1)) % FAULTS.length]!];

describe('a mistake in money', () => {
  it('is one of at least twenty, each with a name of its own', () => {
    expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
    expect(FAULTS.length).toBeGreaterThanOrEqual(20);
  });

  it.each(drawn)('is seen: $name', async (fault) => {
    const { by } = await catchFault(fault);
    expect(by, `npm run simulate -- faults --only '${fault.name}'`).not.toBeNull();
  }, 120_000);
});
