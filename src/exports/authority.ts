import { delegationEnd, delegationsAt, estateFact, estateProof, type GrantHistory } from '../consent/index.ts';
import type { SignatureEvidence } from '../identity/index.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import type { Tx } from '../kernel/tx.ts';
import type { LogLeafView } from '../transparency/index.ts';
import type { BundledLeaf, EvidenceBundle } from './bundle.ts';
import type { ExportsDeps } from './deps.ts';

/** Why somebody but the owner could sign: read in the bundle's transaction, proofs follow after it. */
export interface AuthorityFacts {
  delegations: { delegationId: string; owner: SignatureEvidence; agent: SignatureEvidence; leafId: string; end: { document: JsonObject; leafId: string } | null }[];
  estate: { succession: SignatureEvidence; acceptance: SignatureEvidence; leafId: string; settled: { document: JsonObject; leafId: string } } | null;
}

function leafOf(leaves: readonly LogLeafView[], type: string): string {
  const leaf = leaves.find((candidate) => candidate.type === type);
  if (leaf === undefined) throw new Error(`There is no ${type} in the log.`);
  return leaf.leafId;
}

export async function authorityFacts(
  deps: ExportsDeps, tx: Tx, of: { history: GrantHistory; signatures: readonly SignatureEvidence[]; firstOwner: string },
): Promise<AuthorityFacts> {
  const { ownerAccountId, cloneId } = of.history;
  const evidence = (id: string): Promise<SignatureEvidence> => deps.identity.signatureEvidence(tx, id);
  const delegations = new Map<string, AuthorityFacts['delegations'][number]>();
  for (const { context, signedAt } of of.signatures) {
    if (context.account === ownerAccountId) continue;
    for (const one of await delegationsAt(tx, { ownerAccountId, agentAccountId: context.account, cloneId, at: new Date(signedAt) })) {
      const leaves = await deps.transparency.leavesOf(tx, one.delegationId);
      delegations.set(one.delegationId, {
        delegationId: one.delegationId, owner: await evidence(one.ownersDocumentId), agent: await evidence(one.agentsDocumentId),
        leafId: leafOf(leaves, 'delegation.signed'),
        end: one.end === null ? null : { document: delegationEnd(one.delegationId, one.digest, one.end.by, one.end.at), leafId: leafOf(leaves, 'delegation.ended') },
      });
    }
  }
  const estate = await estateProof(tx, of.firstOwner);
  return {
    delegations: [...delegations.values()],
    estate: estate === null ? null : {
      succession: await evidence(estate.ownersDocumentId), acceptance: await evidence(estate.holdersDocumentId),
      leafId: leafOf(await deps.transparency.leavesOf(tx, estate.successionId), 'succession.signed'),
      settled: {
        document: estateFact('estate.settled', estate, estate.since, { holderAccountId: estate.holderAccountId, sunset: estate.sunset }),
        leafId: leafOf(await deps.transparency.leavesOf(tx, estate.caseId), 'estate.settled'),
      },
    },
  };
}

/** Absent where the owner signed everything herself and lives. */
export async function bundledAuthority(
  { delegations, estate }: AuthorityFacts, proven: (leafId: string) => Promise<BundledLeaf>,
): Promise<Pick<EvidenceBundle, 'authority'>> {
  if (delegations.length === 0 && estate === null) return {};
  const bundled: NonNullable<EvidenceBundle['authority']> = { delegations: [], estate: null };
  for (const { leafId, end, ...one } of delegations) {
    bundled.delegations.push({ ...one, leaf: await proven(leafId), end: end === null ? null : { document: end.document, leaf: await proven(end.leafId) } });
  }
  if (estate !== null) {
    const { leafId, settled, ...signed } = estate;
    bundled.estate = { ...signed, leaf: await proven(leafId), settled: { document: settled.document, leaf: await proven(settled.leafId) } };
  }
  return { authority: bundled };
}
