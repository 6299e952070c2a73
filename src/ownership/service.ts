import type { Identity, SignatureInput } from '../identity/index.ts';
import type { Ids } from '../kernel/ids.ts';
import type { Random } from '../kernel/random.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { Clock } from '../kernel/time.ts';
import type { IdempotencyKey, RunTx, Tx } from '../kernel/tx.ts';
import type { Blobs } from '../platform/blobs/index.ts';
import type { TxtReader } from '../platform/dns/index.ts';
import type { SafeFetch } from '../platform/fetch/index.ts';
import { enqueue } from '../platform/jobs/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { Transparency } from '../transparency/index.ts';
import { recordDecision } from './decisions.ts';
import { makeEvidenceVerbs, type EvidenceVerbs } from './evidence-verbs.ts';
import { makeVerifiers } from './kinds/index.ts';
import { reach } from './levels.ts';
import {
  approvalEnd, type ClaimInput, claimDocument, countsAt, isProvenAt, moved, type OwnershipClaim, type ProofView, readClaim, type ReadClaim,
  type RejectReason, stateAt, weighReview, type WithdrawalReason,
} from './model.ts';
import type { LoadedPolicy } from './policy.ts';
import { makeRefusals, type RefusalDeps, type Refusals } from './refusal-service.ts';
import type { ProofRow, ReviewRow } from './store.ts';
import * as store from './store.ts';
import { adviceOn, gather, type OwnershipProofJson, proofJson, proofView } from './views.ts';
import type { EnrolledVoice, VoiceInstrument } from './voice.ts';

export interface OwnershipDeps extends Pick<RefusalDeps, 'ownsClone' | 'cloneEnrolments' | 'onEnrolmentUpheld'> {
  runTx: RunTx;
  clock: Clock;
  ids: Ids;
  random: Random;
  identity: Pick<Identity, 'completeSignature'>;
  log: Pick<Transparency, 'append'>;
  fetcher: SafeFetch;
  dns: TxtReader;
  blobs: Blobs;
  policy: LoadedPolicy;
  inference: VoiceInstrument;
  /** The voice enrolled for the clone that stands on a proof; clones, the room above, knows. */
  enrolledVoice: (tx: Tx, proofId: string) => Promise<EnrolledVoice | null>;
  /** Told in the same transaction when an approval ended (withdrawn or expired), so that gates can be narrowed. */
  onProofWithdrawn?: (tx: Tx, proofId: string) => Promise<void>;
}

export type ReviewInput =
  | { verdict: 'approve'; text?: string | undefined }
  | { verdict: 'reject'; reasonCode: RejectReason; text?: string | undefined };

export interface Ownership extends EvidenceVerbs, Refusals {
  /** For other rooms, in their transaction. */
  proof(tx: Tx, proofId: string): Promise<ProofView | null>;
  /** Whether the proof is approved, not withdrawn and not run out at `at`. */
  isProven(tx: Tx, proofId: string, at: Date): Promise<boolean>;
  evidenceRecording(tx: Tx, evidenceId: string): Promise<{ proofId: string; blobDigest: string; kind: 'voice_challenge' } | null>;

  draftOwnershipClaim(actor: Actor, input: ClaimInput): { document: OwnershipClaim };
  openOwnershipProof(
    actor: Actor, key: IdempotencyKey, input: { subjectName: string; signature: SignatureInput },
  ): Promise<OwnershipProofJson>;
  getOwnershipProof(actor: Actor, proofId: string): Promise<OwnershipProofJson>;
  submitOwnershipProof(actor: Actor, key: IdempotencyKey, proofId: string): Promise<OwnershipProofJson>;
  listReviews(reviewer: Actor, limit: number): Promise<{ proofs: OwnershipProofJson[] }>;
  reviewOwnershipProof(reviewer: Actor, key: IdempotencyKey, proofId: string, input: ReviewInput): Promise<OwnershipProofJson>;
  withdrawOwnershipProof(
    operator: Actor, key: IdempotencyKey, proofId: string, input: { reasonCode: WithdrawalReason; text: string },
  ): Promise<OwnershipProofJson>;
  /** The job at an approval's end. Safe to run twice. */
  expireProof(proofId: string): Promise<void>;
}

/** Reviewers and operators read what is not theirs; for everybody else a foreign proof does not exist. */
const readsAll = (actor: Actor): boolean => actor.roles.includes('reviewer') || actor.roles.includes('operator');

function makeReading(deps: OwnershipDeps): {
  present(tx: Tx, proof: ProofRow, forReviewer: boolean): Promise<OwnershipProofJson>;
} {
  return {
    async present(tx, proof, forReviewer) {
      const dossier = await gather(tx, proof, forReviewer ? deps.enrolledVoice : null);
      return proofJson(dossier, deps.clock.now(), adviceOn(dossier, deps.inference));
    },
  };
}

type Reading = ReturnType<typeof makeReading>;

async function found(row: Promise<ProofRow | null>): Promise<ProofRow> {
  const proof = await row;
  if (proof === null) throw notFound();
  return proof;
}

/** The proof that a claim follows. Refuses `proof_state` unless it is the claimant's own, of the same name and kind. */
async function renewed(tx: Tx, actor: Actor, claim: ReadClaim): Promise<string | null> {
  if (claim.renews === null) return null;
  const earlier = await store.findProof(tx, claim.renews);
  const same = earlier?.accountId === actor.accountId && earlier.subjectName === claim.subjectName && earlier.subjectKind === claim.subjectKind;
  if (!same) throw new Refusal('proof_state', 'A proof is renewed by its own account, for the same name and kind.');
  return claim.renews;
}

function makeSubmitterVerbs(
  deps: OwnershipDeps, reading: Reading, screening: Pick<Refusals, 'screenProof'>,
): Pick<Ownership, 'draftOwnershipClaim' | 'openOwnershipProof' | 'getOwnershipProof' | 'submitOwnershipProof'> {
  const { runTx, clock, ids, policy: { policy } } = deps;
  return {
    draftOwnershipClaim: (actor, input) => ({
      document: claimDocument({ ...input, accountId: actor.accountId, at: clock.now() }),
    }),
    openOwnershipProof: (actor, key, { subjectName, signature }) => runTx((tx) => once(tx, key, async () => {
      const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'ownership_claim' });
      const now = clock.now();
      const claim = readClaim(signed.document, { accountId: actor.accountId, subjectName, now });
      const proof: ProofRow = {
        id: ids.next('ownershipProof'),
        accountId: actor.accountId,
        subjectName: claim.subjectName,
        subjectKind: claim.subjectKind,
        claimantName: claim.claimantName,
        renewsProofId: await renewed(tx, actor, claim),
        handle: claim.handle,
        statement: claim.statement,
        claimDocumentId: signed.id,
        state: 'open',
        openedAt: now,
        submittedAt: null,
        approvedAt: null,
        expiresAt: null,
        endedAt: null,
      };
      await store.insertProof(tx, proof);
      await screening.screenProof(tx, { proofId: proof.id, accountId: actor.accountId, name: proof.subjectName, handle: proof.handle, at: now });
      return await reading.present(tx, proof, false);
    })),
    getOwnershipProof: (actor, proofId) => runTx(async (tx) => {
      const proof = await found(store.findProof(tx, proofId));
      const mine = proof.accountId === actor.accountId;
      if (!mine && !readsAll(actor)) throw notFound();
      // A reviewer's own proof is shown to them as to any submitter.
      return await reading.present(tx, proof, !mine);
    }),
    submitOwnershipProof: (actor, key, proofId) => runTx((tx) => once(tx, key, async () => {
      const proof = await found(store.lockProof(tx, proofId));
      if (proof.accountId !== actor.accountId) throw notFound();
      const change = { state: moved(proof.state, 'submit'), submittedAt: clock.now() };
      const evidence = await store.evidenceOf(tx, proofId);
      reach(policy, proof.subjectKind, evidence.filter((row) => countsAt(row, change.submittedAt)).map(({ kind }) => kind));
      await store.updateProof(tx, proofId, change);
      return await reading.present(tx, { ...proof, ...change }, false);
    })),
  };
}

function makeDecidingVerbs(
  deps: OwnershipDeps, reading: Reading, screening: Pick<Refusals, 'checkProofNotHeld'>,
): Pick<Ownership, 'listReviews' | 'reviewOwnershipProof' | 'withdrawOwnershipProof' | 'expireProof'> {
  const { runTx, clock, ids, log, policy: { policy } } = deps;

  async function reviewed(tx: Tx, proof: ProofRow, review: ReviewRow): Promise<void> {
    const outcome = weighReview(proof, await store.reviewsOf(tx, proof.id), review);
    await store.insertReview(tx, review);
    if (outcome === 'rejected') await recordDecision(tx, log, proof, { decision: 'rejected' }, review.at);
    if (outcome !== 'approved') return;
    const evidence = await store.evidenceOf(tx, proof.id);
    const counting = evidence.filter((row) => countsAt(row, review.at));
    // What ran out while the case waited no longer counts: the level must be reached on the day of the decision.
    const expiresAt = approvalEnd(review.at, reach(policy, proof.subjectKind, counting.map(({ kind }) => kind)), evidence);
    await screening.checkProofNotHeld(tx, proof.id);
    await recordDecision(tx, log, proof, { decision: 'approved', expiresAt }, review.at);
    await enqueue(tx, {
      topic: 'ownership.expireProof', payload: { proofId: proof.id }, runAt: expiresAt, dedupeKey: `ownership.expireProof:${proof.id}`,
    });
  }

  return {
    listReviews: (reviewer, limit) => runTx(async (tx) => {
      const proofs: OwnershipProofJson[] = [];
      for (const proof of await store.waitingFor(tx, reviewer.accountId, limit)) {
        proofs.push(await reading.present(tx, proof, true));
      }
      return { proofs };
    }),
    reviewOwnershipProof: (reviewer, key, proofId, input) => runTx((tx) => once(tx, key, async () => {
      const proof = await found(store.lockProof(tx, proofId));
      const dossier = await gather(tx, proof, deps.enrolledVoice);
      await reviewed(tx, proof, {
        id: ids.next('review'),
        proofId,
        reviewerId: reviewer.accountId,
        verdict: input.verdict,
        reasonCode: input.verdict === 'reject' ? input.reasonCode : null,
        text: input.text ?? '',
        advice: adviceOn(dossier, deps.inference),
        at: clock.now(),
      });
      return await reading.present(tx, await found(store.findProof(tx, proofId)), true);
    })),
    withdrawOwnershipProof: (operator, key, proofId, input) => runTx((tx) => once(tx, key, async () => {
      const proof = await found(store.lockProof(tx, proofId));
      const now = clock.now();
      moved(stateAt(proof, now), 'withdraw');
      await recordDecision(tx, log, proof, {
        decision: 'withdrawn', reasonCode: input.reasonCode, text: input.text, by: operator.accountId,
      }, now);
      await deps.onProofWithdrawn?.(tx, proofId);
      return await reading.present(tx, await found(store.findProof(tx, proofId)), true);
    })),
    expireProof: (proofId) => runTx(async (tx) => {
      const proof = await found(store.lockProof(tx, proofId));
      const now = clock.now();
      if (proof.state !== 'approved') return;
      if (stateAt(proof, now) !== 'expired') throw new Error(`The proof ${proofId} has not run out yet.`);
      await recordDecision(tx, log, proof, { decision: 'expired' }, now);
      await deps.onProofWithdrawn?.(tx, proofId);
    }),
  };
}

/** The room of ownership proofs. */
export function makeOwnership(deps: OwnershipDeps): Ownership {
  const reading = makeReading(deps);
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
      if (row?.kind !== 'voice_challenge' || row.blobDigest === null) return null;
      return { proofId: row.proofId, blobDigest: row.blobDigest, kind: row.kind };
    },
    ...makeSubmitterVerbs(deps, reading, refusals),
    ...makeEvidenceVerbs({ ...deps, policy: deps.policy.policy, verifiers: makeVerifiers(deps) }),
    ...makeDecidingVerbs(deps, reading, refusals),
  };
}
