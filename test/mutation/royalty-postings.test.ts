import { describe, expect, it } from 'vitest';

import * as chart from '../../src/ledger/chart.ts';
import type { EntryView } from '../../src/ledger/reading.ts';
import { advanceRecouped, advanceWrittenOff } from '../../src/royalties/advance-postings.ts';
import type { PotDraft } from '../../src/royalties/model.ts';
import { type CameBack, type PayoutFacts, payoutBegun, payoutPaid, payoutReversed, taxWithheld } from '../../src/royalties/payout-postings.ts';
import {
  daysRefunded, debtNetted, earnedEntry, potDivided, refundFeeCharged, type Returned, reserveHeld, reserveReleased, returnedLegs, textIn,
} from '../../src/royalties/postings.ts';
import { booked, named } from './legs.ts';

/** What royalties book: pots, refunds, debts, reserves, advances and payouts. */

const DAY = '2026-03-31';

describe('an entry that was earned', () => {
  const entry: EntryView = {
    position: 7n, transferId: 'trf', leg: 3, key: 'k', kind: 'billing.days_earned', effectiveDate: DAY, accountCode: 'earned:cln:tir:CNY', currency: 'CNY', amountMinor: -182n,
    metadata: { feeMinor: '6', taxMinor: '11', fromDay: '2026-03-01', throughDay: '2026-03-10', splitVersionId: 'spl', periodId: 'per' }, reverses: null, adjustment: false,
  };

  it('is what can be divided, with its fee and its tax, its days and its split', () => {
    expect(earnedEntry(entry)).toEqual({
      transferId: 'trf', leg: 3, position: 7n, accountCode: 'earned:cln:tir:CNY', tierId: 'tir', currency: 'CNY', amountMinor: 182n, feeMinor: 6n, taxMinor: 11n,
      firstDay: '2026-03-01', lastDay: '2026-03-10', splitId: 'spl', periodId: 'per',
    });
    expect(earnedEntry({ ...entry, metadata: {} })).toMatchObject({ feeMinor: 0n, taxMinor: 0n, firstDay: DAY, lastDay: DAY, splitId: null, periodId: null });
    expect(textIn({ a: 5, b: 'x' }, 'a')).toBeNull();
    expect(textIn({ a: 5, b: 'x' }, 'b')).toBe('x');
  });

  it('belongs where its own leg says, when a transfer has several', () => {
    const earnedLegs = [{ splitVersionId: 'one', feeMinor: '-1' }, 'none', { splitVersionId: 'three', feeMinor: '-2' }];
    const metadata = { ...entry.metadata, earnedLegs };
    expect(earnedEntry({ ...entry, leg: 1, metadata })).toMatchObject({ splitId: 'one', feeMinor: -1n, taxMinor: 11n });
    expect(earnedEntry({ ...entry, leg: 3, metadata })).toMatchObject({ splitId: 'three', feeMinor: -2n });
    expect(earnedEntry({ ...entry, leg: 2, metadata })).toMatchObject({ splitId: 'spl', feeMinor: 6n });
    expect(earnedEntry({ ...entry, leg: 4, metadata })).toMatchObject({ splitId: 'spl', feeMinor: 6n });
    for (const odd of [null, ['x'], 5]) expect(earnedEntry({ ...entry, leg: 1, metadata: { ...entry.metadata, earnedLegs: [odd] } })).toMatchObject({ splitId: 'spl' });
    expect(earnedEntry({ ...entry, metadata: { ...entry.metadata, earnedLegs: { 2: { splitVersionId: 'none' } } } })).toMatchObject({ splitId: 'spl' });
  });

  it('is none on another account, and none that a run itself took from there', () => {
    expect(earnedEntry({ ...entry, accountCode: 'payable:acc:CNY' })).toBeNull();
    for (const kind of ['royalties.pot_divided', 'royalties.derivative_divided']) expect(earnedEntry({ ...entry, kind })).toBeNull();
    expect(() => earnedEntry({ ...entry, accountCode: 'earned:cln' })).toThrow('names no tier');
    expect(() => earnedEntry({ ...entry, metadata: { feeMinor: '1.5' } })).toThrow();
  });
});

describe('a pot', () => {
  const ids = { potId: 'pot', runId: 'run', cloneId: 'cln' };
  const pot = { tierId: 'tir', currency: 'CNY', splitId: 'spl', lastDay: DAY } as Omit<PotDraft, 'entries'>;
  const leg = (payee: string, amountMinor: bigint, derivativeId: string | null = null): Parameters<typeof potDivided>[2][number] => ({ payee, basisPoints: 1, shareMinor: amountMinor, amountMinor, derivativeId });

  it('leaves what was earned for the unpaid balance of each payee', () => {
    const [only, ...more] = potDivided(ids, pot, [leg('acc', 70n), leg('nobody', 0n), leg('platform', 30n)]);
    expect(more).toEqual([]);
    expect(booked(only!)).toEqual({ 'earned:cln:tir:CNY': 100n, 'payable:acc:CNY': -70n, 'payable:platform:CNY': -30n });
    expect(named(only!)).toEqual({ key: 'pot:pot', kind: 'royalties.pot_divided', effectiveDate: DAY, metadata: { ...ids, tierId: 'tir', splitVersionId: 'spl' } });
  });

  it('of a derivative goes to the originals by a transfer of its own, before the split\'s', () => {
    const drafts = potDivided(ids, pot, [leg('acc_a', 15n, 'drv'), leg('acc_b', 68n), leg('platform', 17n)]);
    expect(drafts.map((draft) => [draft.key, draft.kind])).toEqual([['pot:pot:derivative', 'royalties.derivative_divided'], ['pot:pot', 'royalties.pot_divided']]);
    expect(drafts.map(booked)).toEqual([
      { 'earned:cln:tir:CNY': 15n, 'payable:acc_a:CNY': -15n }, { 'earned:cln:tir:CNY': 85n, 'payable:acc_b:CNY': -68n, 'payable:platform:CNY': -17n },
    ]);
    expect(potDivided(ids, pot, [leg('acc_a', 15n, 'drv'), leg('platform', 0n)]).map((draft) => draft.kind)).toEqual(['royalties.derivative_divided']);
  });

  it('below zero is taken from the platform', () => {
    expect(potDivided(ids, pot, [leg('acc', 0n), leg('platform', -7n)]).map(booked)).toEqual([{ 'earned:cln:tir:CNY': -7n, 'payable:platform:CNY': 7n }]);
  });
});

describe('a debt', () => {
  it('is netted from the unpaid balance, once for what brought it about', () => {
    const order = { payee: 'acc', currency: 'CNY' as const, amountMinor: 5n, day: DAY };
    const draft = debtNetted({ ...order, cause: { runId: 'run' } });
    expect(booked(draft)).toEqual({ 'payable:acc:CNY': 5n, 'payee_debt:acc:CNY': -5n });
    expect(named(draft)).toEqual({ key: 'debt:run:acc:CNY', kind: 'royalties.debt_netted', effectiveDate: DAY, metadata: { runId: 'run' } });
    expect(debtNetted({ ...order, cause: { payoutId: 'pay' } })).toMatchObject({ key: 'debt:pay:acc:CNY', metadata: { payoutId: 'pay' } });
  });
});

const returned = (payee: string, reserveMinor: bigint, unpaidMinor: bigint, debtMinor: bigint): Returned => ({ payee, reserveMinor, unpaidMinor, debtMinor });

describe('a refund of delivered days', () => {
  it('comes out of the reserve, the unpaid balance and a debt of each payee; the platform has an unpaid balance alone', () => {
    const moved = returnedLegs([returned('acc_a', 1n, 2n, 3n), returned('acc_b', 0n, 4n, 0n), returned('platform', 5n, 6n, 7n)], 'CNY');
    expect(moved.map(({ account, amountMinor }) => [account.code, amountMinor])).toEqual([
      ['payable:acc_a:CNY', 2n], ['payee_reserve:acc_a:CNY', 1n], ['payee_debt:acc_a:CNY', 3n], ['payable:acc_b:CNY', 4n], ['payable:platform:CNY', 6n],
    ]);
  });

  it('takes undivided earnings first, then each payee\'s part, the tax, and what nobody received', () => {
    const refund = {
      refundId: 'rfd', cloneId: 'cln', tierId: 'tir', trace: { charge: 'ch_1' }, currency: 'CNY' as const, day: DAY, taxMinor: 11n, expenseMinor: 6n,
      undivided: [{ tierId: 'tir', splitId: 'spl', firstDay: '2026-03-01', lastDay: '2026-03-02', amountMinor: 40n, feeMinor: 2n, taxMinor: 3n }],
      returned: [returned('acc', 0n, 100n, 0n)], cash: [{ account: chart.cashInTransit('CNY'), amountMinor: -157n }],
    };
    const draft = daysRefunded(refund);
    expect(booked(draft)).toEqual({
      'earned:cln:tir:CNY': 40n, 'payable:acc:CNY': 100n, 'platform_expense:processor_fees:CNY': 6n, 'tax_payable:CNY': 11n, 'cash_in_transit:CNY': -157n,
    });
    // A place in `earnedLegs` is the place of its leg.
    expect(draft.legs[0]?.account.code).toBe('earned:cln:tir:CNY');
    expect(named(draft)).toEqual({
      key: 'refund:rfd', kind: 'royalties.days_refunded', effectiveDate: DAY,
      metadata: {
        charge: 'ch_1', refundId: 'rfd', cloneId: 'cln', tierId: 'tir',
        earnedLegs: [{ splitVersionId: 'spl', fromDay: '2026-03-01', throughDay: '2026-03-02', feeMinor: '-2', taxMinor: '-3' }],
      },
    });
    const divided = daysRefunded({ ...refund, undivided: [], cash: [{ account: chart.cashInTransit('CNY'), amountMinor: -117n }] });
    expect(divided.metadata).not.toHaveProperty('earnedLegs');
    expect(booked(divided)).not.toHaveProperty('earned:cln:tir:CNY');
  });

  it('charges the kept fee to whom the split names, as far as they have it, and as a debt beyond', () => {
    const draft = refundFeeCharged({ refundId: 'rfd', periodId: 'per', cloneId: 'cln', currency: 'CNY', day: DAY, feeMinor: 9n, from: returned('acc', 2n, 3n, 4n) });
    expect(booked(draft)).toEqual({ 'payee_reserve:acc:CNY': 2n, 'payable:acc:CNY': 3n, 'payee_debt:acc:CNY': 4n, 'platform_expense:processor_fees:CNY': -9n });
    expect(named(draft)).toEqual({ key: 'refund_fee:rfd', kind: 'royalties.refund_fee', effectiveDate: DAY, metadata: { refundId: 'rfd', periodId: 'per', cloneId: 'cln' } });
  });
});

describe('a reserve', () => {
  const lot = { reserveId: 'rsv', payee: 'acc', currency: 'CNY' as const, cloneId: 'cln', causeId: 'day', amountMinor: 5n, day: DAY, kind: 'royalties.reserve_held', metadata: { runId: 'run' } };

  it('is held out of the unpaid balance and released into it', () => {
    const held = reserveHeld(lot);
    expect(booked(held)).toEqual({ 'payable:acc:CNY': 5n, 'payee_reserve:acc:CNY': -5n });
    expect(named(held)).toEqual({ key: 'reserve:rsv', kind: 'royalties.reserve_held', effectiveDate: DAY, metadata: { runId: 'run', cloneId: 'cln', reserveId: 'rsv' } });
    const released = reserveReleased({ ...lot, kind: 'royalties.reserve_released' });
    expect(booked(released)).toEqual({ 'payable:acc:CNY': -5n, 'payee_reserve:acc:CNY': 5n });
    expect(named(released)).toEqual({ key: 'reserve:rsv:released:day', kind: 'royalties.reserve_released', effectiveDate: DAY, metadata: { runId: 'run', cloneId: 'cln', reserveId: 'rsv' } });
  });
});

describe('an advance', () => {
  const facts = { advanceId: 'adv', payee: 'acc', currency: 'CNY' as const, amountMinor: 5n, day: DAY };

  it('is recouped out of the payee\'s unpaid balance', () => {
    const draft = advanceRecouped({ ...facts, runId: 'run', cloneId: 'cln' });
    expect(booked(draft)).toEqual({ 'payable:acc:CNY': 5n, 'advance_unrecouped:adv:CNY': -5n });
    expect(named(draft)).toEqual({ key: 'recoup:run:adv', kind: 'royalties.advance_recouped', effectiveDate: DAY, metadata: { runId: 'run', cloneId: 'cln', advanceId: 'adv', payee: 'acc' } });
  });

  it('that was never recouped is the platform\'s loss and nobody\'s debt', () => {
    const draft = advanceWrittenOff(facts);
    expect(booked(draft)).toEqual({ 'platform_expense:unrecouped_advances:CNY': 5n, 'advance_unrecouped:adv:CNY': -5n });
    expect(named(draft)).toEqual({ key: 'advance:adv:written_off', kind: 'royalties.advance_written_off', effectiveDate: DAY, metadata: { advanceId: 'adv', payee: 'acc' } });
  });
});

describe('a payout', () => {
  const payout: PayoutFacts = { payoutId: 'pay', accountId: 'acc', currency: 'CNY', amountMinor: 90n, withheldMinor: 10n, advanceId: null };
  const advanced: PayoutFacts = { ...payout, advanceId: 'adv' };
  const trace = { payoutId: 'pay', advanceId: 'adv', payee: 'acc' };

  it('begins by leaving the unpaid balance; its tax is a line of its own', () => {
    const begun = payoutBegun(payout, DAY);
    expect(booked(begun)).toEqual({ 'payable:acc:CNY': 90n, 'payout_pending:acc:CNY': -90n });
    expect(named(begun)).toEqual({ key: 'payout:pay', kind: 'royalties.payout_begun', effectiveDate: DAY, metadata: { payoutId: 'pay' } });
    const tax = taxWithheld(payout, { taxProfileId: 'tax' }, DAY);
    expect(booked(tax)).toEqual({ 'payable:acc:CNY': 10n, 'withholding_payable:CNY': -10n });
    expect(named(tax)).toEqual({ key: 'payout:pay:tax', kind: 'royalties.tax_withheld', effectiveDate: DAY, metadata: { payoutId: 'pay', taxProfileId: 'tax' } });
  });

  it('of an advance takes nothing from the unpaid balance, and its tax is withheld with it', () => {
    const begun = payoutBegun(advanced, DAY);
    expect(booked(begun)).toEqual({ 'advance_unrecouped:adv:CNY': 100n, 'payout_pending:acc:CNY': -90n, 'withholding_payable:CNY': -10n });
    expect(named(begun)).toEqual({ key: 'payout:pay', kind: 'royalties.advance_paid', effectiveDate: DAY, metadata: trace });
    expect(booked(payoutBegun({ ...advanced, withheldMinor: 0n }, DAY))).toEqual({ 'advance_unrecouped:adv:CNY': 90n, 'payout_pending:acc:CNY': -90n });
  });

  it('is paid out of our cash, in its own currency or through the positions of both', () => {
    const paid = payoutPaid(payout, 'tr_1', null, DAY);
    expect(booked(paid)).toEqual({ 'payout_pending:acc:CNY': 90n, 'cash_in_transit:CNY': -90n });
    expect(named(paid)).toEqual({ key: 'payout:pay:paid', kind: 'royalties.payout_paid', effectiveDate: DAY, metadata: { payoutId: 'pay', stripeTransfer: 'tr_1' } });
    const converted = payoutPaid(payout, 'tr_1', { currency: 'USD', amountMinor: 12n, conversionId: 'cnv' }, DAY);
    expect(booked(converted)).toEqual({ 'payout_pending:acc:CNY': 90n, 'currency_position:CNY': -90n, 'currency_position:USD': 12n, 'cash_in_transit:USD': -12n });
    expect(converted.metadata).toEqual({ payoutId: 'pay', stripeTransfer: 'tr_1', conversionId: 'cnv' });
  });

  const back: CameBack = { amountMinor: 45n, withheldMinor: 5n, sent: null, totalMinor: 60n, outstanding: { amountMinor: 30n, writtenOff: false } };

  it('that came back is unpaid again, and so is its tax', () => {
    const drafts = payoutReversed(payout, back, DAY);
    expect(drafts.map(booked)).toEqual([{ 'cash_in_transit:CNY': 45n, 'payable:acc:CNY': -45n }, { 'withholding_payable:CNY': 5n, 'payable:acc:CNY': -5n }]);
    expect(drafts.map(named)).toEqual([
      { key: 'payout:pay:reversed:60', kind: 'royalties.payout_returned', effectiveDate: DAY, metadata: { payoutId: 'pay' } },
      { key: 'payout:pay:reversed:60:tax', kind: 'royalties.tax_returned', effectiveDate: DAY, metadata: { payoutId: 'pay' } },
    ]);
    expect(payoutReversed(payout, { ...back, withheldMinor: 0n }, DAY)).toHaveLength(1);
    expect(booked(payoutReversed(payout, { ...back, sent: { currency: 'USD', amountMinor: 6n } }, DAY)[0]!)).toEqual({
      'currency_position:CNY': 45n, 'currency_position:USD': -6n, 'cash_in_transit:USD': 6n, 'payable:acc:CNY': -45n,
    });
  });

  it('of an advance is as if it had not been paid; what was recouped of it meanwhile is the payee\'s', () => {
    const drafts = payoutReversed(advanced, back, DAY);
    expect(drafts.map(booked)).toEqual([{ 'cash_in_transit:CNY': 45n, 'withholding_payable:CNY': 5n, 'advance_unrecouped:adv:CNY': -30n, 'payable:acc:CNY': -20n }]);
    expect(drafts.map(named)).toEqual([{ key: 'payout:pay:reversed:60', kind: 'royalties.advance_returned', effectiveDate: DAY, metadata: trace }]);
    expect(payoutReversed(advanced, { ...back, outstanding: { amountMinor: 30n, writtenOff: true } }, DAY).map(booked)).toEqual([
      { 'cash_in_transit:CNY': 45n, 'withholding_payable:CNY': 5n, 'platform_expense:unrecouped_advances:CNY': -30n, 'payable:acc:CNY': -20n },
    ]);
    expect(payoutReversed(advanced, { ...back, withheldMinor: 0n, outstanding: { amountMinor: 80n, writtenOff: false }, sent: { currency: 'USD', amountMinor: 6n } }, DAY).map(booked)).toEqual([
      { 'currency_position:CNY': 45n, 'currency_position:USD': -6n, 'cash_in_transit:USD': 6n, 'advance_unrecouped:adv:CNY': -45n },
    ]);
  });
});
