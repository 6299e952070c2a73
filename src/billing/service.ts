import type { Currency } from '../kernel/money.ts';
import type { Day } from '../kernel/time.ts';
import type { Tx } from '../kernel/tx.ts';
import { holdsOfBoth } from './coin-holds.ts';
import { type Collection, makeCollection } from './collection.ts';
import * as coinStore from './coin-store.ts';
import { type Coins, makeCoins } from './coins.ts';
import { pausing, type Pausing } from './pausing.ts';
import type { BillingDeps } from './deps.ts';
import { type Endings, makeEndings } from './endings.ts';
import { forfeitReturned } from './coin-forfeits.ts';
import { type Disputes, makeDisputes } from './disputes.ts';
import { makeAppliers, makeEvents, type Events } from './events.ts';
import { makeReconcile, type Reconcile } from './reconcile.ts';
import { makeOwedRefunds, type OwedRefunds } from './owed-refunds.ts';
import * as periods from './period-store.ts';
import { makePlans, type Plans } from './plans.ts';
import { makePortal, type Portal } from './portal.ts';
import { type Entitlements, makeEntitlements, makeQuota, type Quota } from './quota.ts';
import { makeRecognition, type Recognition } from './recognition.ts';
import { makeRefunds, type Refunds } from './refunds.ts';
import { makeRemains, type Remains } from './remains.ts';
import { makeSales, type Sales } from './sales.ts';
import { makeStops, type Stops } from './stops.ts';
import { makeTiers, type Tiers } from './tiers.ts';
import * as subscriptions from './subscription-store.ts';

/** A paid period as royalties needs it. Amounts in minor units of the currency of sale. */
export interface PeriodFacts {
  periodId: string;
  cloneId: string;
  subscriptionId: string;
  accountId: string;
  tierId: string;
  tierName: string;
  invoice: string;
  charge: string;
  currency: Currency;
  grossMinor: bigint;
  taxMinor: bigint;
  feeMinor: bigint;
  /** Gross less tax. */
  netMinor: bigint;
  startDay: Day;
  endDay: Day;
  days: number;
  /** Days whose money stands in the ledger as earned. */
  recognisedDays: number;
  refundedMinor: bigint;
  endedOn: Day | null;
  paidAt: Date;
}

export interface TierFacts {
  tierId: string;
  cloneId: string;
  name: string;
  priceMinor: bigint;
  currency: Currency;
  voiceOutputsPerPeriod: number;
}

/** What other rooms may ask about. */
export interface BillingFacts {
  tier: (tx: Tx, tierId: string) => Promise<TierFacts | null>;
  period: (tx: Tx, periodId: string) => Promise<PeriodFacts | null>;
  /** Periods whose days overlap [fromDay, toDay), by start. */
  periodsBetween: (tx: Tx, asked: { cloneId: string; fromDay: Day; toDay: Day }) => Promise<PeriodFacts[]>;
  periodsOfSubscription: (tx: Tx, subscriptionId: string) => Promise<PeriodFacts[]>;
  /** Whose coins were spent, and the payments of the packs that they came from, oldest first; null for what is no spend of coins. */
  coinSpend: (tx: Tx, spendId: string) => Promise<{ accountId: string; charges: string[] } | null>;
}

type CoinVerbs = Omit<Coins, 'openPackCheckout' | 'applyPack' | 'sendCoinReturn' | 'settleCoinReturn' | 'isCoinHold' | 'captureCoins' | 'voidCoins'>;

type DisputeVerbs = Pick<OwedRefunds, 'listOwedRefunds' | 'sendOwedRefund' | 'proposeOwedSettlement' | 'approveOwedSettlement'> & Omit<Disputes, 'applyDispute' | 'reviewDispute'> & Pick<Reconcile, 'reconcile' | 'listReconciliations'>;

export interface Billing extends Tiers, Plans, Portal, Remains, Pausing, Sales, Quota, Entitlements, Recognition, Omit<Refunds, 'settle' | 'sendRefund'>, Omit<Stops, 'settle'>, BillingFacts, CoinVerbs, DisputeVerbs {
  receiveStripeEvent: Events['receiveStripeEvent'];
  /** The work that jobs do; each may run twice. */
  work: {
    publishTier: Tiers['publishTier'];
    endOffers: Tiers['endOffers'];
    applyPlanChange: Plans['applyPlanChange'];
    openCheckout: Sales['openCheckout'];
    applyEvent: Events['applyEvent'];
    alignCollection: Collection['alignCollection'];
    alignCollections: Collection['alignCollections'];
    closePage: Events['closePage'];
    endRenewal: Events['endRenewal'];
    endSubscription: Events['endSubscription'];
    settleStop: Stops['settle'];
    sendRefund: Refunds['sendRefund'];
    openPackCheckout: Coins['openPackCheckout'];
    sendCoinReturn: Coins['sendCoinReturn'];
    reviewDispute: Disputes['reviewDispute'];
    sendOwed: OwedRefunds['sendOwed'];
    runReconciliation: Reconcile['runReconciliation'];
    /** The tick that compares with the processor once an hour. */
    reconcileSometimes: Reconcile['reconcileSometimes'];
    /** The tick that ends what consent no longer carries. */
    lookAround: Endings['lookAround'];
    lookAt: Endings['lookAt'];
  };
}

async function factsOf(tx: Tx, rows: readonly periods.PeriodRow[]): Promise<PeriodFacts[]> {
  const names = new Map<string, string>();
  const facts: PeriodFacts[] = [];
  for (const row of rows) {
    const tierName = names.get(row.tierId) ?? (await subscriptions.findTier(tx, row.tierId))?.name;
    if (tierName === undefined) throw new Error(`Period ${row.id} has no tier.`);
    names.set(row.tierId, tierName);
    facts.push({
      periodId: row.id, cloneId: row.cloneId, subscriptionId: row.subscriptionId, accountId: row.accountId, tierId: row.tierId, tierName,
      invoice: row.stripeInvoice, charge: row.stripeCharge, currency: row.currency, grossMinor: row.grossMinor, taxMinor: row.taxMinor,
      feeMinor: row.feeMinor, netMinor: row.grossMinor - row.taxMinor, startDay: row.startDay, endDay: row.endDay, days: row.days,
      recognisedDays: row.recognisedDays, refundedMinor: row.refundedMinor, endedOn: row.endedOn, paidAt: row.paidAt,
    });
  }
  return facts;
}

const facts: BillingFacts = {
  async tier(tx, tierId) {
    const row = await subscriptions.findTier(tx, tierId);
    if (row === null) return null;
    const { cloneId, name, priceMinor, currency, voiceOutputsPerPeriod } = row;
    return { tierId, cloneId, name, priceMinor, currency, voiceOutputsPerPeriod };
  },
  async period(tx, periodId) {
    const row = await periods.findPeriod(tx, periodId);
    return row === null ? null : ((await factsOf(tx, [row]))[0] ?? null);
  },
  async periodsBetween(tx, { cloneId, fromDay, toDay }) {
    return await factsOf(tx, await periods.periodsBetween(tx, cloneId, fromDay, toDay));
  },
  async periodsOfSubscription(tx, subscriptionId) {
    return await factsOf(tx, await periods.periodsOfSubscription(tx, subscriptionId));
  },
  async coinSpend(tx, spendId) {
    const spend = await coinStore.findSpend(tx, spendId);
    return spend === null ? null : { accountId: spend.accountId, charges: await coinStore.chargesOfSpend(tx, spendId) };
  },
};

export function makeBilling(deps: BillingDeps): Billing {
  const { taxRateBasisPoints: rate } = deps.settings;
  if (!Number.isInteger(rate) || rate < 0 || rate > 10_000) throw new RangeError('a tax rate is 0 to 10000 basis points');
  const sales = makeSales(deps);
  const tiers = makeTiers(deps);
  const { settle, sendRefund, ...refunds } = makeRefunds(deps);
  const { settle: settleStopped, ...stops } = makeStops(deps, refunds);
  const disputing = { ...deps, requestRefund: refunds.requestRefund };
  const { openPackCheckout, applyPack, sendCoinReturn, settleCoinReturn, isCoinHold, captureCoins, voidCoins, ...coins } =
    makeCoins(deps, (tx, spend) => forfeitReturned(tx, deps, spend), deps.settings.coinPacks);
  const { sendOwed, settleOwed, ...owed } = makeOwedRefunds(disputing);
  const { applyDispute, reviewDispute, ...disputes } = makeDisputes(disputing, { sendRefund, sendCoinReturn, sendOwed });
  const appliers = makeAppliers(deps, { settle, requestRefund: refunds.requestRefund, applyPack, settleCoinReturn, applyDispute, settleOwed });
  const { runReconciliation, reconcileSometimes, ...reconcile } = makeReconcile(deps, appliers);
  const { receiveStripeEvent, applyEvent, closePage, endRenewal, endSubscription } = makeEvents(deps, appliers);
  const plans = makePlans(deps, { applyInvoice: appliers.invoice, applySubscription: appliers.subscription });
  const quota = makeQuota(deps);
  return {
    ...tiers, ...plans, ...makePortal(deps), ...makeRemains(deps), ...pausing, ...sales, ...quota, ...makeEntitlements(deps), ...holdsOfBoth(quota, { ...coins, isCoinHold, captureCoins, voidCoins }), ...coins, ...disputes, ...owed, ...reconcile, ...makeRecognition(deps), ...refunds, ...stops, ...facts, receiveStripeEvent,
    work: {
      publishTier: tiers.publishTier, endOffers: tiers.endOffers, applyPlanChange: plans.applyPlanChange,
      openCheckout: sales.openCheckout, applyEvent, closePage, endRenewal, endSubscription, settleStop: settleStopped, sendRefund,
      openPackCheckout, sendCoinReturn, reviewDispute, sendOwed, runReconciliation, reconcileSometimes,
      ...makeEndings(deps, stops), ...makeCollection(deps),
    },
  };
}
