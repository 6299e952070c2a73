import type { components } from '../../contracts/generated/api.ts';
import type { SegmentRow } from './segment-store.ts';
import type { OutputRow, ReleaseRow } from './store.ts';

type Schemas = components['schemas'];
export type OutputJson = Schemas['Output'];
export type OutputStatusJson = Schemas['OutputStatus'];
export type OutputReceiptJson = Schemas['SignedOutputReceipt'];
export type SegmentReceiptJson = Schemas['SignedSegmentReceipt'];
export type FileCheckJson = Schemas['FileCheck'];

function releaseJson(output: OutputRow, release: ReleaseRow): Schemas['OutputRelease'] {
  if (output.file === null) throw new Error(`Output ${output.id} is released without a file.`);
  return {
    releaseId: release.id, releasedAt: release.releasedAt.toISOString(), fileSha256: release.fileSha256,
    fileBytes: Number(release.fileBytes), seconds: output.file.seconds, renderMilliseconds: output.file.renderMilliseconds,
    leafId: release.leafId, receiptDigest: release.receipt.digest, mediaPath: `/v1/outputs/${output.id}/media`,
  };
}

function streamJson(output: OutputRow, segments: readonly SegmentRow[]): Schemas['OutputStream'] {
  return {
    streamPath: `/v1/outputs/${output.id}/stream`,
    segments: segments.map((segment) => ({
      segmentId: segment.id, sequence: segment.sequence, last: segment.last, releasedAt: segment.releasedAt.toISOString(), seconds: segment.seconds,
      fileSha256: segment.fileSha256, fileBytes: Number(segment.fileBytes), leafId: segment.leafId, receiptDigest: segment.receipt.digest,
    })),
  };
}

/** Who asked is not in it: the clone's owner reads the same. */
export function outputJson(row: OutputRow, release: ReleaseRow | null, segments: readonly SegmentRow[] = []): OutputJson {
  return {
    outputId: row.id, cloneId: row.cloneId, versionId: row.versionId, audience: row.audience, capability: row.capability,
    language: row.language, purpose: row.purpose, script: row.script, decisionId: row.decisionId, state: row.state, reason: row.reason,
    delivery: row.delivery, stream: row.delivery === 'stream' ? streamJson(row, segments) : null,
    requestedAt: row.requestedAt.toISOString(), changedAt: row.changedAt.toISOString(),
    licenceId: row.licenceId, release: release === null ? null : releaseJson(row, release),
  };
}
