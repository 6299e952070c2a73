/**
 * Fan money. What is promised here: a tier is priced inside the grant and what it offers never changes under those
 * who bought it; the number of free turns left is told from the first; each paid invoice is booked once, however often and in whatever order the processor tells of it; a paid
 * period of n days has earned ⌊amount × k / n⌋ after k days, so that it adds up to exactly its money; a quota is held
 * before the work, captured with the release, voided otherwise, and never overspent; a stop sells nothing more and
 * returns unused days out of deferred revenue and its tax alone; coins are lots that are spent oldest first, each coin at its own
 * cost, and no coin moves without its money; while something is paused nothing is collected (collection) and its days are added to the end; after a
 * stop of a capability a fan may keep what remains (remains); a dispute claims what stands when it is decided; a refund that comes back is owed (owed-refunds), unless the bank gave it besides (owed-losses), and so is
 * one that the processor refuses (refused-refunds); what a fan owes is paid before coins buy anything (coin-debts).
 */
export { BILLING_EVENT_TYPES } from './events.ts';
export { makeBilling } from './service.ts';
export type { Billing, BillingFacts, PeriodFacts, TierFacts } from './service.ts';
export type { BillingDeps, ProviderEvent } from './deps.ts';
export type { DisputedSource, DisputeHooks, LostPart } from './disputes.ts';
export type { CoinOffer } from './output-prices.ts';
export type { Entitlement } from './quota.ts';
export type { RefundOrder } from './refunds.ts';
export type { RefundRow } from './refund-store.ts';
export type { StopQuote, StopQuoteLine, StopSettlement } from './stops.ts';
export type { SplitSegment, Parts, QuotaSource } from './model.ts';
export { makeEventReader, makePaymentProvider, type PaymentProvider } from './provider.ts';
export { refundCashLegs } from './postings.ts';
export { makeBillingJobs, makeBillingTicks } from './jobs.ts';
export { makeBillingHandlers } from './handlers.ts';
export { makeCoinHandlers } from './coin-handlers.ts';
export { type CoinPack, loadPacks } from './coin-packs.ts';
