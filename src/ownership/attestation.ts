import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import type { Tx } from '../kernel/tx.ts';
import * as store from './store.ts';

/** What may be told about a proof to those who rely on it: decisions and digests, never a paper, a recording or a reviewer. */
export interface Attestation {
  proofId: string;
  accountId: string;
  claimDocumentId: string;
  evidence: { evidenceId: string; kind: string; state: string; createdAt: string; passedAt: string | null; sha256: string }[];
  decisions: { leafId: string; document: JsonObject }[];
}

/** Oldest first. A digest is over what was asked, what was found and the recording's or paper's own digest. */
export async function attestation(tx: Tx, proofId: string): Promise<Attestation | null> {
  const proof = await store.findProof(tx, proofId);
  if (proof === null) return null;
  const evidence = (await store.evidenceOf(tx, proofId)).map((row) => ({
    evidenceId: row.id, kind: row.kind, state: row.state, createdAt: row.createdAt.toISOString(), passedAt: row.passedAt?.toISOString() ?? null,
    sha256: sha256Hex(canonicalJson({ terms: row.terms, finding: row.finding, blobSha256: row.blobDigest })),
  }));
  const decisions = (await store.decisionsOf(tx, proofId)).map(({ leafId, document }) => ({ leafId, document }));
  return { proofId, accountId: proof.accountId, claimDocumentId: proof.claimDocumentId, evidence, decisions };
}
