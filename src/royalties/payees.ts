import type { components } from '../../contracts/generated/api.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import { settleStanding } from './bank-store.ts';
import type { RoyaltiesDeps } from './deps.ts';
import type { PayeeProvider } from './payee-provider.ts';
import * as store from './payout-store.ts';
import { lastReminder } from './reminder-store.ts';

export type PayoutAccountJson = components['schemas']['PayoutAccount'];

/** Payees' accounts at the processor. */
export interface Payees {
  onboardPayee: (actor: Actor, key: IdempotencyKey) => Promise<{ payoutAccount: PayoutAccountJson; onboardingUrl: string }>;
  getPayoutAccount: (actor: Actor) => Promise<PayoutAccountJson>;
  /** Job: reads an account as it now is. */
  syncPayoutAccount: (stripeAccount: string) => Promise<void>;
}

async function viewOf(tx: Tx, accountId: string): Promise<PayoutAccountJson> {
  const row = await store.findAccount(tx, accountId);
  const last = row?.transfersActive === true ? null : await lastReminder(tx, accountId);
  const reminder = last === null ? null : { ...last, remindedAt: last.remindedAt.toISOString() };
  if (row === null) return { state: 'none', detailsSubmitted: false, transfersActive: false, payoutsEnabled: false, bankFailure: null, reminder };
  const { detailsSubmitted, transfersActive, payoutsEnabled, bankFailure } = row;
  return { state: transfersActive ? 'ready' : 'onboarding', detailsSubmitted, transfersActive, payoutsEnabled, bankFailure, reminder };
}

export function makePayees(deps: RoyaltiesDeps, provider: PayeeProvider): Payees {
  const { runTx, clock, identity } = deps;

  /** The payee's account at the processor, made now if there is none. Whatever dies in between is taken up by the next call. */
  async function accountFor(accountId: string): Promise<string> {
    const found = await runTx(async (tx) => {
      await store.openAccount(tx, accountId, clock.now());
      return { row: await store.findAccount(tx, accountId), country: (await identity.account(tx, accountId))?.country ?? null };
    });
    const known = found.row?.stripeAccount ?? null;
    if (known !== null) return known;
    const made = await provider.createAccount({ accountId, country: found.country });
    return await runTx(async (tx) => {
      await store.keepStripeAccount(tx, accountId, made);
      return (await store.findAccount(tx, accountId))?.stripeAccount ?? made;
    });
  }

  return {
    async onboardPayee(actor, key) {
      const stripeAccount = await accountFor(actor.accountId);
      const onboardingUrl = await provider.onboardingPage(stripeAccount, `${actor.accountId}:${key.key}`.slice(0, 240));
      return await runTx((tx) => once(tx, key, async () => {
        return { payoutAccount: await viewOf(tx, actor.accountId), onboardingUrl };
      }));
    },

    getPayoutAccount: (actor) => runTx((tx) => viewOf(tx, actor.accountId)),

    async syncPayoutAccount(stripeAccount) {
      const facts = await provider.account(stripeAccount);
      if (facts === null) return;
      await runTx(async (tx) => {
        // Made by a call of ours whose answer was lost.
        if (facts.payee !== null && (await store.accountByStripe(tx, stripeAccount)) === null) {
          await store.keepStripeAccount(tx, facts.payee, stripeAccount);
        }
        await store.putAccount(tx, stripeAccount, facts, clock.now());
        await settleStanding(tx, stripeAccount, facts.banksInError);
      });
    },
  };
}
