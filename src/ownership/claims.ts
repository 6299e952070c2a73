import type { SignatureInput } from '../identity/index.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import { once } from '../platform/postgres/index.ts';
import type { OwnershipDeps } from './deps.ts';
import { caseOf } from './evidence-verbs.ts';
import { reach } from './levels.ts';
import { type RepresentationDocument, representationDocument } from './representation.ts';
import {
  checkAppealable, type ClaimInput, claimDocument, type Language, moved, type OwnershipClaim, readClaim, type ReadClaim,
} from './model.ts';
import { found, type Reading, readsAll } from './reading.ts';
import type { Refusals } from './refusal-service.ts';
import type { ProofRow } from './store.ts';
import * as store from './store.ts';
import type { OwnershipProofJson } from './views.ts';
import { countingAt } from './vouching.ts';

/** What the claimant does: claims, hands in, appeals. */
export interface ClaimVerbs {
  draftOwnershipClaim(actor: Actor, input: ClaimInput): { document: OwnershipClaim };
  openOwnershipProof(
    actor: Actor, key: IdempotencyKey, input: { subjectName: string; signature: SignatureInput },
  ): Promise<OwnershipProofJson>;
  /** The statement that is signed beside an authority paper. Refuses `evidence_not_accepted`, `request_invalid`. */
  draftRepresentation(actor: Actor, proofId: string, input: { until: string; locale: Language }): Promise<{ document: RepresentationDocument }>;
  getOwnershipProof(actor: Actor, proofId: string): Promise<OwnershipProofJson>;
  /** Refuses `proof_state`, and `proof_incomplete` with what is missing. */
  submitOwnershipProof(actor: Actor, key: IdempotencyKey, proofId: string): Promise<OwnershipProofJson>;
  /** A rejection goes once to people who did not decide it. Refuses `proof_state`. */
  appealOwnershipProof(actor: Actor, key: IdempotencyKey, proofId: string, input: { text: string }): Promise<OwnershipProofJson>;
}

/** The proof that a claim follows. Refuses `proof_state` unless it is the claimant's own, of the same name and kind. */
async function renewed(tx: Tx, actor: Actor, claim: ReadClaim): Promise<string | null> {
  if (claim.renews === null) return null;
  const earlier = await store.findProof(tx, claim.renews);
  const same = earlier?.accountId === actor.accountId && earlier.subjectName === claim.subjectName && earlier.subjectKind === claim.subjectKind;
  if (!same) throw new Refusal('proof_state', 'A proof is renewed by its own account, for the same name and kind.');
  return claim.renews;
}

async function lockMine(tx: Tx, actor: Actor, proofId: string): Promise<ProofRow> {
  const proof = await found(store.lockProof(tx, proofId));
  if (proof.accountId !== actor.accountId) throw notFound();
  return proof;
}

const FRESH = {
  state: 'open', submittedAt: null, approvedAt: null, expiresAt: null, endedAt: null, round: 1, appealedAt: null, appealText: null,
  policySha256: null, evidenceSha256: null,
} as const;

export function makeClaimVerbs(deps: OwnershipDeps, reading: Reading, screening: Pick<Refusals, 'screenProof'>): ClaimVerbs {
  const { runTx, clock, ids, policy: { policy, sha256: policySha256 } } = deps;
  return {
    draftOwnershipClaim: (actor, input) => ({
      document: claimDocument({ ...input, accountId: actor.accountId, at: clock.now() }),
    }),
    openOwnershipProof: (actor, key, { subjectName, signature }) => runTx((tx) => once(tx, key, async () => {
      const signed = await deps.identity.completeSignature(tx, actor, signature, { documentType: 'ownership_claim' });
      const openedAt = clock.now();
      const claim = readClaim(signed.document, { accountId: actor.accountId, subjectName, now: openedAt });
      const proof: ProofRow = {
        ...FRESH, id: ids.next('ownershipProof'), accountId: actor.accountId, claimDocumentId: signed.id, openedAt,
        subjectName: claim.subjectName, subjectKind: claim.subjectKind, claimantName: claim.claimantName, handle: claim.handle,
        statement: claim.statement, renewsProofId: await renewed(tx, actor, claim),
      };
      await store.insertProof(tx, proof);
      await screening.screenProof(tx, { proofId: proof.id, accountId: actor.accountId, name: proof.subjectName, handle: proof.handle, at: openedAt });
      return await reading.present(tx, proof, false);
    })),
    draftRepresentation: (actor, proofId, { until, locale }) => runTx(async (tx) => {
      const proof = await lockMine(tx, actor, proofId);
      const about = caseOf(proof, '');
      return { document: representationDocument(about, { until: new Date(until), locale, at: clock.now() }) };
    }),
    getOwnershipProof: (actor, proofId) => runTx(async (tx) => {
      const proof = await found(store.findProof(tx, proofId));
      const mine = proof.accountId === actor.accountId;
      if (!mine && !readsAll(actor)) throw notFound();
      // A reviewer's own proof is shown to them as to any submitter.
      return await reading.present(tx, proof, !mine);
    }),
    submitOwnershipProof: (actor, key, proofId) => runTx((tx) => once(tx, key, async () => {
      const proof = await lockMine(tx, actor, proofId);
      const change = { state: moved(proof.state, 'submit'), submittedAt: clock.now(), policySha256 };
      // An appeal leads to `submitted` too, but what was handed in is handed in once.
      if (proof.state !== 'open') throw new Refusal('proof_state', 'This proof was handed in already.');
      const evidence = await store.evidenceOf(tx, proofId);
      reach(policy, proof.subjectKind, (await countingAt(tx, evidence, change.submittedAt)).kinds);
      await store.updateProof(tx, proofId, change);
      return await reading.present(tx, await found(store.findProof(tx, proofId)), false);
    })),
    appealOwnershipProof: (actor, key, proofId, { text }) => runTx((tx) => once(tx, key, async () => {
      const proof = await lockMine(tx, actor, proofId);
      const now = clock.now();
      const rejected = (await store.decisionsOf(tx, proofId)).findLast(({ decision }) => decision === 'rejected');
      checkAppealable(proof, rejected?.at ?? null, now, policy.review.appealWithinDays);
      await store.updateProof(tx, proofId, {
        state: moved(proof.state, 'appeal'), round: proof.round + 1, appealedAt: now, appealText: text,
      });
      return await reading.present(tx, await found(store.findProof(tx, proofId)), false);
    })),
  };
}
