import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { answered, once } from '../platform/postgres/index.ts';
import { convertMinor } from './conversion-model.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { isThatTransfer, type PayeeProvider, type Sending, type TransferFacts } from './payee-provider.ts';
import { bookReversal, settleRefused, settleSent, tryLater } from './payout-phases.ts';
import { type PayoutJson, readPayout, viewOf } from './payouts.ts';
import * as store from './payout-store.ts';

/**
 * Sending what was begun, and finding out what became of it. An unknown outcome stays pending: the same key is used again, after a
 * look for what already stands under the payout's name; what stays unknown for days is left to a person.
 */
export interface PayoutSending {
  /** Payouts whose outcome is still unknown when the processor has forgotten their key. */
  listUnsettledPayouts: () => Promise<{ payouts: PayoutJson[] }>;
  /** A person has found out what became of it: the transfer that was sent, or that nothing was. Both are checked with the processor. */
  resolvePayout: (
    actor: Actor, key: IdempotencyKey, payoutId: string, input: { stripeTransfer?: string; reference: string },
  ) => Promise<PayoutJson>;
  /** Job: sends a payout, or finds that it was sent, and books the answer. */
  sendPayout: (payoutId: string) => Promise<void>;
  /** Job: books what became of a transfer at the processor. */
  syncTransfer: (stripeTransfer: string) => Promise<void>;
}

/** Stripe keeps a key for at least 24 hours; an hour of them is ours to be late in. */
const KEY_MS = 23 * 3_600_000;
/** After this long without an answer nobody but a person goes on. */
const PERSON_MS = 72 * 3_600_000;
/** What the processor refused for so long, for want of money or of a rate, is left to a person too. */
const WAITING_MS = 14 * 24 * 3_600_000;

async function whatToSend(tx: Tx, row: store.PayoutRow): Promise<Sending> {
  const converted = await store.conversionOf(tx, row.id);
  return {
    payoutId: row.id, stripeAccount: row.stripeAccount, refusals: row.refusals, currency: converted?.currency ?? row.currency,
    amountMinor: converted?.amountMinor ?? row.amountMinor,
  };
}

function makeSender(deps: RoyaltiesDeps, provider: PayeeProvider): (row: store.PayoutRow) => Promise<void> {
  const { runTx, clock } = deps;

  /** A claim in a currency that we hold none of is converted once, at the processor's rate of the first try that it names one at. */
  async function quoted(row: store.PayoutRow): Promise<void> {
    const quote = await provider.quote(row.currency);
    if (quote === null) return;
    const amountMinor = convertMinor(row.amountMinor, row.currency, quote.currency, quote.rate);
    if (amountMinor < 1n) throw new Refusal('money_out_of_range', 'The payout is less than one unit of what would be sent.');
    await runTx((tx) => store.insertConversion(tx, {
      ...quote, conversionId: deps.ids.next('conversion'), payoutId: row.id, fromCurrency: row.currency, fromMinor: row.amountMinor, amountMinor,
      quotedAt: clock.now(),
    }));
  }

  async function tell(tx: Tx, row: store.PayoutRow, problem: string, refused: number | null): Promise<void> {
    if (clock.now().getTime() - row.createdAt.getTime() >= (refused === null ? PERSON_MS : WAITING_MS)) await store.putNeedsPerson(tx, row.id, problem.slice(0, 500));
    else await tryLater(tx, deps, row.id, problem, refused);
  }

  return async function send(row) {
    try {
      // As long as every try was answered, and none sent anything: the amount that is asked for may still be worked out.
      if (row.tries === row.refusals && (await runTx((tx) => store.conversionOf(tx, row.id))) === null) await quoted(row);
    } catch (error) {
      // Nothing was asked to be sent yet: it is only later.
      if (!(error instanceof Refusal)) throw error;
      await runTx((tx) => tell(tx, row, error.message, row.refusals));
      return;
    }
    const sent = await provider.send(await runTx((tx) => whatToSend(tx, row)));
    await runTx(async (tx) => {
      if (sent.outcome === 'sent') await settleSent(tx, deps, row.id, sent.stripeTransfer);
      else if (sent.outcome === 'refused') await settleRefused(tx, deps, row.id, sent.problem);
      else if (sent.outcome === 'odd') await store.putNeedsPerson(tx, row.id, sent.problem.slice(0, 500));
      else await tell(tx, row, sent.problem, sent.outcome === 'later' ? row.refusals : null);
    });
  };
}

export function makePayoutSending(deps: RoyaltiesDeps, provider: PayeeProvider): PayoutSending {
  const { runTx, clock } = deps;
  const send = makeSender(deps, provider);

  async function checked(row: store.PayoutRow, stripeTransfer: string | undefined): Promise<TransferFacts | null> {
    const wanted = await runTx((tx) => whatToSend(tx, row));
    const found = await provider.sentFor(row.id);
    if (stripeTransfer === undefined) {
      if (found.length > 0) throw new Refusal('payout_state', 'The processor knows a transfer of this payout.', { extra: { transfers: found.map((one) => one.stripeTransfer) } });
      return null;
    }
    const facts = await provider.transfer(stripeTransfer);
    if (facts === null || facts.payoutId !== row.id || !isThatTransfer(facts, wanted)) {
      throw new Refusal('payout_state', 'The processor knows no such transfer of this payout.');
    }
    return facts;
  }

  return {
    listUnsettledPayouts: () => runTx(async (tx) => {
      const payouts: PayoutJson[] = [];
      for (const row of await store.unknownSince(tx, new Date(clock.now().getTime() - KEY_MS))) payouts.push(await viewOf(tx, row));
      return { payouts };
    }),

    async resolvePayout(actor, key, payoutId, { stripeTransfer, reference }) {
      // Decided by this very request before: the processor need not be asked again.
      const kept = await runTx((tx) => answered(tx, key));
      if (kept !== null) return kept.answer as PayoutJson;
      const row = await runTx((tx) => store.findPayout(tx, payoutId));
      if (row === null) throw notFound();
      if (row.accountId === actor.accountId) throw new Refusal('payout_state', 'Nobody decides over their own payout.');
      if (row.state !== 'pending' || !row.needsPerson) {
        throw new Refusal('payout_state', 'Only a payout whose outcome stayed unknown is decided by a person.');
      }
      const facts = await checked(row, stripeTransfer);
      return await runTx((tx) => once(tx, key, async () => {
        if (facts === null) await settleRefused(tx, deps, payoutId, `Not sent, as found by ${actor.accountId}: ${reference}`);
        else await settleSent(tx, deps, payoutId, facts.stripeTransfer);
        return await readPayout(tx, payoutId);
      }));
    },

    async sendPayout(payoutId) {
      const row = await runTx((tx) => store.findPayout(tx, payoutId));
      if (row === null) throw new Error(`There is no payout ${payoutId}.`);
      if (row.state === 'pending' && !row.needsPerson) await send(row);
    },

    async syncTransfer(stripeTransfer) {
      const facts = await provider.transfer(stripeTransfer);
      const payoutId = facts?.payoutId ?? null;
      if (facts === null || payoutId === null) return;
      await runTx(async (tx) => {
        const row = await store.findPayout(tx, payoutId);
        if (row === null || !isThatTransfer(facts, await whatToSend(tx, row))) return;
        await settleSent(tx, deps, payoutId, facts.stripeTransfer);
        await bookReversal(tx, deps, payoutId, facts);
      });
    },
  };
}
