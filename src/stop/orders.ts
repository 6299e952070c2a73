import type { SignatureInput } from '../identity/index.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import type { StopDeps } from './deps.ts';
import { isOrderFor, type QuoteDocument, recordOf } from './model.ts';
import { quoteOf } from './quotes.ts';
import { salesOf, type Scope, scopeGate, shut } from './scope.ts';
import * as store from './store.ts';

export interface Ordered {
  stopId: string;
  /** Whether a gate was shut, which gateways confirm; a wind-down shuts nothing before its end. */
  shut: boolean;
}

interface Asked {
  stopId: string;
  cloneId: string;
  quoteId: string;
  signature: SignatureInput;
}

/** The quote, if it is this owner's of this clone. */
function quotedFor(row: store.QuoteRow | null, actor: Actor, asked: Asked): { quoted: QuoteDocument; digest: string } {
  const quoted = row === null ? null : quoteOf(row);
  if (row === null || quoted?.cloneId !== asked.cloneId || quoted.ownerAccountId !== actor.accountId) throw notFound();
  return { quoted, digest: row.digest };
}

/**
 * The order's transaction: the signature over exactly the quote's order, then the gate and the money together. Stops take turns
 * only once the signature is verified: that is arithmetic, and nobody has to wait for it.
 */
export async function order(deps: StopDeps, tx: Tx, actor: Actor, asked: Asked): Promise<Ordered> {
  const at = deps.clock.now();
  const { stopId, cloneId } = asked;
  const [row, whole] = await Promise.all([
    store.loadQuote(tx, asked.quoteId), scopeGate(deps, tx, actor, { kind: 'clone', cloneId, target: null }, 'orderStop'),
  ]);
  const { quoted, digest } = quotedFor(row, actor, asked);
  const scope: Scope = { kind: quoted.scope ?? 'clone', cloneId, target: quoted.target ?? null };
  const { gateId } = scope.kind === 'clone' ? whole : await scopeGate(deps, tx, actor, scope, 'orderStop');
  const already = await alreadyStopped(tx, gateId);
  if (already !== null) return already;
  if (at.getTime() >= Date.parse(quoted.expiresAt)) throw new Refusal('quote_stale', 'This quote is too old; read a new one and sign that.');
  const signed = await deps.identity.completeSignature(tx, actor, asked.signature, { documentType: 'stop_order' });
  if (!isOrderFor(signed.document, quoted, digest)) {
    throw new Refusal('signature_mismatch', 'What was signed is not the order for this quote.');
  }
  const paper = { quoteId: quoted.quoteId, signedDocumentId: signed.id, orderedBy: actor.accountId, orderedAt: at };
  return quoted.kind === 'wind_down'
    ? await windDown(deps, tx, { stopId, scope, gateId, endsAt: new Date(quoted.endsAt ?? at), signed, ...paper })
    : await existence(deps, tx, { stopId, scope, gateId, signed, ...paper });
}

/** The stop that this gate was ordered to, by whom and under whatever quote; an order that comes second is answered with it. */
async function alreadyStopped(tx: Tx, gateId: string): Promise<Ordered | null> {
  const stop = await store.loadStopOfGate(tx, gateId);
  return stop === null ? null : { stopId: stop.stopId, shut: stop.epoch !== null };
}

type Paper = Pick<store.StopRow, 'quoteId' | 'signedDocumentId' | 'orderedBy' | 'orderedAt'>
  & { stopId: string; scope: Scope; gateId: string; signed: { digest: string; evidenceSha256: string } };

async function existence(deps: StopDeps, tx: Tx, { scope, gateId, signed, ...stop }: Paper): Promise<Ordered> {
  const { stopId, orderedBy, orderedAt } = stop;
  const cloneId = scope.cloneId ?? '';
  const { gate, releases } = await shut(deps, tx, { stopId, kind: 'existence', scope, gateId, reason: 'stop.ordered', by: orderedBy, orderedAt, holder: 'owner' });
  if (releases === null) {
    // Somebody else's order came while this one was verified. That signature is kept, and changes nothing.
    const first = await alreadyStopped(tx, gateId);
    if (first === null) throw new Refusal('stop_state', 'This was stopped already.');
    return first;
  }
  const { epoch } = gate;
  const sales = await salesOf(deps, tx, scope);
  const record = recordOf({ stopId, cloneId, kind: 'existence', scope: scope.kind, target: scope.target, endsAt: null, epoch, releases, orderedAt }, signed);
  const [{ leafId }] = await Promise.all([
    deps.transparency.append(tx, { type: 'stop.ordered', subjectId: cloneId, at: orderedAt, document: { ...record } }),
    deps.billing.settleStop(tx, { stopId, cloneId, at: orderedAt, ...sales }),
  ]);
  await store.insertStop(tx, { ...stop, cloneId, epoch, releases, leafId });
  return { stopId, shut: true };
}

/** From now on nothing new is sold; what was sold is delivered and earned until the notice period ends. */
async function windDown(deps: StopDeps, tx: Tx, { scope, gateId, signed, endsAt, ...stop }: Paper & { endsAt: Date }): Promise<Ordered> {
  const { stopId, orderedAt } = stop;
  const cloneId = scope.cloneId ?? '';
  await store.lockStops(tx);
  const first = await alreadyStopped(tx, gateId);
  if (first !== null) return first;
  await deps.billing.endSales(tx, { stopId, cloneId, at: orderedAt, tierIds: (await salesOf(deps, tx, scope)).tierIds });
  const record = recordOf({ stopId, cloneId, kind: 'wind_down', scope: scope.kind, target: scope.target, endsAt, epoch: null, releases: null, orderedAt }, signed);
  const { leafId } = await deps.transparency.append(tx, { type: 'stop.ordered', subjectId: cloneId, at: orderedAt, document: { ...record } });
  await store.insertWindDown(tx, { ...stop, cloneId, scope: scope.kind, gateId, leafId, endsAt });
  await enqueue(tx, { topic: 'stop.endWindDown', payload: { stopId }, runAt: endsAt, dedupeKey: `stop.endWindDown:${stopId}` });
  return { stopId, shut: false };
}

/** Job: the notice period is over. Again, or after an existence stop: nothing. Answers whether a gate was shut now. */
export async function endWindDown(deps: StopDeps, tx: Tx, stopId: string): Promise<boolean> {
  await store.lockStops(tx);
  const stop = await store.loadStop(tx, stopId);
  if (stop?.endsAt == null) throw new Error(`There is no wind-down ${stopId}.`);
  if (deps.clock.now() < stop.endsAt) throw new Error(`Wind-down ${stopId} ends in the future.`);
  if (stop.epoch !== null) return false;
  const scope: Scope = { kind: stop.scope, cloneId: stop.cloneId, target: stop.target };
  const { releases } = await shut(deps, tx, {
    stopId, kind: 'wind_down', scope, gateId: stop.gateId, reason: 'wind_down.ended', by: stop.orderedBy, orderedAt: stop.orderedAt, holder: 'owner',
  });
  if (releases === null) return false;
  await deps.billing.settleStop(tx, { stopId, cloneId: stop.cloneId, at: stop.endsAt, reason: 'wind_down', ...(await salesOf(deps, tx, scope)) });
  return true;
}

/**
 * The house's own stop, in the caller's transaction: for a notice that was upheld or a death that was reported. A pause is
 * held by `holder` until that is lifted. The job acknowledges it. Answers null when it was shut already.
 */
export async function stopByHouse(
  deps: StopDeps, tx: Tx, asked: { cloneId: string; kind: 'pause' | 'existence'; holder: string; reason: string; by: string },
): Promise<{ stopId: string } | null> {
  const at = deps.clock.now();
  const scope: Scope = { kind: 'clone', cloneId: asked.cloneId, target: null };
  await deps.gates.ensure(tx, { cloneId: asked.cloneId, at, by: asked.by });
  const gate = await deps.gates.ofScope(tx, scope);
  if (gate === null) throw notFound();
  const stopId = deps.ids.next('stop');
  const { releases } = await shut(deps, tx, { ...asked, stopId, scope, gateId: gate.gateId, orderedAt: at, takeOverMs: 0 });
  if (releases === null) return null;
  if (asked.kind === 'existence') await deps.billing.settleStop(tx, { stopId, cloneId: asked.cloneId, at });
  return { stopId };
}
