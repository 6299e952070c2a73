import type { SignatureInput } from '../identity/index.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { OwnershipDeps } from './deps.ts';
import { found as foundOf } from './evidence-verbs.ts';
import type { EvidenceKind } from './levels.ts';
import { checkEvidenceUsable, countsAt, isProvenAt, type Language } from './model.ts';
import { vouchedBy } from './paper-store.ts';
import { found } from './reading.ts';
import type { EvidenceRow, ProofRow, RowOf } from './store.ts';
import * as store from './store.ts';
import type { OwnershipVouchJson } from './views.ts';

/** What the named person does for another's case. To everybody else the case does not exist. */
export interface VouchVerbs {
  /** The words to sign. Refuses `vouch_refused`, `not_found`. */
  draftVouch(voucher: Actor, proofId: string, evidenceId: string, input: { voucherProofId: string; locale: Language }): Promise<{ document: VouchDocument }>;
  /** Refuses `vouch_refused`, `signature_mismatch`, `evidence_state`, `not_found`. */
  vouchForProof(
    voucher: Actor, key: IdempotencyKey, proofId: string, evidenceId: string, input: { voucherProofId: string; signature: SignatureInput },
  ): Promise<OwnershipVouchJson>;
}

export interface VouchDocument {
  type: 'benren.vouch';
  schemaVersion: 1;
  voucherAccountId: string;
  voucherProofId: string;
  proofId: string;
  evidenceId: string;
  subjectName: string;
  statement: string;
  at: string;
}

const WINDOW_MS = 24 * 3_600_000;
const STATEMENTS: Readonly<Record<Language, (name: string) => string>> = {
  en: (name) => `I know the person who claims to be ${name} or to act for them, and vouch for that claim. I know that a false word ends my own proof here.`,
  'zh-CN': (name) => `我认识声称是${name}本人或代其行事的人,并为该声明作保。我知道虚假作保将终止我自己的权属证明。`,
};

function document(proof: ProofRow, row: RowOf<'vouching'>, voucherProofId: string, locale: Language, at: string): VouchDocument {
  return {
    type: 'benren.vouch', schemaVersion: 1, voucherAccountId: row.terms.voucherAccountId, voucherProofId, proofId: proof.id, evidenceId: row.id,
    subjectName: proof.subjectName, statement: STATEMENTS[locale](proof.subjectName), at,
  };
}

const digestOf = (value: object): string => sha256Hex(canonicalJson(value));

/** Refuses `vouch_refused` unless the voucher is proven now by this proof, and no chain of words leads back. */
async function checkVoucher(tx: Tx, proof: ProofRow, voucher: Actor, voucherProofId: string, at: Date): Promise<ProofRow & { expiresAt: Date }> {
  const own = await store.findProof(tx, voucherProofId);
  if (own?.accountId !== voucher.accountId || !isProvenAt(own, at) || own.expiresAt === null) {
    throw new Refusal('vouch_refused', 'Only somebody whose own proof is in force may vouch.');
  }
  if (voucher.accountId === proof.accountId) throw new Refusal('vouch_refused', 'Nobody vouches for themself.');
  if ((await vouchedBy(tx, voucherProofId)).includes(proof.accountId)) {
    throw new Refusal('vouch_refused', 'Your own proof rests on this person\'s word; words that go in a circle prove nothing.');
  }
  return { ...own, expiresAt: own.expiresAt };
}

export function makeVouchVerbs(deps: OwnershipDeps): VouchVerbs {
  const { runTx, clock } = deps;

  async function asked(tx: Tx, voucher: Actor, proofId: string, evidenceId: string): Promise<{ proof: ProofRow; row: RowOf<'vouching'> }> {
    const proof = await found(store.lockProof(tx, proofId));
    const row = await store.findEvidence(tx, evidenceId);
    if (row?.kind !== 'vouching' || row.proofId !== proofId || row.terms.voucherAccountId !== voucher.accountId) throw notFound();
    checkEvidenceUsable(row, proof.state, clock.now());
    return { proof, row };
  }

  return {
    draftVouch: (voucher, proofId, evidenceId, { voucherProofId, locale }) => runTx(async (tx) => {
      const { proof, row } = await asked(tx, voucher, proofId, evidenceId);
      const at = clock.now();
      await checkVoucher(tx, proof, voucher, voucherProofId, at);
      return { document: document(proof, row, voucherProofId, locale, at.toISOString()) };
    }),
    vouchForProof: (voucher, key, proofId, evidenceId, { voucherProofId, signature }) => runTx((tx) => once(tx, key, async () => {
      const { proof, row } = await asked(tx, voucher, proofId, evidenceId);
      const now = clock.now();
      const own = await checkVoucher(tx, proof, voucher, voucherProofId, now);
      const signed = await deps.identity.completeSignature(tx, voucher, signature, { documentType: 'vouch' });
      const at = textOf(signed.document, 'at');
      const ours = (['en', 'zh-CN'] as const).some((locale) => digestOf(document(proof, row, voucherProofId, locale, at)) === signed.digest);
      if (!ours || Math.abs(now.getTime() - Date.parse(at)) > WINDOW_MS) {
        throw new Refusal('signature_mismatch', 'What was signed is not the word that was asked for.');
      }
      const news = foundOf({ policy: deps.policy.policy, clock }, 'vouching', {
        state: 'passed', finding: { signedDocumentId: signed.id, voucherProofId }, blobDigest: null, ends: own.expiresAt,
      });
      await store.recordFinding(tx, evidenceId, news);
      return { evidenceId, proofId, signedDocumentId: signed.id, validUntil: news.validUntil.toISOString() };
    })),
  };
}

function textOf(signed: JsonObject, name: string): string {
  const value = signed[name];
  return typeof value === 'string' ? value : '';
}

/** The kinds that count at an instant. A word counts only while its giver is proven. */
export async function countingAt(tx: Tx, evidence: readonly EvidenceRow[], at: Date): Promise<{ rows: EvidenceRow[]; kinds: EvidenceKind[] }> {
  const rows: EvidenceRow[] = [];
  for (const row of evidence) {
    if (!countsAt(row, at)) continue;
    const voucher = row.kind === 'vouching' && row.finding !== null ? await store.findProof(tx, row.finding.voucherProofId) : null;
    if (row.kind !== 'vouching' || (voucher !== null && isProvenAt(voucher, at))) rows.push(row);
  }
  return { rows, kinds: rows.map(({ kind }) => kind) };
}
