import type { Tx } from '../kernel/tx.ts';
import type { GrantDocument } from './grant.ts';
import { documentOf, stateAt } from './grants.ts';
import { type RevocationRow, revocationOf, signedVersionsOf } from './history-store.ts';
import { type GrantRowState, loadGrant } from './store.ts';

/** Everything that was ever signed about one grant. */
export interface GrantHistory {
  grantId: string;
  cloneId: string;
  ownerAccountId: string;
  state: GrantRowState;
  /** Of the version in force, or of the latest draft while nothing is signed. */
  digest: string;
  /** Oldest first; none while it is a draft. */
  versions: { version: number; digest: string; document: GrantDocument; signedDocumentId: string; signedAt: Date }[];
  revocation: RevocationRow | null;
}

export async function grantHistory(tx: Tx, grantId: string, at: Date): Promise<GrantHistory | null> {
  const row = await loadGrant(tx, grantId);
  if (row === null) return null;
  const { cloneId, ownerAccountId, digest } = row;
  const versions = (await signedVersionsOf(tx, grantId)).map(({ canonical, ...version }) => ({
    ...version, document: JSON.parse(canonical) as GrantDocument,
  }));
  return {
    grantId, cloneId, ownerAccountId, digest, state: stateAt(row, documentOf(row), at), versions, revocation: await revocationOf(tx, grantId),
  };
}
