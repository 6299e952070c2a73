import { groupBy } from '../../src/kernel/groups.ts';
import type { Statement, StatementLine } from '../../src/royalties/statement-model.ts';

/** Statements to print: a short one, and one with everything in it. */

const id = (prefix: string, number: number): string => `${prefix}_${number.toString(32).padStart(26, '0').replaceAll(/[ilou]/g, 'z')}`;
const OWNER = id('acc', 7);
const AGENCY = id('acc', 8);
const CLONES = [id('cln', 1), id('cln', 2)] as const;
const TIERS = [id('tir', 1), id('tir', 2), id('tir', 3)] as const;
const LONG = '林雅的分身：周末深夜电台、读信与陪伴 Lin Ya\'s late-night radio, letters & company (weekend edition)'.slice(0, 80);

const line = (lineId: string, kind: StatementLine['kind'], amountMinor: number, rest: Partial<StatementLine> = {}): StatementLine => ({
  lineId, kind, transferKind: 'royalties.test', adjustment: false, cloneId: null, tierId: null, potId: null, payoutId: null, advanceId: null, firstDay: '2026-01-31',
  lastDay: '2026-01-31', entries: '1', fromPosition: '8', toPosition: '8', amountMinor: `${amountMinor}`, ...rest,
});

function potOf(number: number, gross: number, cloneId: string, tierId: string): Statement['pots'][number] {
  const [tax, fee] = [Math.floor(gross * 6 / 106), Math.floor(gross * 0.045)];
  const earned = gross - tax - fee;
  const [agency, platform] = [Math.floor(earned * 0.2), Math.floor(earned * 0.1)];
  return {
    potId: id('pot', number), runId: id('run', 1), cloneId, tierId, firstDay: '2026-01-01', lastDay: '2026-01-31', splitId: id('spl', 1), splitNumber: '2',
    splitSha256: 'e'.repeat(64), base: 'net_of_tax_and_fees', entries: `${gross % 977 + 1}`, grossMinor: `${gross}`, taxMinor: `${tax}`, feeMinor: `${fee}`,
    earnedMinor: `${earned}`, baseMinor: `${earned}`,
    legs: [[OWNER, 7_000, earned - agency - platform], [AGENCY, 2_000, agency], ['platform', 1_000, platform]].map(([payee, basisPoints, amount]) => ({
      payee: `${payee ?? ''}`, basisPoints: Number(basisPoints), derivativeId: null, shareMinor: `${amount ?? 0}`, amountMinor: `${amount ?? 0}`,
    })),
  };
}

interface Content {
  opening: number;
  pots: Statement['pots'];
  more: StatementLine[];
  debt?: Statement['debt'];
  reserve?: Statement['reserve'];
  advances?: Statement['advances'];
}

function statementOf({ opening, pots, more, debt, reserve, advances = [] }: Content): Statement {
  const shares = pots.map((pot, index) => line(`${index + 1}`, 'earnings', Number(pot.legs[0]?.amountMinor), {
    potId: pot.potId, cloneId: pot.cloneId, tierId: pot.tierId, firstDay: pot.firstDay, lastDay: pot.lastDay, transferKind: 'royalties.pot_divided',
    adjustment: index % 9 === 8,
  }));
  const lines = [...shares, ...more.map((one, index) => ({ ...one, lineId: `${shares.length + index + 1}` }))];
  const sum = (some: readonly StatementLine[]): number => some.reduce((total, one) => total + Number(one.amountMinor), 0);
  const none = { openingMinor: '0', lines: [], closingMinor: '0' };
  return {
    type: 'benren.statement', schemaVersion: 2, statementId: id('stm', 3), number: '3', payee: OWNER, payeeName: 'Lin Ya · 林雅', currency: 'CNY', fromDay: '2026-01-01',
    throughDay: '2026-02-01', timeZone: 'Asia/Shanghai', fromPosition: '7', toPosition: '1900', openingMinor: `${opening}`, lines, closingMinor: `${opening + sum(lines)}`,
    totals: [...groupBy(lines, (one) => one.kind)].map(([kind, some]) => {
      const early = sum(some.filter((one) => one.adjustment));
      return { kind, entries: `${some.reduce((total, one) => total + Number(one.entries), 0)}`, inPeriodMinor: `${sum(some) - early}`, adjustmentsMinor: `${early}`, totalMinor: `${sum(some)}` };
    }),
    earnings: [...groupBy(shares, (one) => `${one.cloneId ?? ''} ${one.tierId ?? ''}`)].map(([key, some]) => {
      const [cloneId = '', tierId = ''] = key.split(' ');
      const early = sum(some.filter((one) => one.adjustment));
      return {
        cloneId, cloneName: cloneId === CLONES[0] ? 'Lin Ya · 林雅' : LONG, tierId, tierName: ['friend', 'work', '深夜电台 weekend'][TIERS.indexOf(tierId)] ?? null,
        inPeriodMinor: `${sum(some) - early}`, adjustmentsMinor: `${early}`, refundsMinor: '0', totalMinor: `${sum(some)}`,
      };
    }),
    pots, debt: debt ?? none, reserve: reserve ?? none, advances,
    names: [{ id: CLONES[0], name: 'Lin Ya · 林雅' }, { id: CLONES[1], name: LONG }, { id: TIERS[0], name: 'friend' }, { id: TIERS[1], name: 'work' }, { id: TIERS[2], name: '深夜电台 weekend' }],
    previousStatementSha256: 'a'.repeat(64), closedAt: '2026-02-03T04:05:06.000Z',
  };
}

export const SHORT = statementOf({
  opening: 0, pots: [potOf(1, 60_000, CLONES[0], TIERS[0]), potOf(2, 21_000, CLONES[0], TIERS[1])], more: [line('', 'payout', -40_000, { payoutId: id('pay', 1) })],
});

/** Many pages, every kind of line, long names, large figures. */
export const FULL: Statement = {
  ...statementOf({
    opening: 123_456_789,
    pots: Array.from({ length: 48 }, (_, index) => potOf(index + 1, 50_000 + index * 7_919, CLONES[index % 2] ?? CLONES[0], TIERS[index % 3] ?? TIERS[0])),
    more: [
      line('', 'derivative', 91_200, { cloneId: CLONES[1] }),
      line('', 'refunds', -61_250, { cloneId: CLONES[0], tierId: TIERS[0], entries: '214', firstDay: '2026-01-02' }),
      line('', 'disputes', -12_000, { cloneId: CLONES[0], tierId: TIERS[0], entries: '3' }), line('', 'fees', -27),
      line('', 'withholding', -2_000_000, { payoutId: id('pay', 1) }), line('', 'recoupment', -350_000, { advanceId: 'adv_00000000000000000000000001', cloneId: CLONES[1] }),
      line('', 'reserve_held', -400_000, { cloneId: CLONES[0] }), line('', 'reserve_released', 250_000, { cloneId: CLONES[0] }),
      line('', 'tax', -1), line('', 'conversion', 3), line('', 'advance', 90_000, { advanceId: 'adv_00000000000000000000000001' }),
      line('', 'adjustment', 25_000, { transferKind: 'ledger.adjusted', adjustment: true, firstDay: '2025-11-30', lastDay: '2025-12-24', entries: '2' }),
      line('', 'debt', -9_800), line('', 'payout', -120_000_000, { payoutId: id('pay', 1) }), line('', 'payout_returned', 5_000_000, { payoutId: id('pay', 2) }),
    ],
    debt: { openingMinor: '9800', lines: [line('d1', 'debt', -9_800), line('d2', 'refunds', 1_200, { cloneId: CLONES[0] })], closingMinor: '1200' },
    reserve: { openingMinor: '100000', lines: [line('r1', 'reserve_held', 400_000), line('r2', 'reserve_released', -250_000)], closingMinor: '250000' },
    advances: [{ advanceId: 'adv_00000000000000000000000001', openingMinor: '2000000', closingMinor: '1650000' }],
  }),
  payeeName: '林雅文化传播（上海）有限公司与晨光联合工作室 Lin Ya Culture & Morning Light Studio Co',
};

/** The platform's own, in the red: a loss, and a closing below zero. */
export const RED: Statement = {
  ...statementOf({ opening: -1_250, pots: [], more: [line('', 'earnings', -98_765, { cloneId: CLONES[0], tierId: TIERS[0] }), line('', 'disputes', -1_000_000, { cloneId: CLONES[0] })] }),
  payee: 'platform', payeeName: 'Benren · 本人',
};

export const SEAL = { digest: 'b'.repeat(64), keyId: 'c'.repeat(16), leafId: id('lef', 1) } as const;
