import { Refusal } from '../kernel/refusals.ts';

/** RIFF WAVE as far as marks need it: which chunks are where. Audio itself is no business of this room. */

export interface RiffChunk {
  id: string;
  /** Where the chunk's data begins in the file. */
  start: number;
  length: number;
}

/** A C2PA file of ours is a few hundred kilobytes; this bounds what a stranger can make us read. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;
const CHUNKS_MAX = 1_000;

function unreadable(detail: string): Refusal {
  return new Refusal('file_unreadable', detail);
}

/**
 * The chunks of a WAV file. Refuses (`file_unreadable`) what is not RIFF WAVE, lies about its length, or lacks `fmt ` or
 * `data`: two readers of a file with a wrong length may hear two different recordings.
 */
export function readChunks(wav: Buffer): RiffChunk[] {
  if (wav.length > FILE_BYTES_MAX) throw unreadable(`The file is larger than ${FILE_BYTES_MAX} bytes.`);
  const head = wav.length >= 12 ? wav.toString('latin1', 0, 4) + wav.toString('latin1', 8, 12) : '';
  if (head !== 'RIFFWAVE') throw unreadable('The file is not a WAV.');
  if (wav.readUInt32LE(4) !== wav.length - 8) throw unreadable('The WAV states another length than it has.');
  const chunks: RiffChunk[] = [];
  let at = 12;
  while (at < wav.length) {
    if (wav.length - at < 8 || chunks.length >= CHUNKS_MAX) throw unreadable('The WAV’s chunks do not add up.');
    const length = wav.readUInt32LE(at + 4);
    if (length > wav.length - at - 8) throw unreadable('A chunk of the WAV states more bytes than there are.');
    chunks.push({ id: wav.toString('latin1', at, at + 4), start: at + 8, length });
    // Chunks begin on even offsets; some writers leave the last pad byte out.
    at += 8 + length + (length % 2);
  }
  for (const id of ['fmt ', 'data']) {
    if (chunks.filter((chunk) => chunk.id === id).length !== 1) throw unreadable(`The WAV has not exactly one ${id.trim()} chunk.`);
  }
  return chunks;
}

export function chunkBytes(wav: Buffer, chunk: RiffChunk): Buffer {
  return wav.subarray(chunk.start, chunk.start + chunk.length);
}

/** The file with one more chunk at its end. */
export function appendChunk(wav: Buffer, id: string, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.write(id, 0, 4, 'latin1');
  header.writeUInt32LE(data.length, 4);
  const pad = Buffer.alloc(wav.length % 2);
  const longer = Buffer.concat([wav, pad, header, data, Buffer.alloc(data.length % 2)]);
  if (longer.length > FILE_BYTES_MAX) throw unreadable(`The file is larger than ${FILE_BYTES_MAX} bytes.`);
  longer.writeUInt32LE(longer.length - 8, 4);
  return longer;
}
