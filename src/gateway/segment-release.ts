import type { components } from '../../contracts/generated/api.ts';
import { gateRefusal } from '../consent/index.ts';
import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import { enqueue } from '../platform/jobs/index.ts';
import type { GatewayDeps } from './deps.ts';
import { STREAM_SILENCE_MS } from './ending.ts';
import type { Signed } from './marks.ts';
import { namedLicence, underGates } from './release.ts';
import { insertSegment, keepAlive } from './segment-store.ts';
import type { AllowedOutput } from './store.ts';
import * as store from './store.ts';

type SegmentReceipt = components['schemas']['SegmentReceiptDocument'];

/** A segment as it would leave, and where in the stream it stands. */
export interface MadeSegment extends Signed {
  sequence: number;
  last: boolean;
  speechSha256: string;
}

function receiptDocument(segmentId: string, at: Date, { file, sequence, last }: MadeSegment, output: AllowedOutput): JsonObject {
  if (output.capability !== 'voice') throw new Error(`There is no receipt for ${output.capability}.`);
  const document: SegmentReceipt = {
    type: 'benren.segment_receipt', schemaVersion: 1, segmentId, outputId: output.id, sequence, last, cloneId: output.cloneId,
    versionId: output.versionId, grantId: output.grantId, grantDigest: output.grantDigest, decisionId: output.decisionId, gates: output.gates,
    capability: output.capability, language: output.language, territory: output.territory, disclosure: file.disclosure,
    implicitLabel: file.implicitLabel, watermark: file.watermark,
    file: { mediaType: 'audio/wav', bytes: String(file.bytes), sha256: file.sha256, c2paManifest: file.c2paManifest },
    ...namedLicence(output), releasedAt: at.toISOString(),
  };
  return JSON.parse(canonicalJson(document)) as JsonObject;
}

type Deps = Pick<GatewayDeps, 'runTx' | 'clock' | 'ids' | 'consent' | 'billing' | 'provenance' | 'transparency' | 'lease' | 'at'>;

async function releaseIn(tx: Tx, deps: Deps, made: MadeSegment, output: AllowedOutput): Promise<string> {
  const at = await underGates(tx, deps, output);
  const row = await store.lockOutput(tx, output.id);
  if (row?.state !== 'streaming') throw new Refusal('output_state', `The output is ${row?.state ?? 'gone'}.`);
  const segmentId = deps.ids.next('segment');
  const receipt = deps.provenance.signReceipt('segment_receipt', receiptDocument(segmentId, at, made, output));
  const { leafId } = await deps.transparency.append(tx, { type: 'segment.committed', subjectId: output.id, at, document: receipt.document });
  const { file, sequence, last, speechSha256 } = made;
  await insertSegment(tx, {
    id: segmentId, cloneId: output.cloneId, outputId: output.id, sequence, last, fileSha256: file.sha256, fileBytes: BigInt(file.bytes),
    samplesSha256: file.samplesSha256, speechSha256, seconds: file.seconds, leafId, receipt, releasedAt: at,
  });
  await store.insertRead(tx, { kind: 'stream', purpose: 'delivery', subjectId: output.id, accountId: output.requester, sha256: file.sha256, at });
  if (!last) {
    await keepAlive(tx, output.id, new Date(at.getTime() + STREAM_SILENCE_MS + Math.ceil(file.seconds * 1_000)));
    return segmentId;
  }
  // Everything was delivered that was paid for; what follows is the same once more, as one signed file.
  if (output.holdId !== null) await deps.billing.capture(tx, output.holdId, { releaseId: segmentId, at });
  await store.moveOutput(tx, output.id, { state: 'signing', at });
  await enqueue(tx, { topic: 'gateway.render', payload: { outputId: output.id }, runAt: at, dedupeKey: `gateway.render:${output.id}` });
  return segmentId;
}

/**
 * The release of one segment: from its commit on its bytes may leave. Wholly before a stop or not at all. The last one
 * spends the hold. Answers its id.
 *
 * @throws Refusal `stopped`, `gate_changed`, `output_state`
 */
export async function releaseSegment(deps: Deps, made: MadeSegment, output: AllowedOutput): Promise<string> {
  try {
    return await deps.runTx((tx) => releaseIn(tx, deps, made, output));
  } catch (error) {
    throw gateRefusal(error) ?? error;
  }
}
