import { describe, expect, it } from 'vitest';

import { type Lot, type Part, takeCoins, unusedCoins, without } from '../../src/billing/coin-model.ts';
import { earnedDays, earningSteps, joined, type Pause, pausedDays } from '../../src/billing/model.ts';

/** The edges of fan money: days that are paused, and coins that come back. */

const at = (day: string, hour = 0): Date => new Date(`2026-03-${day}T${String(hour).padStart(2, '0')}:00:00+08:00`);
const pause = (from: Date, to: Date | null): Pause => ({ from, to });

describe('pauses that overlap', () => {
  const [a, b, c, d] = [at('01'), at('03'), at('05'), at('07')] as const;

  it('are one, and so is one that begins when another ends; what stands apart stays apart', () => {
    expect(joined([])).toEqual([]);
    expect(joined([pause(a, c), pause(b, d)])).toEqual([pause(a, d)]);
    expect(joined([pause(a, b), pause(b, c)])).toEqual([pause(a, c)]);
    expect(joined([pause(a, d), pause(b, c)])).toEqual([pause(a, d)]);
    expect(joined([pause(a, d), pause(b, d)])).toEqual([pause(a, d)]);
    expect(joined([pause(a, b), pause(c, d)])).toEqual([pause(a, b), pause(c, d)]);
    expect(joined([pause(c, d), pause(a, b)])).toEqual([pause(a, b), pause(c, d)]);
  });

  it('last as long as the one that lasts', () => {
    expect(joined([pause(a, null), pause(b, c)])).toEqual([pause(a, null)]);
    expect(joined([pause(a, c), pause(b, null)])).toEqual([pause(a, null)]);
    expect(joined([pause(a, b), pause(c, null)])).toEqual([pause(a, b), pause(c, null)]);
    expect(joined([pause(a, null), pause(b, null)])).toEqual([pause(a, null)]);
  });

  it('count a day once, and change nothing of what they were', () => {
    const some = [pause(a, c), pause(b, d)];
    expect(pausedDays(joined(some), '2026-03-01', '2026-03-31')).toBe(6);
    expect(some).toEqual([pause(a, c), pause(b, d)]);
  });
});

describe('a paused day', () => {
  it('is whole: from its first instant to its last', () => {
    const days = (from: Date, to: Date | null): number => pausedDays([pause(from, to)], '2026-03-01', '2026-03-11');
    expect([days(at('02'), at('04')), days(at('02', 1), at('04')), days(at('02'), at('04', 23)), days(at('02', 1), at('03', 23))]).toEqual([2, 1, 2, 0]);
    expect([days(at('09'), null), days(at('11'), null), days(at('01'), at('01'))]).toEqual([2, 0, 0]);
  });

  it('earns nothing, and none is earned from the day of a stop', () => {
    const period = { startDay: '2026-03-01', days: 10, endedOn: null as string | null };
    expect([earnedDays(period, [], '2026-03-01'), earnedDays(period, [], '2026-03-02'), earnedDays(period, [], '2026-04-01')]).toEqual([0, 1, 10]);
    expect(earnedDays(period, [pause(at('02'), at('04'))], '2026-03-06')).toBe(3);
    expect(earnedDays({ ...period, endedOn: '2026-03-04' }, [], '2026-03-31')).toBe(3);
    expect(earnedDays({ ...period, endedOn: '2026-03-04' }, [], '2026-03-03')).toBe(2);
  });

  it('is asked of before it is over: a split that begins on the day that is not earned yet changes nothing', () => {
    const period = { startDay: '2026-03-01', days: 10, endedOn: null, recognisedDays: 0 };
    expect(earningSteps(period, [], '2026-03-04', [{ fromDay: '2026-03-01', splitId: 'one' }, { fromDay: '2026-03-04', splitId: 'two' }])).toEqual([
      { fromK: 0, toK: 3, firstDay: '2026-03-01', lastDay: '2026-03-03', splitId: 'one' },
    ]);
  });
});

const lot = (id: string, coins: bigint, money: Partial<Lot> = {}): Lot => ({ id, coins, free: [{ from: 0n, to: coins }], netMinor: coins * 10n, taxMinor: coins, feeMinor: 0n, ...money });
const short = (parts: readonly Part[]): [string, bigint, bigint][] => parts.map((part) => [part.lotId, part.coins, part.netMinor]);

describe('coins that come back', () => {
  const spent = [{ lot: lot('one', 10n), taken: [{ from: 4n, to: 10n }] }, { lot: lot('two', 5n), taken: [{ from: 0n, to: 4n }] }];

  it('are the last ones of the last lots, rounded up for the fan', () => {
    expect(short(unusedCoins(spent, 1n, 10n, 10n))).toEqual([['two', 1n, 10n]]);
    expect(short(unusedCoins(spent, 11n, 100n, 10n))).toEqual([['two', 2n, 20n]]);
    expect(short(unusedCoins(spent, 50n, 100n, 10n))).toEqual([['one', 1n, 10n], ['two', 4n, 40n]]);
    expect(short(unusedCoins(spent, 100n, 100n, 10n))).toEqual([['one', 6n, 60n], ['two', 4n, 40n]]);
    expect(unusedCoins(spent, 0n, 100n, 10n)).toEqual([]);
  });

  it('are no more than what was not given back before, and all of it where they cost nothing', () => {
    expect(short(unusedCoins([spent[1]!], 100n, 100n, 10n))).toEqual([['two', 4n, 40n]]);
    expect(short(unusedCoins(spent, 0n, 0n, 10n))).toEqual([['one', 6n, 60n], ['two', 4n, 40n]]);
  });
});

describe('lots', () => {
  it('are passed over when nothing of them is free', () => {
    expect(short(takeCoins([lot('empty', 5n, { free: [] }), lot('one', 5n)], 5n))).toEqual([['one', 5n, 50n]]);
  });

  it('lose exactly what is taken out of them', () => {
    const runs = [{ from: 0n, to: 5n }, { from: 8n, to: 12n }];
    expect(without(runs, [{ from: 5n, to: 8n }])).toEqual(runs);
    expect(without(runs, [{ from: 2n, to: 3n }, { from: 8n, to: 12n }])).toEqual([{ from: 0n, to: 2n }, { from: 3n, to: 5n }]);
    expect(without(runs, [{ from: 0n, to: 5n }])).toEqual([runs[1]]);
  });
});
