import { describe, expect, it } from 'vitest';

import { stop } from './stop.ts';

/** Three rounds of `npm run chaos -- stop`: a healthy one, a frozen gateway, a standby promoted that lacks the stops. */
describe('stops while things go wrong, over real gateway processes', () => {
  it('hand out no byte and commit no release after their acknowledgement', async () => {
    const given: Record<string, number> = { stops: 9 };
    const report = await stop({
      quick: true, seed: 7, number: (name, usual) => given[name] ?? usual, text: () => null, flag: (name) => name === 'no-mutants',
    });
    expect(report.held).toBe(true);
    expect(report.figures).toMatchObject({ stops: 9, bytesOrReleasesAfterAStop: 0 });
    expect(Object.keys(report.figures['rounds'] as object)).toContain('PostgreSQL failed over');
    expect(report.figures['bytes']).toBeGreaterThan(1_000_000);
    expect(report.figures['releasesCounted']).toBeGreaterThan(0);
  }, 150_000);
});
