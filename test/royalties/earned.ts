import { chart, type TransferDraft } from '../../src/ledger/index.ts';
import type { RoyaltiesWorld } from './world.ts';

/** As many real postings of earned days as asked for, of fans of one tier: what a run goes through, without the fans. */
export async function earn(world: RoyaltiesWorld, tierId: string, splitId: string, postings: number): Promise<bigint> {
  const amountOf = (index: number): bigint => BigInt(1 + (index * 7919) % 601);
  let earnedMinor = 0n;
  const draftOf = (index: number): TransferDraft => ({
    key: `earned/${postings}/${index}`, kind: 'billing.days_earned', effectiveDate: '2026-03-20',
    metadata: {
      cloneId: world.cloneId, tierId, splitVersionId: splitId, fromDay: '2026-03-17', throughDay: '2026-03-20', taxMinor: '3', feeMinor: '2',
      subscriptionId: `sub_${String(index).padStart(26, '0')}`,
    },
    legs: [
      { account: chart.deferred(world.cloneId, 'CNY'), amountMinor: amountOf(index) }, { account: chart.earned(world.cloneId, tierId, 'CNY'), amountMinor: -amountOf(index) },
    ],
  });
  const AT_ONCE = 1_000;
  for (let from = 0; from < postings; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, postings - from) }, (_none, index) => from + index);
    await Promise.all(some.map((index) => world.ledger.submit(draftOf(index))));
    earnedMinor += some.reduce((sum, index) => sum + amountOf(index), 0n);
  }
  return earnedMinor;
}
