import { PLATFORM_GATE } from '../consent/index.ts';
import type { StoredMedia } from '../kernel/media.ts';
import { notFound, Refusal } from '../kernel/refusals.ts';
import type { Actor } from '../kernel/request.ts';
import type { GatewayDeps } from './deps.ts';
import { readable, standingGround } from './standing.ts';
import { type Ground, openStream } from './watch.ts';
import { bytesPerSecondOf } from './wav.ts';
import * as store from './store.ts';

/** The last step: stored bytes leave only through a source that asks before every write. */
export interface Delivery {
  getOutputMedia(actor: Actor, outputId: string): Promise<StoredMedia>;
  getEvidenceMedia(actor: Actor, proofId: string, evidenceId: string): Promise<StoredMedia>;
  getEnrolmentMedia(actor: Actor, cloneId: string): Promise<StoredMedia>;
}

/** Human recordings are played while the house plays anything at all; a reviewer's, until the owner stops the clone. */
function recordingGround(deps: GatewayDeps, kind: 'evidence' | 'enrolment', subjectId: string, cloneId: string | null): Ground {
  const shut = (): Refusal => new Refusal('stopped', 'This is not played any more.', { extra: { clauses: ['stop.stopped'] } });
  return {
    kind, subjectId, outlivesEpochs: true,
    see: () => deps.runTx(async (tx) => {
      const [platform] = await deps.consent.gates.read(tx, [{ gateId: PLATFORM_GATE }]);
      if (platform?.state !== 'open') throw shut();
      // A clone has its gate from its first grant draft on; before that nothing can have been stopped.
      const clone = cloneId === null ? null : await deps.consent.gates.ofClone(tx, cloneId);
      if (clone?.state === 'stopped') throw shut();
      return { gates: clone?.state === 'open' ? [platform, clone] : [platform], stands: () => undefined };
    }),
  };
}

const isReviewer = (actor: Actor): boolean => actor.roles.includes('reviewer');

/** A probe is the owner's preview; what she hears of her clone's outputs to others is her own to hear. */
function purposeOf(output: store.OutputRow, actor: Actor): store.ReadPurpose {
  if (output.probe !== null) return 'preview';
  return output.requester === actor.accountId ? 'delivery' : 'own';
}

export function makeDelivery(deps: GatewayDeps): Delivery {
  const { runTx, blobs, clock } = deps;

  /** Who was given what is kept before the first byte goes out, once the bytes are at hand. */
  async function open(
    actor: Actor, ground: Ground,
    { purpose, sha256, video = null }: { purpose: store.ReadPurpose; sha256: string; video?: { contentType: string; seconds: number } | null },
  ): Promise<StoredMedia> {
    const { kind, subjectId } = ground;
    await ground.see();
    const bytes = await blobs.get(sha256);
    await runTx((tx) => store.insertRead(tx, { kind, purpose, subjectId, accountId: actor.accountId, sha256, at: clock.now() }));
    return {
      kind: 'stored', contentType: video?.contentType ?? 'audio/wav', byteLength: bytes.length, bytes, sha256,
      bytesPerSecond: video === null ? bytesPerSecondOf(bytes) : Math.ceil(bytes.length / video.seconds),
      open: (cut) => openStream(deps, ground, cut),
    };
  }

  return {
    async getOutputMedia(actor, outputId) {
      await deps.at?.('deliver');
      const { release, purpose } = await runTx(async (tx) => {
        const output = await readable(deps, tx, actor, outputId);
        const found = await store.releaseOf(tx, outputId);
        if (found === null) throw new Refusal('output_state', `There is no file: the output is ${output.state}.`);
        return { release: found, purpose: purposeOf(output, actor) };
      });
      return await open(actor, standingGround(deps, release, outputId), { purpose, sha256: release.fileSha256 });
    },

    async getEvidenceMedia(actor, proofId, evidenceId) {
      const { blobDigest: sha256, video } = await runTx(async (tx) => {
        const proof = await deps.ownership.proof(tx, proofId);
        const recording = await deps.ownership.evidenceRecording(tx, evidenceId);
        if (proof === null || recording?.proofId !== proofId) throw notFound();
        if (!isReviewer(actor) && proof.accountId !== actor.accountId) throw notFound();
        return recording;
      });
      return await open(actor, recordingGround(deps, 'evidence', evidenceId, null), { purpose: isReviewer(actor) ? 'review' : 'own', sha256, video });
    },

    async getEnrolmentMedia(actor, cloneId) {
      const recording = await runTx((tx) => deps.clones.enrolmentRecording(tx, cloneId));
      const own = recording?.ownerAccountId === actor.accountId;
      if (recording === null || (!own && !isReviewer(actor))) throw notFound();
      return await open(actor, recordingGround(deps, 'enrolment', cloneId, own ? null : cloneId), {
        purpose: own ? 'own' : 'review', sha256: recording.blobDigest,
      });
    },
  };
}
