/** In-place radix-2 fast Fourier transform of `re` + i·`im`, both of one power of two in length. `inverse` divides by the length. */
export function fft(re: Float64Array, im: Float64Array, inverse = false): void {
  const n = re.length;
  if (n !== im.length || n === 0 || (n & (n - 1)) !== 0) throw new RangeError(`an FFT of ${re.length} and ${im.length} points`);
  for (let i = 1, j = 0; i < n; i += 1) {
    let bit = n >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j] ?? 0, re[i] ?? 0];
      [im[i], im[j]] = [im[j] ?? 0, im[i] ?? 0];
    }
  }
  for (let size = 2; size <= n; size *= 2) butterflies(re, im, size, inverse ? 1 : -1);
  if (inverse) {
    for (let i = 0; i < n; i += 1) {
      re[i] = (re[i] ?? 0) / n;
      im[i] = (im[i] ?? 0) / n;
    }
  }
}

function butterflies(re: Float64Array, im: Float64Array, size: number, sign: number): void {
  const half = size / 2;
  for (let k = 0; k < half; k += 1) {
    const angle = (sign * 2 * Math.PI * k) / size;
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    for (let at = k; at < re.length; at += size) {
      const other = at + half;
      const x = re[other] ?? 0;
      const y = im[other] ?? 0;
      const turnedRe = x * cos - y * sin;
      const turnedIm = x * sin + y * cos;
      const ownRe = re[at] ?? 0;
      const ownIm = im[at] ?? 0;
      re[other] = ownRe - turnedRe;
      im[other] = ownIm - turnedIm;
      re[at] = ownRe + turnedRe;
      im[at] = ownIm + turnedIm;
    }
  }
}

/** The smallest power of two that is at least `length`. */
export function powerOfTwo(length: number): number {
  let size = 1;
  while (size < length) size *= 2;
  return size;
}
