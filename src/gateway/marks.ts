import { sha256Hex } from '../kernel/digest.ts';
import { writeWav } from '../platform/inference.ts';
import { type ConsentAssertion, makeManifest } from '../provenance/index.ts';
import type { GatewayDeps } from './deps.ts';
import type { Disclosed } from './disclose.ts';
import { SAMPLES_MAX, tooLong } from './model.ts';
import type { AllowedOutput, KeptFile } from './store.ts';

export type Marked = Disclosed & { watermark: 'none' };
export type Encoded = Omit<Marked, 'pcm'> & { wav: Buffer; seconds: number; samplesSha256: string };
export type Labelled = Encoded & { implicitLabel: KeptFile['implicitLabel'] };
export interface Signed {
  bytes: Buffer;
  file: KeptFile;
}

/** The place of the inaudible watermark. Nothing is put in yet, and receipt and manifest say so. */
export function watermark(disclosed: Disclosed): Marked {
  return { ...disclosed, watermark: 'none' };
}

const HEADER_BYTES = 44;

/** Mono 16-bit WAV at 24 kHz. @throws Refusal `request_too_large` for what would not fit into one file */
export function encode({ pcm, ...marked }: Marked): Encoded {
  if (pcm.length > SAMPLES_MAX) throw tooLong();
  const bytes = writeWav(pcm, marked.sampleRateHz);
  const wav = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { ...marked, wav, seconds: pcm.length / marked.sampleRateHz, samplesSha256: sha256Hex(wav.subarray(HEADER_BYTES)) };
}

/** GB 45438-2025: the implicit label, before the signature that covers it. */
export function label(deps: Pick<GatewayDeps, 'provenance' | 'settings'>, encoded: Encoded, output: Pick<AllowedOutput, 'id'>): Labelled {
  const implicitLabel = { contentProducer: deps.settings.contentProducer, produceId: output.id };
  return { ...encoded, wav: deps.provenance.label(encoded.wav, implicitLabel), implicitLabel };
}

function assertionOf(labelled: Labelled, output: AllowedOutput, segment: number | null): ConsentAssertion {
  return {
    grantId: output.grantId, grantDigest: output.grantDigest, cloneId: output.cloneId, versionId: output.versionId, outputId: output.id,
    decisionId: output.decisionId, audience: output.audience, language: output.language, territory: output.territory,
    gates: output.gates.map(({ gateId, kind, epoch }) => ({ gateId, kind, epoch: Number(epoch) })),
    disclosure: labelled.disclosure.kind, watermark: labelled.watermark,
    ...(labelled.preview === true ? { preview: true } : {}), ...(segment === null ? {} : { segment }),
  };
}

/** The C2PA signature over every byte, with the consent that the file was made under. Trusted, or an error. `segment`: of a stream, from 1. */
export async function sign(
  deps: Pick<GatewayDeps, 'provenance' | 'settings' | 'clock'>, labelled: Labelled, output: AllowedOutput, segment: number | null = null,
): Promise<Signed> {
  const bytes = await deps.provenance.sign(labelled.wav, makeManifest({
    generator: deps.settings.generator, model: labelled.model, at: deps.clock.now(), consent: assertionOf(labelled, output, segment),
  }));
  const c2paManifest = (await deps.provenance.readMarks(bytes)).manifest?.label;
  if (c2paManifest === undefined) throw new Error('The signed file has no manifest.');
  const { kind, spoken, rule } = labelled.disclosure;
  return {
    bytes,
    file: {
      sha256: sha256Hex(bytes), bytes: bytes.length, samplesSha256: labelled.samplesSha256, seconds: labelled.seconds,
      renderMilliseconds: labelled.renderMilliseconds, c2paManifest, disclosure: { kind, text: spoken?.text ?? null, rule },
      implicitLabel: labelled.implicitLabel, watermark: labelled.watermark, ...(labelled.preview === true ? { preview: true } : {}),
    },
  };
}
