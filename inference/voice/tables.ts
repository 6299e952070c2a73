import { PHONE_TABLE, amplitude, noiseSpectrum } from './phones.ts';
import type { Segment } from './phones.ts';
import { SYMBOLS } from './symbols.ts';

/** The constants of the reference voice as tensors. Pure arithmetic: the same source gives the same bytes. */
export const SAMPLE_RATE_HZ = 24_000;
export const HOP_SAMPLES = 120;
export const HOP_MILLISECONDS = 5;
export const SEGMENTS = 3;

// Segment columns ------------------------------------------------------------------------------------------------------

export const COLUMN = {
  milliseconds: 0, formants: 1, bandwidths: 4, dominance: 7, voicing: 8, aspiration: 9, bands: 10,
} as const;

export const NOISE_BANDS = 16;
export const SEGMENT_COLUMNS = COLUMN.bands + NOISE_BANDS;

const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
const hertz = (mels: number): number => 700 * (10 ** (mels / 2595) - 1);

/** Edges of the noise bands, Hz: equal steps of the mel scale from 250 to 11 600. */
const BAND_EDGES_HZ: readonly number[] = Array.from({ length: NOISE_BANDS + 1 }, (_, index) =>
  hertz(mel(250) + (index / NOISE_BANDS) * (mel(11_600) - mel(250))));

export const BAND_CENTRES_HZ: readonly number[] = Array.from({ length: NOISE_BANDS }, (_, band) =>
  ((BAND_EDGES_HZ[band] ?? 0) + (BAND_EDGES_HZ[band + 1] ?? 0)) / 2);

function segmentRow(segment: Segment): number[] {
  const level = amplitude(segment.frication);
  return [
    segment.milliseconds, ...segment.formants, ...segment.bandwidths, segment.dominance,
    amplitude(segment.voicing), amplitude(segment.aspiration), ...BAND_CENTRES_HZ.map((centre) => noiseSpectrum(segment.noise, centre) * level),
  ];
}

/** [symbols, 3, columns], flat. */
export const SEGMENT_TABLE = Float32Array.from(PHONE_TABLE.flatMap((phone) => phone.segments.flatMap(segmentRow)));

// Symbol columns -------------------------------------------------------------------------------------------------------

export const FLAG = {
  vowel: 0, sonorant: 1, stress: 2, long: 3, tone: 4, pause: 5, terminal: 6, boundary: 7, stop: 8, fricative: 9, pitchWeight: 10,
} as const;
export const FLAGS = 11;

const STRESS: Readonly<Record<string, number>> = { ˈ: 1, ˌ: 0.5 };
/** Tone digits 1–4, and 5 for the neutral tone. */
const TONES: Readonly<Record<string, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5 };
/** How the pitch moves at the end of a clause, in semitones. */
const TERMINALS: Readonly<Record<string, number>> = { '.': -3.5, '!': -4, '?': 5.5, ',': 1.4, ';': -1.5, ':': -1 };
const PITCH_WEIGHTS: Readonly<Record<string, number>> = { vowel: 1, sonorant: 0.4, pause: 0.01 };

/** [symbols, flags], flat. */
export const FLAG_TABLE = Float32Array.from(SYMBOLS.flatMap((symbol, id) => {
  const kind = PHONE_TABLE[id]?.kind ?? 'mark';
  const is = (condition: boolean): number => (condition ? 1 : 0);
  return [
    is(kind === 'vowel'), is(kind === 'sonorant'), STRESS[symbol] ?? 0, is(symbol === 'ː'), TONES[symbol] ?? 0,
    is(kind === 'pause'), TERMINALS[symbol] ?? 0, is(kind === 'pause' || symbol === ' '), is(kind === 'stop'),
    is(kind === 'fricative'), PITCH_WEIGHTS[kind] ?? 0.05,
  ];
}));

export const TONE_POINTS = 5;

/** Pitch of the tones over the syllable's rhyme, semitones; row 0 is no tone. After Chao (1968): 55, 35, 21(4), 51. */
export const TONE_TABLE = Float32Array.from([
  [0, 0, 0, 0, 0],
  [4, 4, 4, 4, 4],
  [-2, -2, -0.5, 2, 4],
  [-3, -5, -6, -6, -4],
  [5.5, 4.5, 1.5, -2, -5],
  [-0.5, -1, -1.5, -2, -2.5],
].flat());

// Noise ------------------------------------------------------------------------------------------------------------------

export const NOISE_SAMPLES = 2 * SAMPLE_RATE_HZ;
export const NOISE_TAPS = 129;

/** xorshift32: small, exact, the same everywhere. */
function makeXorshift(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x1_0000_0000;
  };
}

/** Sums of twelve uniforms: near enough to gaussian for a hiss, and exact arithmetic on every machine. */
function gaussian(length: number, seed: number): Float32Array {
  const uniform = makeXorshift(seed);
  return Float32Array.from({ length }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i += 1) sum += uniform();
    return sum;
  });
}

/** Two seconds of noise, with the head repeated behind the tail so that filtering leaves no seam when it is tiled. */
export const NOISE_TABLE: Float32Array = (() => {
  const noise = gaussian(NOISE_SAMPLES, 0x9e3779b9);
  const looped = new Float32Array(NOISE_SAMPLES + NOISE_TAPS - 1);
  looped.set(noise);
  looped.set(noise.subarray(0, NOISE_TAPS - 1), NOISE_SAMPLES);
  return looped;
})();

/** Windowed-sinc band-pass kernels, [bands, 1, taps] flat. */
export const BAND_KERNELS: Float32Array = (() => {
  const half = (NOISE_TAPS - 1) / 2;
  const sinc = (cutoffHz: number, tap: number): number => {
    const x = (2 * cutoffHz) / SAMPLE_RATE_HZ;
    return tap === 0 ? x : Math.sin(Math.PI * x * tap) / (Math.PI * tap);
  };
  const kernels: number[] = [];
  for (let band = 0; band < NOISE_BANDS; band += 1) {
    const [low, high] = [BAND_EDGES_HZ[band] ?? 0, BAND_EDGES_HZ[band + 1] ?? 0];
    for (let tap = -half; tap <= half; tap += 1) {
      const window = 0.5 + 0.5 * Math.cos((Math.PI * tap) / (half + 1));
      kernels.push(window * (sinc(high, tap) - sinc(low, tap)));
    }
  }
  return Float32Array.from(kernels);
})();

/** Slow wander of the pitch, about unit variance, one value a frame, repeating after five seconds. */
export const FLUTTER_FRAMES = 1009;
export const FLUTTER_TABLE: Float32Array = (() => {
  const width = 11;
  const noise = gaussian(FLUTTER_FRAMES + width, 0x2545f491);
  return Float32Array.from({ length: FLUTTER_FRAMES }, (_, frame) => {
    let sum = 0;
    for (let i = 0; i < width; i += 1) sum += noise[frame + i] ?? 0;
    return sum / Math.sqrt(width);
  });
})();

/** Small differences of length between otherwise equal sounds. */
export const WOBBLE_SYMBOLS = 61;
export const WOBBLE_TABLE: Float32Array = gaussian(WOBBLE_SYMBOLS, 0x6c078965);
