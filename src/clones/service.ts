import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { IdempotencyKey, Tx } from '../kernel/tx.ts';
import type { CloneEnrolment, EnrolledVoice } from '../ownership/index.ts';
import { once } from '../platform/postgres/index.ts';
import type { ClonesDeps } from './deps.ts';
import { type EnrolmentVerbs, makeEnrolmentVerbs } from './enrolment.ts';
import { cleanName, isProvenAt } from './model.ts';
import * as store from './store.ts';
import { makeVersionVerbs, type VersionVerbs } from './versions.ts';
import {
  cardJson, type CloneCardJson, type CloneJson, cloneJson, type CloneView, cloneView, type VersionView, versionView,
} from './views.ts';

export interface Clones extends EnrolmentVerbs, VersionVerbs {
  /** For other rooms, in their transaction. */
  clone(tx: Tx, cloneId: string): Promise<CloneView | null>;
  /** Every clone of a person, by id. */
  clonesOf(tx: Tx, ownerAccountId: string): Promise<string[]>;
  /** The version that serves: approved, not withdrawn, the highest number. */
  approvedVersion(tx: Tx, cloneId: string): Promise<VersionView | null>;
  version(tx: Tx, versionId: string): Promise<VersionView | null>;
  /** The voice enrolled last for the clone that stands on this proof. */
  enrolledVoice(tx: Tx, proofId: string): Promise<EnrolledVoice | null>;
  /** Ids of the clones that stand on a proof. */
  clonesOnProof(tx: Tx, proofId: string): Promise<string[]>;
  /** Moves what stands on `from` to its approved successor; what was suspended with the former proof serves again. */
  followProof(tx: Tx, move: { from: string; to: string; at: Date }): Promise<void>;
  /** Whether the clone was ever approved; before that it is its owner's alone, and to others it does not exist. */
  wasApproved(tx: Tx, cloneId: string): Promise<boolean>;
  /** Whether the account has a clone, in whatever state. */
  ownsClone(tx: Tx, accountId: string): Promise<boolean>;
  clonesOfProof(tx: Tx, proofId: string): Promise<string[]>;
  /** For the sweep of the registry of refusal: clones by id after this one, their rows locked. */
  enrolmentsAfter(tx: Tx, after: string, limit: number): Promise<CloneEnrolment[]>;
  /** The voice enrolled last for this clone: what reviewers and the owner may play. */
  enrolmentRecording(tx: Tx, cloneId: string): Promise<{ cloneId: string; ownerAccountId: string; blobDigest: string } | null>;

  createClone(
    actor: Actor, key: IdempotencyKey, input: { ownershipProofId: string; name: string; handle: string },
  ): Promise<CloneJson>;
  getClone(actor: Actor, cloneId: string): Promise<CloneJson>;
  listClones(page: { limit: number; after?: string | undefined; handle?: string | undefined }): Promise<{ clones: CloneCardJson[] }>;
  replaceCloneProof(actor: Actor, key: IdempotencyKey, cloneId: string, input: { ownershipProofId: string }): Promise<CloneJson>;
}

/** When the clone's proof is approved now: suspended versions serve again, and what held the clone for it lets go. */
async function provenAgain(tx: Tx, deps: ClonesDeps, cloneId: string, proofId: string, at: Date): Promise<void> {
  const proof = await deps.ownership.proof(tx, proofId);
  if (proof === null || !isProvenAt(proof, at)) return;
  await store.resumeVersions(tx, cloneId);
  await deps.onCloneProven?.(tx, { cloneId, at });
}

type CloneVerbs = Pick<Clones, 'createClone' | 'getClone' | 'listClones' | 'replaceCloneProof'>;

function makeCloneVerbs(deps: ClonesDeps): CloneVerbs {
  const { runTx, clock, ids, ownership } = deps;

  async function ownProof(tx: Tx, actor: Actor, proofId: string): Promise<string> {
    const proof = await ownership.proof(tx, proofId);
    if (proof?.accountId !== actor.accountId) throw notFound();
    return proof.proofId;
  }

  return {
    createClone: (actor, key, input) => runTx((tx) => once(tx, key, async () => {
      await ownership.checkNotRefused(tx, actor.accountId);
      const row: store.CloneRow = {
        id: ids.next('clone'),
        ownerAccountId: actor.accountId,
        ownershipProofId: await ownProof(tx, actor, input.ownershipProofId),
        name: cleanName(input.name),
        handle: input.handle,
        createdAt: clock.now(),
      };
      if (!(await store.insertClone(tx, row))) throw new Refusal('handle_taken', 'Another clone has this handle; choose another one.');
      await ownership.screenClone(tx, { cloneId: row.id, accountId: actor.accountId, name: row.name, handle: row.handle, at: row.createdAt });
      return await cloneJson(tx, ownership, row, actor.accountId, clock.now());
    })),
    getClone: (actor, cloneId) => runTx(async (tx) => {
      const row = await store.findClone(tx, cloneId);
      // What was never in the catalogue is its owner's alone: a draft says that somebody claims to be this person.
      const open = row?.ownerAccountId === actor.accountId || await store.wasApproved(tx, cloneId);
      if (row === null || !open) throw notFound();
      return await cloneJson(tx, ownership, row, actor.accountId, clock.now());
    }),
    listClones: ({ limit, after = null, handle = null }) => runTx(async (tx) => {
      const clones: CloneCardJson[] = [];
      for (const row of await store.catalogue(tx, { limit, after, handle })) {
        clones.push(cardJson(row, await ownership.proof(tx, row.ownershipProofId), clock.now()));
      }
      return { clones };
    }),
    replaceCloneProof: (actor, key, cloneId, input) => runTx((tx) => once(tx, key, async () => {
      const row = await store.lockOwnClone(tx, actor, cloneId);
      const ownershipProofId = await ownProof(tx, actor, input.ownershipProofId);
      const proof = await ownership.proof(tx, ownershipProofId);
      if ((await store.servingVersion(tx, cloneId)) !== null && proof?.state !== 'approved') {
        throw new Refusal('ownership_unproven', 'This clone has an approved version; it moves only to an approved proof.');
      }
      const former = await ownership.proof(tx, row.ownershipProofId);
      if (former?.subjectName !== proof?.subjectName && (await store.wasApproved(tx, cloneId))) {
        throw new Refusal('ownership_unproven', 'This clone was approved as somebody; it moves only to a proof of the same name.');
      }
      await store.moveCloneToProof(tx, cloneId, ownershipProofId);
      await provenAgain(tx, deps, cloneId, ownershipProofId, clock.now());
      return await cloneJson(tx, ownership, { ...row, ownershipProofId }, actor.accountId, clock.now());
    })),
  };
}

/** The room of clones and their versions. */
export function makeClones(deps: ClonesDeps): Clones {
  return {
    clonesOf: (tx, ownerAccountId) => store.clonesOf(tx, ownerAccountId),
    async clone(tx, cloneId) {
      const row = await store.findClone(tx, cloneId);
      return row === null ? null : cloneView(row);
    },
    async approvedVersion(tx, cloneId) {
      const row = await store.servingVersion(tx, cloneId);
      return row === null ? null : versionView(row);
    },
    async version(tx, versionId) {
      const row = await store.findVersion(tx, versionId);
      return row === null ? null : versionView(row);
    },
    async enrolledVoice(tx, proofId) {
      const row = await store.voiceOfProof(tx, proofId);
      return row === null
        ? null
        : { cloneId: row.cloneId, materialId: row.id, blobDigest: row.digest, profile: row.details.profile };
    },
    clonesOnProof: async (tx, proofId) => (await store.lockClonesOf(tx, proofId)).map(({ id }) => id),
    async followProof(tx, { from, to, at }) {
      for (const { id } of await store.lockClonesOf(tx, from)) {
        if (from !== to) await store.moveCloneToProof(tx, id, to);
        await provenAgain(tx, deps, id, to, at);
      }
    },
    wasApproved: (tx, cloneId) => store.wasApproved(tx, cloneId),
    ownsClone: (tx, accountId) => store.ownsClone(tx, accountId),
    clonesOfProof: (tx, proofId) => store.clonesOfProof(tx, proofId),
    async enrolmentsAfter(tx, after, limit) {
      const found: CloneEnrolment[] = [];
      for (const { id: cloneId, ownerAccountId, name, handle } of await store.lockClonesAfter(tx, after, limit)) {
        const voice = await store.newestVoice(tx, cloneId);
        found.push({
          cloneId, ownerAccountId, name, handle, live: (await store.servingVersion(tx, cloneId)) !== null,
          voice: voice === null ? null : { materialId: voice.id, profile: voice.details.profile },
        });
      }
      return found;
    },
    async enrolmentRecording(tx, cloneId) {
      const clone = await store.findClone(tx, cloneId);
      const voice = await store.newestVoice(tx, cloneId);
      if (clone === null || voice === null) return null;
      return { cloneId, ownerAccountId: clone.ownerAccountId, blobDigest: voice.digest };
    },
    ...makeCloneVerbs(deps),
    ...makeEnrolmentVerbs(deps),
    ...makeVersionVerbs(deps),
  };
}
