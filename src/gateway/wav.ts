import { SAMPLE_RATE_HZ } from './model.ts';

interface Chunk {
  id: string;
  start: number;
  length: number;
}

function* chunksOf(wav: Buffer): Generator<Chunk> {
  for (let at = 12; at + 8 <= wav.length;) {
    const [id, length] = [wav.toString('latin1', at, at + 4), wav.readUInt32LE(at + 4)];
    yield { id, start: at + 8, length };
    at += 8 + length + (length % 2);
  }
}

/**
 * The samples of a WAV in the only form that we release (mono, 16 bits, 24 kHz); null for any other. Its structure was
 * checked by the reader of marks.
 */
export function samplesOf(wav: Buffer): Buffer | null {
  let ours = false;
  for (const { id, start, length } of chunksOf(wav)) {
    if (id === 'fmt ' && length >= 16) {
      ours = wav.readUInt16LE(start) === 1 && wav.readUInt16LE(start + 2) === 1
        && wav.readUInt32LE(start + 4) === SAMPLE_RATE_HZ && wav.readUInt16LE(start + 14) === 16;
    }
    if (id === 'data') return ours ? wav.subarray(start, start + length) : null;
  }
  return null;
}

/** What we release: 16-bit mono. */
export const BYTES_PER_SECOND = SAMPLE_RATE_HZ * 2;
/** From telephone speech to 48 kHz stereo floats: a header that says otherwise does not set the pace. */
const RATES = { min: 8_000, max: 384_000 };

/** Bytes of one second of a WAV, by its own header; our own rate when it says nothing believable. */
export function bytesPerSecondOf(wav: Buffer): number {
  for (const { id, start, length } of chunksOf(wav)) {
    if (id !== 'fmt ' || length < 16 || start + 16 > wav.length) continue;
    const rate = wav.readUInt32LE(start + 8);
    return rate >= RATES.min && rate <= RATES.max ? rate : BYTES_PER_SECOND;
  }
  return BYTES_PER_SECOND;
}
