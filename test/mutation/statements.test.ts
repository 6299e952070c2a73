import { describe, expect, it } from 'vitest';

import { LINE_KINDS, lineKindOf } from '../../src/royalties/statement-lines.ts';
import { ACCOUNTS, linesOf, natural, ownPart, statementDocument } from '../../src/royalties/statement-model.ts';
import { entrySum, POTS, statementInput } from './statement.ts';

/** A statement as a document, by a month that was worked out by hand (statement.ts). */

describe('the line of a posting', () => {
  it('is the one that its kind is named for', () => {
    expect(Object.fromEntries([
      'royalties.pot_divided', 'royalties.derivative_divided', 'royalties.days_refunded', 'royalties.refund_fee', 'billing.unused_refunded', 'royalties.debt_netted', 'royalties.payout_begun',
      'royalties.payout_returned', 'royalties.dispute_lost', 'royalties.dispute_held', 'royalties.dispute_released', 'royalties.reserve_held', 'royalties.reserve_released',
      'royalties.tax_withheld', 'royalties.tax_returned', 'royalties.advance_paid', 'royalties.advance_returned', 'royalties.advance_written_off', 'royalties.advance_recouped',
    ].map((kind) => [kind.slice(kind.indexOf('.') + 1), lineKindOf(kind)]))).toEqual({
      pot_divided: 'earnings', derivative_divided: 'derivative', days_refunded: 'refunds', refund_fee: 'fees', unused_refunded: 'fees', debt_netted: 'debt', payout_begun: 'payout',
      payout_returned: 'payout_returned', dispute_lost: 'disputes', dispute_held: 'reserve_held', dispute_released: 'reserve_released', reserve_held: 'reserve_held',
      reserve_released: 'reserve_released', tax_withheld: 'withholding', tax_returned: 'withholding', advance_paid: 'advance', advance_returned: 'advance', advance_written_off: 'advance',
      advance_recouped: 'recoupment',
    });
    expect(lineKindOf('royalties.payout_begun.reversal')).toBe('payout');
  });
});

describe('a statement', () => {
  const statement = statementDocument(statementInput());

  it('says whose it is, of which days, and what of the ledger it covers', () => {
    const said = Object.entries(statement).filter(([name]) => !['lines', 'pots', 'totals', 'earnings', 'debt', 'reserve'].includes(name));
    expect(Object.fromEntries(said)).toEqual({
      type: 'benren.statement', schemaVersion: 2, statementId: 'stm', number: '3', payee: 'acc_a', payeeName: 'A', currency: 'CNY', fromDay: '2026-03-01', throughDay: '2026-04-01',
      timeZone: 'Asia/Shanghai', fromPosition: '10', toPosition: '50', openingMinor: '20', closingMinor: '50', advances: [{ advanceId: 'adv', openingMinor: '100', closingMinor: '80' }],
      names: [{ id: 'cln_1', name: 'Mei' }, { id: 'cln_2', name: 'Cover' }, { id: 'tir_1', name: 'friend' }], previousStatementSha256: 'ab', closedAt: '2026-04-01T01:00:00.000Z',
    });
  });

  it('has opening, lines and closing of each account, positive where there is more of it', () => {
    const short = (lines: typeof statement.lines): string[] => lines.map((line) => `${line.lineId} ${line.kind} ${line.amountMinor}`);
    expect(short(statement.lines)).toEqual(['1 earnings 255', '2 derivative 16', '3 refunds -4', '4 reserve_held -12', '5 reserve_released 5', '6 debt -30', '7 payout -200']);
    expect([statement.debt.openingMinor, short(statement.debt.lines), statement.debt.closingMinor]).toEqual(['30', ['d1 refunds 9', 'd2 debt -30'], '9']);
    expect([statement.reserve.openingMinor, short(statement.reserve.lines), statement.reserve.closingMinor]).toEqual(['5', ['r1 refunds -1', 'r2 reserve_held 12', 'r3 reserve_released -5'], '11']);
    expect(ACCOUNTS).toEqual({ balance: '', debt: 'd', reserve: 'r' });
    expect([natural('balance', -5n), natural('reserve', -5n), natural('debt', 5n)]).toEqual([5n, 5n, 5n]);
  });

  it('has lines that lead to their entries', () => {
    expect(statement.lines[0]).toEqual({
      lineId: '1', kind: 'earnings', transferKind: 'royalties.pot_divided', adjustment: false, cloneId: 'cln_1', tierId: 'tir_1', potId: 'pot_1', payoutId: null, advanceId: null,
      // Of a share, the first day that it is for.
      firstDay: '2026-02-27', lastDay: '2026-03-20', entries: '1', fromPosition: '20', toPosition: '20', amountMinor: '255',
    });
    expect(statement.lines[6]).toMatchObject({ payoutId: 'pay', potId: null, firstDay: '2026-03-20' });
    expect(statement.lines[2]).toMatchObject({ adjustment: true });
    expect(linesOf(statementInput(), 'debt').map(({ groupKey }) => groupKey)).toEqual(['royalties.days_refunded|41', 'royalties.debt_netted|22']);
  });

  it('sums its lines by kind, what belongs to earlier periods apart', () => {
    expect(statement.totals.map((total) => [total.kind, total.entries, total.inPeriodMinor, total.adjustmentsMinor, total.totalMinor])).toEqual([
      ['earnings', '1', '255', '0', '255'], ['derivative', '1', '16', '0', '16'], ['refunds', '1', '0', '-4', '-4'], ['reserve_held', '1', '-12', '0', '-12'],
      ['reserve_released', '1', '5', '0', '5'], ['debt', '1', '-30', '0', '-30'], ['payout', '1', '-200', '0', '-200'],
    ]);
  });

  it('says what each clone and tier brought and what of it went back', () => {
    expect(statement.earnings).toEqual([
      { cloneId: 'cln_1', cloneName: 'Mei', tierId: 'tir_1', tierName: 'friend', inPeriodMinor: '255', adjustmentsMinor: '0', refundsMinor: '-4', totalMinor: '251' },
      { cloneId: 'cln_2', cloneName: 'Cover', tierId: 'tir_2', tierName: 'tir_2', inPeriodMinor: '16', adjustmentsMinor: '0', refundsMinor: '0', totalMinor: '16' },
    ]);
  });

  it('shows the pots that its lines name, whole', () => {
    expect(statement.pots.map((pot) => pot.potId)).toEqual(['pot_1', 'pot_2']);
    expect(statement.pots[1]).toEqual({
      potId: 'pot_2', runId: 'run', cloneId: 'cln_2', tierId: 'tir_2', firstDay: '2026-02-27', lastDay: '2026-03-20', splitId: 'spl_2', splitNumber: '2', splitSha256: POTS[1]?.splitSha256,
      base: 'gross', entries: '1', grossMinor: '111', taxMinor: '6', feeMinor: '5', earnedMinor: '100', baseMinor: '111',
      legs: [
        { payee: 'acc_a', basisPoints: 1_500, derivativeId: 'drv', shareMinor: '16', amountMinor: '16' }, { payee: 'acc_c', basisPoints: 8_000, derivativeId: null, shareMinor: '76', amountMinor: '76' },
        { payee: 'platform', basisPoints: 2_000, derivativeId: null, shareMinor: '19', amountMinor: '8' },
      ],
    });
    const old = { ...POTS[0]!, grossMinor: null, taxMinor: null, feeMinor: null };
    expect(statementDocument(statementInput({ pots: new Map([['pot_1', old]]) })).pots[0]).toMatchObject({ grossMinor: null, taxMinor: null, feeMinor: null });
  });
});

const sums = (...own: ReturnType<typeof entrySum>[]): ReturnType<typeof statementInput> => {
  const none = { openingMinor: 0n, sums: [] };
  return statementInput({ accounts: { balance: { openingMinor: 0n, sums: own }, debt: none, reserve: none }, pots: new Map() });
};

describe('lines of one kind', () => {
  it('stand by clone, tier, period, place in the ledger and group, whatever order they came in', () => {
    const kind = 'royalties.pot_divided';
    const own = (name: string, position: bigint, change: object): ReturnType<typeof entrySum> => entrySum(kind, -1n, position, null, { groupKey: name, ...change });
    const right = [
      own('none', 90n, {}), own('late', 30n, { cloneId: 'cln_a', tierId: 'tir_a' }), own('later', 100n, { cloneId: 'cln_a', tierId: 'tir_a' }),
      own('same a', 110n, { cloneId: 'cln_a', tierId: 'tir_a' }), own('same b', 110n, { cloneId: 'cln_a', tierId: 'tir_a' }),
      own('early', 20n, { cloneId: 'cln_a', tierId: 'tir_a', early: true }), own('tier', 5n, { cloneId: 'cln_a', tierId: 'tir_b' }), own('clone', 4n, { cloneId: 'cln_b', tierId: 'tir_a' }),
      entrySum('royalties.derivative_divided', -1n, 1n, null, { groupKey: 'derivative' }), entrySum('royalties.payout_begun', 1n, 1n, null, { groupKey: 'payout' }),
    ];
    const names = right.map((one) => one.groupKey);
    for (const order of [right, [...right].reverse(), [...right].sort((a, b) => (a.groupKey < b.groupKey ? -1 : 1))]) {
      expect(linesOf(sums(...order), 'balance').map(({ groupKey }) => groupKey)).toEqual(names);
    }
    const given = [...right].reverse();
    linesOf(sums(...given), 'balance');
    expect(given).toEqual([...right].reverse());
  });

  it('are summed over clones that earned, and over those that only gave back; what has no clone stands apart', () => {
    const { earnings, totals } = statementDocument(sums(
      entrySum('royalties.pot_divided', -50n, 1n, 1, { potId: null }), entrySum('royalties.pot_divided', -7n, 2n, 1, { potId: null, early: true }),
      entrySum('royalties.derivative_divided', -3n, 3n, 1, { potId: null }), entrySum('royalties.dispute_lost', 20n, 4n, 1, { potId: null, early: true }),
      entrySum('royalties.dispute_lost', 9n, 5n, null, { cloneId: 'cln_0', entries: 2n }), entrySum('royalties.dispute_lost', 1n, 6n), entrySum('royalties.refund_fee', 2n, 7n, 1, { potId: null }),
    ));
    expect(earnings).toEqual([
      { cloneId: 'cln_0', cloneName: 'cln_0', tierId: null, tierName: null, inPeriodMinor: '0', adjustmentsMinor: '0', refundsMinor: '-9', totalMinor: '-9' },
      { cloneId: 'cln_1', cloneName: 'Mei', tierId: 'tir_1', tierName: 'friend', inPeriodMinor: '53', adjustmentsMinor: '7', refundsMinor: '-20', totalMinor: '40' },
    ]);
    expect(totals.find((total) => total.kind === 'disputes')).toEqual({ kind: 'disputes', entries: '4', inPeriodMinor: '-10', adjustmentsMinor: '-20', totalMinor: '-30' });
    expect(totals.map((total) => LINE_KINDS.indexOf(total.kind))).toEqual([0, 1, 3, 4]);
  });
});

describe('a statement that cannot be', () => {
  it('is none with a posting that no line is named for, and none in coins', () => {
    expect(() => linesOf(sums(entrySum('royalties.unheard_of', 1n, 1n)), 'balance')).toThrow('No line is named for royalties.unheard_of.');
    expect(() => statementDocument(statementInput({ currency: 'COIN' }))).toThrow('Nobody is owed coins.');
  });
});

describe('a payee\'s own part of a pot', () => {
  const [, pot] = statementDocument(statementInput()).pots;

  it('is the sum of all their legs in it, or none', () => {
    expect(ownPart(pot!, 'acc_a')).toEqual({ amountMinor: '16', basisPoints: [1_500] });
    const both = { ...pot!, legs: [...pot!.legs, { payee: 'acc_a', basisPoints: 10, derivativeId: null, shareMinor: '4', amountMinor: '4' }] };
    expect(ownPart(both, 'acc_a')).toEqual({ amountMinor: '20', basisPoints: [1_500, 10] });
    expect(ownPart(pot!, 'acc_z')).toBeNull();
  });
});
