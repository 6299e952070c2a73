import type { components } from '../../contracts/generated/api.ts';
import { gateRefusal } from '../consent/index.ts';
import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Tx } from '../kernel/tx.ts';
import type { GatewayDeps } from './deps.ts';
import { refusedByGates, refusedByTime } from './model.ts';
import { type SegmentRow, segmentsOfOutput } from './segment-store.ts';
import type { AllowedOutput, KeptFile } from './store.ts';
import * as store from './store.ts';

type OutputReceipt = components['schemas']['OutputReceiptDocument'];

/** What a receipt says of the licence; nothing, where there is none. */
export function namedLicence({ licenceId, licenceDigest }: AllowedOutput): { licenceId?: string; licenceDigest?: string } {
  return licenceId === null || licenceDigest === null ? {} : { licenceId, licenceDigest };
}

function receiptDocument(releaseId: string, at: Date, file: KeptFile, output: AllowedOutput, segments: readonly SegmentRow[]): JsonObject {
  const { capability } = output;
  if (capability !== 'voice') throw new Error(`There is no receipt for ${capability}.`);
  const document: OutputReceipt = {
    type: 'benren.output_receipt', schemaVersion: 1, outputId: output.id, releaseId, cloneId: output.cloneId,
    versionId: output.versionId, grantId: output.grantId, grantDigest: output.grantDigest, decisionId: output.decisionId,
    gates: output.gates, capability, language: output.language, audience: output.audience, territory: output.territory,
    disclosure: file.disclosure, implicitLabel: file.implicitLabel, watermark: file.watermark,
    file: { mediaType: 'audio/wav', bytes: String(file.bytes), sha256: file.sha256, c2paManifest: file.c2paManifest },
    ...(file.preview === true ? { preview: true as const } : {}),
    ...(segments.length === 0 ? {} : { streamedAs: segments.map(({ id, fileSha256 }) => ({ segmentId: id, sha256: fileSha256 })) }),
    ...namedLicence(output), releasedAt: at.toISOString(),
  };
  // Through canonical JSON: what is kept is exactly what was signed.
  return JSON.parse(canonicalJson(document)) as JsonObject;
}

type Deps = Pick<GatewayDeps, 'runTx' | 'clock' | 'ids' | 'consent' | 'billing' | 'provenance' | 'transparency' | 'lease' | 'at'>;

/**
 * Takes the shared locks of the output's gates and asks whether it may still be released. Answers the time, read under the
 * locks. @throws Refusal `stopped`, `gate_changed`, and `database_untrusted` when this database knows less than the process has seen
 */
export async function underGates(tx: Tx, deps: Pick<Deps, 'clock' | 'consent' | 'lease' | 'at'>, output: AllowedOutput): Promise<Date> {
  // The read is a statement of its own, begun when the locks were got: it sees whatever a stop committed while this one waited.
  const [, seen] = await Promise.all([deps.consent.gates.lockShared(tx, output.gates), deps.consent.gates.read(tx, output.gates)]);
  await deps.at?.('locked');
  deps.lease.witness(seen);
  const at = deps.clock.now();
  const refusal = refusedByGates(output.gates, seen) ?? refusedByTime(output.expiresAt, at);
  if (refusal !== null) throw refusal;
  return at;
}

/** Everything that has to be true at once, in docs/promises.md's order: gates' locks, then their state, then rows. */
async function releaseIn(tx: Tx, deps: Deps, file: KeptFile, output: AllowedOutput): Promise<void> {
  // Whatever does not need another answer is sent along with it: a stop waits for these locks.
  const [at, row, segments] = await Promise.all([underGates(tx, deps, output), store.lockOutput(tx, output.id), segmentsOfOutput(tx, output.id)]);
  if (row?.state === 'released') return;
  if (row?.state !== 'signing') throw new Refusal('output_state', `The output is ${row?.state ?? 'gone'}.`);

  const releaseId = deps.ids.next('release');
  const receipt = deps.provenance.signReceipt('output_receipt', receiptDocument(releaseId, at, file, output, segments));
  const [{ leafId }] = await Promise.all([
    deps.transparency.append(tx, { type: 'release.committed', subjectId: output.id, at, document: receipt.document }),
    output.audience === 'fan' ? deps.consent.measureVolume(tx, output.id, file.seconds) : null,
  ]);
  await Promise.all([
    store.insertRelease(tx, {
      id: releaseId, cloneId: output.cloneId, outputId: output.id, fileSha256: file.sha256, fileBytes: BigInt(file.bytes),
      samplesSha256: file.samplesSha256, leafId, receipt, releasedAt: at,
    }),
    store.setFile(tx, output.id, file),
    store.moveOutput(tx, output.id, { state: 'released', at }),
    // A stream has spent its hold with its last segment.
    output.holdId !== null && output.delivery === 'file' ? deps.billing.capture(tx, output.holdId, { releaseId, at }) : null,
  ]);
}

/**
 * The release: from its commit on the file may leave. One transaction, wholly before a stop or not at all; again for an
 * output that is released already: nothing.
 *
 * @throws Refusal `stopped`, `gate_changed`, `output_state`
 */
export async function release(deps: Deps, file: KeptFile, output: AllowedOutput): Promise<void> {
  try {
    await deps.runTx((tx) => releaseIn(tx, deps, file, output));
  } catch (error) {
    throw gateRefusal(error) ?? error;
  }
}
