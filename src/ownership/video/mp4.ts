import { refuseVideo, type VideoFacts } from './facts.ts';

/** ISO base media files (ISO/IEC 14496-12): boxes of a size, a type and what is in them. */
interface Box {
  type: string;
  start: number;
  end: number;
}

/** More than any camera writes; a file of a million empty boxes is not read to its end. */
const MOST_BOXES = 10_000;
/** Brands of MP4. QuickTime, still images and sound have brands of their own. */
const BRANDS = new Set(['isom', 'iso2', 'iso3', 'iso4', 'iso5', 'iso6', 'iso7', 'iso8', 'iso9', 'mp41', 'mp42', 'avc1', 'dash', 'M4V ', 'M4VH', 'M4VP', 'MSNV', 'mmp4', '3gp4', '3gp5', '3gp6']);

interface Budget { left: number }

/** The boxes between two places. Each is at least as long as its own header, so the walk always ends. */
function* boxesOf(file: Buffer, from: number, to: number, budget: Budget): Generator<Box> {
  for (let at = from; at < to;) {
    budget.left -= 1;
    if (budget.left < 0) refuseVideo('broken');
    const room = to - at;
    if (room < 8) refuseVideo('truncated');
    const { size, header } = sizeAt(file, at, room);
    if (size > room) refuseVideo('truncated');
    yield { type: file.toString('latin1', at + 4, at + 8), start: at + header, end: at + size };
    at += size;
  }
}

/** A size of 1 means that 64 bits follow; one of 0 that the box goes on to the file's end, which only its last may. */
function sizeAt(file: Buffer, at: number, room: number): { size: number; header: number } {
  const short = file.readUInt32BE(at);
  if (short === 0) return at + room === file.length ? { size: room, header: 8 } : refuseVideo('broken');
  if (short !== 1) return short < 8 ? refuseVideo('broken') : { size: short, header: 8 };
  if (room < 16) refuseVideo('truncated');
  const long = file.readBigUInt64BE(at + 8);
  if (long > BigInt(room)) refuseVideo('truncated');
  return long < 16n ? refuseVideo('broken') : { size: Number(long), header: 16 };
}

/** Whether this begins as such a file, of a brand that is a video's. */
export function isMp4(file: Buffer): boolean {
  if (file.length < 16 || file.toString('latin1', 4, 8) !== 'ftyp') return false;
  const end = Math.min(file.readUInt32BE(0), file.length, 512);
  const brands = [file.toString('latin1', 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(file.toString('latin1', at, at + 4));
  return brands.some((brand) => BRANDS.has(brand));
}

function secondsOf(file: Buffer, { start, end }: Box): number {
  const long = file.readUInt8(start) === 1;
  if (end - start < (long ? 112 : 100)) refuseVideo('truncated');
  const scale = file.readUInt32BE(start + (long ? 20 : 12));
  const ticks = long ? file.readBigUInt64BE(start + 24) : BigInt(file.readUInt32BE(start + 16));
  if (scale === 0) refuseVideo('broken');
  // Nothing, and all ones, both say that it is not known: a file in fragments.
  if (ticks === 0n || ticks === (long ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn)) refuseVideo('duration_absent');
  return Number(ticks) / scale;
}

function isPicture(file: Buffer, track: Box, budget: Budget): boolean {
  for (const media of boxesOf(file, track.start, track.end, budget)) {
    if (media.type !== 'mdia') continue;
    for (const { type, start, end } of boxesOf(file, media.start, media.end, budget)) {
      if (type === 'hdlr' && end - start >= 12 && file.toString('latin1', start + 8, start + 12) === 'vide') return true;
    }
  }
  return false;
}

/** Reads an MP4. Refuses `video_refused`. */
export function readMp4(file: Buffer): VideoFacts {
  const budget = { left: MOST_BOXES };
  const top = [...boxesOf(file, 0, file.length, budget)];
  const [movie, ...others] = top.filter(({ type }) => type === 'moov');
  if (movie === undefined || others.length > 0) refuseVideo('broken');
  const inside = [...boxesOf(file, movie.start, movie.end, budget)];
  const [head, ...heads] = inside.filter(({ type }) => type === 'mvhd');
  if (head === undefined || heads.length > 0 || head.end - head.start < 4) refuseVideo('broken');
  if (!inside.some((box) => box.type === 'trak' && isPicture(file, box, budget))) refuseVideo('video_absent');
  const seconds = secondsOf(file, head);
  if (!top.some(({ type, start, end }) => type === 'mdat' && end > start)) refuseVideo('truncated');
  return { contentType: 'video/mp4', seconds };
}
