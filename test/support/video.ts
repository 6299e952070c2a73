/** Small videos made by hand: whole containers with nothing to decode in them. */

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export function box(type: string, ...content: Buffer[]): Buffer {
  const inside = Buffer.concat(content);
  return Buffer.concat([u32(8 + inside.length), Buffer.from(type, 'latin1'), inside]);
}

export const brand = (name: string, compatible = name): Buffer => box('ftyp', Buffer.from(name), u32(512), Buffer.from(compatible));

/** A movie header of either version; a version-1 header counts in 64 bits. */
export function movieHeader(ticks: number | bigint, scale = 1000, version: 0 | 1 = 0): Buffer {
  const content = Buffer.alloc(version === 1 ? 112 : 100);
  content.writeUInt8(version, 0);
  content.writeUInt32BE(scale, version === 1 ? 20 : 12);
  if (version === 1) content.writeBigUInt64BE(BigInt(ticks), 24);
  else content.writeUInt32BE(Number(ticks), 16);
  return box('mvhd', content);
}

export function track(handler: 'vide' | 'soun'): Buffer {
  return box('trak', box('tkhd', Buffer.alloc(84)), box('mdia', box('mdhd', Buffer.alloc(24)), box('hdlr', Buffer.alloc(8), Buffer.from(handler), Buffer.alloc(13))));
}

export interface Mp4Parts { seconds?: number; tracks?: readonly ('vide' | 'soun')[]; bytes?: number }

export function mp4({ seconds = 5, tracks = ['soun', 'vide'], bytes = 2_000 }: Mp4Parts = {}): Buffer {
  return Buffer.concat([brand('isom', 'isommp42'), box('moov', movieHeader(Math.round(seconds * 1000)), ...tracks.map(track)), box('mdat', Buffer.alloc(bytes, 7))]);
}

/** An EBML element; its size is written in eight bytes, or left open. */
export function element(id: number, content: Buffer, size: 'written' | 'open' = 'written'): Buffer {
  const text = id.toString(16);
  const length = Buffer.alloc(8, 0xff);
  length.writeUInt8(0x01, 0);
  if (size === 'written') length.writeUIntBE(content.length, 2, 6);
  if (size === 'written') length.writeUInt8(0, 1);
  return Buffer.concat([Buffer.from(text.padStart(text.length + (text.length % 2), '0'), 'hex'), length, content]);
}

const byte = (value: number): Buffer => Buffer.of(value);
const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};

export interface WebmParts {
  docType?: string;
  /** Declared; `null` as when a browser records live. */
  seconds?: number | null;
  /** When its frames are shown, in milliseconds: one cluster for each. */
  frames?: readonly number[];
  /** 1 is a picture, 2 is sound. */
  trackType?: number;
  live?: boolean;
}

export const webmHead = (docType = 'webm'): Buffer => element(0x1a45dfa3, element(0x4282, Buffer.from(docType)));

export function webm({ docType = 'webm', seconds = 5, frames = [0, 2_500, 5_000], trackType = 1, live = false }: WebmParts = {}): Buffer {
  const size = live ? 'open' : 'written';
  const block = Buffer.concat([byte(0x81), Buffer.of(0, 0), byte(0x80), Buffer.alloc(50, 7)]);
  const clusters = frames.map((at) => element(0x1f43b675, Buffer.concat([element(0xe7, u32(at)), element(0xa3, block)]), size));
  const info = element(0x1549a966, Buffer.concat([element(0x2ad7b1, u32(1_000_000)), ...(seconds === null ? [] : [element(0x4489, double(seconds * 1000))])]));
  const tracks = element(0x1654ae6b, element(0xae, Buffer.concat([element(0xd7, byte(1)), element(0x83, byte(trackType))])));
  return Buffer.concat([webmHead(docType), element(0x18538067, Buffer.concat([info, tracks, element(0xec, Buffer.alloc(9)), ...clusters]), size)]);
}
