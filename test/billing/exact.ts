import { expect } from 'vitest';

import { chart } from '../../src/ledger/index.ts';
import { GOODWILL } from './mishaps.ts';
import { CLONE, type World } from './support.ts';

/** What the sandbox took from and gave back to us. */
export function movedAt(world: World): { charged: bigint; refunded: bigint } {
  const book = world.sandbox.control.book().filter((entry) => entry.platform);
  const sum = (type: string): bigint => book.filter((entry) => entry.type === type).reduce((all, entry) => all + entry.amountMinor, 0n);
  return { charged: sum('charge'), refunded: -sum('refund') };
}

/** Every cent that was paid is deferred, earned, owed as tax or returned; each period's own money is whole. */
export async function checkAllOf(world: World): Promise<void> {
  await world.checkBooks();
  const { charged, refunded } = movedAt(world);
  const earned = await world.db.asOwner<{ sum: string | null }>(
    `SELECT -sum(e.amount_minor) AS sum FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE a.code LIKE 'earned:%'`);
  const fees = await world.db.asOwner<{ sum: string | null }>(
    `SELECT sum(e.amount_minor) AS sum FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id WHERE a.code LIKE 'earned:%' AND e.amount_minor > 0`);
  expect(fees[0]?.sum ?? null).toBeNull();
  const deferred = -(await world.balance(chart.deferred(CLONE, 'CNY')));
  const tax = -(await world.balance(chart.taxPayable('CNY')));
  const deferredFees = await world.balance(chart.deferredFees(CLONE, 'CNY'));
  const expense = await world.balance(chart.platformExpense('processor_fees', 'CNY'));
  const cash = await world.balance(chart.cashInTransit('CNY'));
  const disputes = (await world.balance(chart.disputesPending('CNY'))) + (await world.balance(chart.platformExpense('dispute_fees', 'CNY'))) + (await world.balance(chart.platformExpense('dispute_losses', 'CNY'))) + (await world.balance(GOODWILL));
  // Net earnings are less their fees; all fees together are what the processor kept. What is disputed is with the bank, and goodwill is the platform's.
  expect(deferred + tax + BigInt(earned[0]?.sum ?? 0) - deferredFees - expense - disputes).toBe(cash);
  const wrong = await world.db.asOwner(
    `SELECT p.id FROM subscription_period p WHERE p.credited_minor <> coalesce((SELECT sum(gross_minor) FROM subscription_period c WHERE c.credited_from = p.id), 0)
       OR p.refunded_minor + p.credited_minor > p.gross_minor`);
  expect(wrong).toEqual([]);
  const [paid] = await world.db.asOwner<{ sum: string }>('SELECT coalesce(sum(gross_minor), 0) AS sum FROM subscription_period WHERE credited_from IS NULL');
  expect(BigInt(paid!.sum)).toBe(charged);
  expect(refunded <= charged).toBe(true);
}
