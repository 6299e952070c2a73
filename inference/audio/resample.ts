/** Zero crossings of the kernel on either side: about 80 dB of stop band with the window below. */
const LOBES = 24;
/** Kernel values between two zero crossings; in between, straight lines. */
const STEPS = 256;
/** The pass band ends a little below the lower of the two Nyquist frequencies. */
const PASS = 0.94;

/** Modified Bessel function I0, by its series. */
function bessel0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** One side of a Kaiser-windowed sinc. */
const KERNEL: Float64Array = (() => {
  const beta = 8;
  return Float64Array.from({ length: LOBES * STEPS + 2 }, (_, index) => {
    const x = index / STEPS;
    if (x >= LOBES) return 0;
    const window = bessel0(beta * Math.sqrt(1 - (x / LOBES) ** 2)) / bessel0(beta);
    return (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)) * window;
  });
})();

/** Changes the sample rate by windowed-sinc interpolation; going down, what the new rate cannot carry is filtered out. */
export function resample(samples: Float32Array, fromHz: number, toHz: number): Float32Array {
  if (!(fromHz > 0) || !(toHz > 0)) throw new RangeError(`cannot resample from ${fromHz} to ${toHz} Hz`);
  if (fromHz === toHz) return samples.slice();
  const step = fromHz / toHz;
  const cutoff = Math.min(1, toHz / fromHz) * PASS;
  const reach = LOBES / cutoff;
  return Float32Array.from({ length: Math.floor((samples.length * toHz) / fromHz) }, (_, index) => {
    const centre = index * step;
    const last = Math.min(samples.length - 1, Math.floor(centre + reach));
    let sum = 0;
    for (let at = Math.max(0, Math.ceil(centre - reach)); at <= last; at += 1) {
      const place = Math.abs(at - centre) * cutoff * STEPS;
      const below = Math.floor(place);
      const left = KERNEL[below] ?? 0;
      sum += (samples[at] ?? 0) * (left + ((KERNEL[below + 1] ?? 0) - left) * (place - below));
    }
    return sum * cutoff;
  });
}
