import type { Clones } from '../clones/index.ts';
import type { Consent } from '../consent/index.ts';
import type { Tx } from '../kernel/tx.ts';
import type { OwnershipDeps } from '../ownership/index.ts';

const HOLDER = 'proof';

interface Above {
  clones: Pick<Clones, 'clonesOnProof' | 'followProof'>;
  gates: Consent['gates'];
}

/** What a proof does to the clones that stand on it: its end holds their gates, its successor takes them over. */
export function proofHooks(above: () => Above): Required<Pick<OwnershipDeps, 'onProofEnded' | 'onProofApproved'>> {
  return {
    async onProofEnded(tx, { proofId, how, at }) {
      const { clones, gates } = above();
      for (const cloneId of await clones.clonesOnProof(tx, proofId)) {
        await gates.ensure(tx, { cloneId, at, by: 'platform' });
        const gate = await gates.ofClone(tx, cloneId);
        if (gate !== null) await gates.hold(tx, gate.gateId, { holder: HOLDER, reason: `ownership_proof.${how}`, at, by: 'platform' });
      }
    },
    async onProofApproved(tx, { proofId, renews, at }) {
      const { clones } = above();
      // A proof may be approved on which a clone stood already while it was open, after a former one had ended.
      for (const from of renews === null ? [proofId] : [renews, proofId]) await clones.followProof(tx, { from, to: proofId, at });
    },
  };
}

/** Takes the proof's hold away, and no other. */
export function liftProofHold(gates: () => Consent['gates']): (tx: Tx, proven: { cloneId: string; at: Date }) => Promise<void> {
  return async (tx, { cloneId, at }) => {
    const gate = await gates().ofClone(tx, cloneId);
    if (gate !== null) await gates().lift(tx, gate.gateId, { holder: HOLDER, reason: 'ownership_proof.approved', at, by: 'platform' });
  };
}
