import { grantHistory, type GrantHistory, loadContract } from '../consent/index.ts';
import type { SignatureEvidence } from '../identity/index.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import { attestation, type Attestation } from '../ownership/index.ts';
import type { LogLeafView } from '../transparency/index.ts';
import { type AuthorityFacts, authorityFacts, bundledAuthority } from './authority.ts';
import type { BundledLeaf, BundledRendering, EvidenceBundle } from './bundle.ts';
import type { ExportsDeps } from './deps.ts';
import { README } from './readme.ts';

/** All that a bundle is made of, but for proofs and files: read in one transaction. */
interface Facts {
  history: GrantHistory;
  signatures: SignatureEvidence[];
  /** The contract of each version; null where its document names none. */
  contracts: (Buffer | null)[];
  revocation: SignatureEvidence | null;
  attestation: Attestation;
  claim: SignatureEvidence;
  authority: AuthorityFacts;
  grantLeaves: LogLeafView[];
  stopLeaves: LogLeafView[];
}

/** The grant's history for somebody who may read it; for everybody else it does not exist. */
export async function readableHistory(deps: ExportsDeps, tx: Tx, actor: Actor, grantId: string): Promise<GrantHistory> {
  const at = deps.clock.now();
  const history = await grantHistory(tx, grantId, at);
  const standing = history === null ? null : await deps.consent.mayAct(tx, actor, history.ownerAccountId, 'getGrant', at, history.cloneId);
  if (history === null || standing === null) throw notFound();
  return history;
}

async function factsOf(deps: ExportsDeps, tx: Tx, actor: Actor, grantId: string): Promise<Facts> {
  const history = await readableHistory(deps, tx, actor, grantId);
  if (history.versions.length === 0) throw new Refusal('grant_state', 'A draft binds nobody: sign it, then there is evidence.');
  const clone = await deps.clones.clone(tx, history.cloneId);
  const attested = clone === null ? null : await attestation(tx, clone.ownershipProofId);
  if (clone === null || attested === null) throw new Error(`Clone ${history.cloneId} has no ownership proof.`);
  const signatures: SignatureEvidence[] = [];
  const contracts: (Buffer | null)[] = [];
  for (const { signedDocumentId, digest } of history.versions) {
    signatures.push(await deps.identity.signatureEvidence(tx, signedDocumentId));
    contracts.push(await loadContract(tx, grantId, digest));
  }
  return {
    history, signatures, contracts, attestation: attested,
    revocation: history.revocation === null ? null : await deps.identity.signatureEvidence(tx, history.revocation.signedDocumentId),
    claim: await deps.identity.signatureEvidence(tx, attested.claimDocumentId),
    authority: await authorityFacts(deps, tx, { history, signatures, firstOwner: clone.ownerAccountId }),
    grantLeaves: await deps.transparency.leavesOf(tx, grantId),
    stopLeaves: (await deps.transparency.leavesOf(tx, history.cloneId)).filter((leaf) => leaf.type === 'stop.ordered'),
  };
}

function makeProofs(deps: ExportsDeps) {
  async function proven(leafId: string): Promise<BundledLeaf> {
    const { entry, proof } = await deps.transparency.bundle(leafId);
    return { entry, proof };
  }
  return {
    proven,
    /** The leaf that was written when this was signed. */
    async ofSignature(leaves: readonly LogLeafView[], signed: SignatureEvidence): Promise<BundledLeaf> {
      const leaf = leaves.find((candidate) => candidate.evidenceSha256 === signed.evidenceSha256);
      if (leaf === undefined) throw new Error(`${signed.signedDocumentId} is not in the log.`);
      return await proven(leaf.leafId);
    },
  };
}

function renderingOf(contract: Buffer | null): BundledRendering | null {
  return contract === null ? null : { mediaType: 'application/pdf', sha256: sha256Hex(contract), base64: contract.toString('base64') };
}

async function bundled(deps: ExportsDeps, facts: Facts): Promise<EvidenceBundle> {
  const { history, grantLeaves } = facts;
  const { grantId, cloneId, ownerAccountId, state } = history;
  if (state === 'draft') throw new Error(`Grant ${grantId} is signed and a draft.`);
  const proofs = makeProofs(deps);
  const versions: EvidenceBundle['versions'] = [];
  for (const [index, signature] of facts.signatures.entries()) {
    versions.push({
      version: index + 1, signature, leaf: await proofs.ofSignature(grantLeaves, signature), rendering: renderingOf(facts.contracts[index] ?? null),
    });
  }
  const decisions: EvidenceBundle['ownership']['decisions'] = [];
  for (const { leafId, document } of facts.attestation.decisions) decisions.push({ document, leaf: await proofs.proven(leafId) });
  const stops: BundledLeaf[] = [];
  for (const { leafId } of facts.stopLeaves) stops.push(await proofs.proven(leafId));
  return {
    type: 'benren.evidence_bundle', schemaVersion: 1, readme: { en: [...README.en], 'zh-CN': [...README['zh-CN']] },
    madeAt: deps.clock.now().toISOString(), grant: { grantId, cloneId, ownerAccountId, state }, versions,
    revocation: facts.revocation === null
      ? null
      : { signature: facts.revocation, leaf: await proofs.ofSignature(grantLeaves, facts.revocation) },
    ownership: { proofId: facts.attestation.proofId, claim: facts.claim, evidence: facts.attestation.evidence, decisions },
    ...await bundledAuthority(facts.authority, proofs.proven),
    stops, log: { verifierKey: deps.transparency.verifierKey }, receipts: deps.provenance.receiptsKey, software: [...deps.software],
  };
}

/** Everything that shows what was consented to, in one signed file. */
export function makeEvidence(deps: ExportsDeps) {
  return {
    /**
     * @throws Refusal `not_found` for whoever may not read the grant, `grant_state` for a draft, `unavailable` while the
     * last leaf has no place in the log yet
     */
    async getGrantEvidence(actor: Actor, grantId: string) {
      const facts = await deps.runTx((tx) => factsOf(deps, tx, actor, grantId));
      const document = JSON.parse(JSON.stringify(await bundled(deps, facts))) as Parameters<ExportsDeps['provenance']['signReceipt']>[1];
      return deps.provenance.signReceipt('evidence_bundle', document);
    },
  };
}
