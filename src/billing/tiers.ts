import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { BillingDeps, GrantFacts } from './deps.ts';
import * as refunds from './refund-store.ts';
import { stopped } from './sales.ts';
import { endingOf, unpaidOf } from './subscription-store.ts';
import * as store from './tier-store.ts';
import { kindOf, type OfferInput, offerTerms, type TierKind } from './tier-terms.ts';
import { tierView, type TierView } from './views.ts';

export interface TierInput extends OfferInput {
  cloneId: string;
  name: string;
  kind?: TierKind | undefined;
}

export interface OfferChange extends OfferInput {
  cloneId: string;
  tierId: string;
}

/** What the owner sells, inside the grant. */
export interface Tiers {
  /** The owner prices a tier that the grant names. Refuses `tier_outside_grant`, `tier_exists`, `money_*`, `not_found`, `stopped`. */
  createTier: (actor: Actor, key: IdempotencyKey, input: TierInput) => Promise<TierView>;
  /** Another version of the offer, for those who subscribe from now on. Refuses the same and `tier_unknown`. */
  changeTierOffer: (actor: Actor, key: IdempotencyKey, input: OfferChange) => Promise<TierView>;
  /**
   * Takes a tier off, or only the versions of its offer below one. What was sold runs to the end of what is paid and is not
   * renewed; a fan of an old version goes on by accepting the newest. Refuses `tier_unknown`.
   */
  removeTier: (actor: Actor, key: IdempotencyKey, input: { cloneId: string; tierId: string; belowVersion?: number | undefined }) => Promise<TierView>;
  /** Public: what can be bought. Refuses `not_found` for an unknown clone. */
  listTiers: (cloneId: string) => Promise<{ tiers: TierView[] }>;
  /** Job: gives a version of a tier's offer (the newest, without one) its prices at the processor. */
  publishTier: (tierId: string, version?: number) => Promise<void>;
  /** Job: tells the processor not to renew what was taken off; a part, and a job for the rest. `jobId` names this run of it, among others of the same tier. */
  endOffers: (tierId: string, jobId: string, after?: string) => Promise<void>;
}

/** The grant in force, for the clone's owner while anything is sold of it. */
async function grantOf(tx: Tx, deps: BillingDeps, actor: Actor, cloneId: string, at: Date): Promise<GrantFacts | null> {
  const owner = await deps.cloneOwner(tx, cloneId);
  if (owner !== actor.accountId) throw notFound();
  await refunds.lockSales(tx, cloneId, 'shared');
  if (await refunds.salesEnded(tx, cloneId, null)) throw stopped();
  return await deps.grantInForce(tx, cloneId, at);
}

function outside(): Refusal {
  return new Refusal('tier_outside_grant', 'The grant in force does not name this tier; amend the grant first.');
}

async function offer(tx: Tx, deps: BillingDeps, made: store.NewOffer): Promise<TierView> {
  const { tierId, version } = made;
  if (!(await store.insertOffer(tx, made))) throw new Refusal('tier_exists', 'Another offer of this tier was made at the same time; look again.');
  if (made.kind !== 'free') {
    const dedupeKey = `billing.publishTier:${tierId}:${version}`;
    await enqueue(tx, { topic: 'billing.publishTier', payload: { tierId, version }, runAt: deps.clock.now(), dedupeKey });
  }
  const tier = await store.findTier(tx, tierId);
  const [mine] = (await store.offersOf(tx, tierId)).filter((one) => one.version === version);
  if (tier === null || mine === undefined) throw new Error(`Tier ${tierId} has no offer.`);
  return tierView({ ...tier, ...mine, voiceOutputsPerPeriod: mine.outputsPerPeriod ?? 0, state: store.isReady(mine) ? 'ready' : 'creating' });
}

async function create(tx: Tx, deps: BillingDeps, actor: Actor, input: TierInput): Promise<TierView> {
  const at = deps.clock.now();
  const { cloneId, name, kind = kindOf(name) } = input;
  const grant = await grantOf(tx, deps, actor, cloneId, at);
  // What is wrong with the price is told before what is wrong with the grant: it is wrong in every grant.
  const terms = offerTerms(kind, input, null, (capability) => grant?.document.capabilities[capability] === true);
  if (grant?.document.tiers.includes(name) !== true || terms.capabilities.length === 0) throw outside();
  const tierId = deps.ids.next('tier');
  if (!(await store.insertTier(tx, { id: tierId, cloneId, name, kind, createdBy: actor.accountId, createdAt: at }))) {
    throw new Refusal('tier_exists', 'The clone has a tier of this name already, or one that is free; what it offers is changed by another offer.');
  }
  return await offer(tx, deps, { ...terms, tierId, cloneId, kind, version: 1, createdBy: actor.accountId, createdAt: at });
}

async function change(tx: Tx, deps: BillingDeps, actor: Actor, input: OfferChange): Promise<TierView> {
  const at = deps.clock.now();
  const { cloneId, tierId } = input;
  const grant = await grantOf(tx, deps, actor, cloneId, at);
  const locked = await store.lockTier(tx, tierId);
  const before = (await store.offersOf(tx, tierId)).at(-1);
  if (locked?.cloneId !== cloneId || before === undefined) throw notFound();
  if (locked.removedAt !== null) throw new Refusal('tier_unknown', 'The tier was taken off.');
  const { kind } = before;
  const terms = offerTerms(kind, input, before, (capability) => grant?.document.capabilities[capability] === true);
  if (grant?.document.tiers.includes(before.name) !== true) throw outside();
  return await offer(tx, deps, { ...terms, tierId, cloneId, kind, version: before.version + 1, createdBy: actor.accountId, createdAt: at });
}

async function remove(tx: Tx, deps: BillingDeps, actor: Actor, { cloneId, tierId, belowVersion }: Parameters<Tiers['removeTier']>[2]): Promise<TierView> {
  const at = deps.clock.now();
  if ((await deps.cloneOwner(tx, cloneId)) !== actor.accountId) throw notFound();
  const locked = await store.lockTier(tx, tierId);
  const tier = await store.findTier(tx, tierId);
  if (locked?.cloneId !== cloneId || tier === null) throw notFound();
  // The version on offer is taken off with the tier alone, or there would be nothing to go on with.
  if (belowVersion !== undefined && belowVersion > tier.version) throw new Refusal('tier_unknown', 'The tier has no offer of that version yet.');
  await store.withdraw(tx, tierId, { below: belowVersion ?? null, at });
  await enqueue(tx, { topic: 'billing.endOffers', payload: { tierId }, runAt: at, dedupeKey: `billing.endOffers:${tierId}:${belowVersion ?? 'all'}` });
  return tierView(tier);
}

const BATCH = 100;

function makeEndOffers(deps: BillingDeps): Tiers['endOffers'] {
  const { runTx, provider, clock } = deps;
  return async function endOffers(tierId, jobId, after = '') {
    const rows = await runTx(async (tx) => {
      // A page of what is not sold any more is closed; one that was paid before is delivered, and not renewed.
      for (const subscriptionId of after === '' ? await unpaidOf(tx, tierId) : []) {
        const dedupeKey = `billing.closePage:${subscriptionId}`;
        await enqueue(tx, { topic: 'billing.closePage', payload: { subscriptionId }, runAt: clock.now(), dedupeKey });
      }
      return await endingOf(tx, tierId, after, BATCH);
    });
    // By a key of this run: who accepted a newer offer was renewed again meanwhile, and the processor repeats what it answered to a key that it knows.
    for (const { id, stripeSubscription } of rows) await provider.setCancelAtPeriodEnd(stripeSubscription, true, `withdrawn:${jobId}:${id}`);
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return;
    const payload = { tierId, after: last.id };
    await runTx((tx) => enqueue(tx, { topic: 'billing.endOffers', payload, runAt: clock.now(), dedupeKey: `billing.endOffers:${jobId}:rest` }));
  };
}

export function makeTiers(deps: BillingDeps): Tiers {
  const { runTx, provider } = deps;
  return {
    createTier: (actor, key, input) => runTx((tx) => once(tx, key, () => create(tx, deps, actor, input))),
    changeTierOffer: (actor, key, input) => runTx((tx) => once(tx, key, () => change(tx, deps, actor, input))),

    removeTier: (actor, key, input) => runTx((tx) => once(tx, key, () => remove(tx, deps, actor, input))),
    endOffers: makeEndOffers(deps),

    async listTiers(cloneId) {
      return await runTx(async (tx) => {
        if ((await deps.cloneOwner(tx, cloneId)) === null) throw notFound();
        return { tiers: (await store.tiersOf(tx, cloneId)).map(tierView) };
      });
    },

    async publishTier(tierId, version) {
      const offers = await runTx((tx) => store.offersOf(tx, tierId));
      const made = version === undefined ? offers.at(-1) : offers.find((one) => one.version === version);
      if (made === undefined || store.isReady(made)) return;
      const { cloneId, name, currency } = made;
      const productId = made.stripeProduct ?? await provider.createProduct({ tierId, cloneId, name });
      await runTx((tx) => store.putProduct(tx, tierId, productId));
      for (const [interval, priceMinor] of [['month', made.priceMinor], ['year', made.yearPriceMinor]] as const) {
        if (priceMinor === null) continue;
        const stripePrice = await provider.createPrice({ tierId, cloneId, productId, version: made.version, interval, priceMinor, currency });
        await runTx((tx) => store.putPrice(tx, { tierId, version: made.version, interval, stripePrice }));
      }
    },
  };
}
