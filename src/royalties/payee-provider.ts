import type Stripe from 'stripe';

import type { Currency } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import { fromStripeAmount, orNull, outcomeUnknown, type StripePort, toStripeAmount } from '../platform/stripe/index.ts';
import type { AccountFacts } from './payout-store.ts';

/**
 * The processor's Connect in this room's words: the one file here that knows Stripe's objects. Every write carries an
 * idempotency key made of our own id, so that a call whose answer was lost is simply made again.
 */
export interface PayeeProvider {
  createAccount(payee: { accountId: string; country: string | null }): Promise<string>;
  /** A page on which the payee gives what the processor asks for; `key` names this page. */
  onboardingPage(stripeAccount: string, key: string): Promise<string>;
  /** Null for an id that names nothing. `payee` is ours, from the account's metadata. */
  account(stripeAccount: string): Promise<(AccountFacts & { payee: string | null }) | null>;
  /** How a bank payout of a connected account ended: a reason, or null when it did not fail. */
  bankFailure(stripeAccount: string, stripePayout: string): Promise<string | null>;
  /** Sends a payout once: looked up by its group first, since idempotency keys are forgotten after a day. */
  send(payout: { payoutId: string; stripeAccount: string; currency: Currency; amountMinor: bigint; refusals: number }): Promise<SendOutcome>;
  transfer(stripeTransfer: string): Promise<TransferFacts | null>;
}

/**
 * `later`: for certain nothing was sent; it can be when there is money. `unknown`: it may have been sent, or is being sent; the
 * same key is tried again. `refused`: it was not sent and never will be.
 */
export type SendOutcome =
  | { outcome: 'sent'; stripeTransfer: string }
  | { outcome: 'later' | 'unknown' | 'refused'; problem: string };

export interface TransferFacts {
  stripeTransfer: string;
  /** Ours, from the metadata. */
  payoutId: string | null;
  reversedMinor: bigint;
}

/** The processor understood the request and will not do it: asking again changes nothing. */
function isFinalNo(error: Error): boolean {
  if (error instanceof Refusal) return error.code === 'payee_not_onboarded' || error.code === 'not_found';
  return error.cause instanceof Error && 'type' in error.cause && error.cause.type === 'StripeInvalidRequestError';
}

function outcomeOf(error: unknown): SendOutcome {
  if (!(error instanceof Error)) throw new Error('something was thrown that is no error', { cause: error });
  if (outcomeUnknown(error)) return { outcome: 'unknown', problem: error.message };
  if (error instanceof Refusal && error.code === 'ledger_insufficient_funds') return { outcome: 'later', problem: error.message };
  if (isFinalNo(error)) return { outcome: 'refused', problem: error.message };
  if (error instanceof Refusal) return { outcome: 'unknown', problem: error.message };
  throw error;
}

function transferFacts(transfer: Stripe.Transfer): TransferFacts {
  return {
    stripeTransfer: transfer.id, payoutId: transfer.metadata['payoutId'] ?? null, reversedMinor: fromStripeAmount(transfer.amount_reversed),
  };
}

function makeAccounts({ run, withKey }: Pick<StripePort, 'run' | 'withKey'>, publicUrl: string): Omit<PayeeProvider, 'send' | 'transfer'> {
  return {
    async createAccount({ accountId, country }) {
      const account = await run((sdk) => sdk.accounts.create({
        ...(country === null ? {} : { country }),
        controller: {
          fees: { payer: 'application' }, losses: { payments: 'application' }, requirement_collection: 'stripe', stripe_dashboard: { type: 'express' },
        },
        capabilities: { transfers: { requested: true } }, metadata: { accountId },
      }, withKey(`connect:${accountId}`)));
      return account.id;
    },
    async onboardingPage(stripeAccount, key) {
      const back = `${publicUrl}/payouts`;
      const link = await run((sdk) => sdk.accountLinks.create({
        account: stripeAccount, type: 'account_onboarding', return_url: back, refresh_url: back,
      }, withKey(`link:${key}`)));
      return link.url;
    },
    async account(stripeAccount) {
      const account = await orNull(run((sdk) => sdk.accounts.retrieve(stripeAccount)));
      if (account === null) return null;
      return {
        payee: account.metadata?.['accountId'] ?? null, detailsSubmitted: account.details_submitted,
        transfersActive: account.capabilities?.transfers === 'active', payoutsEnabled: account.payouts_enabled,
      };
    },
    async bankFailure(stripeAccount, stripePayout) {
      const payout = await orNull(run((sdk) => sdk.payouts.retrieve(stripePayout, {}, { stripeAccount })));
      return payout?.status === 'failed' ? (payout.failure_code ?? 'failed') : null;
    },
  };
}

export function makePayeeProvider(port: Pick<StripePort, 'run' | 'withKey'>, publicUrl: string): PayeeProvider {
  const { run, withKey } = port;
  return {
    ...makeAccounts(port, publicUrl),
    async send({ payoutId, stripeAccount, currency, amountMinor, refusals }) {
      try {
        const before = await run((sdk) => sdk.transfers.list({ transfer_group: payoutId, limit: 1 }));
        const [found] = before.data;
        if (found !== undefined) return { outcome: 'sent', stripeTransfer: found.id };
        const transfer = await run((sdk) => sdk.transfers.create({
          amount: toStripeAmount(amountMinor), currency: currency.toLowerCase(), destination: stripeAccount, transfer_group: payoutId,
          metadata: { payoutId },
        }, withKey(refusals === 0 ? `payout:${payoutId}` : `payout:${payoutId}:${refusals}`)));
        return { outcome: 'sent', stripeTransfer: transfer.id };
      } catch (error) {
        return outcomeOf(error);
      }
    },
    async transfer(stripeTransfer) {
      const transfer = await orNull(run((sdk) => sdk.transfers.retrieve(stripeTransfer)));
      return transfer === null ? null : transferFacts(transfer);
    },
  };
}
