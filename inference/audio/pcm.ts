/** Samples within ±1 to 16-bit integers; louder ones are clipped. */
export function toPcm16(samples: Float32Array): Int16Array {
  const pcm = new Int16Array(samples.length);
  // A plain loop: `Int16Array.from` with a function costs a second for ten minutes of speech.
  for (let i = 0; i < pcm.length; i += 1) pcm[i] = Math.round(Math.max(-1, Math.min(1, samples[i] ?? 0)) * 32_767);
  return pcm;
}

/** Root mean square of samples within ±1. */
export function rms(samples: Float32Array): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}

/** Level in dB below full scale; silence is -Infinity. */
export function levelDbfs(samples: Float32Array): number {
  return 20 * Math.log10(rms(samples));
}

export function joinPcm(parts: readonly Int16Array[]): Int16Array {
  const out = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
