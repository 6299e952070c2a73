import type { components } from '../../contracts/generated/api.ts';
import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import type { SignatureInput } from '../identity/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { Level } from './derivative-model.ts';
import * as store from './derivative-store.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { checkStart } from './split-start.ts';
import * as splits from './split-store.ts';

export type DerivativeTermJson = components['schemas']['DerivativeTerm'];
type TermDocument = components['schemas']['DerivativeDocument'];
type TermRecord = NonNullable<DerivativeTermJson['record']>;

export interface TermInput {
  originalCloneId: string;
  upstreamBasisPoints: number;
  ceilingBasisPoints: number;
  effectiveFrom: Day;
}

/** Derivatives by licence: a share of what they earn goes to the originals' owners, within a ceiling over all levels. */
export interface Derivatives {
  draftDerivativeTerm: (actor: Actor, key: IdempotencyKey, cloneId: string, input: TermInput) => Promise<DerivativeTermJson>;
  listDerivativeTerms: (actor: Actor, cloneId: string) => Promise<{ terms: DerivativeTermJson[] }>;
  getDerivativeTerm: (actor: Actor, derivativeId: string) => Promise<DerivativeTermJson>;
  signDerivativeTerm: (actor: Actor, key: IdempotencyKey, derivativeId: string, input: { signature: SignatureInput }) => Promise<DerivativeTermJson>;
}

/** Originals of originals beyond this many are not looked for. */
const LEVELS_MAX = 8;

/** The originals above a clone on a day, the nearest first, with the ceiling that the nearest term sets; null for an original. */
export async function upstreamOf(tx: Tx, cloneId: string, day: Day): Promise<{ levels: Level[]; ceilingBasisPoints: number } | null> {
  const own = await store.termOn(tx, cloneId, day);
  if (own === null) return null;
  const levels: Level[] = [];
  for (let term: store.TermRow | null = own; term !== null && levels.length < LEVELS_MAX; term = await store.termOn(tx, term.originalCloneId, day)) {
    levels.push({ derivativeId: term.id, payee: term.originalOwnerId, upstreamBasisPoints: term.upstreamBasisPoints });
  }
  return { levels, ceilingBasisPoints: own.ceilingBasisPoints };
}

const signersOf = (row: Pick<store.TermRow, 'derivativeOwnerId' | 'originalOwnerId'>): string[] => [row.derivativeOwnerId, row.originalOwnerId];

function mayRead(actor: Actor, row: store.TermRow): boolean {
  return actor.roles.includes('operator') || signersOf(row).includes(actor.accountId);
}

async function viewOf(tx: Tx, row: store.TermRow): Promise<DerivativeTermJson> {
  const signatures = await store.signaturesOf(tx, row.id);
  const signed = new Set(signatures.map((one) => one.signer));
  return {
    derivativeId: row.id, cloneId: row.cloneId, number: row.number, originalCloneId: row.originalCloneId, state: row.state, effectiveFrom: row.effectiveFrom,
    document: JSON.parse(row.canonical) as TermDocument, canonical: row.canonical, digest: row.digest,
    signatures: signatures.map(({ signer, signedDocumentId, signedAt }) => ({ signer, signedDocumentId, signedAt: signedAt.toISOString() })),
    missing: signersOf(row).filter((signer) => !signed.has(signer)), signedAt: row.signedAt?.toISOString() ?? null,
    record: row.record === null ? null : (JSON.parse(row.record) as TermRecord), leafId: row.leafId,
  };
}

async function read(tx: Tx, id: string): Promise<DerivativeTermJson> {
  const row = await store.findTerm(tx, id);
  if (row === null) throw notFound();
  return await viewOf(tx, row);
}

/** Refuses `derivative_invalid` a chain that comes back to itself, is too long, or whose originals alone are more than the ceiling. */
async function checkChain(tx: Tx, cloneId: string, { originalCloneId, upstreamBasisPoints, ceilingBasisPoints, effectiveFrom }: TermInput): Promise<void> {
  const invalid = (detail: string): Refusal => new Refusal('derivative_invalid', detail);
  if (upstreamBasisPoints > ceilingBasisPoints) throw invalid('The share of the original is more than the ceiling over all of them.');
  let above = 0;
  let levels = 1;
  for (let at = originalCloneId; ; levels += 1) {
    if (at === cloneId) throw invalid('A clone is no derivative of itself, nor of its own derivatives.');
    const term = (await store.termOn(tx, at, effectiveFrom)) ?? (await store.newestSigned(tx, at));
    if (term === null) break;
    if (levels >= LEVELS_MAX) throw invalid(`A derivative has at most ${LEVELS_MAX} originals above it.`);
    above += term.upstreamBasisPoints;
    at = term.originalCloneId;
  }
  if (above > ceilingBasisPoints) throw invalid(`The originals of the original have ${above} basis points already, more than the ceiling.`);
}

async function draft(tx: Tx, deps: RoyaltiesDeps, actor: Actor, cloneId: string, input: TermInput): Promise<DerivativeTermJson> {
  const clone = await deps.clones.clone(tx, cloneId);
  if (clone?.ownerAccountId !== actor.accountId) throw notFound();
  const original = await deps.clones.clone(tx, input.originalCloneId);
  if (original === null) throw new Refusal('derivative_invalid', 'There is no such original.');
  if (original.ownerAccountId === actor.accountId) throw new Refusal('derivative_invalid', 'Nobody owes a share to themselves.');
  await splits.lockClone(tx, cloneId);
  await checkChain(tx, cloneId, input);
  await checkStart(tx, cloneId, input.effectiveFrom, { takes: false });
  const nameOf = async (accountId: string): Promise<string> => {
    const account = await deps.identity.account(tx, accountId);
    if (account === null) throw new Error(`There is no account ${accountId}.`);
    return account.displayName;
  };
  const id = deps.ids.next('derivative');
  const number = await store.nextNumber(tx, cloneId);
  const draftedAt = deps.clock.now();
  const { originalCloneId, upstreamBasisPoints, ceilingBasisPoints, effectiveFrom } = input;
  const owners = { derivativeOwnerId: actor.accountId, originalOwnerId: original.ownerAccountId };
  const document: TermDocument = {
    type: 'benren.derivative', schemaVersion: 1, derivativeId: id, number: `${number}`, cloneId, cloneName: clone.name, ...owners,
    derivativeOwnerName: await nameOf(owners.derivativeOwnerId), originalCloneId, originalName: original.name,
    originalOwnerName: await nameOf(owners.originalOwnerId), upstreamBasisPoints, ceilingBasisPoints, effectiveFrom, at: draftedAt.toISOString(),
  };
  const canonical = canonicalJson(document);
  await store.insertTerm(tx, {
    id, cloneId, number, ...owners, originalCloneId, upstreamBasisPoints, ceilingBasisPoints, effectiveFrom, canonical, digest: sha256Hex(canonical), draftedAt,
  });
  return await read(tx, id);
}

/** Both have signed: it acts from its day, and only splits that name it divide from then on. */
async function complete(tx: Tx, deps: RoyaltiesDeps, row: store.TermRow): Promise<void> {
  const newest = await store.newestSigned(tx, row.cloneId);
  if (newest !== null && newest.number > row.number) throw new Refusal('derivative_state', 'A newer term of this clone is signed already; draft another.');
  await checkChain(tx, row.cloneId, row);
  await checkStart(tx, row.cloneId, row.effectiveFrom, { takes: false });
  const signedAt = deps.clock.now();
  const signatures: TermRecord['signatures'] = [];
  for (const { signer, signedDocumentId } of await store.signaturesOf(tx, row.id)) {
    const signed = await deps.identity.signedDocument(tx, signedDocumentId);
    if (signed === null) throw new Error(`The term ${row.id} has lost a signature.`);
    signatures.push({ signer, evidenceSha256: signed.evidenceSha256 });
  }
  const record: TermRecord = {
    type: 'benren.derivative_record', schemaVersion: 1, derivativeId: row.id, cloneId: row.cloneId, termSha256: row.digest, signatures,
    signedAt: signedAt.toISOString(),
  };
  const document: JsonObject = { ...record };
  const { leafId } = await deps.transparency.append(tx, { type: 'derivative.signed', subjectId: row.cloneId, at: signedAt, document });
  await store.completeTerm(tx, row, { signedAt, record: canonicalJson(record), leafId });
}

async function sign(tx: Tx, deps: RoyaltiesDeps, actor: Actor, id: string, signature: SignatureInput): Promise<DerivativeTermJson> {
  const seen = await store.findTerm(tx, id);
  if (seen === null || !signersOf(seen).includes(actor.accountId)) throw notFound();
  await splits.lockClone(tx, seen.cloneId);
  await splits.lockSplits(tx, seen.cloneId, 'alone');
  const row = await store.lockTerm(tx, id);
  if (row === null) throw notFound();
  if ((await store.signaturesOf(tx, id)).some((one) => one.signer === actor.accountId)) {
    throw new Refusal('derivative_state', 'This signature is there already.');
  }
  const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'derivative' });
  if (signed.canonical !== row.canonical) throw new Refusal('signature_mismatch', 'What was signed is not the document of this term.');
  await store.insertSignature(tx, id, { signer: actor.accountId, signedDocumentId: signed.id, signedAt: signed.signedAt });
  const there = new Set((await store.signaturesOf(tx, id)).map((one) => one.signer));
  if (signersOf(row).every((one) => there.has(one))) await complete(tx, deps, row);
  return await read(tx, id);
}

export function makeDerivatives(deps: RoyaltiesDeps): Derivatives {
  const { runTx } = deps;
  return {
    draftDerivativeTerm: (actor, key, cloneId, input) => runTx((tx) => once(tx, key, () => draft(tx, deps, actor, cloneId, input))),

    getDerivativeTerm: (actor, id) => runTx(async (tx) => {
      const row = await store.findTerm(tx, id);
      if (row === null || !mayRead(actor, row)) throw notFound();
      return await viewOf(tx, row);
    }),

    listDerivativeTerms: (actor, cloneId) => runTx(async (tx) => {
      const clone = await deps.clones.clone(tx, cloneId);
      const terms: DerivativeTermJson[] = [];
      for (const row of await store.termsOf(tx, cloneId)) {
        if (mayRead(actor, row)) terms.push(await viewOf(tx, row));
      }
      const known = clone !== null && (clone.ownerAccountId === actor.accountId || actor.roles.includes('operator'));
      if (!known && terms.length === 0) throw notFound();
      return { terms };
    }),

    signDerivativeTerm: (actor, key, id, { signature }) => runTx((tx) => once(tx, key, () => sign(tx, deps, actor, id, signature))),
  };
}
