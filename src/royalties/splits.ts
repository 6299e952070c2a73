import type { components } from '../../contracts/generated/api.ts';
import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { addDays, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import type { SignatureInput } from '../identity/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { RoyaltiesDeps } from './deps.ts';
import {
  baseOf, checkSplit, DEFAULT_BASE, NO_RESERVE, PLATFORM, PLATFORM_NAME, type ReserveTerms, roleOf, signersOf, type SplitLeg, type SplitLegInput,
} from './model.ts';
import { newestSigned } from './derivative-store.ts';
import type { SignatureRow } from './document-store.ts';
import { segmentsOf } from './split-days-model.ts';
import { checkStart } from './split-start.ts';
import * as store from './split-store.ts';

export type SplitJson = components['schemas']['Split'];
type SplitDocument = components['schemas']['SplitDocument'];
type SplitRecord = NonNullable<SplitJson['record']>;

export interface SplitInput {
  legs: readonly SplitLegInput[];
  base?: string;
  refundFeeBearer?: string;
  reserve?: ReserveTerms;
  effectiveFrom: Day;
}

/** Who gets which share, signed by everybody whom it concerns. */
export interface Splits {
  draftSplit(actor: Actor, key: IdempotencyKey, cloneId: string, input: SplitInput): Promise<SplitJson>;
  getSplit(actor: Actor, splitId: string): Promise<SplitJson>;
  listSplits(actor: Actor, cloneId: string): Promise<{ splits: SplitJson[] }>;
  signSplit(actor: Actor, key: IdempotencyKey, splitId: string, input: { signature: SignatureInput }): Promise<SplitJson>;
  /** The split that divides what is earned on a day, or null. */
  splitInForce(tx: Tx, cloneId: string, day: Day): Promise<{ splitId: string; number: number; legs: SplitLeg[]; refundFeeBearer: string } | null>;
  /**
   * Which split applies over [fromDay, toDay), for whoever books those days: none of them can be given another split
   * afterwards, so it is asked in the transaction that books.
   */
  splitSegments(tx: Tx, cloneId: string, fromDay: Day, toDay: Day): Promise<{ fromDay: Day; splitId: string | null }[]>;
  /** Who bears what the processor keeps of a refund: `platform` or an account. */
  refundFeeBearer(tx: Tx, cloneId: string, day: Day): Promise<string>;
}

async function viewOf(tx: Tx, row: store.SplitRow): Promise<SplitJson> {
  const signatures = await store.signaturesOf(tx, row.id);
  const signed = new Set(signatures.map((one) => one.signer));
  const needed = signersOf(row.ownerAccountId, await store.legsOf(tx, row.id));
  return {
    splitId: row.id, cloneId: row.cloneId, number: row.number, state: row.state, effectiveFrom: row.effectiveFrom,
    document: JSON.parse(row.canonical) as SplitDocument, canonical: row.canonical, digest: row.digest,
    signatures: signatures.map(({ signer, signedDocumentId, signedAt }) => ({ signer, signedDocumentId, signedAt: signedAt.toISOString() })),
    missing: needed.filter((signer) => !signed.has(signer)),
    signedAt: row.signedAt?.toISOString() ?? null,
    record: row.record === null ? null : (JSON.parse(row.record) as SplitRecord), leafId: row.leafId,
  };
}

/** Owner, payees and operators; for everybody else it does not exist. */
async function maySee(tx: Tx, actor: Actor, row: store.SplitRow): Promise<boolean> {
  if (actor.roles.includes('operator') || row.ownerAccountId === actor.accountId) return true;
  return (await store.legsOf(tx, row.id)).some((leg) => leg.payee === actor.accountId);
}

type NamedLeg = SplitDocument['legs'][number] & Required<Pick<SplitLegInput, 'role'>>;

async function namedLegs(tx: Tx, deps: RoyaltiesDeps, ownerAccountId: string, legs: readonly SplitLegInput[]): Promise<NamedLeg[]> {
  const named: NamedLeg[] = [];
  for (const leg of legs) {
    const { payee, basisPoints } = leg;
    const role = roleOf(leg, ownerAccountId);
    const payeeName = payee === PLATFORM ? PLATFORM_NAME : (await deps.identity.account(tx, payee))?.displayName;
    if (payeeName === undefined) throw new Refusal('payee_unknown', 'A payee is no account of this service.', { extra: { payee } });
    named.push({ payee, payeeName, role, basisPoints });
  }
  return named;
}

async function draft(tx: Tx, deps: RoyaltiesDeps, actor: Actor, cloneId: string, input: SplitInput): Promise<SplitJson> {
  const clone = await deps.clones.clone(tx, cloneId);
  if (clone?.ownerAccountId !== actor.accountId) throw notFound();
  const { base = DEFAULT_BASE, refundFeeBearer = PLATFORM, reserve = NO_RESERVE, effectiveFrom } = input;
  checkSplit({ legs: input.legs, base, refundFeeBearer, reserve });
  const legs = await namedLegs(tx, deps, actor.accountId, input.legs);
  await store.lockClone(tx, cloneId);
  await checkStart(tx, cloneId, effectiveFrom, { takes: true });
  const number = await store.nextNumber(tx, cloneId);
  const derivativeId = (await newestSigned(tx, cloneId))?.id ?? null;
  const splitId = deps.ids.next('split');
  const draftedAt = deps.clock.now();
  const document: SplitDocument = {
    type: 'benren.split', schemaVersion: 2, splitId, cloneId, cloneName: clone.name, number: `${number}`, ownerAccountId: actor.accountId, legs,
    base: baseOf(base), rounding: 'largest_remainder', refundFeeBearer, reserve, derivativeId, effectiveFrom, at: draftedAt.toISOString(),
  };
  const canonical = canonicalJson(document);
  await store.insertSplit(tx, {
    id: splitId, cloneId, number, ownerAccountId: actor.accountId, base: baseOf(base), refundFeeBearer, reserve, derivativeId, effectiveFrom, canonical,
    digest: sha256Hex(canonical), draftedAt,
  }, legs);
  return await getRow(tx, splitId);
}

async function getRow(tx: Tx, splitId: string): Promise<SplitJson> {
  const row = await store.findSplit(tx, splitId);
  if (row === null) throw notFound();
  return await viewOf(tx, row);
}

/** For whom this person signs now. Nobody signs for both sides of a split. */
function signerFor(actor: Actor, row: store.SplitRow, legs: readonly SplitLeg[]): string {
  if (signersOf(row.ownerAccountId, legs).includes(actor.accountId)) return actor.accountId;
  return PLATFORM;
}

/** The last signature is there: the split acts from its day, and the log says so. */
async function complete(tx: Tx, deps: RoyaltiesDeps, row: store.SplitRow, signatures: readonly SignatureRow[]): Promise<void> {
  const { id: splitId, cloneId } = row;
  const newest = (await store.versionsOf(tx, cloneId)).at(-1);
  if (newest !== undefined && newest.number > row.number) {
    throw new Refusal('split_invalid', 'A newer split, or a term of a derivative, is signed already; draft another.');
  }
  await checkStart(tx, cloneId, row.effectiveFrom, { takes: true });
  const signedAt = deps.clock.now();
  const evidence: SplitRecord['signatures'] = [];
  for (const { signer, signedDocumentId } of signatures) {
    const signed = await deps.identity.signedDocument(tx, signedDocumentId);
    if (signed === null) throw new Error(`Split ${splitId} has lost a signature.`);
    evidence.push({ signer, evidenceSha256: signed.evidenceSha256 });
  }
  const record: SplitRecord = {
    type: 'benren.split_record', schemaVersion: 1, splitId, cloneId, splitSha256: row.digest, signatures: evidence, signedAt: signedAt.toISOString(),
  };
  const document: JsonObject = { ...record };
  const { leafId } = await deps.transparency.append(tx, { type: 'split.signed', subjectId: cloneId, at: signedAt, document });
  await store.completeSplit(tx, splitId, { signedAt, record: canonicalJson(record), leafId });
  await store.takeUnsplit(tx, row);
}

async function sign(tx: Tx, deps: RoyaltiesDeps, actor: Actor, splitId: string, signature: SignatureInput): Promise<SplitJson> {
  const seen = await store.findSplit(tx, splitId);
  if (seen === null || !(await maySee(tx, actor, seen))) throw notFound();
  await store.lockClone(tx, seen.cloneId);
  await store.lockSplits(tx, seen.cloneId, 'alone');
  const row = await store.lockSplit(tx, splitId);
  if (row === null) throw notFound();
  const legs = await store.legsOf(tx, splitId);
  const signer = signerFor(actor, row, legs);
  const before = await store.signaturesOf(tx, splitId);
  if (before.some((one) => one.signer === signer)) throw new Refusal('split_invalid', 'This signature is there already.');
  const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'split' });
  if (signed.canonical !== row.canonical) throw new Refusal('signature_mismatch', 'What was signed is not the document of this split.');
  await store.insertSignature(tx, splitId, { signer, signedDocumentId: signed.id, signedAt: signed.signedAt });
  const signatures = await store.signaturesOf(tx, splitId);
  const there = new Set(signatures.map((one) => one.signer));
  if (signersOf(row.ownerAccountId, legs).every((one) => there.has(one))) await complete(tx, deps, row, signatures);
  return await getRow(tx, splitId);
}

/** Days that are booked now keep the split that they are answered. */
async function book(tx: Tx, cloneId: string, fromDay: Day, toDay: Day): Promise<{ fromDay: Day; splitId: string | null }[]> {
  await store.lockSplits(tx, cloneId, 'shared');
  const booked = await store.bookedDays(tx, cloneId, fromDay, toDay);
  const segments = segmentsOf(await store.versionsOf(tx, cloneId), fromDay, toDay, booked);
  const known = new Set(booked.map((one) => one.day));
  const fresh: store.BookedDay[] = [];
  for (let day = fromDay; day < toDay; day = addDays(day, 1)) {
    if (!known.has(day)) fresh.push({ day, splitId: segments.findLast((segment) => segment.fromDay <= day)?.splitId ?? null });
  }
  if (fresh.length > 0) await store.insertBooked(tx, cloneId, fresh);
  return segments;
}

export function makeSplits(deps: RoyaltiesDeps): Splits {
  const { runTx } = deps;
  return {
    draftSplit: (actor, key, cloneId, input) => runTx((tx) => once(tx, key, () => draft(tx, deps, actor, cloneId, input))),

    getSplit: (actor, splitId) => runTx(async (tx) => {
      const row = await store.findSplit(tx, splitId);
      if (row === null || !(await maySee(tx, actor, row))) throw notFound();
      return await viewOf(tx, row);
    }),

    listSplits: (actor, cloneId) => runTx(async (tx) => {
      const clone = await deps.clones.clone(tx, cloneId);
      const splits: SplitJson[] = [];
      for (const row of await store.splitsOf(tx, cloneId)) {
        if (await maySee(tx, actor, row)) splits.push(await viewOf(tx, row));
      }
      const known = clone !== null && (clone.ownerAccountId === actor.accountId || actor.roles.includes('operator'));
      if (!known && splits.length === 0) throw notFound();
      return { splits };
    }),

    signSplit: (actor, key, splitId, { signature }) => runTx((tx) => once(tx, key, () => sign(tx, deps, actor, splitId, signature))),

    async splitInForce(tx, cloneId, day) {
      const found = await store.appliedOn(tx, cloneId, day);
      if (found === null) return null;
      const { splitId, number, refundFeeBearer } = found;
      return { splitId, number, refundFeeBearer, legs: await store.legsOf(tx, splitId) };
    },

    splitSegments: (tx, cloneId, fromDay, toDay) => book(tx, cloneId, fromDay, toDay),

    async refundFeeBearer(tx, cloneId, day) {
      return (await store.appliedOn(tx, cloneId, day))?.refundFeeBearer ?? PLATFORM;
    },
  };
}
