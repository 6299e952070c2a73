import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resample } from '../../inference/audio/resample.ts';
import { WavError } from '../../inference/audio/wav-error.ts';
import type { WavErrorCode } from '../../inference/audio/wav-error.ts';
import { readWav, writeWav } from '../../inference/audio/wav.ts';
import { levelDbfs, toPcm16 } from '../../inference/audio/pcm.ts';

interface Shape { tag: number; channels: number; rate: number; bits: number }

/** A WAV file of any format, from raw sample bytes. */
function wav(shape: Partial<Shape>, data: Uint8Array): Uint8Array {
  const { tag, channels, rate, bits } = { tag: 1, channels: 1, rate: 24_000, bits: 16, ...shape };
  const bytes = new Uint8Array(44 + data.length);
  bytes.set(writeWav(new Int16Array(0), rate));
  bytes.set(data, 44);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, bytes.length - 8, true);
  view.setUint16(20, tag, true);
  view.setUint16(22, channels, true);
  view.setUint32(28, rate * channels * (bits / 8), true);
  view.setUint16(32, channels * (bits / 8), true);
  view.setUint16(34, bits, true);
  view.setUint32(40, data.length, true);
  return bytes;
}

const ramp = (length: number): Int16Array => Int16Array.from({ length }, (_, i) => (i * 37) % 1000);
function edited(change: (view: DataView, bytes: Uint8Array) => void, source = writeWav(ramp(100), 24_000)): Uint8Array {
  const bytes = source.slice();
  change(new DataView(bytes.buffer), bytes);
  return bytes;
}

function codeOf(bytes: Uint8Array): WavErrorCode | 'read' {
  try {
    readWav(bytes);
    return 'read';
  } catch (error) {
    if (error instanceof WavError) return error.code;
    throw error;
  }
}

describe('reading WAV', () => {
  it('returns what was written (property)', () => {
    fc.assert(fc.property(
      fc.int16Array({ minLength: 1, maxLength: 400 }), fc.integer({ min: 8_000, max: 48_000 }),
      (pcm, rate) => {
        const read = readWav(writeWav(pcm, rate));
        expect(read.sampleRateHz).toBe(rate);
        expect(Array.from(read.samples, (sample) => Math.round(sample * 0x8000))).toEqual(Array.from(pcm));
      },
    ));
  });

  it('reads 24 and 32 bits, float and stereo alike', () => {
    const int24 = Uint8Array.of(0, 0, 0x40, 0, 0, 0xc0);
    expect(Array.from(readWav(wav({ bits: 24 }, int24)).samples)).toEqual([0.5, -0.5]);
    const int32 = new Uint8Array(Int32Array.of(0x4000_0000, -0x4000_0000).buffer);
    expect(Array.from(readWav(wav({ bits: 32 }, int32)).samples)).toEqual([0.5, -0.5]);
    const floats = new Uint8Array(Float32Array.of(0.5, -0.25).buffer);
    expect(Array.from(readWav(wav({ tag: 3, bits: 32 }, floats)).samples)).toEqual([0.5, -0.25]);
    const stereo = new Uint8Array(Int16Array.of(0x4000, 0, 0x4000, -0x4000).buffer);
    expect(Array.from(readWav(wav({ channels: 2 }, stereo)).samples)).toEqual([0.25, 0]);
  });

  it('skips chunks it does not know', () => {
    const plain = writeWav(ramp(10), 24_000);
    const bytes = new Uint8Array(plain.length + 12);
    bytes.set(plain);
    bytes.set(new TextEncoder().encode('LIST'), plain.length);
    bytes[plain.length + 4] = 3;
    new DataView(bytes.buffer).setUint32(4, bytes.length - 8, true);
    expect(readWav(bytes).samples).toHaveLength(10);
  });

  const refused: [string, Uint8Array, WavErrorCode][] = [
    ['nothing', new Uint8Array(0), 'wav_not_riff'],
    ['text', new TextEncoder().encode('This is not a recording at all, is it?'), 'wav_not_riff'],
    ['a header that claims more than the file', edited((view) => view.setUint32(4, 0xffff_ffff, true)), 'wav_length_lies'],
    ['a header that claims less than the file', edited((view) => view.setUint32(4, 100, true)), 'wav_length_lies'],
    ['a file cut in the middle', writeWav(ramp(100), 24_000).subarray(0, 120), 'wav_length_lies'],
    ['samples that claim more than the file', edited((view) => view.setUint32(40, 4_000, true)), 'wav_truncated'],
    ['half a sample', wav({}, Uint8Array.of(1, 2, 3)), 'wav_truncated'],
    ['zero channels', wav({ channels: 0 }, Uint8Array.of(1, 2)), 'wav_channels_unsupported'],
    ['six channels', wav({ channels: 6 }, new Uint8Array(12)), 'wav_channels_unsupported'],
    ['a rate of 7 Hz', wav({ rate: 7 }, Uint8Array.of(1, 2)), 'wav_rate_unsupported'],
    ['a rate of four billion', edited((view) => view.setUint32(24, 0xffff_ffff, true)), 'wav_rate_unsupported'],
    ['8 bits', wav({ bits: 8 }, Uint8Array.of(1)), 'wav_format_unsupported'],
    ['µ-law', wav({ tag: 7, bits: 16 }, Uint8Array.of(1, 2)), 'wav_format_unsupported'],
    ['a contradictory byte rate', edited((view) => view.setUint32(28, 1, true)), 'wav_chunk_malformed'],
    ['no samples', wav({}, new Uint8Array(0)), 'wav_empty'],
    ['NaN', wav({ tag: 3, bits: 32 }, new Uint8Array(Float32Array.of(0, Number.NaN).buffer)), 'wav_not_finite'],
    ['infinity', wav({ tag: 3, bits: 32 }, new Uint8Array(Float32Array.of(Infinity).buffer)), 'wav_not_finite'],
    ['a float of 1e30', wav({ tag: 3, bits: 32 }, new Uint8Array(Float32Array.of(1e30).buffer)), 'wav_not_finite'],
    ['six minutes', wav({ rate: 8_000 }, new Uint8Array(2 * 8_000 * 360)), 'wav_too_long'],
  ];
  it.each(refused)('refuses %s', (_, bytes, code) => expect(codeOf(bytes)).toBe(code));

  it('refuses a file of nothing but chunks: a hundred bytes would be kept for eight of its own', () => {
    const source = writeWav(ramp(100), 24_000);
    const flooded = (chunks: number): Uint8Array => {
      const bytes = Buffer.concat([source, Buffer.from('junk\0\0\0\0'.repeat(chunks), 'latin1')]);
      bytes.writeUInt32LE(bytes.length - 8, 4);
      return bytes;
    };
    expect(codeOf(flooded(20))).toBe('read');
    expect(codeOf(flooded(2_000))).toBe('wav_chunk_malformed');
  });

  it('refuses a file beyond the size limit without reading it', () => {
    expect(() => readWav(writeWav(ramp(100), 24_000), { maxBytes: 100, maxSeconds: 1 })).toThrow(WavError);
  });

  it('never fails with anything but its own error on damaged files (property)', () => {
    const original = writeWav(ramp(60), 24_000);
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: original.length - 1 }), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
      (edits) => {
        const bytes = original.slice();
        for (const [at, value] of edits) bytes[at] = value;
        expect(typeof codeOf(bytes)).toBe('string');
      },
    ));
  });
});

describe('resampling', () => {
  const sine = (hertz: number, rate: number): Float32Array =>
    Float32Array.from({ length: rate }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rate));
  const middle = (samples: Float32Array): Float32Array => samples.subarray(samples.length / 4, (3 * samples.length) / 4);

  it('keeps a tone and its level', () => {
    const there = resample(sine(1_000, 48_000), 48_000, 16_000);
    const exact = sine(1_000, 16_000);
    expect(there).toHaveLength(16_000);
    const worst = middle(there).reduce((max, value, i) => Math.max(max, Math.abs(value - (middle(exact)[i] ?? 0))), 0);
    expect(worst).toBeLessThan(0.002);
  });

  it('removes what the lower rate cannot carry', () => {
    expect(levelDbfs(middle(resample(sine(11_000, 48_000), 48_000, 16_000)))).toBeLessThan(-70);
  });
});

describe('16-bit samples', () => {
  it('clip instead of wrapping', () => {
    expect(Array.from(toPcm16(Float32Array.of(0, 1, -1, 2, -2)))).toEqual([0, 32_767, -32_767, 32_767, -32_767]);
  });
});
