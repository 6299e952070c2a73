import type { Tx } from '../kernel/tx.ts';
import { type ClaimVerbs, makeClaimVerbs } from './claims.ts';
import type { OwnershipDeps } from './deps.ts';
import { type EndingVerbs, makeEndingVerbs } from './ending.ts';
import { type EvidenceVerbs, makeEvidenceVerbs } from './evidence-verbs.ts';
import { makeVerifiers } from './kinds/index.ts';
import { isProvenAt, type ProofView } from './model.ts';
import { makePaperVerbs, type PaperVerbs } from './papers.ts';
import { makeReading } from './reading.ts';
import { makeRefusals, type Refusals } from './refusal-service.ts';
import { makeReviewVerbs, type ReviewVerbs } from './reviewing.ts';
import * as store from './store.ts';
import type { VideoFacts } from './video/index.ts';
import { proofView } from './views.ts';
import { makeVouchVerbs, type VouchVerbs } from './vouching.ts';

export interface Ownership extends ClaimVerbs, EvidenceVerbs, ReviewVerbs, EndingVerbs, PaperVerbs, VouchVerbs, Refusals {
  /** For other rooms, in their transaction. */
  proof(tx: Tx, proofId: string): Promise<ProofView | null>;
  /** Whether the proof is approved, not withdrawn and not run out at `at`. */
  isProven(tx: Tx, proofId: string, at: Date): Promise<boolean>;
  evidenceRecording(tx: Tx, evidenceId: string): Promise<EvidenceRecording | null>;
}

/** A recording of a human. What a video is was read from its container when it was handed in. */
export interface EvidenceRecording {
  proofId: string;
  blobDigest: string;
  kind: 'voice_challenge' | 'video_challenge';
  video: VideoFacts | null;
}

/** The room of ownership proofs. */
export function makeOwnership(deps: OwnershipDeps): Ownership {
  const reading = makeReading(deps);
  const verifiers = makeVerifiers(deps);
  const refusals = makeRefusals(deps);
  return {
    ...refusals,
    async proof(tx, proofId) {
      const row = await store.findProof(tx, proofId);
      return row === null ? null : proofView(row);
    },
    async isProven(tx, proofId, at) {
      const row = await store.findProof(tx, proofId);
      return row !== null && isProvenAt(row, at);
    },
    async evidenceRecording(tx, evidenceId) {
      const row = await store.findEvidence(tx, evidenceId);
      if (row === null || row.blobDigest === null) return null;
      const { proofId, blobDigest } = row;
      if (row.kind === 'voice_challenge') return { proofId, blobDigest, kind: row.kind, video: null };
      return row.kind === 'video_challenge' ? { proofId, blobDigest, kind: row.kind, video: row.finding } : null;
    },
    ...makeClaimVerbs(deps, reading, refusals),
    ...makeEvidenceVerbs({ ...deps, policy: deps.policy.policy, verifiers }),
    ...makeReviewVerbs(deps, reading, refusals),
    ...makeEndingVerbs(deps, verifiers, reading),
    ...makePaperVerbs(deps),
    ...makeVouchVerbs(deps),
  };
}
