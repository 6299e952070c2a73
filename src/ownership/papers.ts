import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import type { OwnershipDeps } from './deps.ts';
import * as papers from './paper-store.ts';
import { found } from './reading.ts';
import * as reviews from './review-store.ts';
import { leaseAt } from './service-clock.ts';
import * as store from './store.ts';

/** Papers are looked at by who holds the case, each look kept, and destroyed on a schedule. */
export interface PaperVerbs {
  /** The paper, opened. Refuses `review_unclaimed`, `not_found`, and `evidence_state` once it was destroyed. */
  viewPaper(reviewer: Actor, proofId: string, evidenceId: string, reason: string): Promise<Buffer>;
  /** The job after a decision, or long after nothing was decided. Safe to run twice. */
  destroyPapers(proofId: string): Promise<void>;
}

const DESTROY = 'ownership.destroyPapers';

export async function scheduleDestruction(tx: Tx, proofId: string, at: Date): Promise<void> {
  await enqueue(tx, { topic: DESTROY, payload: { proofId }, runAt: at, dedupeKey: `${DESTROY}:${proofId}:${at.toISOString()}` });
}

export function makePaperVerbs(deps: OwnershipDeps): PaperVerbs {
  const { runTx, clock, blobs, sealer, log, policy: { policy } } = deps;
  const gone = (): Refusal => new Refusal('evidence_state', 'This paper was destroyed, as promised.');

  return {
    async viewPaper(reviewer, proofId, evidenceId, reason) {
      const { key, digest } = await runTx(async (tx) => {
        const proof = await found(store.lockProof(tx, proofId));
        const row = await store.findEvidence(tx, evidenceId);
        if (row?.proofId !== proofId || (row.kind !== 'document' && row.kind !== 'representation') || row.blobDigest === null) throw notFound();
        const at = clock.now();
        const began = proof.appealedAt ?? proof.submittedAt;
        const leases = began === null || proof.state !== 'submitted' ? [] : await reviews.leasesSince(tx, proofId, began);
        const lease = leases.find((one) => one === leaseAt(leases, at));
        if (lease?.reviewerId !== reviewer.accountId) {
          throw new Refusal('review_unclaimed', 'Papers are shown to the reviewer who has taken up the case.');
        }
        const wrapped = await papers.findCaseKey(tx, proofId);
        if (wrapped === null) throw gone();
        // Who looked, when and why is kept before there is anything to look at.
        await papers.insertView(tx, { evidenceId, leaseId: lease.id, viewerId: reviewer.accountId, reason, at });
        return { key: wrapped, digest: row.blobDigest };
      });
      return sealer.unseal(proofId, key, await blobs.get(digest));
    },
    async destroyPapers(proofId) {
      const digests = await runTx(async (tx) => {
        const proof = await found(store.lockProof(tx, proofId));
        const now = clock.now();
        const decided = (await store.decisionsOf(tx, proofId)).findLast(({ decision }) => decision === 'approved' || decision === 'rejected');
        const from = proof.state === 'open' ? { at: proof.openedAt, days: policy.documents.destroyDaysUndecided } : decided && {
          at: decided.at, days: policy.documents.destroyDaysAfterDecision,
        };
        // While people judge, and until the last decision is old enough, there is still a use for them; its own job comes then.
        if (proof.state === 'submitted' || from === undefined || now.getTime() < from.at.getTime() + from.days * 86_400_000) return [];
        const sealed = await papers.sealedOf(tx, proofId);
        if (sealed.length > 0 && (await papers.forgetKey(tx, proofId, now))) {
          const document = { type: 'benren.ownership_papers_destroyed', schemaVersion: 1, proofId, sealedSha256: sealed, at: now.toISOString() };
          const { leafId } = await log.append(tx, { type: 'ownership_papers.destroyed', subjectId: proofId, at: now, document });
          await papers.insertDestruction(tx, { proofId, leafId, document, at: now });
        }
        return sealed;
      });
      // After the key is gone for good; what a crash leaves here nobody can read, and the next run removes it.
      for (const digest of digests) await blobs.delete(digest);
    },
  };
}
