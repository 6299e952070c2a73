import type { Json } from '../kernel/canonical-json.ts';
import type { JobHandlers } from '../platform/jobs/index.ts';
import type { Billing } from './service.ts';
import type { SettlementPlace } from './stops.ts';

const memberOf = (payload: Json, member: string): Json | undefined =>
  (typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? (payload as { [key: string]: Json })[member] : undefined);

/** The id that a job of this room was written with. */
function idIn(payload: Json, member: string): string {
  const id = memberOf(payload, member);
  if (typeof id !== 'string') throw new Error(`The job's payload lacks ${member}.`);
  return id;
}

/** Members that a job may lack. */
function numberIn(payload: Json, member: string): number | undefined {
  const value = memberOf(payload, member);
  return typeof value === 'number' ? value : undefined;
}

function textIn(payload: Json, member: string): string | undefined {
  const value = memberOf(payload, member);
  return typeof value === 'string' ? value : undefined;
}

/** Where a settlement goes on; undefined at its beginning. */
function placeIn(payload: Json): SettlementPlace | undefined {
  if (typeof payload !== 'object' || payload === null || !('stage' in payload)) return undefined;
  const stage = idIn(payload, 'stage');
  if (stage !== 'periods' && stage !== 'subscriptions') throw new Error(`The job's payload names the unknown stage ${stage}.`);
  return { stage, after: idIn(payload, 'after') };
}

/** Topic → work. Each may run twice, and goes on where a run that died left off. */
export function makeBillingJobs({ work }: Pick<Billing, 'work'>): JobHandlers {
  return {
    'billing.publishTier': async (payload) => await work.publishTier(idIn(payload, 'tierId'), numberIn(payload, 'version')),
    'billing.endOffers': async (payload, { jobId }) => await work.endOffers(idIn(payload, 'tierId'), jobId, textIn(payload, 'after')),
    'billing.applyPlanChange': async (payload) => await work.applyPlanChange(idIn(payload, 'changeId')),
    'billing.openCheckout': async (payload) => await work.openCheckout(idIn(payload, 'subscriptionId')),
    'billing.applyEvent': async (payload) => await work.applyEvent(idIn(payload, 'eventId')),
    'billing.closePage': async (payload) => await work.closePage(idIn(payload, 'subscriptionId')),
    'billing.endRenewal': async (payload) => await work.endRenewal(idIn(payload, 'subscriptionId')),
    'billing.endSubscription': async (payload) => await work.endSubscription(idIn(payload, 'subscriptionId')),
    'billing.settleStop': async (payload, { jobId }) => await work.settleStop(idIn(payload, 'stopId'), jobId, placeIn(payload)),
    'billing.alignCollection': async (payload) => await work.alignCollection(idIn(payload, 'subscriptionId'), idIn(payload, 'cause')),
    'billing.alignCollections': async (payload) =>
      await work.alignCollections({ cloneId: textIn(payload, 'cloneId') ?? null, at: new Date(idIn(payload, 'at')), after: idIn(payload, 'after') }),
    'billing.openPackCheckout': async (payload) => await work.openPackCheckout(idIn(payload, 'purchaseId')),
    'billing.sendCoinReturn': async (payload) => await work.sendCoinReturn(idIn(payload, 'refundId')),
    'billing.sendOwed': async (payload) => await work.sendOwed(idIn(payload, 'owedId')),
    'billing.reviewDispute': async (payload) => await work.reviewDispute(idIn(payload, 'disputeId')),
    'billing.reconcile': async (payload) => await work.runReconciliation(idIn(payload, 'reconciliationId')),
    'billing.sendRefund': async (payload) => await work.sendRefund(idIn(payload, 'refundId')),
  };
}

/** What ends ends within a minute; safe in any number of processes at once, since each clone is looked at alone. */
export function makeBillingTicks({ work }: Pick<Billing, 'work'>): Record<string, { everyMs: number; run: () => Promise<void> }> {
  return {
    'billing.lookAround': { everyMs: 60_000, run: () => work.lookAround() },
    'billing.reconcile': { everyMs: 600_000, run: () => work.reconcileSometimes() },
  };
}
