import { resample } from '../audio/resample.ts';
import { YIN_HOP_SECONDS } from './yin.ts';
import type { PitchTrack } from './yin.ts';

/**
 * The spacing of the formants, which follows from the length of the vocal tract: linear prediction on voiced frames, the roots of the
 * predictor as resonances, and a fit to a uniform tube, F_n = (2n − 1)/2 · ΔF.
 */
const ORDER = 12;
const WINDOW_SECONDS = 0.03;
const PRE_EMPHASIS = 0.97;
/** High voices have few harmonics below 5 kHz: a little more bandwidth keeps the fourth formant in. */
const RATE_LOW_VOICE_HZ = 10_000;
const RATE_HIGH_VOICE_HZ = 11_500;
const HIGH_VOICE_F0_HZ = 170;
const MAX_FRAMES = 300;
const MIN_FRAMES = 12;
const MIN_FORMANT_HZ = 180;
const MAX_BANDWIDTH_HZ = 450;
/** F1 and F2 move with the vowel; F3 and F4 tell the speaker. */
const WEIGHTS = [0.1, 0.3, 1, 1] as const;

/** Levinson–Durbin: predictor polynomial 1 + a1 z⁻¹ + …, or null for a signal without energy. */
function predict(window: Float64Array): Float64Array | null {
  const r = new Float64Array(ORDER + 1);
  for (let lag = 0; lag <= ORDER; lag += 1) {
    let sum = 0;
    for (let i = lag; i < window.length; i += 1) sum += (window[i] ?? 0) * (window[i - lag] ?? 0);
    r[lag] = sum;
  }
  let error = (r[0] ?? 0) * (1 + 1e-9);
  if (!(error > 0)) return null;
  const a = new Float64Array(ORDER + 1);
  a[0] = 1;
  for (let m = 1; m <= ORDER; m += 1) {
    let sum = 0;
    for (let i = 0; i < m; i += 1) sum += (a[i] ?? 0) * (r[m - i] ?? 0);
    const reflection = -sum / error;
    const before = a.slice();
    for (let i = 1; i <= m; i += 1) a[i] = (before[i] ?? 0) + reflection * (before[m - i] ?? 0);
    error *= 1 - reflection * reflection;
    if (!(error > 0)) return null;
  }
  return a;
}

/** All roots of a monic polynomial at once (Durand–Kerner). */
function roots(polynomial: Float64Array): { re: Float64Array; im: Float64Array } {
  const degree = polynomial.length - 1;
  const re = Float64Array.from({ length: degree }, (_, k) => 0.9 * Math.cos((2 * Math.PI * (k + 0.3)) / degree));
  const im = Float64Array.from({ length: degree }, (_, k) => 0.9 * Math.sin((2 * Math.PI * (k + 0.3)) / degree));
  for (let round = 0; round < 60; round += 1) {
    let moved = 0;
    for (let k = 0; k < degree; k += 1) moved = Math.max(moved, refine(polynomial, re, im, k));
    if (moved < 1e-9) break;
  }
  return { re, im };
}

/** One Durand–Kerner step of root k; answers how far it moved. */
function refine(polynomial: Float64Array, re: Float64Array, im: Float64Array, k: number): number {
  const [x, y] = [re[k] ?? 0, im[k] ?? 0];
  let [valueRe, valueIm] = [1, 0];
  for (let i = 1; i < polynomial.length; i += 1) {
    [valueRe, valueIm] = [valueRe * x - valueIm * y + (polynomial[i] ?? 0), valueRe * y + valueIm * x];
  }
  let [productRe, productIm] = [1, 0];
  for (let j = 0; j < re.length; j += 1) {
    if (j === k) continue;
    const [dx, dy] = [x - (re[j] ?? 0), y - (im[j] ?? 0)];
    [productRe, productIm] = [productRe * dx - productIm * dy, productRe * dy + productIm * dx];
  }
  const size = productRe * productRe + productIm * productIm;
  if (size === 0) return 0;
  const stepRe = (valueRe * productRe + valueIm * productIm) / size;
  const stepIm = (valueIm * productRe - valueRe * productIm) / size;
  re[k] = x - stepRe;
  im[k] = y - stepIm;
  return Math.hypot(stepRe, stepIm);
}

/** The resonances of one window, Hz, rising. */
function formantsOf(window: Float64Array, rateHz: number): number[] {
  const polynomial = predict(window);
  if (polynomial === null) return [];
  const { re, im } = roots(polynomial);
  const found: number[] = [];
  re.forEach((x, k) => {
    const y = im[k] ?? 0;
    const radius = Math.hypot(x, y);
    if (y <= 0 || radius <= 0) return;
    const hertz = (Math.atan2(y, x) * rateHz) / (2 * Math.PI);
    const bandwidth = (-Math.log(radius) * rateHz) / Math.PI;
    if (hertz > MIN_FORMANT_HZ && hertz < rateHz / 2 - 200 && bandwidth < MAX_BANDWIDTH_HZ) found.push(hertz);
  });
  return found.sort((a, b) => a - b);
}

/** Least squares of F_n = (2n − 1)/2 · ΔF. */
function spacingOf(formants: readonly number[]): number {
  let [above, below] = [0, 0];
  WEIGHTS.forEach((weight, index) => {
    const formant = formants[index];
    if (formant === undefined) return;
    const order = (2 * index + 1) / 2;
    above += weight * order * formant;
    below += weight * order * order;
  });
  return above / below;
}

/**
 * ΔF of a recording in Hz (about 1000 for a vocal tract of 17.5 cm), the median over its voiced frames; null when there are too few.
 */
export function measureFormantSpacing(
  samples: Float32Array, sampleRateHz: number, pitch: PitchTrack, f0MedianHz: number,
): number | null {
  const rateHz = f0MedianHz > HIGH_VOICE_F0_HZ ? RATE_HIGH_VOICE_HZ : RATE_LOW_VOICE_HZ;
  const low = resample(samples, sampleRateHz, rateHz);
  const length = Math.round(WINDOW_SECONDS * rateHz);
  const voiced = Array.from(pitch.f0.keys()).filter((frame) => (pitch.f0[frame] ?? 0) > 0);
  const every = Math.max(1, Math.ceil(voiced.length / MAX_FRAMES));
  const spacings: number[] = [];
  const window = new Float64Array(length);
  for (let n = 0; n < voiced.length; n += every) {
    const from = Math.round((voiced[n] ?? 0) * YIN_HOP_SECONDS * rateHz);
    if (from + length > low.length) continue;
    for (let i = 0; i < length; i += 1) {
      const hamming = 0.54 - 0.46 * Math.cos((2 * Math.PI * i) / (length - 1));
      window[i] = hamming * ((low[from + i] ?? 0) - PRE_EMPHASIS * (low[from + i - 1] ?? 0));
    }
    const formants = formantsOf(window, rateHz);
    if (formants.length >= 3) spacings.push(spacingOf(formants));
  }
  if (spacings.length < MIN_FRAMES) return null;
  return spacings.sort((a, b) => a - b)[Math.floor(spacings.length / 2)] ?? null;
}
