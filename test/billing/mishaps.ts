import { expect } from 'vitest';

import { refundCashLegs } from '../../src/billing/index.ts';
import type { seededRandom } from '../../src/kernel/random.ts';
import { addDays, dayOf } from '../../src/kernel/time.ts';
import { chart } from '../../src/ledger/index.ts';
import { refusal } from './refusal.ts';
import type { World } from './support.ts';

export const GOODWILL = chart.platformExpense('goodwill', 'CNY');
/** Nobody divides owner money here: the platform gives back what was earned. */
export const bookGoodwill = (world: World, refundId: string): Promise<void> => world.tx(async (tx) => {
  const refund = await world.billing.refund(tx, refundId);
  if (refund?.state !== 'succeeded') return;
  await world.ledger.post(tx, { key: `goodwill:${refundId}`, kind: 'test.goodwill', effectiveDate: dayOf(world.clock.now()), metadata: { refundId }, legs: [...refundCashLegs(refund), { account: GOODWILL, amountMinor: refund.grossMinor }] });
});

/** What else happens to a fan's payments between two changes: each answers quietly where there is nothing that it could happen to. */
export function mishaps(world: World, random: ReturnType<typeof seededRandom>, accountId: string): Record<'goodwill' | 'dispute' | 'decide' | 'decideAll', () => Promise<void>> {
  const open: string[] = [];
  const one = <T>(of: readonly T[]): T | undefined => of[random.below(Math.max(1, of.length))];
  const periods = (): Promise<{ id: string; charge: string; start: string; days: number; gross: string }[]> => world.db.asOwner(
    `SELECT id, stripe_charge AS charge, start_day::text AS start, days, gross_minor AS gross FROM subscription_period WHERE account_id = $1 ORDER BY recorded_at, id`, [accountId]);
  async function decide(): Promise<void> {
    const id = open.splice(random.below(Math.max(1, open.length)), 1)[0];
    if (id === undefined) return;
    await world.sandbox.control.closeDispute(id, random.below(2) === 0 ? 'won' : 'lost');
    await world.drain();
  }
  return {
    decide,
    async decideAll() {
      while (open.length > 0) await decide();
    },
    async goodwill() {
      const period = one(await periods());
      if (period === undefined) return;
      const day = addDays(period.start, random.below(Math.min(period.days, 40)));
      const asked = await refusal(world.tx(async (tx) => {
        const parts = await world.billing.dayParts(tx, { periodId: period.id, day });
        await world.billing.requestRefund(tx, {
          key: `goodwill:${period.id}:${day}`, periodId: period.id, kind: 'goodwill', reason: 'A day.', parts, feeBearer: 'platform', at: world.clock.now(), settledTopic: 'test.goodwill',
        });
      }));
      expect(['none', 'refund_too_large']).toContain(asked);
      await world.drain();
    },
    async dispute() {
      const period = one(await periods());
      if (period === undefined) return;
      const amountMinor = random.below(2) === 0 ? undefined : BigInt(1 + random.below(Number(period.gross)));
      try {
        open.push(await world.sandbox.control.openDispute(period.charge, amountMinor === undefined ? {} : { amountMinor }));
      } catch (error) {
        // The bank asks for a payment once at a time, and for no more than is left of it.
        if (!(error instanceof Error && error.message.includes('cannot be disputed'))) throw error;
      }
      await world.drain();
    },
  };
}
