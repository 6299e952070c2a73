/**
 * The AI rhythm of GB 45438-2025 5.3, `短长 短短`: Morse A and I, as tones. The standard fixes the order of short and
 * long; the proportions are ITU-R M.1677's (dash 3, gap 1, gap between letters 3).
 */

export const RHYTHM_UNIT_SECONDS = 0.1;
export const RHYTHM_TONE_HZ = 800;
const AMPLITUDE = 0.35;
const EDGE_SECONDS = 0.005;

/** Tone, silence, tone …, in units: ·– ·· */
const PATTERN: readonly { on: boolean; units: number }[] = [
  { on: true, units: 1 }, { on: false, units: 1 }, { on: true, units: 3 },
  { on: false, units: 3 },
  { on: true, units: 1 }, { on: false, units: 1 }, { on: true, units: 1 },
];

export const RHYTHM_SECONDS = PATTERN.reduce((sum, part) => sum + part.units, 0) * RHYTHM_UNIT_SECONDS;

/** The rhythm as mono samples in [-1, 1]. Edges are rounded off so that they do not click. */
export function rhythmSamples(sampleRate: number): Float32Array {
  const unit = Math.round(RHYTHM_UNIT_SECONDS * sampleRate);
  const edge = Math.max(1, Math.round(EDGE_SECONDS * sampleRate));
  const samples = new Float32Array(PATTERN.reduce((sum, part) => sum + part.units, 0) * unit);
  let at = 0;
  for (const { on, units } of PATTERN) {
    const length = units * unit;
    for (let i = 0; on && i < length; i += 1) {
      const fromEnd = Math.min(i, length - 1 - i);
      const gain = fromEnd < edge ? 0.5 - 0.5 * Math.cos((Math.PI * fromEnd) / edge) : 1;
      samples[at + i] = AMPLITUDE * gain * Math.sin((2 * Math.PI * RHYTHM_TONE_HZ * i) / sampleRate);
    }
    at += length;
  }
  return samples;
}

/** Which share of a frame's energy lies at the tone (Goertzel), 0 for silence. */
function toneShare(frame: Float32Array, sampleRate: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * RHYTHM_TONE_HZ) / sampleRate);
  let [last, before, energy] = [0, 0, 0];
  for (const sample of frame) {
    [last, before] = [sample + coefficient * last - before, last];
    energy += sample * sample;
  }
  if (energy / frame.length < 1e-5) return 0;
  const power = last * last + before * before - coefficient * last * before;
  return (2 * power) / (frame.length * energy);
}

/**
 * Where the rhythm begins, in seconds, within the first `withinSeconds`; null when it is not there. Frames of a quarter of
 * a unit are called tone or no tone; nine in ten must be as the pattern says.
 */
export function findRhythm(samples: Float32Array, sampleRate: number, withinSeconds = 3): number | null {
  const hop = Math.round((RHYTHM_UNIT_SECONDS * sampleRate) / 4);
  const frames: boolean[] = [];
  const end = Math.min(samples.length, Math.round((withinSeconds + RHYTHM_SECONDS) * sampleRate));
  for (let at = 0; at + hop <= end; at += hop) frames.push(toneShare(samples.subarray(at, at + hop), sampleRate) > 0.5);
  const expected = PATTERN.flatMap(({ on, units }) => Array.from({ length: units * 4 }, () => on));
  for (let start = 0; start + expected.length <= frames.length; start += 1) {
    const right = expected.filter((on, i) => frames[start + i] === on).length;
    if (frames[start] === true && right >= 0.9 * expected.length) return (start * hop) / sampleRate;
  }
  return null;
}
