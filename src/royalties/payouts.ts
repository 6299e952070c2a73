import type { components } from '../../contracts/generated/api.ts';
import { type Currency, parseMinor } from '../kernel/money.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, dayOf, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { chart } from '../ledger/index.ts';
import { once } from '../platform/postgres/index.ts';
import { currenciesOf, lockPayee, payeesAfter } from './balances.ts';
import { netDebt } from './debts.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { LEAST_PAYOUT_MINOR, paidOutIn, PLATFORM } from './model.ts';
import type { Payees } from './payees.ts';
import { beginPayout } from './payout-phases.ts';
import * as store from './payout-store.ts';

export type PayoutJson = components['schemas']['Payout'];
export type PayoutSettingJson = components['schemas']['PayoutSetting'];
type Skipped = {
  payee: string; currency: PayoutJson['currency']; unpaidMinor: string; reason: 'payee_not_onboarded' | 'payee_bank_failed' | 'payout_below_minimum' | 'payout_not_due';
};
export interface PayoutsJson {
  payouts: PayoutJson[];
  skipped: Skipped[];
}

/** Money to payees, in two phases: out of the balance in one transaction with the order, out of our cash once it was sent. */
export interface Payouts {
  createPayouts: (actor: Actor, key: IdempotencyKey, input: { minimumMinor?: string; payees?: readonly string[] }) => Promise<PayoutsJson>;
  getPayout: (actor: Actor, payoutId: string) => Promise<PayoutJson>;
  listPayouts: (actor: Actor, payee?: string) => Promise<{ payouts: PayoutJson[] }>;
  /** A payee's own smallest payout and schedule in a currency. */
  setPayoutSetting: (actor: Actor, key: IdempotencyKey, input: { currency: string; minimumMinor: string; schedule: store.SettingRow['schedule'] }) => Promise<PayoutSettingJson>;
  listPayoutSettings: (actor: Actor) => Promise<{ settings: PayoutSettingJson[] }>;
  /** Tick: pays those whose own schedule is due. */
  payScheduled: () => Promise<void>;
}

const PAYEES_AT_ONCE = 500;
const UNREADY_ASKED = 50;
/** Who begins what a schedule asks for. */
const HOUSE = { accountId: PLATFORM };

export async function viewOf(tx: Tx, row: store.PayoutRow): Promise<PayoutJson> {
  const conversion = await store.conversionOf(tx, row.id);
  return {
    payoutId: row.id, payee: row.accountId, currency: row.currency, grossMinor: (row.amountMinor + row.withheldMinor).toString(),
    withheldMinor: row.withheldMinor.toString(), amountMinor: row.amountMinor.toString(), taxProfileId: row.taxProfileId, advanceId: row.advanceId,
    conversion: conversion === null ? null : {
      currency: conversion.currency, amountMinor: conversion.amountMinor.toString(), rate: conversion.rate, source: conversion.source,
    },
    state: row.state, needsPerson: row.needsPerson, stripeTransfer: row.stripeTransfer, problem: row.problem, createdAt: row.createdAt.toISOString(),
    settledAt: row.settledAt?.toISOString() ?? null,
  };
}

/** The first day on which a payee's schedule lets the next payout begin. */
export function dueFrom(schedule: store.SettingRow['schedule'], lastDay: Day | null): Day | null {
  if (lastDay === null || schedule === 'manual') return null;
  if (schedule === 'weekly') return addDays(lastDay, 7);
  // The first of the month after: 32 days on is always in it.
  return `${addDays(`${lastDay.slice(0, 7)}-01`, 32).slice(0, 7)}-01`;
}

/** Begins a payout of everything unpaid, or says why not. The guarded account's lock lets one of any number of calls through. */
async function begin(
  tx: Tx, deps: RoyaltiesDeps, actor: { accountId: string }, payee: { payee: string; currency: Currency }, minimumMinor: bigint,
): Promise<PayoutJson | Skipped | null> {
  const { payee: accountId, currency } = payee;
  if (-(await deps.ledger.balance(tx, chart.payable(accountId, currency))) <= 0n) return null;
  const day = dayOf(deps.clock.now());
  const payoutId = deps.ids.next('payout');
  const { debtMinor, unpaidMinor } = await lockPayee(tx, deps, accountId, currency);
  const grossMinor = unpaidMinor - debtMinor;
  if (unpaidMinor <= 0n) return null;
  const skipped = (reason: Skipped['reason']): Skipped => ({ payee: accountId, currency, unpaidMinor: unpaidMinor.toString(), reason });
  const setting = await store.findSetting(tx, accountId, currency);
  if (grossMinor < minimumMinor || grossMinor < (setting?.minimumMinor ?? 0n)) return skipped('payout_below_minimum');
  const last = setting === null ? null : await store.lastPaidAt(tx, accountId, currency);
  const due = setting === null || last === null ? null : dueFrom(setting.schedule, dayOf(last));
  if (due !== null && day < due) return skipped('payout_not_due');
  const account = await store.findAccount(tx, accountId);
  if (account?.stripeAccount == null || !account.transfersActive) return skipped('payee_not_onboarded');
  if (account.bankFailure !== null) return skipped('payee_bank_failed');
  await netDebt(tx, deps, { payee: accountId, currency, cause: { payoutId }, day });
  await beginPayout(tx, deps, { actor, payee: accountId, currency, grossMinor, advanceId: null, payoutId });
  return await readPayout(tx, payoutId);
}

export async function readPayout(tx: Tx, payoutId: string): Promise<PayoutJson> {
  const row = await store.findPayout(tx, payoutId);
  if (row === null) throw notFound();
  return await viewOf(tx, row);
}

async function beginAll(
  tx: Tx, deps: RoyaltiesDeps, actor: { accountId: string }, minimumMinor: bigint, only: ReadonlySet<string> | null,
): Promise<PayoutsJson> {
  const answer: PayoutsJson = { payouts: [], skipped: [] };
  for (let after: string | null = ''; after !== null;) {
    const found: Awaited<ReturnType<typeof payeesAfter>> = await payeesAfter(tx, deps, after, PAYEES_AT_ONCE);
    for (const payee of found.payees) {
      if (only !== null && !only.has(payee.payee)) continue;
      const begun = await begin(tx, deps, actor, payee, minimumMinor);
      if (begun === null) continue;
      if ('payoutId' in begun) answer.payouts.push(begun);
      else answer.skipped.push(begun);
    }
    after = found.next;
  }
  return answer;
}

function settingJson({ currency, minimumMinor, schedule }: store.SettingRow): PayoutSettingJson {
  return { currency: paidOutIn(currency), minimumMinor: minimumMinor.toString(), schedule };
}

function makeSettings({ runTx, clock }: RoyaltiesDeps): Pick<Payouts, 'setPayoutSetting' | 'listPayoutSettings'> {
  return {
    setPayoutSetting: (actor, key, { currency, minimumMinor, schedule }) => runTx((tx) => once(tx, key, async () => {
      const minimum = parseMinor(minimumMinor);
      if (minimum < 1n) throw new Refusal('money_out_of_range', 'The minimum is at least one minor unit.');
      const row: store.SettingRow = { currency: paidOutIn(currency), minimumMinor: minimum, schedule };
      await store.putSetting(tx, actor.accountId, row, clock.now());
      return settingJson(row);
    })),
    listPayoutSettings: (actor) => runTx(async (tx) => ({ settings: (await store.settingsOf(tx, actor.accountId)).map(settingJson) })),
  };
}

export function makePayouts(deps: RoyaltiesDeps, payees: Pick<Payees, 'syncPayoutAccount'>): Payouts {
  const { runTx } = deps;

  function mayRead(actor: Actor, payee: string): boolean {
    return payee === actor.accountId || actor.roles.includes('operator');
  }

  /** A webhook may be late: whoever is not ready by our last knowledge is asked for again. */
  async function askAgain(only: readonly string[] | null): Promise<void> {
    for (const stripeAccount of await runTx((tx) => store.unreadyAccounts(tx, only, UNREADY_ASKED))) await payees.syncPayoutAccount(stripeAccount);
  }

  return {
    ...makeSettings(deps),

    async createPayouts(actor, key, { minimumMinor = LEAST_PAYOUT_MINOR.toString(), payees: only }) {
      const minimum = parseMinor(minimumMinor);
      if (minimum < 1n) throw new Refusal('money_out_of_range', 'The minimum is at least one minor unit.');
      if (only?.includes(PLATFORM) === true) throw new Refusal('payout_state', 'The platform is not paid out to itself.');
      await askAgain(only ?? null);
      return await runTx((tx) => once(tx, key, () => beginAll(tx, deps, actor, minimum, only === undefined ? null : new Set(only))));
    },

    getPayout: (actor, payoutId) => runTx(async (tx) => {
      const row = await store.findPayout(tx, payoutId);
      if (row === null || !mayRead(actor, row.accountId)) throw notFound();
      return await viewOf(tx, row);
    }),

    listPayouts: (actor, payee = actor.accountId) => runTx(async (tx) => {
      if (!mayRead(actor, payee)) throw notFound();
      const payouts: PayoutJson[] = [];
      for (const row of await store.payoutsOf(tx, payee)) payouts.push(await viewOf(tx, row));
      return { payouts };
    }),

    async payScheduled() {
      for (let after = ''; ;) {
        const some = await runTx((tx) => store.scheduledAfter(tx, after, UNREADY_ASKED));
        const last = some.at(-1);
        if (last === undefined) return;
        await askAgain(some);
        await runTx(async (tx) => {
          for (const payee of some) {
            for (const currency of await currenciesOf(tx, deps, payee)) {
              // What a payee gets by hand in one currency is not sent because another one has a schedule.
              const setting = await store.findSetting(tx, payee, currency);
              if (setting !== null && setting.schedule !== 'manual') await begin(tx, deps, HOUSE, { payee, currency }, 1n);
            }
          }
        });
        after = last;
      }
    },
  };
}
