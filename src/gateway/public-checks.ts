import { sha256Hex } from '../kernel/digest.ts';
import type { Tx } from '../kernel/tx.ts';
import type { Marks } from '../provenance/index.ts';
import type { GatewayDeps } from './deps.ts';
import { CHECK_LIMITS, type PublicStatus, STATUS_TEXTS } from './model.ts';
import { segmentOfFile, segmentOfSamples, segmentsOfOutput } from './segment-store.ts';
import { type Released, standing } from './standing.ts';
import * as store from './store.ts';
import type { FileCheckJson, OutputStatusJson } from './views.ts';
import { samplesOf } from './wav.ts';

/** What anybody may ask, without an account. */
export interface PublicChecks {
  getOutputStatus(outputId: string): Promise<OutputStatusJson>;
  /** @throws Refusal `file_unreadable` for what is no WAV */
  checkFile(bytes: Uint8Array): Promise<FileCheckJson>;
}

interface Found {
  matchedBy: FileCheckJson['matchedBy'];
  status: PublicStatus;
  outputId: string | null;
}

export function makePublicChecks(deps: GatewayDeps): PublicChecks {
  async function statusOfRelease(tx: Tx, release: Released): Promise<PublicStatus> {
    return (await standing(deps, tx, release)) === 'withdrawn' ? 'allowed_when_made_since_withdrawn' : 'allowed_when_made';
  }

  async function statusOf(tx: Tx, outputId: string): Promise<OutputStatusJson> {
    const output = await store.findOutput(tx, outputId);
    const file = await store.releaseOf(tx, outputId);
    // Of a stream that was cut, or is not yet a file: what was sent was allowed when it was made.
    const release = file ?? (await segmentsOfOutput(tx, outputId))[0] ?? null;
    const refused = output?.state === 'denied' || output?.state === 'voided';
    const status = release !== null ? await statusOfRelease(tx, release) : refused ? 'never_allowed' : 'unknown';
    return {
      // Whose clone it was is public with the file, not before: an output that was never released is its requester's.
      outputId, status, text: STATUS_TEXTS[status], cloneId: release?.cloneId ?? null, releasedAt: release?.releasedAt.toISOString() ?? null,
      fileSha256: file?.fileSha256 ?? null, leafId: release?.leafId ?? null,
    };
  }

  async function find(tx: Tx, bytes: Buffer, fileSha256: string, marks: Marks): Promise<Found> {
    const released = (await store.releaseOfFile(tx, fileSha256)) ?? (await segmentOfFile(tx, fileSha256));
    if (released !== null) {
      return { matchedBy: 'file', status: await statusOfRelease(tx, released), outputId: released.outputId };
    }
    if (marks.consent !== null) {
      const { outputId } = marks.consent;
      // Signed here, whole, and yet not what was released: a file that never was allowed to leave.
      const known = await store.findOutput(tx, outputId);
      return { matchedBy: 'marks', status: known === null ? 'unknown' : 'never_allowed', outputId };
    }
    const samples = samplesOf(bytes);
    const digest = samples === null ? '' : sha256Hex(samples);
    const copy = (await store.releaseOfSamples(tx, digest)) ?? (await segmentOfSamples(tx, digest));
    if (copy === null) return { matchedBy: null, status: 'unknown', outputId: null };
    return { matchedBy: 'samples', status: await statusOfRelease(tx, copy), outputId: copy.outputId };
  }

  return {
    getOutputStatus: (outputId) => deps.runTx((tx) => statusOf(tx, outputId)),
    async checkFile(upload) {
      const bytes = Buffer.from(upload.buffer, upload.byteOffset, upload.byteLength);
      const fileSha256 = sha256Hex(bytes);
      const marks = await deps.provenance.readMarks(bytes);
      return await deps.runTx(async (tx): Promise<FileCheckJson> => {
        const { matchedBy, status, outputId } = await find(tx, bytes, fileSha256, marks);
        return {
          status, text: STATUS_TEXTS[status], matchedBy, output: outputId === null ? null : await statusOf(tx, outputId),
          marks: {
            c2pa: marks.c2paState,
            issuer: marks.c2paState === 'trusted' ? (marks.manifest?.issuer ?? null) : null,
            implicitLabel: marks.aigc === null
              ? null
              : { label: marks.aigc.label, contentProducer: marks.aigc.contentProducer, produceId: marks.aigc.produceId },
            watermark: 'none', problems: marks.problems,
          },
          fileSha256, limits: CHECK_LIMITS,
        };
      });
    },
  };
}
