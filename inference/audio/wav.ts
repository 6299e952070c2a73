import { WavError } from './wav-error.ts';

/**
 * RIFF WAVE, read strictly: a file that says one thing and holds another is refused, not repaired, because the bytes are kept as
 * evidence. Source: Microsoft & IBM, "Multimedia Programming Interface and Data Specifications 1.0"; WAVE_FORMAT_EXTENSIBLE of
 * mmreg.h.
 */
export interface Recording {
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  /** Both channels mixed, within ±1 for integer formats. */
  readonly samples: Float32Array;
}

export interface WavLimits {
  readonly maxBytes: number;
  readonly maxSeconds: number;
}

export const WAV_LIMITS: WavLimits = { maxBytes: 64 * 1024 * 1024, maxSeconds: 300 };

/** Recorders write a handful; a file of empty chunks would cost many times its size in memory. */
const MAX_CHUNKS = 64;
const MIN_RATE_HZ = 8_000;
const MAX_RATE_HZ = 48_000;
const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;
/** The tail of the KSDATAFORMAT_SUBTYPE GUIDs; the head is the format number. */
const SUBTYPE_TAIL = [0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];

interface Chunk { readonly id: string; readonly at: number; readonly size: number }

interface Format {
  readonly encoding: 'int' | 'float';
  readonly channels: 1 | 2;
  readonly sampleRateHz: number;
  readonly bytesPerSample: number;
}

const fourCharacters = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

function chunksOf(bytes: Uint8Array, view: DataView): Chunk[] {
  if (bytes.length < 12 || fourCharacters(bytes, 0) !== 'RIFF' || fourCharacters(bytes, 8) !== 'WAVE') {
    throw new WavError('wav_not_riff', 'The file does not begin with a RIFF WAVE header.');
  }
  const declared = view.getUint32(4, true) + 8;
  if (declared !== bytes.length && declared + 1 !== bytes.length) {
    throw new WavError('wav_length_lies', `The header says ${declared} bytes, the file has ${bytes.length}.`);
  }
  const chunks: Chunk[] = [];
  let at = 12;
  while (at < declared) {
    if (chunks.length === MAX_CHUNKS) throw new WavError('wav_chunk_malformed', `The file has more than ${MAX_CHUNKS} chunks.`);
    if (at + 8 > declared) throw new WavError('wav_chunk_malformed', 'The file ends inside a chunk header.');
    const size = view.getUint32(at + 4, true);
    const id = fourCharacters(bytes, at);
    if (at + 8 + size > declared) throw new WavError('wav_truncated', `The chunk '${id}' claims more bytes than the file has.`);
    chunks.push({ id, at: at + 8, size });
    at += 8 + size + (size % 2);
  }
  return chunks;
}

function only(chunks: readonly Chunk[], id: string): Chunk {
  const found = chunks.filter((chunk) => chunk.id === id);
  const [first] = found;
  if (first === undefined || found.length !== 1) {
    throw new WavError('wav_chunk_malformed', `The file has ${found.length} '${id.trim()}' chunks; it needs exactly one.`);
  }
  return first;
}

function encodingOf(bytes: Uint8Array, view: DataView, chunk: Chunk): number {
  const tag = view.getUint16(chunk.at, true);
  if (tag !== FORMAT_EXTENSIBLE) return tag;
  const guid = chunk.at + 24;
  const known = chunk.size >= 40 && SUBTYPE_TAIL.every((byte, index) => bytes[guid + 2 + index] === byte);
  if (!known) throw new WavError('wav_format_unsupported', 'The extensible format has an unknown subtype.');
  return view.getUint16(guid, true);
}

function readFormat(bytes: Uint8Array, view: DataView, chunk: Chunk): Format {
  if (chunk.size < 16) throw new WavError('wav_chunk_malformed', 'The format chunk is too short.');
  const tag = encodingOf(bytes, view, chunk);
  const channels = view.getUint16(chunk.at + 2, true);
  const sampleRateHz = view.getUint32(chunk.at + 4, true);
  const byteRate = view.getUint32(chunk.at + 8, true);
  const blockAlign = view.getUint16(chunk.at + 12, true);
  const bits = view.getUint16(chunk.at + 14, true);
  if (channels !== 1 && channels !== 2) {
    throw new WavError('wav_channels_unsupported', `The file has ${channels} channels; one or two are read.`);
  }
  if (sampleRateHz < MIN_RATE_HZ || sampleRateHz > MAX_RATE_HZ) {
    throw new WavError('wav_rate_unsupported', `The sample rate is ${sampleRateHz} Hz; ${MIN_RATE_HZ} to ${MAX_RATE_HZ} are read.`);
  }
  const supported = (tag === FORMAT_PCM && [16, 24, 32].includes(bits)) || (tag === FORMAT_FLOAT && bits === 32);
  if (!supported) {
    throw new WavError('wav_format_unsupported', `Format ${tag} with ${bits} bits is not read; PCM of 16, 24 or 32 bits and 32-bit float are.`);
  }
  const bytesPerSample = bits / 8;
  if (blockAlign !== bytesPerSample * channels || byteRate !== blockAlign * sampleRateHz) {
    throw new WavError('wav_chunk_malformed', 'The byte rate or block size of the format chunk contradicts its other fields.');
  }
  return { encoding: tag === FORMAT_FLOAT ? 'float' : 'int', channels, sampleRateHz, bytesPerSample };
}

function sampleReader(view: DataView, format: Format): (at: number) => number {
  if (format.encoding === 'float') return (at) => view.getFloat32(at, true);
  switch (format.bytesPerSample) {
    case 2:
      return (at) => view.getInt16(at, true) / 0x8000;
    case 3:
      return (at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 0x1_0000) / 0x80_0000;
    default:
      return (at) => view.getInt32(at, true) / 0x8000_0000;
  }
}

/**
 * Reads a WAV file: PCM of 16, 24 or 32 bits or 32-bit float, mono or stereo, 8–48 kHz.
 * @throws WavError when it is anything else, longer than the limits, or not what its header says.
 */
export function readWav(bytes: Uint8Array, limits: WavLimits = WAV_LIMITS): Recording {
  if (bytes.length > limits.maxBytes) {
    throw new WavError('wav_too_large', `The file has ${bytes.length} bytes; at most ${limits.maxBytes} are read.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = chunksOf(bytes, view);
  const format = readFormat(bytes, view, only(chunks, 'fmt '));
  const data = only(chunks, 'data');
  const blockBytes = format.bytesPerSample * format.channels;
  if (data.size % blockBytes !== 0) throw new WavError('wav_truncated', 'The samples end inside a sample.');
  const length = data.size / blockBytes;
  if (length === 0) throw new WavError('wav_empty', 'The file holds no samples.');
  if (length > limits.maxSeconds * format.sampleRateHz) {
    throw new WavError('wav_too_long', `The recording is longer than ${limits.maxSeconds} seconds.`);
  }
  const sampleAt = sampleReader(view, format);
  const samples = new Float32Array(length);
  for (let index = 0; index < length; index += 1) {
    let sum = 0;
    for (let channel = 0; channel < format.channels; channel += 1) {
      sum += sampleAt(data.at + index * blockBytes + channel * format.bytesPerSample);
    }
    // A float far beyond full scale is as much a defect as NaN, and would overflow what is computed from it.
    if (!(Math.abs(sum) <= 1e4)) throw new WavError('wav_not_finite', `Sample ${index} is not a number within reason.`);
    samples[index] = sum / format.channels;
  }
  return { sampleRateHz: format.sampleRateHz, channels: format.channels, samples };
}

const HEADER_BYTES = 44;

/** A mono 16-bit WAV file of the samples. */
export function writeWav(pcm: Int16Array, sampleRateHz: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + pcm.length * 2);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string): void => {
    for (let i = 0; i < value.length; i += 1) view.setUint8(at + i, value.charCodeAt(i));
  };
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, sampleRateHz * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, pcm.length * 2, true);
  pcm.forEach((sample, index) => view.setInt16(HEADER_BYTES + index * 2, sample, true));
  return bytes;
}
