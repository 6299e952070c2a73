import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import { dayOf, type Day, daysBetween } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { type Coins } from './coins.ts';
import { feeInSaleCurrency } from './coin-purchases.ts';
import { askToAlignOne } from './collection-jobs.ts';
import type { BillingDeps } from './deps.ts';
import type { Disputes } from './disputes.ts';
import { GRACE_DAYS_OF_PAYMENT, noteFailure, resolve } from './dunning.ts';
import { endDayWithPauses, taxIncluded } from './model.ts';
import { isPaused, pausesOf } from './pause-store.ts';
import type { OwedRefunds } from './owed-refunds.ts';
import * as periods from './period-store.ts';
import { applyNext, applyNow } from './plan-booking.ts';
import { openChange } from './plan-store.ts';
import { invoicePaid } from './postings.ts';
import type { ChargeFacts, InvoiceFacts } from './provider.ts';
import * as inbox from './refund-store.ts';
import type { Refunds } from './refunds.ts';
import { keptBy } from './remains-store.ts';
import * as store from './subscription-store.ts';
import { findOffer, type OfferRow, offerOfPrice } from './tier-store.ts';
import { type BillingInterval, quotaOf } from './tier-terms.ts';

type Outcome = 'applied' | 'not_ours';

/**
 * The processor's news. An event only says that something changed: its object is fetched and booked as it now is, so
 * events may come twice, late, in any order; what each one books is unique by the object's own id.
 */
export interface Events {
  /** Keeps a verified event and asks for its job; the same event again changes nothing. Refuses `webhook_signature_invalid`. */
  receiveStripeEvent: (rawBody: Uint8Array, signature: string | undefined) => Promise<{ received: boolean }>;
  /** Job. */
  applyEvent: (eventId: string) => Promise<void>;
  /** Job: it is not renewed at the end of what is paid. */
  endRenewal: (subscriptionId: string) => Promise<void>;
  /** Job: closes the page of a subscription that nobody has paid for. */
  closePage: (subscriptionId: string) => Promise<void>;
  /** Job: ends a subscription of a stopped clone at the processor, or closes its unpaid page. */
  endSubscription: (subscriptionId: string) => Promise<void>;
}

/** What the invoice billed, by its price; what was agreed, when the price is none of ours any more. */
async function billedOffer(tx: Tx, subscription: store.SubscriptionRow, invoice: InvoiceFacts): Promise<{ offer: OfferRow; interval: BillingInterval }> {
  const billed = invoice.priceId === null ? null : await offerOfPrice(tx, invoice.priceId);
  const { tierId, version, interval } = billed ?? { tierId: subscription.tierId, version: subscription.offerVersion, interval: subscription.interval };
  const offer = await findOffer(tx, tierId, version);
  if (offer === null) throw new Error(`Subscription ${subscription.id} has no offer.`);
  return { offer, interval };
}

/** Books a paid invoice once: its period, its ledger transfer, and, if the clone was stopped meanwhile, its way back. */
async function bookInvoice(
  tx: Tx, deps: BillingDeps, room: Pick<Refunds, 'requestRefund'>, invoiceId: string, invoice: InvoiceFacts, charge: ChargeFacts | null,
): Promise<Outcome> {
  const subscription = await store.lockSubscription(tx, invoice.subscriptionId ?? '');
  if (subscription === null) return 'not_ours';
  const { offer, interval } = await billedOffer(tx, subscription, invoice);
  await inbox.lockSales(tx, subscription.cloneId, 'shared');
  const startDay = dayOf(invoice.periodStart);
  const endDay = dayOf(invoice.periodEnd);
  const change = await openChange(tx, subscription.id);
  const mine = change !== null && (change.effect === 'now' ? change.id === invoice.changeId
    : change.tierId === offer.tierId && change.offerVersion === offer.version && change.interval === interval);
  if (charge === null && !(mine && change.effect === 'now')) return 'applied';
  const granted = quotaOf(offer.outputsPerPeriod ?? 0, interval);
  const agreedAt = mine ? change.askedAt : subscription.agreedAt;
  if (charge !== null && !(await bookCharge(tx, deps, subscription, { invoiceId, invoice, charge, offer, granted, agreedAt }))) return 'applied';
  if (mine && change.effect === 'now') {
    await applyNow(tx, deps, room, subscription, { change, invoiceId, days: { startDay, endDay, granted: charge === null ? granted : 0 } });
  } else if (mine) await applyNext(tx, deps, subscription, change, invoiceId);
  const late = await resolve(tx, invoiceId, invoice.paidAt);
  // A late payment's days run on beyond the next renewal; and what was paid while everything is paused is collected no further.
  if (late || await lastsLonger(tx, subscription, invoiceId, dayOf(deps.clock.now())) || await isPaused(tx, subscription.cloneId, offer.capabilities)) {
    await askToAlignOne(tx, { subscriptionId: subscription.id, cause: invoiceId, at: deps.clock.now() });
  }
  if (offer.removedAt !== null || offer.version < offer.withdrawnBelow) {
    // Paid on a page that was open when it was taken off: delivered, and not renewed.
    const dedupeKey = `billing.endOffers:${offer.tierId}:${invoiceId}`;
    await enqueue(tx, { topic: 'billing.endOffers', payload: { tierId: offer.tierId }, runAt: deps.clock.now(), dedupeKey });
  }
  await endIfStopped(tx, deps, subscription, { tierId: offer.tierId, at: agreedAt ?? subscription.createdAt }, invoiceId);
  return 'applied';
}

/** Whether pauses lie in what was paid for, told only now. */
async function lastsLonger(tx: Tx, { id, cloneId }: store.SubscriptionRow, invoiceId: string, today: Day): Promise<boolean> {
  const pauses = await pausesOf(tx, cloneId, [id]);
  return (await periods.periodsOfSubscription(tx, id)).some((period) => period.stripeInvoice === invoiceId && period.endedOn === null
    && endDayWithPauses(period, pauses.of(period), today) !== period.endDay);
}

interface Billed {
  invoiceId: string;
  invoice: InvoiceFacts;
  charge: ChargeFacts;
  offer: OfferRow;
  granted: number;
  agreedAt: Date | null;
}

/** The paid period and its transfer. Answers false when it was booked before. */
async function bookCharge(tx: Tx, deps: BillingDeps, subscription: store.SubscriptionRow, billed: Billed): Promise<boolean> {
  const { invoiceId, invoice, charge, offer, granted, agreedAt } = billed;
  const startDay = dayOf(invoice.periodStart);
  const endDay = dayOf(invoice.periodEnd);
  const { taxRateBasisPoints } = deps.settings;
  const period: periods.NewPeriod = {
    id: deps.ids.next('period'), cloneId: subscription.cloneId, subscriptionId: subscription.id, accountId: subscription.accountId,
    tierId: offer.tierId, offerVersion: offer.version, stripeInvoice: invoiceId, stripeCharge: charge.chargeId, startDay, endDay, days: daysBetween(startDay, endDay),
    currency: invoice.currency, grossMinor: invoice.amountPaidMinor, taxMinor: invoice.taxMinor ?? taxIncluded(invoice.amountPaidMinor, taxRateBasisPoints),
    taxRateBasisPoints, feeMinor: feeInSaleCurrency({ currency: invoice.currency, amountMinor: invoice.amountPaidMinor }, charge), settledCurrency: charge.settledCurrency,
    settledNetMinor: charge.settledNetMinor, granted, paidAt: invoice.paidAt, agreedAt,
  };
  if (!(await periods.insertPeriod(tx, period))) return false;
  await deps.ledger.post(tx, invoicePaid(period));
  return true;
}

/** What was paid while its stop came goes back with the stop's settlement. */
async function endIfStopped(tx: Tx, deps: BillingDeps, subscription: store.SubscriptionRow, sold: { tierId: string; at: Date }, paid: string): Promise<void> {
  const kept = await keptBy(tx, [subscription.id]);
  const stop = (await inbox.stopsOfClone(tx, subscription.cloneId)).find((one) => inbox.covers(one, sold) && !kept(one.stopId, subscription.id));
  if (stop === undefined) return;
  await enqueue(tx, {
    topic: 'billing.settleStop', payload: { stopId: stop.stopId }, runAt: deps.clock.now(), dedupeKey: `billing.settleStop:${stop.stopId}:${paid}`,
  });
  // Its own job, since the one of the stop may have run while this payment was still on its way.
  await enqueue(tx, {
    topic: 'billing.endSubscription', payload: { subscriptionId: subscription.id }, runAt: deps.clock.now(),
    dedupeKey: `billing.endSubscription:${subscription.id}:${paid}`,
  });
}

export interface Appliers {
  session: (id: string) => Promise<Outcome>;
  subscription: (id: string) => Promise<Outcome>;
  invoice: (id: string) => Promise<Outcome>;
  charge: (id: string) => Promise<Outcome>;
  refund: (id: string) => Promise<Outcome>;
  dispute: (id: string) => Promise<Outcome>;
}

/** Tries of writing what the processor says against other writers who do the same. */
const TRIES = 50;

function makeSubscriptionApplier(deps: BillingDeps): Appliers['subscription'] {
  const { runTx, provider, clock } = deps;
  return async function apply(id) {
    for (let tries = 0; tries < TRIES; tries += 1) {
      // Whose it is never changes, so this first answer only names the row; the state is read again after the row was.
      const known = await provider.subscription(id);
      const ours = known?.subscriptionId ?? null;
      const row = ours === null ? null : await runTx((tx) => store.findSubscription(tx, ours));
      if (row === null) return 'not_ours';
      if (row.stripeSubscription !== null && row.stripeSubscription !== id) {
        throw new Error(`Subscription ${row.id} was paid twice at the processor: ${id} must be ended and refunded by hand.`);
      }
      // Paid on a page that we had given up as unpaid: what was paid is booked, and it does not renew.
      if (row.state === 'expired' && known?.status !== 'waiting') await provider.cancelSubscription(id, `cancel:${id}`);
      if (row.state === 'canceled' || row.state === 'expired') return 'applied';
      const told = await provider.subscription(id);
      if (told === null || told.status === 'waiting') return 'applied';
      const news = { state: told.status, stripeSubscription: id, cancelAtPeriodEnd: told.cancelAtPeriodEnd, at: clock.now() };
      if (await runTx((tx) => store.putProviderState(tx, row, news))) return 'applied';
    }
    throw new Error(`Subscription ${id} is changing too often to be read.`);
  };
}

type Rooms = Pick<Refunds, 'settle' | 'requestRefund'> & Pick<Coins, 'applyPack' | 'settleCoinReturn'> & Pick<Disputes, 'applyDispute'> & Pick<OwedRefunds, 'settleOwed'>;

export function makeAppliers(deps: BillingDeps, rooms: Rooms): Appliers {
  const { runTx, provider, clock } = deps;
  const subscription = makeSubscriptionApplier(deps);

  /** A failed renewal is no period: nothing is booked of it, and its grace begins. */
  async function noteUnpaid(stripeInvoice: string, facts: InvoiceFacts): Promise<void> {
    const { failedAttempts: attempts, nextAttemptAt } = facts;
    if (attempts === 0) return;
    await runTx(async (tx) => {
      const row = await store.findSubscription(tx, facts.subscriptionId ?? '');
      if (row === null) return;
      const graceDays = deps.settings.paymentGraceDays ?? GRACE_DAYS_OF_PAYMENT;
      await noteFailure(tx, { stripeInvoice, cloneId: row.cloneId, subscriptionId: row.id, attempts, nextAttemptAt, at: clock.now(), graceDays });
    });
  }

  async function invoice(id: string): Promise<Outcome> {
    const facts = await provider.invoice(id);
    if (facts?.subscriptionId == null || facts.stripeSubscriptionId === null) return 'not_ours';
    const known = await subscription(facts.stripeSubscriptionId);
    if (known === 'not_ours') return known;
    if (!facts.paid) {
      await noteUnpaid(id, facts);
      return known;
    }
    // Nothing was charged: for a change of plan that its credit paid for, or for a period that only runs on.
    if (facts.amountPaidMinor === 0n) return facts.changeId === null ? known : await runTx((tx) => bookInvoice(tx, deps, rooms, id, facts, null));
    const charge = await provider.settlement(id);
    // Tried again: money whose fee is unknown is not booked, since none of it could be earned (docs/promises.md).
    if (charge === null) throw new Refusal('unavailable', 'The processor has not settled this payment yet.');
    return await runTx((tx) => bookInvoice(tx, deps, rooms, id, facts, charge));
  }

  async function session(id: string): Promise<Outcome> {
    const facts = await provider.session(id);
    const ours = facts?.subscriptionId ?? null;
    const row = ours === null ? null : await runTx((tx) => store.findSubscription(tx, ours));
    if (facts !== null && ours === null) return await rooms.applyPack(id, await provider.packSession(id)) ? 'applied' : 'not_ours';
    if (facts === null || row === null) return 'not_ours';
    if (facts.status === 'expired') {
      // A page that is not this subscription's own was opened by a try whose answer was lost; its end means nothing.
      if (row.stripeSession === id) await runTx((tx) => store.expireUnpaid(tx, row.id, clock.now()));
      return 'applied';
    }
    const { billingCountry } = facts;
    if (billingCountry !== null) await runTx((tx) => store.putBillingCountry(tx, row.id, billingCountry));
    if (facts.stripeSubscriptionId !== null) await subscription(facts.stripeSubscriptionId);
    if (facts.invoiceId !== null) await invoice(facts.invoiceId);
    return 'applied';
  }

  async function charge(id: string): Promise<Outcome> {
    const paid = await provider.invoiceOfCharge(id);
    if (paid !== null) return await invoice(paid);
    return await rooms.applyPack(null, await provider.packOfCharge(id)) ? 'applied' : 'not_ours';
  }

  return {
    session, subscription, invoice, charge,
    async dispute(id) {
      const told = await provider.dispute(id);
      if (told === null) return 'not_ours';
      if (await rooms.applyDispute(told)) return 'applied';
      // Its payment may still be on its way to us: it is booked first, or this is tried again.
      if ((await charge(told.chargeId)) === 'not_ours') return 'not_ours';
      return await rooms.applyDispute(told) ? 'applied' : 'not_ours';
    },
    async refund(id) {
      const told = await provider.refundById(id);
      const ours = told?.refundId ?? null;
      const row = ours === null ? null : await runTx((tx) => inbox.findRefund(tx, ours));
      if (told === null || ours === null) return 'not_ours';
      if (row === null) return await rooms.settleCoinReturn(ours, told) || await rooms.settleOwed(ours, told) ? 'applied' : 'not_ours';
      await rooms.settle(row.id, told);
      return 'applied';
    },
  };
}

/** Which object each event is about. What is not here is another room's, or kept without a job. */
const NOUNS: Readonly<Record<string, keyof Appliers>> = {
  'checkout.session.completed': 'session',
  'checkout.session.async_payment_succeeded': 'session',
  'checkout.session.expired': 'session',
  'customer.subscription.created': 'subscription',
  'customer.subscription.updated': 'subscription',
  'customer.subscription.deleted': 'subscription',
  'invoice.paid': 'invoice',
  'invoice.payment_succeeded': 'invoice',
  'invoice.payment_failed': 'invoice',
  'charge.succeeded': 'charge',
  'charge.updated': 'charge',
  'charge.dispute.created': 'dispute',
  'charge.dispute.updated': 'dispute',
  'charge.dispute.closed': 'dispute',
  'charge.dispute.funds_withdrawn': 'dispute',
  'charge.dispute.funds_reinstated': 'dispute',
  'refund.created': 'refund',
  'refund.updated': 'refund',
  'refund.failed': 'refund',
};

/** What an endpoint at the processor must send for billing to work; the maps of the other rooms come on top. */
export const BILLING_EVENT_TYPES: readonly string[] = Object.keys(NOUNS);

export function makeEvents(deps: BillingDeps, appliers: Appliers): Events {
  const { runTx, clock, provider } = deps;
  const otherTopics = deps.settings.otherTopics ?? {};

  async function closePage(subscriptionId: string): Promise<void> {
    // Before it is read: a page may be opened at any moment, and one that was must be closed, not forgotten.
    await runTx((tx) => store.expireOpening(tx, subscriptionId, clock.now()));
    const row = await runTx((tx) => store.findSubscription(tx, subscriptionId));
    if (row?.state !== 'checkout' || row.stripeSession === null) return;
    await provider.closeCheckout(row.stripeSession);
    await appliers.session(row.stripeSession);
  }

  return {
    async receiveStripeEvent(rawBody, signature) {
      const event = deps.readEvent(rawBody, signature);
      const topic = otherTopics[event.type] ?? (event.connectedAccount === null && event.type in NOUNS ? 'billing.applyEvent' : null);
      await runTx(async (tx) => {
        const at = clock.now();
        const isNew = await inbox.insertEvent(tx, { ...event, receivedAt: at, bodySha256: sha256Hex(rawBody) });
        if (!isNew || topic === null) return;
        const payload = { eventId: event.id, type: event.type, objectId: event.objectId, connectedAccount: event.connectedAccount };
        await enqueue(tx, { topic, payload, runAt: at, dedupeKey: `stripe.event:${event.id}` });
        if (topic !== 'billing.applyEvent') await inbox.markApplied(tx, event.id, 'handed_on', at);
      });
      return { received: true };
    },

    async applyEvent(eventId) {
      const event = await runTx((tx) => inbox.findEvent(tx, eventId));
      if (event === null) throw new Error(`The inbox has no event ${eventId}.`);
      const noun = NOUNS[event.type];
      if (event.outcome !== null || noun === undefined) return;
      const outcome = await appliers[noun](event.objectId);
      await runTx((tx) => inbox.markApplied(tx, eventId, outcome, clock.now()));
    },

    closePage,

    async endRenewal(subscriptionId) {
      const row = await runTx((tx) => store.findSubscription(tx, subscriptionId));
      if ((row?.state !== 'active' && row?.state !== 'past_due') || row.stripeSubscription === null) return;
      await provider.setCancelAtPeriodEnd(row.stripeSubscription, true, `endRenewal:${subscriptionId}`);
      await appliers.subscription(row.stripeSubscription);
    },

    async endSubscription(subscriptionId) {
      await closePage(subscriptionId);
      const row = await runTx((tx) => store.findSubscription(tx, subscriptionId));
      if ((row?.state !== 'active' && row?.state !== 'past_due') || row.stripeSubscription === null) return;
      await provider.cancelSubscription(row.stripeSubscription, `cancel:${subscriptionId}`);
      await appliers.subscription(row.stripeSubscription);
    },
  };
}
