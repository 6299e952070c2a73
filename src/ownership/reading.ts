import { notFound } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import type { OwnershipDeps } from './deps.ts';
import type { ProofRow } from './store.ts';
import { adviceOn, gather, type OwnershipProofJson, proofJson } from './views.ts';

/** Reviewers and operators read what is not theirs; for everybody else a foreign proof does not exist. */
export const readsAll = (actor: Actor): boolean => actor.roles.includes('reviewer') || actor.roles.includes('operator');

export interface Reading {
  present(tx: Tx, proof: ProofRow, forReviewer: boolean): Promise<OwnershipProofJson>;
}

export function makeReading(deps: OwnershipDeps): Reading {
  return {
    async present(tx, proof, forReviewer) {
      const dossier = await gather(tx, proof, forReviewer ? deps.enrolledVoice : null);
      return proofJson(dossier, deps.clock.now(), adviceOn(dossier, deps.inference), deps.policy.policy);
    },
  };
}

export async function found(row: Promise<ProofRow | null>): Promise<ProofRow> {
  const proof = await row;
  if (proof === null) throw notFound();
  return proof;
}
