import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Corruptible, named, openCorruptible } from './corrupted.ts';
import { KINDS } from './corruptions.ts';

/** Ten of each kind; `npm run bench -- corruptions` makes a hundred of each. */
const EACH = 10;
const SEED = 'corrupted';

let c: Corruptible;
beforeAll(async () => {
  c = await openCorruptible();
}, 90_000);
afterAll(() => c.close());

describe('verify-ledger', () => {
  it('finds nothing in sound books, proves what the kept checkpoint speaks of, and calls nothing behind it clean', async () => {
    await c.within(async () => {
      const report = await c.verify(null);
      expect(report.problems).toEqual([]);
      expect(report.verdict).toBe('unprovable');
      expect(report.unprovable).toEqual({ transfers: 5, holdFacts: 0, statements: 0 });
      expect(report.proven.transfers).toBe(report.transfers - 5);
      expect(report.proven.holdFacts).toBeGreaterThan(40);
      const without = await c.verify(null, () => null);
      expect([without.verdict, without.problems, without.unprovable.transfers]).toEqual(['unprovable', [], without.transfers]);
    });
  });

  it(`finds and names ${EACH} corruptions of each of ${KINDS.length} kinds, half of them made to add up`, async () => {
    const missed: unknown[] = [];
    const found = new Map<string, number>();
    const onlyByLeaf = new Map<string, number>();
    await c.within(async () => {
      for (const corruption of c.corruptions(SEED, EACH)) {
        const report = await c.verify(corruption);
        const { kind, clever } = corruption;
        if (report.verdict === 'broken' && named(report, corruption)) found.set(kind, (found.get(kind) ?? 0) + 1);
        else missed.push({ kind, clever, names: String(corruption.names), problems: report.problems.slice(0, 3) });
        if (report.problems.length > 0 && report.problems.every(({ code }) => /^(leaf_wrong|sealed_missing|seal_missing|log_|statement_changed)/.test(code))) {
          onlyByLeaf.set(kind, (onlyByLeaf.get(kind) ?? 0) + 1);
        }
      }
    });
    expect(missed, `seed ${SEED}`).toEqual([]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(KINDS.map((kind) => [kind, EACH])));
    // What keeps every sum right is seen by nothing but its leaf.
    for (const kind of ['a balanced pair', 'effective date', 'output or split id', 'idempotency row', 'a whole transfer deleted', 'hold state', 'statement line']) {
      expect([kind, (onlyByLeaf.get(kind) ?? 0) > 0]).toEqual([kind, true]);
    }
  }, 120_000);

  it('believes no checkpoint that the log has not signed, and proves nothing by it', async () => {
    await c.within(async () => {
      const report = await c.verify(null, (note) => note.replace(/\n(\d+)\n/, (_all, size: string) => `\n${Number(size) - 1}\n`));
      expect(report.problems).toEqual([{ code: 'checkpoint_malformed', id: 'checkpoint', detail: expect.any(String) as string }]);
      expect([report.verdict, report.proven.transfers, report.unprovable.transfers]).toEqual(['broken', 0, report.transfers]);
    });
  });
});
