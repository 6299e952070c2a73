import { describe, expect, it } from 'vitest';

import {
  COIN_PRICE, coinsBought, coinsForfeited, coinsReleased, coinsReserved, coinsRestored, coinsReturned, monthPrepaid, outputEarned, type SpendTrace,
} from '../../src/billing/coin-postings.ts';
import * as chart from '../../src/ledger/chart.ts';
import { booked, named } from './legs.ts';

/** What coins book: every coin entry has its twin in CNY in the same transfer, and a coin alone is never revenue. */

/** 42 coins that cost 6.00: 5.66 and 0.34 tax, of which the processor kept 0.20. */
const SUM = { coins: 42n, netMinor: 566n, taxMinor: 34n, feeMinor: 20n };
const spend: SpendTrace & { cloneId: string; tierId: string } = { spendId: 'spd', accountId: 'fan', sum: SUM, lotIds: ['lot_1', 'lot_2'], cloneId: 'cln', tierId: 'tir', outputId: 'out' };
const METADATA = { spendId: 'spd', coins: '42', lotIds: ['lot_1', 'lot_2'], cloneId: 'cln', tierId: 'tir', outputId: 'out' };
const DAY = '2026-03-05';
/** The coins leave the wallet's hold for good, and so does what they cost. */
const GONE = { 'coins_held:fan': 42n, 'coins_issued:COIN': -42n, 'coin_deferred_held:CNY': 566n };

describe('a pack of coins', () => {
  it('is a liability in coins and deferred money in CNY, and nobody\'s revenue', () => {
    const lot = { id: 'lot', purchaseId: 'pur', accountId: 'fan', stripeCharge: 'ch_1', ...SUM, settled: { currency: 'CNY' as const, amountMinor: 580n }, day: DAY };
    const draft = coinsBought(lot);
    expect(booked(draft)).toEqual({
      'cash_in_transit:CNY': 580n, 'coin_deferred_fees:CNY': 20n, 'tax_payable:CNY': -34n, 'coin_deferred:CNY': -566n, 'coins_issued:COIN': 42n, 'coins:fan': -42n,
    });
    expect(named(draft)).toEqual({ key: 'stripe:charge:ch_1', kind: 'billing.coins_bought', effectiveDate: DAY, metadata: { lotId: 'lot', purchaseId: 'pur', charge: 'ch_1' } });
    expect(booked(coinsBought({ ...lot, taxMinor: 0n, feeMinor: 0n, settled: { currency: 'USD', amountMinor: 79n } }))).toEqual({
      'currency_position:CNY': 566n, 'cash_in_transit:USD': 79n, 'currency_position:USD': -79n, 'coin_deferred:CNY': -566n, 'coins_issued:COIN': 42n, 'coins:fan': -42n,
    });
    expect(COIN_PRICE).toBe('CNY');
  });
});

describe('held coins', () => {
  it('leave the wallet with what they cost, and come back as they were', () => {
    const held = coinsReserved(spend, DAY);
    expect(booked(held)).toEqual({ 'coins:fan': 42n, 'coins_held:fan': -42n, 'coin_deferred:CNY': 566n, 'coin_deferred_held:CNY': -566n });
    expect(named(held)).toEqual({ key: 'coins:spd:held', kind: 'billing.coins_held', effectiveDate: DAY, metadata: METADATA });
    const back = coinsReleased(spend, DAY);
    expect(booked(back)).toEqual({ 'coins:fan': -42n, 'coins_held:fan': 42n, 'coin_deferred:CNY': -566n, 'coin_deferred_held:CNY': 566n });
    expect(named(back)).toEqual({ key: 'coins:spd:voided', kind: 'billing.coins_released', effectiveDate: DAY, metadata: METADATA });
  });

  it('lead back to their lots, a hundred at most, and name only what there is', () => {
    const lotIds = Array.from({ length: 101 }, (_none, index) => `lot_${index}`);
    expect(coinsReserved({ ...spend, lotIds, cloneId: null, tierId: null, outputId: null }, DAY).metadata).toEqual({ spendId: 'spd', coins: '42', lotIds: lotIds.slice(0, 100) });
  });
});

describe('spent coins', () => {
  it('on an output are earned on its tier that day, at what they cost, less the fee', () => {
    const draft = outputEarned(spend, { releaseId: 'rel', day: DAY, splitId: 'spl' });
    expect(booked(draft)).toEqual({ ...GONE, 'coin_deferred_fees:CNY': -20n, 'earned:cln:tir:CNY': -546n });
    expect(named(draft)).toEqual({
      key: 'coins:spd:spent', kind: 'billing.coins_spent', effectiveDate: DAY,
      metadata: { ...METADATA, periodId: 'spd', releaseId: 'rel', fromDay: DAY, throughDay: DAY, feeMinor: '20', taxMinor: '34', splitVersionId: 'spl' },
    });
    expect(outputEarned(spend, { releaseId: 'rel', day: DAY, splitId: null }).metadata).not.toHaveProperty('splitVersionId');
    expect(booked(outputEarned({ ...spend, sum: { ...SUM, feeMinor: 0n } }, { releaseId: 'rel', day: DAY, splitId: null }))).toEqual({ ...GONE, 'earned:cln:tir:CNY': -566n });
  });

  it('on an output that is worth just the fee earn its price and its fee, one beside the other', () => {
    const draft = outputEarned({ ...spend, sum: { ...SUM, feeMinor: 566n } }, { releaseId: 'rel', day: DAY, splitId: 'spl' });
    expect(draft.legs.slice(0, 2).map(({ account, amountMinor }) => [account.code, amountMinor])).toEqual([['earned:cln:tir:CNY', -566n], ['earned:cln:tir:CNY', 566n]]);
    expect(draft.legs.slice(2).map(({ account, amountMinor }) => [account.code, amountMinor])).toEqual(
      [['coins_held:fan', 42n], ['coins_issued:COIN', -42n], ['coin_deferred_held:CNY', 566n], ['coin_deferred_fees:CNY', -566n]]);
    expect(draft.metadata).toEqual({ ...METADATA, periodId: 'spd', releaseId: 'rel', fromDay: DAY, throughDay: DAY, splitVersionId: 'spl', earnedLegs: [{ feeMinor: '0', taxMinor: '34' }, { feeMinor: '566', taxMinor: '0' }] });
    // What cost nothing and bears no fee earns nothing, once.
    expect(outputEarned({ ...spend, sum: { ...SUM, netMinor: 0n, feeMinor: 0n } }, { releaseId: 'rel', day: DAY, splitId: null }).metadata).not.toHaveProperty('earnedLegs');
  });

  it('on a month are deferred revenue of the clone, and their fee waits with them', () => {
    const draft = monthPrepaid(spend, { subscriptionId: 'sub', periodId: 'per', day: DAY });
    expect(booked(draft)).toEqual({ ...GONE, 'deferred:cln:CNY': -566n, 'deferred_fees:cln:CNY': 20n, 'coin_deferred_fees:CNY': -20n });
    expect(named(draft)).toEqual({ key: 'coins:spd:spent', kind: 'billing.month_prepaid', effectiveDate: DAY, metadata: { ...METADATA, subscriptionId: 'sub', periodId: 'per' } });
  });
});

describe('coins that are given up', () => {
  const told = { refundId: 'rfd', stripeRefund: 're_1', charge: 'ch_1', settled: { currency: 'CNY' as const, amountMinor: 600n }, day: DAY };

  it('unspent are paid back with their tax; the kept fee is the platform\'s', () => {
    const draft = coinsReturned(spend, told);
    expect(booked(draft)).toEqual({ ...GONE, 'tax_payable:CNY': 34n, 'cash_in_transit:CNY': -600n, 'platform_expense:processor_fees:CNY': 20n, 'coin_deferred_fees:CNY': -20n });
    expect(named(draft)).toEqual({
      key: 'stripe:refund:rfd', kind: 'billing.coins_returned', effectiveDate: DAY, metadata: { ...METADATA, refundId: 'rfd', refund: 're_1', charge: 'ch_1' },
    });
    expect(booked(coinsReturned(spend, { ...told, settled: { currency: 'USD', amountMinor: 85n } }))).toEqual({
      ...GONE, 'tax_payable:CNY': 34n, 'currency_position:CNY': -600n, 'cash_in_transit:USD': -85n, 'currency_position:USD': 85n,
      'platform_expense:processor_fees:CNY': 20n, 'coin_deferred_fees:CNY': -20n,
    });
  });

  it('to a lost dispute pay what the bank took, or what the fan owes for it', () => {
    const lost = { disputeId: 'dsp', charge: 'ch_1', debt: null as string | null, day: DAY };
    const fees = { 'tax_payable:CNY': 34n, 'platform_expense:processor_fees:CNY': 20n, 'coin_deferred_fees:CNY': -20n };
    const draft = coinsForfeited(spend, lost);
    expect(booked(draft)).toEqual({ ...GONE, ...fees, 'disputes_pending:CNY': -600n });
    expect(named(draft)).toEqual({ key: 'coins:spd:spent', kind: 'billing.coins_forfeited', effectiveDate: DAY, metadata: { ...METADATA, disputeId: 'dsp', charge: 'ch_1' } });
    expect(booked(coinsForfeited(spend, { ...lost, debt: 'fan' }))).toEqual({ ...GONE, ...fees, 'fan_debt:fan:CNY': -600n });
  });
});

describe('spent coins that come back', () => {
  const from = [{ account: chart.deferred('cln', 'CNY'), amountMinor: 565n }, { account: chart.deferredFees('cln', 'CNY'), amountMinor: -19n }, { account: chart.taxPayable('CNY'), amountMinor: 0n }];

  it('stand in the wallet at the same basis; what days and coins divide differently is the platform\'s', () => {
    const draft = coinsRestored({ key: 'k', accountId: 'fan', given: SUM, from, moneyMinor: 565n, feeMinor: 19n, day: DAY, metadata: { refundId: 'rfd' } });
    expect(booked(draft)).toEqual({
      'deferred:cln:CNY': 565n, 'deferred_fees:cln:CNY': -19n, 'coins_issued:COIN': 42n, 'coins:fan': -42n, 'coin_deferred:CNY': -566n, 'coin_deferred_fees:CNY': 20n,
    });
    expect(named(draft)).toEqual({ key: 'k', kind: 'billing.coins_restored', effectiveDate: DAY, metadata: { refundId: 'rfd', coins: '42' } });
    const dearer = [{ account: chart.deferred('cln', 'CNY'), amountMinor: 560n }, { account: chart.deferredFees('cln', 'CNY'), amountMinor: -17n }];
    expect(booked(coinsRestored({ key: 'k', accountId: 'fan', given: SUM, from: dearer, moneyMinor: 560n, feeMinor: 17n, day: DAY, metadata: {} }))).toMatchObject({
      'coin_deferred:CNY': -566n, 'coin_deferred_fees:CNY': 20n, 'platform_expense:coin_rounding:CNY': 3n,
    });
  });
});
