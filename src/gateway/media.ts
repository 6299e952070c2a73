import { PLATFORM_GATE } from '../consent/index.ts';
import type { MediaLease, StoredMedia } from '../kernel/media.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { GatewayDeps } from './deps.ts';
import { readable, watchStanding } from './standing.ts';
import { bytesPerSecondOf } from './wav.ts';
import * as store from './store.ts';

/** The last step: stored bytes leave only through a source that asks before every write. */
export interface Delivery {
  getOutputMedia(actor: Actor, outputId: string): Promise<StoredMedia>;
  getEvidenceMedia(actor: Actor, proofId: string, evidenceId: string): Promise<StoredMedia>;
  getEnrolmentMedia(actor: Actor, cloneId: string): Promise<StoredMedia>;
}

interface Playable {
  kind: 'output' | 'evidence' | 'enrolment';
  subjectId: string;
  sha256: string;
  recheck: () => Promise<void>;
}

/** Human recordings are played while the house plays anything at all; a reviewer's, until the owner stops the clone. */
function watchRecording(deps: GatewayDeps, cloneId: string | null): () => Promise<void> {
  const shut = (): Refusal => new Refusal('stopped', 'This is not played any more.', { extra: { clauses: ['stop.stopped'] } });
  return async () => {
    await deps.runTx(async (tx) => {
      const [platform] = await deps.consent.gates.read(tx, [{ gateId: PLATFORM_GATE }]);
      if (platform?.state !== 'open') throw shut();
      // A clone has its gate from its first grant draft on; before that nothing can have been stopped.
      if (cloneId !== null && (await deps.consent.gates.ofClone(tx, cloneId))?.state === 'stopped') throw shut();
    });
  };
}

/** Asks again before every write, and holds nothing. */
function asking(recheck: () => Promise<void>): MediaLease {
  return { ready: recheck, check: () => undefined, wrote: () => undefined, close: () => undefined };
}

const isReviewer = (actor: Actor): boolean => actor.roles.includes('reviewer');

export function makeDelivery(deps: GatewayDeps): Delivery {
  const { runTx, blobs, clock } = deps;

  /** Who was given what is kept before the first byte goes out, once the bytes are at hand. */
  async function open(actor: Actor, { kind, subjectId, sha256, recheck }: Playable): Promise<StoredMedia> {
    await recheck();
    const bytes = await blobs.get(sha256);
    await runTx((tx) => store.insertRead(tx, { kind, subjectId, accountId: actor.accountId, sha256, at: clock.now() }));
    return {
      kind: 'stored', contentType: 'audio/wav', byteLength: bytes.length, bytes, sha256, bytesPerSecond: bytesPerSecondOf(bytes),
      open: async () => asking(recheck),
    };
  }

  return {
    async getOutputMedia(actor, outputId) {
      await deps.at?.('deliver');
      const release = await runTx(async (tx) => {
        const output = await readable(deps, tx, actor, outputId);
        const found = await store.releaseOf(tx, outputId);
        if (found === null) throw new Refusal('output_state', `There is no file: the output is ${output.state}.`);
        return found;
      });
      return await open(actor, {
        kind: 'output', subjectId: outputId, sha256: release.fileSha256, recheck: watchStanding(deps, release),
      });
    },

    async getEvidenceMedia(actor, proofId, evidenceId) {
      const sha256 = await runTx(async (tx) => {
        const proof = await deps.ownership.proof(tx, proofId);
        const recording = await deps.ownership.evidenceRecording(tx, evidenceId);
        if (proof === null || recording?.proofId !== proofId) throw notFound();
        if (!isReviewer(actor) && proof.accountId !== actor.accountId) throw notFound();
        return recording.blobDigest;
      });
      return await open(actor, { kind: 'evidence', subjectId: evidenceId, sha256, recheck: watchRecording(deps, null) });
    },

    async getEnrolmentMedia(actor, cloneId) {
      const recording = await runTx((tx) => deps.clones.enrolmentRecording(tx, cloneId));
      const own = recording?.ownerAccountId === actor.accountId;
      if (recording === null || (!own && !isReviewer(actor))) throw notFound();
      return await open(actor, {
        kind: 'enrolment', subjectId: cloneId, sha256: recording.blobDigest, recheck: watchRecording(deps, own ? null : cloneId),
      });
    },
  };
}
