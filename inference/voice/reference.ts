import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GraphBuilder } from '../onnx/graph.ts';
import { encodeModel } from '../onnx/model.ts';
import { buildTracks } from './frames.ts';
import { buildProsody } from './prosody.ts';
import type { VoiceInputs } from './prosody.ts';
import { buildSound } from './source.ts';
import { SYMBOLS } from './symbols.ts';
import { SAMPLE_RATE_HZ } from './tables.ts';

export const REFERENCE_VOICE_NAME = 'reference-voice';

/**
 * The speaker vector of the reference voice: log2(f0/120 Hz), ln(formant scale), ln(pitch range), ln(tilt zero), breath, ln(rate),
 * ln(bandwidth), jitter. All zeros are the neutral voice.
 */
export const SPEAKER_NUMBERS = 8;
/** Which of them is the pace. */
export const RATE_NUMBER = 5;
export const NEUTRAL_SPEAKER: readonly number[] = new Array<number>(SPEAKER_NUMBERS).fill(0);

/** The ONNX bytes of the reference voice. They depend on this source only. */
export function buildReferenceVoice(): Uint8Array {
  const g = new GraphBuilder();
  const ids = g.input('input', 'i64', [1, 'symbols']);
  const lengths = g.input('input_lengths', 'i64', [1]);
  const scales = g.input('scales', 'f32', [3]);
  const speaker = g.input('speaker', 'f32', [1, SPEAKER_NUMBERS]);
  const scale = (index: number): ReturnType<typeof g.f32> => g.slice(scales, index, index + 1);
  const numbers = g.reshape(speaker, [SPEAKER_NUMBERS]);
  const inputs: VoiceInputs = {
    ids, lengths, noiseScale: scale(0), lengthScale: scale(1), noiseWidth: scale(2),
    speaker: NEUTRAL_SPEAKER.map((_, index) => g.slice(numbers, index, index + 1)),
  };
  const prosody = buildProsody(g, inputs);
  const tracks = buildTracks(g, prosody, inputs);
  g.output('output', g.reshape(buildSound(g, tracks, inputs), [1, 1, 1, -1]), [1, 1, 1, 'samples']);
  g.output('durations_ms', prosody.durations, ['symbols']);
  g.output('f0', g.reshape(tracks.f0, [-1]), ['frame_edges']);
  return encodeModel(g.build(REFERENCE_VOICE_NAME, { sample_rate: String(SAMPLE_RATE_HZ) }));
}

/** What Piper keeps beside a model. */
export interface VoiceConfig {
  readonly audio: { readonly sample_rate: number };
  readonly inference: { readonly noise_scale: number; readonly length_scale: number; readonly noise_w: number };
  readonly phoneme_id_map: Readonly<Record<string, readonly number[]>>;
  readonly num_symbols: number;
  readonly num_speakers: number;
}

function referenceConfig(): VoiceConfig & Record<string, unknown> {
  return {
    audio: { sample_rate: SAMPLE_RATE_HZ },
    espeak: { voice: 'en-us' },
    inference: { noise_scale: 0.667, length_scale: 1, noise_w: 0.8 },
    phoneme_type: 'espeak',
    phoneme_map: {},
    phoneme_id_map: Object.fromEntries(SYMBOLS.map((symbol, id) => [symbol, [id]])),
    num_symbols: SYMBOLS.length,
    num_speakers: 1,
    speaker_id_map: {},
  };
}

export interface VoiceFiles {
  readonly model: Uint8Array;
  readonly config: VoiceConfig;
  /** SHA-256 of the model's bytes, hex: what an owner approves when they approve a version. */
  readonly lineage: string;
  readonly path: string;
}

/** Writes through a temporary name: several workers may start at once, and none may read half a file. */
async function keep(path: string, bytes: Uint8Array): Promise<void> {
  const present = await readFile(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (present !== undefined && Buffer.compare(present, bytes) === 0) return;
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}.tmp`;
  await writeFile(temporary, bytes);
  await rename(temporary, path);
}

/**
 * Puts the reference voice into `folder` as a Piper voice (`<name>.onnx`, `<name>.onnx.json`) under the digest of its bytes. A file
 * that differs from what this source builds is replaced: the digest in the name is kept true.
 */
export async function ensureReferenceVoice(folder: string): Promise<VoiceFiles> {
  const model = buildReferenceVoice();
  const lineage = createHash('sha256').update(model).digest('hex');
  const config = referenceConfig();
  const path = join(folder, `${REFERENCE_VOICE_NAME}-${lineage}.onnx`);
  await mkdir(folder, { recursive: true });
  await keep(path, model);
  await keep(`${path}.json`, new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`));
  return { model, config, lineage, path };
}
