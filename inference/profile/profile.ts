import { levelDbfs } from '../audio/pcm.ts';
import { resample } from '../audio/resample.ts';
import { measureFormantSpacing } from './formants.ts';
import { YIN_HOP_SECONDS, YIN_RATE_HZ, trackPitch } from './yin.ts';
import type { PitchTrack } from './yin.ts';

/**
 * What can be measured of a voice without knowing whose it is: pitch, size of the vocal tract, pace, level. It recognises no words
 * and proves no identity; two people can share a profile and one person can disguise theirs.
 */
export interface VoiceProfile {
  readonly durationSeconds: number;
  /**
   * Seconds of periodic, steady voice, breaks of up to 50 ms inside it (a flap, a catch of the glottis) included. Music and steady
   * tones count too: it is a floor, not a judge.
   */
  readonly voicedSeconds: number;
  /** Median and 10th and 90th percentile of f0, Hz; null when nothing is voiced. */
  readonly f0MedianHz: number | null;
  readonly f0LowHz: number | null;
  readonly f0HighHz: number | null;
  /** ΔF of a uniform tube, Hz; null when too little is voiced. */
  readonly formantSpacingHz: number | null;
  /** Peaks of loudness a second while there is sound: coarse. */
  readonly syllablesPerSecond: number;
  /** Of the whole recording, dB below full scale; at least -120. */
  readonly levelDbfs: number;
}

/** The pitch is in the lowest harmonics; what is above 1 kHz (half this rate) only adds breath. */
const PITCH_BAND_HZ = 2_000;
const BRIDGED_FRAMES = 5;
const SILENCE_DBFS = -120;
/** A syllable stands out from the valleys beside it by this much, and is not this far below the loudest. */
const SYLLABLE_RISE_DB = 4;
const SYLLABLE_BELOW_DB = 25;
/** A recording whose loudest moment is quieter than this has no syllables. */
const FLOOR_FOR_RATE_DBFS = -55;
const SMOOTH_FRAMES = 3;

function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}

function smooth(values: Float32Array, reach: number): Float32Array {
  return values.map((_, index) => {
    const part = values.subarray(Math.max(0, index - reach), index + reach + 1);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** Counts the peaks of the level that rise and fall by enough (a hysteresis, so ripples do not count). */
function syllableRate(pitch: PitchTrack): number {
  const level = smooth(pitch.levelDbfs, SMOOTH_FRAMES);
  const top = level.reduce((max, value) => Math.max(max, value), -Infinity);
  const floor = top - SYLLABLE_BELOW_DB;
  let [peaks, sounding, high, low, rising] = [0, 0, -Infinity, Infinity, true];
  for (const raw of level) {
    const value = Math.max(raw, floor);
    if (raw > floor) sounding += 1;
    if (rising) {
      high = Math.max(high, value);
      if (high > floor + SYLLABLE_RISE_DB && value < high - SYLLABLE_RISE_DB) [peaks, rising, low] = [peaks + 1, false, value];
    } else {
      low = Math.min(low, value);
      if (value > low + SYLLABLE_RISE_DB) [rising, high] = [true, value];
    }
  }
  return sounding === 0 || top <= FLOOR_FOR_RATE_DBFS ? 0 : peaks / (sounding * YIN_HOP_SECONDS);
}

function voicedFrames(f0: Float32Array): number {
  let [count, gap] = [0, Infinity];
  for (const hertz of f0) {
    if (hertz > 0) {
      count += gap <= BRIDGED_FRAMES ? gap + 1 : 1;
      gap = 0;
    } else {
      gap += 1;
    }
  }
  return count;
}

/** Measures a mono recording. Samples within ±1, any rate of 8 kHz or more. */
export function measureProfile(samples: Float32Array, sampleRateHz: number): VoiceProfile {
  const pitch = trackPitch(resample(resample(samples, sampleRateHz, PITCH_BAND_HZ), PITCH_BAND_HZ, YIN_RATE_HZ));
  const voiced = Array.from(pitch.f0).filter((hertz) => hertz > 0).sort((a, b) => a - b);
  const f0MedianHz = percentile(voiced, 0.5);
  return {
    durationSeconds: samples.length / sampleRateHz,
    voicedSeconds: voicedFrames(pitch.f0) * YIN_HOP_SECONDS,
    f0MedianHz,
    f0LowHz: percentile(voiced, 0.1),
    f0HighHz: percentile(voiced, 0.9),
    formantSpacingHz: f0MedianHz === null ? null : measureFormantSpacing(samples, sampleRateHz, pitch, f0MedianHz),
    syllablesPerSecond: syllableRate(pitch),
    levelDbfs: Math.max(SILENCE_DBFS, levelDbfs(samples)),
  };
}
