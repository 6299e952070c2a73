import type Stripe from 'stripe';

import { type Currency, isCurrency } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import { fromStripeAmount, orNull, outcomeUnknown, type StripePort, toStripeAmount } from '../platform/stripe/index.ts';
import type { BankPayout, TakeBack } from './bank-store.ts';
import type { AccountFacts } from './payout-store.ts';

/**
 * The processor's Connect in this room's words: the one file here that knows Stripe's objects. Every write carries an
 * idempotency key made of our own id, so that a call whose answer was lost is simply made again.
 */
export interface PayeeProvider {
  createAccount(payee: { accountId: string; country: string | null }): Promise<string>;
  /** A page on which the payee gives what the processor asks for; `key` names this page. */
  onboardingPage(stripeAccount: string, key: string): Promise<string>;
  /** Null for an id that names nothing. `payee` is ours, from the account's metadata; `banksInError` those that money would go to and that gave it back. */
  account(stripeAccount: string): Promise<(AccountFacts & { payee: string | null; banksInError: string[] }) | null>;
  /** How a connected account's payout to its bank ended; null while it has not. */
  bankPayout(stripeAccount: string, stripePayout: string): Promise<BankPayout | null>;
  /** Reverses a transfer in part, once: looked up first, since idempotency keys are forgotten after a day. `later`: nothing came back, since the payee's balance lacks it; `never`: and nothing will. */
  takeBack(what: TakeBack): Promise<'taken' | 'later' | 'never' | 'unknown'>;
  /** What the processor would pay for a claim in a currency that it holds none of for us; null when it holds that currency. */
  quote(currency: Currency): Promise<Quote | null>;
  /** Sends a payout once: looked up by its group first, since idempotency keys are forgotten after a day. */
  send(payout: Sending): Promise<SendOutcome>;
  /** The transfers that stand under a payout's name. */
  sentFor(payoutId: string): Promise<TransferFacts[]>;
  transfer(stripeTransfer: string): Promise<TransferFacts | null>;
}

export interface Sending {
  payoutId: string;
  stripeAccount: string;
  currency: Currency;
  amountMinor: bigint;
  refusals: number;
}

export interface Quote {
  currency: Currency;
  /** Whole units of `currency` for one whole unit of the claim's, as decimal text. */
  rate: string;
  source: string;
}

/**
 * `later`: for certain nothing was sent; it can be when there is money. `unknown`: it may have been sent, or is being sent; the
 * same key is tried again. `refused`: it was not sent and never will be. `odd`: something else stands under its name; only a person can tell.
 */
export type SendOutcome =
  | { outcome: 'sent'; stripeTransfer: string }
  | { outcome: 'later' | 'unknown' | 'refused' | 'odd'; problem: string };

export interface TransferFacts {
  stripeTransfer: string;
  /** Ours, from the metadata. */
  payoutId: string | null;
  stripeAccount: string | null;
  currency: string;
  amountMinor: bigint;
  reversedMinor: bigint;
}

/** Whether a transfer is what was to be sent, to the unit and to the account. */
export function isThatTransfer(found: TransferFacts, wanted: Omit<Sending, 'refusals'>): boolean {
  return found.amountMinor === wanted.amountMinor && found.currency === wanted.currency.toLowerCase() && found.stripeAccount === wanted.stripeAccount;
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
  const { destination } = transfer;
  return {
    stripeTransfer: transfer.id, payoutId: transfer.metadata['payoutId'] ?? null,
    stripeAccount: typeof destination === 'string' ? destination : (destination?.id ?? null), currency: transfer.currency,
    amountMinor: fromStripeAmount(transfer.amount), reversedMinor: fromStripeAmount(transfer.amount_reversed),
  };
}

/** The processor's answer as a currency of ours. */
function currencyOf(code: string): Currency | null {
  const upper = code.toUpperCase();
  return isCurrency(upper) ? upper : null;
}

function makeQuotes({ run }: Pick<StripePort, 'run'>): PayeeProvider['quote'] {
  return async (currency) => {
    const held = await run((sdk) => sdk.balance.retrieve());
    if ([...held.available, ...held.pending].some((one) => currencyOf(one.currency) === currency)) return null;
    const own = await run((sdk) => sdk.accounts.retrieveCurrent());
    const settled = currencyOf(own.default_currency ?? '');
    if (settled === null || settled === currency) return null;
    // Its typed call is marked as old in favour of one that is still a preview; the address is the same.
    const answer: unknown = await run((sdk) => sdk.rawRequest('GET', `/v1/exchange_rates/${currency.toLowerCase()}`));
    const rate = rateIn(answer, settled.toLowerCase());
    if (rate === null) throw new Refusal('unavailable', `The payment processor names no rate from ${currency} to ${settled}.`);
    return { currency: settled, rate: decimalOf(rate), source: 'stripe.exchange_rates' };
  };
}

function rateIn(answer: unknown, to: string): number | null {
  const rates: unknown = typeof answer === 'object' && answer !== null && 'rates' in answer ? answer.rates : null;
  const rate: unknown = typeof rates === 'object' && rates !== null ? (rates as Record<string, unknown>)[to] : null;
  return typeof rate === 'number' ? rate : null;
}

/** A rate's digits as the processor wrote them; its numbers are never so small that they need an exponent. */
function decimalOf(rate: number): string {
  const text = String(rate);
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text)) throw new Refusal('unavailable', `The payment processor named the rate ${text}.`);
  return text;
}

function makeAccounts({ run, withKey }: Pick<StripePort, 'run' | 'withKey'>, publicUrl: string): Pick<PayeeProvider, 'createAccount' | 'onboardingPage' | 'account' | 'bankPayout'> {
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
        banksInError: (account.external_accounts?.data ?? []).filter((bank) => bank.status === 'errored' && bank.default_for_currency !== false).map((bank) => bank.id),
      };
    },
    async bankPayout(stripeAccount, stripePayout) {
      const payout = await orNull(run((sdk) => sdk.payouts.retrieve(stripePayout, {}, { stripeAccount })));
      if (payout === null || (payout.status !== 'failed' && payout.status !== 'paid')) return null;
      const currency = currencyOf(payout.currency);
      if (currency === null) return null;
      const { destination } = payout;
      return {
        stripePayout, stripeAccount, destination: typeof destination === 'string' ? destination : (destination?.id ?? null), currency,
        amountMinor: fromStripeAmount(payout.amount), sentAt: new Date(payout.created * 1_000),
        failure: payout.status === 'failed' ? (payout.failure_code ?? 'failed') : null,
      };
    },
  };
}

export function makePayeeProvider(port: Pick<StripePort, 'run' | 'withKey'>, publicUrl: string): PayeeProvider {
  const { run, withKey } = port;

  async function sentFor(payoutId: string): Promise<TransferFacts[]> {
    return (await run((sdk) => sdk.transfers.list({ transfer_group: payoutId, limit: 2 }))).data.map(transferFacts);
  }

  /** Whether a transfer was reversed for this bank's failure already, by a call whose answer was lost. */
  async function wasTaken(stripeTransfer: string, stripePayout: string): Promise<boolean> {
    return await run(async (sdk) => {
      for await (const reversal of sdk.transfers.listReversals(stripeTransfer, { limit: 100 })) if (reversal.metadata?.['bankPayout'] === stripePayout) return true;
      return false;
    });
  }

  return {
    ...makeAccounts(port, publicUrl),
    quote: makeQuotes(port),
    sentFor,
    async send(payout) {
      const { payoutId, stripeAccount, currency, amountMinor, refusals } = payout;
      try {
        const before = await sentFor(payoutId);
        const [found] = before;
        if (found !== undefined) {
          if (before.length === 1 && isThatTransfer(found, payout)) return { outcome: 'sent', stripeTransfer: found.stripeTransfer };
          return { outcome: 'odd', problem: `Transfers stand under this payout that are not it: ${before.map((one) => one.stripeTransfer).join(', ')}.` };
        }
        const transfer = await run((sdk) => sdk.transfers.create({
          amount: toStripeAmount(amountMinor), currency: currency.toLowerCase(), destination: stripeAccount, transfer_group: payoutId,
          metadata: { payoutId },
        }, withKey(refusals === 0 ? `payout:${payoutId}` : `payout:${payoutId}:${refusals}`)));
        return { outcome: 'sent', stripeTransfer: transfer.id };
      } catch (error) {
        return outcomeOf(error);
      }
    },
    async takeBack({ stripePayout, payoutId, stripeTransfer, amountMinor, refusals }) {
      try {
        if (await wasTaken(stripeTransfer, stripePayout)) return 'taken';
        await run((sdk) => sdk.transfers.createReversal(stripeTransfer, {
          amount: toStripeAmount(amountMinor), metadata: { payoutId, bankPayout: stripePayout },
        }, withKey(`bank:${stripePayout}:${payoutId}:${refusals}`)));
        return 'taken';
      } catch (error) {
        const { outcome } = outcomeOf(error);
        return outcome === 'refused' ? 'never' : outcome === 'later' ? 'later' : 'unknown';
      }
    },
    async transfer(stripeTransfer) {
      const transfer = await orNull(run((sdk) => sdk.transfers.retrieve(stripeTransfer)));
      return transfer === null ? null : transferFacts(transfer);
    },
  };
}
