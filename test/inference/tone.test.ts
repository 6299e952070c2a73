import { describe, expect, it } from 'vitest';
import { findClip } from '../../inference/audio/find-clip.ts';
import { joinPcm, toPcm16 } from '../../inference/audio/pcm.ts';
import { findRhythm, makeRhythm } from '../../inference/tone.ts';
import { seededRandom } from '../../src/kernel/random.ts';

function noise(seed: string, length: number, level: number): Int16Array {
  const random = seededRandom(seed);
  return toPcm16(Float32Array.from({ length }, () => level * (random.below(65_536) / 32_768 - 1)));
}

const mix = (a: Int16Array, b: Int16Array): Int16Array => a.map((sample, i) => sample + (b[i] ?? 0));
/** On and off by turns, in dots of 120 ms at the rhythm's own tone. */
function message(dots: readonly number[]): Int16Array {
  const whole = makeRhythm();
  const dot = whole.subarray(0, 2_880);
  const silence = new Int16Array(2_880);
  return joinPcm(dots.flatMap((count, index) => Array.from({ length: count }, () => (index % 2 === 0 ? dot : silence))));
}

describe('the AI rhythm', () => {
  it('is dot dash, dot dot in ITU proportions', () => {
    const pcm = makeRhythm();
    const loud = Array.from({ length: pcm.length / 2_880 }, (_, dot) =>
      pcm.subarray(dot * 2_880, (dot + 1) * 2_880).reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0) > 1_000);
    expect(loud.map((on) => (on ? '=' : '.')).join('')).toBe('=.===...=.=...');
  });

  it('is found alone, behind silence, before speech-like noise, softer and noisy', () => {
    const rhythm = makeRhythm();
    expect(findRhythm(rhythm)?.dotMilliseconds).toBeCloseTo(120, -1);
    const later = joinPcm([new Int16Array(12_000), rhythm, noise('speech', 24_000, 0.2)]);
    expect(Math.abs((findRhythm(later)?.at ?? 0) - 12_000)).toBeLessThan(400);
    const faint = mix(rhythm.map((sample) => Math.round(sample / 8)), noise('hiss', rhythm.length, 0.01));
    expect(findRhythm(faint)).not.toBeNull();
  });

  it('is not found in silence, noise, a steady tone, or other letters', () => {
    expect(findRhythm(new Int16Array(48_000))).toBeNull();
    expect(findRhythm(noise('only', 96_000, 0.4))).toBeNull();
    expect(findRhythm(message([1, 1, 3, 3, 1, 1, 1, 4]))).not.toBeNull();
    expect(findRhythm(message([12, 8]))).toBeNull();
    expect(findRhythm(message([1, 1, 1, 3, 3, 1, 1, 4]))).toBeNull();
    expect(findRhythm(message([1, 1, 3, 1, 1, 1, 1, 4]))).toBeNull();
    expect(findRhythm(new Int16Array(10))).toBeNull();
  });
});

describe('finding a clip', () => {
  const clip = noise('clip', 6_000, 0.3);

  it('finds it in place, at another volume and under noise', () => {
    const inside = joinPcm([noise('before', 5_000, 0.3), clip.map((sample) => Math.round(sample / 3)), noise('after', 5_000, 0.3)]);
    const found = findClip(mix(inside, noise('hiss', inside.length, 0.01)), clip);
    expect(found.at).toBe(5_000);
    expect(found.score).toBeGreaterThan(0.98);
  });

  it('scores other sound near zero', () => {
    expect(findClip(noise('other', 30_000, 0.3), clip).score).toBeLessThan(0.2);
    expect(findClip(new Int16Array(30_000), clip)).toEqual({ at: 0, score: 0 });
    expect(findClip(clip.subarray(0, 100), clip).score).toBe(0);
  });
});
