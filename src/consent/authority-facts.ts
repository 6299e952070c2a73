import type { Tx } from '../kernel/tx.ts';
import { covers, type DelegationFacts } from './delegation.ts';
import * as delegations from './delegation-store.ts';
import * as successions from './succession-store.ts';

/** What shows why somebody but the owner could sign: read for evidence, long after. */

export interface DelegationProof {
  delegationId: string;
  digest: string;
  ownersDocumentId: string;
  agentsDocumentId: string;
  end: { by: string; at: Date } | null;
}

/** Those under which an agent could sign an amendment about a clone at an instant, ended since or not. */
export async function delegationsAt(
  tx: Tx, asked: { ownerAccountId: string; agentAccountId: string; cloneId: string; at: Date },
): Promise<DelegationProof[]> {
  const { ownerAccountId, agentAccountId, cloneId, at } = asked;
  const proofs: DelegationProof[] = [];
  for (const row of await delegations.delegationsEver(tx, ownerAccountId, agentAccountId)) {
    const facts: DelegationFacts = row;
    if (!covers(facts, cloneId, at) || !row.document.verbs.includes('signAmendment')) continue;
    const signatures = await delegations.delegationSignatures(tx, row.delegationId);
    const signedBy = (account: string): string => signatures.find(({ signer }) => signer === account)?.signedDocumentId ?? '';
    proofs.push({
      delegationId: row.delegationId, digest: row.digest, ownersDocumentId: signedBy(ownerAccountId), agentsDocumentId: signedBy(agentAccountId),
      end: row.endedAt === null || row.endedBy === null ? null : { by: row.endedBy, at: row.endedAt },
    });
  }
  return proofs;
}

export interface EstateProof {
  caseId: string;
  successionId: string;
  ownersDocumentId: string;
  holdersDocumentId: string;
  holderAccountId: string;
  sunset: string;
  since: Date;
}

/** How the rights of a clone's first owner came to her heir; null while they are hers. */
export async function estateProof(tx: Tx, ownerAccountId: string): Promise<EstateProof | null> {
  const estate = await successions.estateOf(tx, ownerAccountId);
  const report = estate === null ? null : await successions.findCase(tx, estate.caseId);
  const named = report === null ? null : await successions.findSuccession(tx, report.successionId);
  if (estate === null || named === null) return null;
  const signatures = await successions.successionSignatures(tx, named.successionId);
  const signedBy = (account: string): string => signatures.find(({ signer }) => signer === account)?.signedDocumentId ?? '';
  return {
    caseId: estate.caseId, successionId: named.successionId, ownersDocumentId: signedBy(ownerAccountId), holdersDocumentId: signedBy(estate.holderAccountId),
    holderAccountId: estate.holderAccountId, sunset: named.document.sunset, since: estate.since,
  };
}
