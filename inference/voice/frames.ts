import type { GraphBuilder, Value } from '../onnx/graph.ts';
import type { Prosody, VoiceInputs } from './prosody.ts';
import { COLUMN, FLUTTER_FRAMES, FLUTTER_TABLE, HOP_MILLISECONDS, HOP_SAMPLES, NOISE_BANDS } from './tables.ts';

/**
 * Second part: from timed targets to smooth tracks, one row every 5 ms. Each sub-segment owns a soft window (a difference of two
 * sigmoids); the windows of all sub-segments sum to one, so a track is a weighted mean of targets and needs no loop.
 */
type F32 = Value<'f32'>;

/** How fast each kind of track moves, ms: the tongue, the voice, the breath, the pitch. */
const TAU = { formants: 11, voicing: 4, noise: 1.8, pitch: 16 } as const;
const NEUTRAL_F0_HZ = 120;
const DECLINATION_SEMITONES = 1.6;

/** Every track has F + 1 rows: the values at the edges of the F frames. */
export interface Tracks {
  readonly frames: Value<'i64'>;
  /** [F+1, 1] each, f0 in Hz. */
  readonly f0: F32;
  readonly voicing: F32;
  readonly aspiration: F32;
  /** F1–F3 and B1–B3 in Hz, [F+1, 3]. */
  readonly formants: F32;
  readonly bandwidths: F32;
  /** Frication in each noise band, [F+1, bands]. */
  readonly frication: F32;
}

export function buildTracks(g: GraphBuilder, prosody: Prosody, inputs: VoiceInputs): Tracks {
  const ends = g.cumSum(prosody.milliseconds);
  const total = g.slice(ends, -1, Number.MAX_SAFE_INTEGER);
  const frames = g.cast(g.ceil(g.div(total, g.f32(HOP_MILLISECONDS))), 'i64');
  const index = g.range(g.add(frames, g.i64([1])));
  const time = g.reshape(g.mul(g.cast(index, 'f32'), g.f32(HOP_MILLISECONDS)), [-1, 1]);

  // The first window has no beginning and the last no end.
  const edges = g.reshape(g.concat([g.f32([-1e6]), g.slice(ends, 0, -1), g.f32([1e6])]), [1, -1]);
  const windows = (tau: number): F32 => {
    const begun = g.sigmoid(g.mul(g.sub(time, edges), g.f32(1 / tau)));
    return g.sub(g.slice(begun, 0, -1, 1), g.slice(begun, 1, Number.MAX_SAFE_INTEGER, 1));
  };
  const columns = (from: number, count: number): F32 => g.slice(prosody.segments, from, from + count, 1);
  const weighted = (window: F32, weight: F32, targets: F32): F32 =>
    g.div(g.matMul(window, g.mul(targets, weight)), g.add(g.matMul(window, weight), g.f32(1e-6)));

  const shape = weighted(windows(TAU.formants), columns(COLUMN.dominance, 1), columns(COLUMN.formants, 6));
  const noise = g.matMul(windows(TAU.noise), columns(COLUMN.aspiration, 1 + NOISE_BANDS));
  const semitones = weighted(
    windows(TAU.pitch), g.reshape(prosody.pitchWeight, [-1, 1]), g.reshape(prosody.semitones, [-1, 1]),
  );
  return {
    frames,
    f0: pitch(g, inputs, semitones, g.div(time, total), index),
    voicing: g.matMul(windows(TAU.voicing), columns(COLUMN.voicing, 1)),
    aspiration: g.slice(noise, 0, 1, 1),
    formants: g.slice(shape, 0, 3, 1),
    bandwidths: g.slice(shape, 3, 6, 1),
    frication: g.slice(noise, 1, 1 + NOISE_BANDS, 1),
  };
}

/** f0 = 120 · 2^(s0 + (targets + declination)·e^s2 / 12), with a slow wander of half a percent. */
function pitch(g: GraphBuilder, inputs: VoiceInputs, semitones: F32, progress: F32, index: Value<'i64'>): F32 {
  const [register, , range, , , , , jitter] = inputs.speaker;
  if (register === undefined || range === undefined || jitter === undefined) throw new Error('the speaker has eight numbers');
  const declination = g.sub(g.f32(DECLINATION_SEMITONES), g.mul(g.f32(2 * DECLINATION_SEMITONES), progress));
  const octaves = g.add(register, g.mul(g.mul(g.add(semitones, declination), g.exp(range)), g.f32(1 / 12)));
  const depth = g.mul(inputs.noiseScale, g.add(g.f32(0.0075), g.mul(g.f32(0.02), g.relu(jitter))));
  const wander = g.reshape(g.gather(g.f32(FLUTTER_TABLE), g.mod(index, g.i64(FLUTTER_FRAMES))), [-1, 1]);
  const steady = g.mul(g.f32(NEUTRAL_F0_HZ), g.pow(g.f32(2), octaves));
  return g.mul(steady, g.add(g.f32(1), g.mul(depth, wander)));
}

/** Frame edges [F+1, C] to samples [F·hop, C] by straight lines. */
export function toSamples(g: GraphBuilder, track: F32, columns: number): F32 {
  const from = g.reshape(g.slice(track, 0, -1), [-1, 1, columns]);
  const to = g.reshape(g.slice(track, 1, Number.MAX_SAFE_INTEGER), [-1, 1, columns]);
  const ramp = g.f32(Array.from({ length: HOP_SAMPLES }, (_, sample) => sample / HOP_SAMPLES), [1, HOP_SAMPLES, 1]);
  return g.reshape(g.add(from, g.mul(g.sub(to, from), ramp)), [-1, columns]);
}
