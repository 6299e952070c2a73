import { afterAll, describe, expect, it } from 'vitest';

import { EVERY_SEED, lifeOf } from './life-of-seed.ts';

/**
 * Twenty short lives in which everything happens somewhere; `npm run simulate -- money` has whole ones in which everything happens in
 * each, and kills processes and PostgreSQL.
 */
const SEEDS = Array.from({ length: 20 }, (_none, index) => index + 1);
/** What needs something before it comes with it. */
const SCENES: readonly (readonly string[])[] = [
  ['quota', 'run', 'refund_after_run'], ['run', 'payout', 'refund_after_payout', 'run'], ['recognise', 'refund_before_run', 'dry_run'], ['hold_webhooks', 'cancel', 'subscribe', 'late_webhooks'],
  ['pause', 'change_split', 'refused'], ['stop', 'repeat_webhooks'], ['bounce', 'close'], ['declined', 'fails_later', 'abandoned'], ['run', 'race'],
  ['lost_webhooks', 'dispute_won'], ['dispute_lost', 'run', 'dispute_left_open', 'run', 'open_dispute_lost'], ['advance', 'run', 'dispute_earned_lost'], ['tax', 'run', 'dispute_earned_won', 'payout'], ['advance', 'run', 'refund_after_run', 'dispute_earned_lost', 'end_advance'],
  ['buy_coins', 'spend_coins', 'run', 'coin_dispute_lost'], ['buy_coins', 'buy_coins', 'coin_dispute_won', 'spend_coins', 'coin_dispute_left_open', 'run', 'open_dispute_won', 'return_coins'], ['buy_coins', 'buy_coins', 'buy_coins', 'prepaid_month', 'spend_coins', 'stop'],
  ['subscribe_year', 'change_price', 'free_turns', 'recognise'], ['subscribe', 'upgrade', 'recognise', 'stop'], ['derive', 'recognise', 'run', 'fails_later', 'dunning_recovers'],
];
const LONG = 13;
const counts = new Map<string, number>();

function scenesOf(seed: number): string[] {
  // Every scene comes in its turn; what stands around it is the seed's.
  return [...SCENES[seed % SCENES.length]!];
}

describe('money as it could go', () => {
  it.each(SEEDS)('seed %i adds up to the cent after every step', async (seed) => {
    // One is long enough for a second month to be paid.
    const report = await lifeOf({ seed, months: 1, script: scenesOf(seed), wait: seed === LONG ? 60 : 2 });
    expect(report.broken).toBeNull();
    for (const [kind, count] of Object.entries(report.counts)) counts.set(kind, (counts.get(kind) ?? 0) + count);
  }, 120_000);

  afterAll(() => {
    expect(EVERY_SEED.filter((kind) => !counts.has(kind))).toEqual([]);
  });
});
