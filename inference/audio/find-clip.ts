import { fft, powerOfTwo } from './fft.ts';

export interface ClipMatch {
  /** Where the clip begins in the samples. */
  readonly at: number;
  /** Normalised cross-correlation at that place: 1 is the clip itself (at any volume), near 0 something else. */
  readonly score: number;
}

/**
 * The place where a known clip most resembles a part of `pcm`, by normalised cross-correlation. It finds the same rendering again
 * (louder, softer, lightly coded or marked), not other speech with the same words.
 */
export function findClip(pcm: Int16Array, clip: Int16Array): ClipMatch {
  if (clip.length === 0 || clip.length > pcm.length) return { at: 0, score: 0 };
  const size = powerOfTwo(pcm.length + clip.length);
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  // Two real signals in one transform: pcm in the real part, the clip in the imaginary.
  re.set(pcm);
  im.set(clip);
  fft(re, im);
  const productRe = new Float64Array(size);
  const productIm = new Float64Array(size);
  for (let k = 0; k < size; k += 1) {
    const mirror = (size - k) % size;
    const [a, b, c, d] = [re[k] ?? 0, im[k] ?? 0, re[mirror] ?? 0, im[mirror] ?? 0];
    const [pcmRe, pcmIm, clipRe, clipIm] = [(a + c) / 2, (b - d) / 2, (b + d) / 2, (c - a) / 2];
    productRe[k] = pcmRe * clipRe + pcmIm * clipIm;
    productIm[k] = pcmIm * clipRe - pcmRe * clipIm;
  }
  fft(productRe, productIm, true);

  let clipEnergy = 0;
  for (const sample of clip) clipEnergy += sample * sample;
  let windowEnergy = 0;
  for (let i = 0; i < clip.length; i += 1) windowEnergy += (pcm[i] ?? 0) ** 2;
  let best: ClipMatch = { at: 0, score: 0 };
  for (let at = 0; at + clip.length <= pcm.length; at += 1) {
    const norm = Math.sqrt(clipEnergy * windowEnergy);
    const score = norm > 0 ? (productRe[at] ?? 0) / norm : 0;
    if (score > best.score) best = { at, score };
    windowEnergy += (pcm[at + clip.length] ?? 0) ** 2 - (pcm[at] ?? 0) ** 2;
  }
  return best;
}
