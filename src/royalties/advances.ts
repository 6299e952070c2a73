import type { components } from '../../contracts/generated/api.ts';
import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { type Currency, parseMinor } from '../kernel/money.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import { dayOf, type Day } from '../kernel/time.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import type { SignatureInput } from '../identity/index.ts';
import { chart } from '../ledger/index.ts';
import { once } from '../platform/postgres/index.ts';
import { checkAdvance, type RecoupBase, recouped, type RunShare } from './advances-model.ts';
import * as store from './advance-store.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { paidOutIn, PLATFORM } from './model.ts';
import { beginPayout, payoutPending, payoutReturned } from './payout-phases.ts';
import { advanceRecouped, advanceWrittenOff } from './advance-postings.ts';

export type AdvanceJson = components['schemas']['Advance'];
type AdvanceDocument = components['schemas']['AdvanceDocument'];
type AdvanceRecord = NonNullable<AdvanceJson['record']>;

export interface AdvanceInput {
  payee: string;
  currency: string;
  amountMinor: string;
  base?: RecoupBase;
  rateBasisPoints: number;
  cloneIds: readonly string[];
  crossCollateral?: boolean;
  endsOn?: Day | null;
}

/** Money paid before it was earned: a document that payee and platform sign, paid once, recouped by later runs, never owed. */
export interface Advances {
  draftAdvance: (actor: Actor, key: IdempotencyKey, input: AdvanceInput) => Promise<AdvanceJson>;
  listAdvances: (actor: Actor, payee?: string) => Promise<{ advances: AdvanceJson[] }>;
  getAdvance: (actor: Actor, advanceId: string) => Promise<AdvanceJson>;
  signAdvance: (actor: Actor, key: IdempotencyKey, advanceId: string, input: { signature: SignatureInput }) => Promise<AdvanceJson>;
  /** Pays a signed advance, once; what could not be sent may be paid again. */
  payAdvance: (actor: Actor, key: IdempotencyKey, advanceId: string) => Promise<AdvanceJson>;
  /** From its last day: what is left becomes the platform's expense. */
  endAdvance: (key: IdempotencyKey, advanceId: string) => Promise<AdvanceJson>;
}

const signersOf = (payee: string): string[] => [payee, PLATFORM];

async function viewOf(tx: Tx, deps: RoyaltiesDeps, row: store.AdvanceRow): Promise<AdvanceJson> {
  const signatures = await store.signaturesOf(tx, row.id);
  const signed = new Set(signatures.map((one) => one.signer));
  return {
    advanceId: row.id, payee: row.payee, currency: row.currency, amountMinor: row.amountMinor.toString(),
    unrecoupedMinor: (await deps.ledger.balance(tx, chart.advanceUnrecouped(row.id, row.currency))).toString(), state: row.state,
    document: JSON.parse(row.canonical) as AdvanceDocument, canonical: row.canonical, digest: row.digest,
    signatures: signatures.map(({ signer, signedDocumentId, signedAt }) => ({ signer, signedDocumentId, signedAt: signedAt.toISOString() })),
    missing: signersOf(row.payee).filter((signer) => !signed.has(signer)), signedAt: row.signedAt?.toISOString() ?? null,
    record: row.record === null ? null : (JSON.parse(row.record) as AdvanceRecord), leafId: row.leafId, payoutId: row.payoutId, endedOn: row.endedOn,
    recoupments: (await store.recoupmentsOf(tx, row.id)).map(({ runId, baseMinor, amountMinor, restoredMinor }) => ({
      runId, baseMinor: baseMinor.toString(), amountMinor: amountMinor.toString(), restoredMinor: restoredMinor.toString(),
    })),
  };
}

async function read(tx: Tx, deps: RoyaltiesDeps, id: string): Promise<AdvanceJson> {
  const row = await store.findAdvance(tx, id);
  if (row === null) throw notFound();
  return await viewOf(tx, deps, row);
}

function mayRead(actor: Actor, payee: string): boolean {
  return payee === actor.accountId || actor.roles.includes('operator');
}

async function draft(tx: Tx, deps: RoyaltiesDeps, actor: Actor, input: AdvanceInput): Promise<AdvanceJson> {
  const { payee, base = 'share', rateBasisPoints, cloneIds, crossCollateral = false, endsOn = null } = input;
  const at = deps.clock.now();
  checkAdvance({ cloneIds, crossCollateral, rateBasisPoints, endsOn, today: dayOf(at) });
  const amountMinor = parseMinor(input.amountMinor);
  if (amountMinor < 1n) throw new Refusal('money_out_of_range', 'An advance is at least one minor unit.');
  const currency = paidOutIn(input.currency);
  const payeeName = payee === PLATFORM ? undefined : (await deps.identity.account(tx, payee))?.displayName;
  if (payeeName === undefined) throw new Refusal('payee_unknown', 'The payee is no account of this service.', { extra: { payee } });
  for (const cloneId of cloneIds) {
    if ((await deps.clones.clone(tx, cloneId)) === null) throw new Refusal('advance_invalid', 'A clone of the advance does not exist.', { extra: { cloneId } });
  }
  const advanceId = deps.ids.next('advance');
  const document: AdvanceDocument = {
    type: 'benren.advance', schemaVersion: 1, advanceId, payee, payeeName, payer: PLATFORM, currency, amountMinor: amountMinor.toString(), base, rateBasisPoints,
    cloneIds: [...cloneIds], crossCollateral, endsOn, at: at.toISOString(),
  };
  const canonical = canonicalJson(document);
  await store.insertAdvance(tx, {
    id: advanceId, payee, currency, amountMinor, base, rateBasisPoints, endsOn, canonical, digest: sha256Hex(canonical), draftedBy: actor.accountId, draftedAt: at,
  }, cloneIds);
  return await read(tx, deps, advanceId);
}

async function complete(tx: Tx, deps: RoyaltiesDeps, row: store.AdvanceRow): Promise<void> {
  const signedAt = deps.clock.now();
  const signatures: AdvanceRecord['signatures'] = [];
  for (const { signer, signedDocumentId } of await store.signaturesOf(tx, row.id)) {
    const signed = await deps.identity.signedDocument(tx, signedDocumentId);
    if (signed === null) throw new Error(`Advance ${row.id} has lost a signature.`);
    signatures.push({ signer, evidenceSha256: signed.evidenceSha256 });
  }
  const record: AdvanceRecord = {
    type: 'benren.advance_record', schemaVersion: 1, advanceId: row.id, advanceSha256: row.digest, signatures, signedAt: signedAt.toISOString(),
  };
  const document: JsonObject = { ...record };
  const { leafId } = await deps.transparency.append(tx, { type: 'advance.signed', subjectId: row.id, at: signedAt, document });
  await store.completeAdvance(tx, row.id, { signedAt, record: canonicalJson(record), leafId });
}

async function sign(tx: Tx, deps: RoyaltiesDeps, actor: Actor, advanceId: string, signature: SignatureInput): Promise<AdvanceJson> {
  const row = await store.lockAdvance(tx, advanceId);
  if (row === null || !mayRead(actor, row.payee)) throw notFound();
  // Nobody signs for both sides: whoever is the payee signs as that.
  const signer = row.payee === actor.accountId ? row.payee : PLATFORM;
  if ((await store.signaturesOf(tx, advanceId)).some((one) => one.signer === signer)) throw new Refusal('advance_state', 'This signature is there already.');
  const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'advance' });
  if (signed.canonical !== row.canonical) throw new Refusal('signature_mismatch', 'What was signed is not the document of this advance.');
  await store.insertSignature(tx, advanceId, { signer, signedDocumentId: signed.id, signedAt: signed.signedAt });
  const there = new Set((await store.signaturesOf(tx, advanceId)).map((one) => one.signer));
  if (signersOf(row.payee).every((one) => there.has(one))) await complete(tx, deps, row);
  return await read(tx, deps, advanceId);
}

async function pay(tx: Tx, deps: RoyaltiesDeps, actor: Actor, advanceId: string): Promise<AdvanceJson> {
  const row = await store.lockAdvance(tx, advanceId);
  if (row === null) throw notFound();
  if (row.state !== 'signed') throw new Refusal('advance_state', 'Only an advance that both have signed and that has not ended is paid.');
  if (row.endsOn !== null && dayOf(deps.clock.now()) >= row.endsOn) throw new Refusal('advance_state', 'Its last day has come: no run would recoup what is paid now.');
  // Whatever was paid and not returned stands on its account, or was recouped from it.
  if (row.payoutId !== null && !(await payoutReturned(tx, row.payoutId))) throw new Refusal('advance_state', 'The advance is paid already.');
  const { payee, currency, amountMinor } = row;
  const begun = await beginPayout(tx, deps, { actor, payee, currency, grossMinor: amountMinor, advanceId });
  if (begun === null) throw new Refusal('payee_not_onboarded', 'The payee has not finished onboarding; the advance waits.');
  await store.putPayout(tx, advanceId, begun.payoutId);
  return await read(tx, deps, advanceId);
}

async function end(tx: Tx, deps: RoyaltiesDeps, advanceId: string): Promise<AdvanceJson> {
  const row = await store.lockAdvance(tx, advanceId);
  if (row === null) throw notFound();
  const day = dayOf(deps.clock.now());
  if (row.payoutId !== null && (await payoutPending(tx, row.payoutId))) {
    throw new Refusal('advance_state', 'What became of its payout is not known yet; it ends when that is.');
  }
  if (row.state !== 'signed' || row.endsOn === null || day < row.endsOn) {
    throw new Refusal('advance_state', 'Only a signed advance ends, from the day on that it names.');
  }
  const { currency, payee } = row;
  const leftMinor = await deps.ledger.lockedBalance(tx, chart.advanceUnrecouped(advanceId, currency));
  if (leftMinor > 0n) await deps.ledger.post(tx, advanceWrittenOff({ advanceId, payee, currency, amountMinor: leftMinor, day }));
  await store.endAdvance(tx, advanceId, { day, writtenOffMinor: leftMinor });
  return await read(tx, deps, advanceId);
}

export interface RecoupedRow {
  advanceId: string;
  payee: string;
  currency: Currency;
  amountMinor: bigint;
}

/** Recoups from what one payee received of a run, advance after advance, the first signed first; never what was unpaid before. */
export async function recoup(
  tx: Tx, deps: RoyaltiesDeps, order: RunShare & { runId: string; cloneId: string; payee: string; currency: Currency; day: Day },
): Promise<RecoupedRow[]> {
  const { runId, cloneId, payee, currency, day, receivedMinor, potsMinor } = order;
  const done: RecoupedRow[] = [];
  let leftMinor = receivedMinor;
  for (const advance of await store.recoupedBy(tx, order)) {
    const unrecoupedMinor = await deps.ledger.lockedBalance(tx, chart.advanceUnrecouped(advance.id, currency));
    const amountMinor = recouped(advance, { receivedMinor, potsMinor, leftMinor, unrecoupedMinor, day });
    if (amountMinor === 0n) continue;
    const { transferId } = await deps.ledger.post(tx, advanceRecouped({ advanceId: advance.id, runId, cloneId, payee, currency, amountMinor, day }));
    const baseMinor = advance.base === 'share' ? receivedMinor : potsMinor;
    await store.insertRecoupment(tx, { advanceId: advance.id, runId, baseMinor, amountMinor, transferId });
    done.push({ advanceId: advance.id, payee, currency, amountMinor });
    leftMinor -= amountMinor;
  }
  return done;
}

export function makeAdvances(deps: RoyaltiesDeps): Advances {
  const { runTx } = deps;
  return {
    draftAdvance: (actor, key, input) => runTx((tx) => once(tx, key, () => draft(tx, deps, actor, input))),

    listAdvances: (actor, payee = actor.accountId) => runTx(async (tx) => {
      if (!mayRead(actor, payee)) throw notFound();
      const advances: AdvanceJson[] = [];
      for (const row of await store.advancesOf(tx, payee)) advances.push(await viewOf(tx, deps, row));
      return { advances };
    }),

    getAdvance: (actor, advanceId) => runTx(async (tx) => {
      const row = await store.findAdvance(tx, advanceId);
      if (row === null || !mayRead(actor, row.payee)) throw notFound();
      return await viewOf(tx, deps, row);
    }),

    signAdvance: (actor, key, advanceId, { signature }) => runTx((tx) => once(tx, key, () => sign(tx, deps, actor, advanceId, signature))),
    payAdvance: (actor, key, advanceId) => runTx((tx) => once(tx, key, () => pay(tx, deps, actor, advanceId))),
    endAdvance: (key, advanceId) => runTx((tx) => once(tx, key, () => end(tx, deps, advanceId))),
  };
}
