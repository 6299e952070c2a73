import type { Handlers } from '../../contracts/generated/contract.ts';
import { signedIn, writeKey } from '../kernel/actor.ts';
import type { RequestContext } from '../kernel/request.ts';
import type { Billing } from './service.ts';

type Mine = Pick<Handlers<RequestContext>,
  'listTiers' | 'createTier' | 'changeTierOffer' | 'removeTier' | 'subscribe' | 'getSubscription' | 'getEntitlement' | 'quotePlanChange' | 'changePlan'
  | 'openBillingPortal' | 'acceptTierOffer' | 'withdrawPlanChange' | 'cancelSubscription' | 'resumeSubscription' | 'answerRemains' | 'receiveStripeEvent'>;

/** The contract types a raw JSON body as text; the router hands over its bytes (`x-raw-body`). */
function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new TypeError('a raw body was parsed before it reached its handler');
}

type PlanHandlers = Pick<Mine, 'openBillingPortal' | 'quotePlanChange' | 'changePlan' | 'acceptTierOffer' | 'withdrawPlanChange' | 'cancelSubscription' | 'resumeSubscription' | 'answerRemains'>;

function makePlanHandlers(billing: Billing): PlanHandlers {
  return {
    async openBillingPortal(_input, context) {
      return { status: 201, body: await billing.openBillingPortal(signedIn(context)) };
    },
    async quotePlanChange(input, context) {
      return { status: 200, body: await billing.quotePlanChange(signedIn(context), input.path.subscriptionId, input.body) };
    },
    async changePlan(input, context) {
      return { status: 201, body: await billing.changePlan(signedIn(context), writeKey(context), input.path.subscriptionId, input.body) };
    },
    async acceptTierOffer(input, context) {
      return { status: 201, body: await billing.acceptTierOffer(signedIn(context), writeKey(context), input.path.subscriptionId, input.body) };
    },
    async withdrawPlanChange(input, context) {
      return { status: 200, body: await billing.withdrawPlanChange(signedIn(context), writeKey(context), input.path.subscriptionId) };
    },
    async answerRemains(input, context) {
      return { status: 200, body: await billing.answerRemains(signedIn(context), writeKey(context), input.path.subscriptionId, input.body) };
    },
    async cancelSubscription(input, context) {
      return { status: 200, body: await billing.cancelSubscription(signedIn(context), writeKey(context), input.path.subscriptionId) };
    },
    async resumeSubscription(input, context) {
      return { status: 200, body: await billing.resumeSubscription(signedIn(context), writeKey(context), input.path.subscriptionId) };
    },
  };
}

export function makeBillingHandlers(billing: Billing): Mine {
  return {
    ...makePlanHandlers(billing),
    async removeTier(input, context) {
      return { status: 200, body: await billing.removeTier(signedIn(context), writeKey(context), { ...input.path, ...input.body }) };
    },
    async listTiers(input) {
      return { status: 200, body: await billing.listTiers(input.path.cloneId) };
    },
    async createTier(input, context) {
      return { status: 201, body: await billing.createTier(signedIn(context), writeKey(context), { ...input.path, ...input.body }) };
    },
    async changeTierOffer(input, context) {
      return { status: 201, body: await billing.changeTierOffer(signedIn(context), writeKey(context), { ...input.path, ...input.body }) };
    },
    async getEntitlement(input, context) {
      return { status: 200, body: await billing.getEntitlement(signedIn(context), input.path.cloneId) };
    },
    async subscribe(input, context) {
      const asked = { cloneId: input.path.cloneId, ...input.body };
      return { status: 201, body: await billing.subscribe(signedIn(context), writeKey(context), asked) };
    },
    async getSubscription(input, context) {
      return { status: 200, body: await billing.getSubscription(signedIn(context), input.path.subscriptionId) };
    },
    async receiveStripeEvent(input) {
      return { status: 200, body: await billing.receiveStripeEvent(bytesOf(input.body), input.headers['stripe-signature']) };
    },
  };
}
