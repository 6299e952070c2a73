import type { SignatureEvidence } from '../identity/index.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';

/** contracts/exports/evidence-bundle.schema.json. */

/** A leaf's bytes in base64, and its proof as text. */
export interface BundledLeaf {
  entry: string;
  proof: string;
}

export interface BundledRendering {
  mediaType: 'application/pdf';
  sha256: string;
  base64: string;
}

export interface BundledVersion {
  version: number;
  signature: SignatureEvidence;
  leaf: BundledLeaf;
  rendering: BundledRendering | null;
}

/** One under which an agent signed a version: the owner's signature and the agent's, over the same bytes. */
export interface BundledDelegation {
  delegationId: string;
  owner: SignatureEvidence;
  agent: SignatureEvidence;
  leaf: BundledLeaf;
  end: { document: JsonObject; leaf: BundledLeaf } | null;
}

/** By which the rights became an heir's: what the owner signed, what the heir accepted, and when it was settled. */
export interface BundledEstate {
  succession: SignatureEvidence;
  leaf: BundledLeaf;
  acceptance: SignatureEvidence;
  settled: { document: JsonObject; leaf: BundledLeaf };
}

export interface EvidenceBundle {
  type: 'benren.evidence_bundle';
  schemaVersion: 1;
  readme: { en: string[]; 'zh-CN': string[] };
  madeAt: string;
  grant: { grantId: string; cloneId: string; ownerAccountId: string; state: 'signed' | 'revoked' | 'expired' };
  versions: BundledVersion[];
  revocation: { signature: SignatureEvidence; leaf: BundledLeaf } | null;
  ownership: {
    proofId: string;
    claim: SignatureEvidence;
    evidence: { evidenceId: string; kind: string; state: string; createdAt: string; passedAt: string | null; sha256: string }[];
    decisions: { document: JsonObject; leaf: BundledLeaf }[];
  };
  /** Only where somebody but the owner signed, or an estate has passed on. */
  authority?: { delegations: BundledDelegation[]; estate: BundledEstate | null };
  stops: BundledLeaf[];
  log: { verifierKey: string };
  receipts: { keyId: string; publicKeyPem: string };
  software: string[];
}

/**
 * What only the service says: no signature of the owner's and no leaf of the log holds it, so a service that seals the
 * bundle anew could tell it otherwise. Everything else is held by at least one of both. JSON pointers, `*` for any index.
 */
export const SAID_BY_THE_SERVICE: readonly string[] = [
  '/readme/en/*', '/readme/zh-CN/*', '/software/*', '/madeAt',
  '/ownership/evidence/*/evidenceId', '/ownership/evidence/*/kind', '/ownership/evidence/*/state',
  '/ownership/evidence/*/createdAt', '/ownership/evidence/*/passedAt', '/ownership/evidence/*/sha256',
];
