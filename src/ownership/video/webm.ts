import { refuseVideo, type VideoFacts } from './facts.ts';

/** WebM, which is Matroska (RFC 9559) in EBML (RFC 8794): elements of an id, a size and what is in them. */
const EBML = 0x1a45dfa3;
const DOC_TYPE = 0x4282;
const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TIMESTAMP_SCALE = 0x2ad7b1;
const DURATION = 0x4489;
const TRACKS = 0x1654ae6b;
const TRACK_ENTRY = 0xae;
const TRACK_NUMBER = 0xd7;
const TRACK_TYPE = 0x83;
const CLUSTER = 0x1f43b675;
const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;

/** Where each element that is read stands; anything else is stepped over. */
const PARENTS = new Map<number, number | null>([
  [EBML, null], [DOC_TYPE, EBML], [SEGMENT, null], [INFO, SEGMENT], [TIMESTAMP_SCALE, INFO], [DURATION, INFO], [TRACKS, SEGMENT],
  [TRACK_ENTRY, TRACKS], [TRACK_NUMBER, TRACK_ENTRY], [TRACK_TYPE, TRACK_ENTRY], [CLUSTER, SEGMENT], [TIMESTAMP, CLUSTER],
  [SIMPLE_BLOCK, CLUSTER], [BLOCK_GROUP, CLUSTER], [BLOCK, BLOCK_GROUP],
]);
const MASTERS = new Set([EBML, SEGMENT, INFO, TRACKS, TRACK_ENTRY, CLUSTER, BLOCK_GROUP]);
/** What is written live may leave its size open. */
const OPEN_ENDED = new Set([SEGMENT, CLUSTER]);

const MOST_ELEMENTS = 200_000;
const PICTURE = 1;

interface Element {
  id: number;
  start: number;
  /** `null`: its size was left open. */
  end: number | null;
}

function elementAt(file: Buffer, at: number, limit: number): Element {
  const idLength = Math.clz32(file.readUInt8(at)) - 23;
  if (idLength > 4) refuseVideo('broken');
  if (at + idLength >= limit) refuseVideo('truncated');
  const id = file.readUIntBE(at, idLength);
  const { value, length } = numberAt(file, at + idLength, limit);
  const start = at + idLength + length;
  if (value === null) return OPEN_ENDED.has(id) ? { id, start, end: null } : refuseVideo('broken');
  if (value > BigInt(limit - start)) refuseVideo('truncated');
  return { id, start, end: start + Number(value) };
}

/** A number whose own first bits say how long it is; `null` for all ones, which says nothing. */
function numberAt(file: Buffer, at: number, limit: number): { value: bigint | null; length: number } {
  if (at >= limit) refuseVideo('truncated');
  const length = Math.clz32(file.readUInt8(at)) - 23;
  if (length > 8) refuseVideo('broken');
  if (at + length > limit) refuseVideo('truncated');
  let value = BigInt(file.readUInt8(at)) & ((1n << BigInt(8 - length)) - 1n);
  for (let next = 1; next < length; next += 1) value = (value << 8n) | BigInt(file.readUInt8(at + next));
  return { value: value === (1n << BigInt(7 * length)) - 1n ? null : value, length };
}

/** Every element that is read, in the order of the file. Each step goes forward, so the walk always ends. */
function* elementsOf(file: Buffer): Generator<{ id: number; bytes: Buffer }> {
  const inside: { id: number; end: number; open: boolean }[] = [];
  let left = MOST_ELEMENTS;
  for (let at = 0; at < file.length;) {
    while (inside.length > 0 && (inside.at(-1)?.end ?? 0) <= at) inside.pop();
    left -= 1;
    if (left < 0) refuseVideo('broken');
    const { id, start, end } = elementAt(file, at, inside.at(-1)?.end ?? file.length);
    const parent = PARENTS.get(id);
    // An element that cannot be inside one of open size ends it.
    while (parent !== undefined && inside.at(-1)?.open === true && inside.at(-1)?.id !== parent) inside.pop();
    const around = inside.at(-1);
    if (parent !== undefined && (around?.id ?? null) !== parent) refuseVideo('broken');
    const until = end ?? around?.end ?? file.length;
    const master = MASTERS.has(id);
    if (parent !== undefined) yield { id, bytes: master ? Buffer.alloc(0) : file.subarray(start, until) };
    if (master) inside.push({ id, end: until, open: end === null });
    at = master ? start : until;
  }
}

function wholeOf(bytes: Buffer): number {
  if (bytes.length > 6) refuseVideo('broken');
  return bytes.length === 0 ? 0 : bytes.readUIntBE(0, bytes.length);
}

function floatOf(bytes: Buffer): number {
  const value = bytes.length === 4 ? bytes.readFloatBE(0) : bytes.length === 8 ? bytes.readDoubleBE(0) : Number.NaN;
  return Number.isFinite(value) && value > 0 ? value : refuseVideo('broken');
}

interface Reading {
  docType: string;
  segments: number;
  scale: number;
  declared: number | null;
  tracks: { number: number; type: number }[];
  cluster: number;
  /** When each block is shown, with its track. */
  blocks: { track: number; at: number }[];
}

function readBlock(reading: Reading, bytes: Buffer): void {
  const { value, length } = numberAt(bytes, 0, bytes.length);
  if (value === null) refuseVideo('broken');
  if (bytes.length < length + 3) refuseVideo('truncated');
  reading.blocks.push({ track: Number(value), at: reading.cluster + bytes.readInt16BE(length) });
}

const READERS = new Map<number, (reading: Reading, bytes: Buffer) => void>([
  [DOC_TYPE, (reading, bytes) => void (reading.docType = bytes.toString('latin1').replace(/\0+$/, ''))],
  [SEGMENT, (reading) => void (reading.segments += 1)],
  [TIMESTAMP_SCALE, (reading, bytes) => void (reading.scale = wholeOf(bytes))],
  [DURATION, (reading, bytes) => void (reading.declared = floatOf(bytes))],
  [TRACK_ENTRY, (reading) => void reading.tracks.push({ number: 0, type: 0 })],
  [TRACK_NUMBER, (reading, bytes) => void Object.assign(reading.tracks.at(-1) ?? {}, { number: wholeOf(bytes) })],
  [TRACK_TYPE, (reading, bytes) => void Object.assign(reading.tracks.at(-1) ?? {}, { type: wholeOf(bytes) })],
  [TIMESTAMP, (reading, bytes) => void (reading.cluster = wholeOf(bytes))],
  [SIMPLE_BLOCK, readBlock],
  [BLOCK, readBlock],
]);

/** From the first block to the last, in ticks. */
function spanOf(blocks: Reading['blocks']): number {
  let [first, last] = [Infinity, 0];
  for (const { at } of blocks) [first, last] = [Math.min(first, at), Math.max(last, at)];
  return Math.max(0, last - first);
}

export function isWebm(file: Buffer): boolean {
  return file.length >= 4 && file.readUInt32BE(0) === EBML;
}

/**
 * Reads a WebM. What a browser records live declares no duration: then, and where less is declared than there is, its
 * blocks say how long it is. Refuses `video_refused`.
 */
export function readWebm(file: Buffer): VideoFacts {
  const reading: Reading = { docType: '', segments: 0, scale: 1_000_000, declared: null, tracks: [], cluster: 0, blocks: [] };
  for (const { id, bytes } of elementsOf(file)) {
    READERS.get(id)?.(reading, bytes);
    if (id === SEGMENT && reading.docType !== 'webm') refuseVideo('container_unknown');
  }
  if (reading.segments === 0) refuseVideo('truncated');
  if (reading.segments > 1 || reading.scale === 0) refuseVideo('broken');
  const pictures = reading.tracks.filter(({ type }) => type === PICTURE).map(({ number }) => number);
  if (pictures.length === 0 || !reading.blocks.some(({ track }) => pictures.includes(track))) refuseVideo('video_absent');
  const ticks = Math.max(reading.declared ?? 0, spanOf(reading.blocks));
  return { contentType: 'video/webm', seconds: (ticks * reading.scale) / 1_000_000_000 };
}
