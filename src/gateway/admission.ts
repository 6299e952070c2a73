import type { Decision } from '../consent/index.ts';
import { COINS_PER_CNY } from '../kernel/money.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import * as approvals from './approval-store.ts';
import { labelsOf } from './content.ts';
import type { GatewayDeps } from './deps.ts';
import { type DecidedGate, expectedSeconds, type Listener, MEDIUM_OF, type OutputRequest, readScript, territoryOf } from './model.ts';
import * as store from './store.ts';
import { STREAM_FETCH_MS, watchStream } from './ending.ts';

export interface Admitted {
  admitted: true;
  outputId: string;
  decisionId: string;
  /** What is left of the paid period's quota or of the free turns; null without a limit, and where none is used: the owner's probes, licences. */
  left: number | null;
}

export interface NotAdmitted {
  admitted: false;
  outputId: string;
  decisionId: string;
  clauses: string[];
  /** What is still left: nothing was taken. */
  left: number | null;
}

/** What was asked, by whom, with the script as it will be said. */
export interface Considered {
  request: OutputRequest;
  listener: Listener;
  script: string;
}

/** The steps that an output passes in its request's own transaction. */
export interface Admission {
  entitlement(tx: Tx, request: OutputRequest): Promise<Listener>;
  content(request: OutputRequest): Promise<string>;
  decide(tx: Tx, considered: Considered): Promise<Decision>;
  hold(tx: Tx, considered: Considered, decision: Decision): Promise<Admitted>;
  deny(tx: Tx, considered: Considered, decision: Decision): Promise<NotAdmitted>;
}

type Deps = Pick<GatewayDeps, 'clock' | 'ids' | 'identity' | 'consent' | 'billing' | 'ownerShare'>;

/** What a licence entitles to: no sale stands behind it, so the organisation's own country is the only one there is. */
function licensee(nobody: Listener, { licenceId, document }: Awaited<ReturnType<Deps['consent']['licensed']>>): Listener {
  const [tierName = null] = document.terms.tiers;
  return { ...nobody, licenceId, tierName, billingCountry: nobody.declaredCountry };
}

/** One output for coins, where the owner asks no more than the fan would pay; null where not. */
async function offeredForCoins(
  deps: Pick<Deps, 'clock' | 'billing' | 'ownerShare'>, tx: Tx, { accountId, cloneId, maxCoins }: OutputRequest, tierId: string | null,
): Promise<Pick<Listener, 'subscription' | 'tierName' | 'billingCountry' | 'sale'> | null> {
  const offer = maxCoins === undefined ? null : await deps.billing.coinOffer(tx, { accountId, cloneId, tierId });
  if (offer === null || offer.coins > BigInt(maxCoins ?? '0')) return null;
  const ownerBasisPoints = (await deps.ownerShare?.(tx, cloneId, deps.clock.now())) ?? null;
  return {
    subscription: { coinsAccountId: accountId, cloneId, tierId: offer.tierId, coins: offer.coins }, tierName: offer.tierName, billingCountry: offer.billingCountry,
    sale: { priceMinor: (offer.coins * 100n / COINS_PER_CNY).toString(), currency: 'CNY', ownerBasisPoints },
  };
}

/** Who listens, and what they paid for. Without a subscription the decision itself says no, and leaves its receipt. */
export async function entitlement(
  deps: Pick<Deps, 'clock' | 'identity' | 'billing' | 'consent' | 'ownerShare'>, tx: Tx, request: OutputRequest,
): Promise<Listener> {
  const { accountId, cloneId, audience, licenceId } = request;
  const declaredCountry = (await deps.identity.account(tx, accountId))?.country ?? null;
  // Nobody is asked for an age yet; only a grant that names the undeclared covers them.
  const nobody: Listener = { subscription: null, left: null, licenceId: null, tierName: null, declaredCountry, billingCountry: null, ageBand: 'undeclared', sale: null, instant: true };
  if (audience === 'owner') return nobody;
  if (licenceId !== undefined) return licensee(nobody, await deps.consent.licensed(tx, { licenceId, accountId, cloneId, at: deps.clock.now() }));
  const entitled = await deps.billing.entitlement(tx, { accountId, cloneId, at: deps.clock.now() });
  const offer = entitled === null || entitled.voiceOutputsLeft === 0 ? await offeredForCoins(deps, tx, request, entitled?.tierId ?? null) : null;
  if (offer !== null) return { ...nobody, ...offer, billingCountry: offer.billingCountry ?? entitled?.billingCountry ?? null };
  if (entitled === null) return nobody;
  const { source, tierName, billingCountry, priceMinor, currency, voiceOutputsLeft: left } = entitled;
  const ownerBasisPoints = (await deps.ownerShare?.(tx, cloneId, deps.clock.now())) ?? null;
  return { ...nobody, subscription: source, left, tierName, billingCountry, sale: { priceMinor, currency, ownerBasisPoints }, instant: entitled.instantReplies };
}

export async function decide(deps: Pick<Deps, 'clock' | 'consent'>, tx: Tx, considered: Considered): Promise<Decision> {
  const { request, listener, script } = considered;
  const decision = await deps.consent.decide(tx, {
    act: 'make', cloneId: request.cloneId, capability: request.capability, medium: MEDIUM_OF[request.capability],
    language: request.language, audience: request.audience, requester: request.accountId, licensee: listener.licenceId === null ? 'platform' : request.accountId,
    tierName: listener.tierName, declaredCountry: listener.declaredCountry, billingCountry: listener.billingCountry,
    ageBand: listener.ageBand, purpose: request.purpose, work: request.work ?? null, source: null, text: script,
    labels: labelsOf(script, request.labels ?? {}), explicitLabel: true, seconds: expectedSeconds(script), sale: listener.sale, at: deps.clock.now(),
  });
  if (decision.licenceId !== listener.licenceId) throw new Refusal('gate_changed', 'Another licence began meanwhile; ask again.');
  return decision;
}

function gatesOf(decision: Decision): DecidedGate[] {
  return decision.gates.map(({ gateId, kind, epoch }) => ({ gateId, kind, epoch: epoch.toString() }));
}

/** What an output row says of its request and decision, however that went. */
function asked(outputId: string, { request, listener, script }: Considered, decision: Decision, at: Date) {
  return {
    id: outputId, cloneId: request.cloneId, requester: request.accountId, audience: request.audience, capability: request.capability,
    language: request.language, purpose: request.purpose, script, probe: request.probe?.name ?? null, delivery: request.delivery,
    // The owner hears a probe anywhere in the world: the strictest disclosure.
    territory: request.audience === 'owner' ? null : territoryOf(listener),
    decisionId: decision.decisionId, gates: gatesOf(decision), licenceId: decision.licenceId, requestedAt: at,
  };
}

/** How long a turn without instant replies lets those with them go first; beyond it, it has its place like any other. */
const YIELD_SECONDS = 600;

/** Reserves what a fan will be charged, and writes the output with its job. Refuses `quota_exhausted`, `unavailable`. */
export async function hold(
  deps: Pick<Deps, 'clock' | 'ids' | 'billing' | 'consent'>, tx: Tx, considered: Considered, decision: Decision,
): Promise<Admitted> {
  const { request, listener } = considered;
  if (request.capability !== 'voice') {
    throw new Refusal('unavailable', `The owner allows ${request.capability}, but only voice is rendered here so far.`);
  }
  const { grantId, grantDigest, expiresAt } = decision;
  const versionId = request.probe?.versionId ?? decision.versionId;
  if (grantId === null || grantDigest === null || expiresAt === null || versionId === null) {
    throw new Error(`Decision ${decision.decisionId} allows without a grant or a version.`);
  }
  const at = deps.clock.now();
  const outputId = deps.ids.next('output');
  if (request.audience === 'fan') {
    const seconds = expectedSeconds(considered.script);
    await deps.consent.takeVolume(tx, { outputId, grantId, licenceId: decision.licenceId, capability: request.capability, seconds, at });
  }
  const held = listener.subscription === null ? null : await deps.billing.hold(tx, { ...listener.subscription, outputId, capability: request.capability, at });
  if (held === null && request.audience === 'fan' && listener.licenceId === null) throw new Error(`Decision ${decision.decisionId} allows what nobody paid for.`);
  await store.insertOutput(tx, {
    ...asked(outputId, considered, decision, at), state: 'queued', versionId, grantId, grantDigest, expiresAt, holdId: held?.holdId ?? null,
  });
  const { mode, undoHours } = decision.approval;
  if (mode === 'before' && request.delivery === 'stream') throw new Refusal('unavailable', 'The owner looks at each output first; ask for a file.');
  if (request.audience === 'fan' && mode !== 'none') await approvals.insert(tx, { outputId, cloneId: request.cloneId, mode, undoHours });
  // A stream is made while somebody listens; nobody who asks for one and does not come holds quota for ever.
  if (request.delivery === 'stream') await watchStream(tx, outputId, new Date(at.getTime() + STREAM_FETCH_MS));
  else {
    const yieldSeconds = listener.instant ? 0 : YIELD_SECONDS;
    await enqueue(tx, { topic: 'gateway.render', payload: { outputId }, runAt: at, dedupeKey: `gateway.render:${outputId}`, yieldSeconds });
  }
  return { admitted: true, outputId, decisionId: decision.decisionId, left: held?.left ?? null };
}

/** A denial is an output too: the owner sees what was asked of her clone. Nothing is held. */
export async function deny(
  deps: Pick<Deps, 'clock' | 'ids'>, tx: Tx, considered: Considered, decision: Decision,
): Promise<NotAdmitted> {
  const outputId = deps.ids.next('output');
  await store.insertOutput(tx, {
    ...asked(outputId, considered, decision, deps.clock.now()), state: 'denied', holdId: null,
    versionId: considered.request.probe?.versionId ?? decision.versionId, grantId: decision.grantId, grantDigest: decision.grantDigest,
    expiresAt: decision.expiresAt,
  });
  return { admitted: false, outputId, decisionId: decision.decisionId, clauses: decision.clauses, left: considered.listener.left };
}

export function makeAdmission(deps: Deps): Admission {
  return {
    entitlement: (tx, request) => entitlement(deps, tx, request),
    content: async (request) => readScript(request.script),
    decide: (tx, considered) => decide(deps, tx, considered),
    hold: (tx, considered, decision) => hold(deps, tx, considered, decision),
    deny: (tx, considered, decision) => deny(deps, tx, considered, decision),
  };
}
