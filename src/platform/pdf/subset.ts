/**
 * Cuts a TrueType font down to the glyphs that a document uses (OpenType 1.9: glyf, loca, hmtx, hhea, maxp, head). Our own, because
 * the font engine's writes glyphs of odd length behind each other with half-offsets, and every second one is lost.
 */
export interface Subset {
  /** Takes a glyph of the whole font in; answers its number in the subset. */
  includeGlyph(glyph: number | { id: number }): number;
  /** The font file, the same for the same glyphs in the same order. */
  encode(): Uint8Array;
}

/** The tables that PDF asks of an embedded TrueType font, and those that hint its outlines. */
const COPIED = ['cvt ', 'fpgm', 'prep'] as const;

const COMPOUND = { words: 0x1, scale: 0x8, more: 0x20, twoScales: 0x40, matrix: 0x80 } as const;

type Table = DataView;

function viewOf(bytes: Uint8Array): Table {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readTables(file: Uint8Array): Map<string, Uint8Array> {
  const view = viewOf(file);
  const tables = new Map<string, Uint8Array>();
  for (let index = 0; index < view.getUint16(4); index += 1) {
    const at = 12 + index * 16;
    const tag = String.fromCharCode(...file.subarray(at, at + 4));
    const offset = view.getUint32(at + 8);
    tables.set(tag, file.subarray(offset, offset + view.getUint32(at + 12)));
  }
  return tables;
}

function table(tables: ReadonlyMap<string, Uint8Array>, tag: string): Uint8Array {
  const found = tables.get(tag);
  if (found === undefined) throw new Error(`The font has no table ${tag}.`);
  return found;
}

/** Where in a compound glyph the numbers of its parts stand. */
function componentPlaces(glyph: Uint8Array): number[] {
  const view = viewOf(glyph);
  if (glyph.length === 0 || view.getInt16(0) >= 0) return [];
  const places: number[] = [];
  for (let at = 10, flags: number = COMPOUND.more; (flags & COMPOUND.more) !== 0;) {
    flags = view.getUint16(at);
    places.push(at + 2);
    at += 4 + ((flags & COMPOUND.words) === 0 ? 2 : 4);
    if ((flags & COMPOUND.scale) !== 0) at += 2;
    else if ((flags & COMPOUND.twoScales) !== 0) at += 4;
    else if ((flags & COMPOUND.matrix) !== 0) at += 8;
  }
  return places;
}

const padded = (length: number): number => Math.ceil(length / 4) * 4;

function checksum(bytes: Uint8Array): number {
  const whole = new Uint8Array(padded(bytes.length));
  whole.set(bytes);
  const view = viewOf(whole);
  let sum = 0;
  for (let at = 0; at < whole.length; at += 4) sum = (sum + view.getUint32(at)) >>> 0;
  return sum;
}

/** A font file out of its tables, in the order of their names. */
function writeFile(tables: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const sorted = [...tables].sort(([a], [b]) => (a < b ? -1 : 1));
  const head = 12 + sorted.length * 16;
  const file = new Uint8Array(sorted.reduce((size, [, bytes]) => size + padded(bytes.length), head));
  const view = viewOf(file);
  const power = 2 ** Math.floor(Math.log2(sorted.length));
  view.setUint32(0, 0x0001_0000);
  view.setUint16(4, sorted.length);
  view.setUint16(6, power * 16);
  view.setUint16(8, Math.log2(power));
  view.setUint16(10, (sorted.length - power) * 16);
  let offset = head;
  for (const [index, [tag, bytes]] of sorted.entries()) {
    const at = 12 + index * 16;
    file.set(Buffer.from(tag, 'latin1'), at);
    view.setUint32(at + 4, checksum(bytes));
    view.setUint32(at + 8, offset);
    view.setUint32(at + 12, bytes.length);
    file.set(bytes, offset);
    offset += padded(bytes.length);
  }
  return file;
}

export function makeSubset(file: Uint8Array): Subset {
  const tables = readTables(file);
  const glyf = table(tables, 'glyf');
  const loca = viewOf(table(tables, 'loca'));
  const hmtx = viewOf(table(tables, 'hmtx'));
  const longOffsets = viewOf(table(tables, 'head')).getInt16(50) === 1;
  const metrics = viewOf(table(tables, 'hhea')).getUint16(34);
  /** Glyphs of the whole font in the order of the subset; the first is what stands for the missing ones. */
  const included = [0];
  const numbers = new Map([[0, 0]]);

  const offsetOf = (glyph: number): number => (longOffsets ? loca.getUint32(glyph * 4) : loca.getUint16(glyph * 2) * 2);

  function include(glyph: number): number {
    const known = numbers.get(glyph);
    if (known !== undefined) return known;
    numbers.set(glyph, included.length);
    included.push(glyph);
    return included.length - 1;
  }

  function outlines(): Uint8Array[] {
    const all: Uint8Array[] = [];
    // The list grows while it is walked: a compound glyph brings its parts.
    for (let index = 0; index < included.length; index += 1) {
      const glyph = included[index] ?? 0;
      const bytes = glyf.slice(offsetOf(glyph), offsetOf(glyph + 1));
      const view = viewOf(bytes);
      for (const place of componentPlaces(bytes)) view.setUint16(place, include(view.getUint16(place)));
      all.push(bytes);
    }
    return all;
  }

  function widths(): Uint8Array {
    const bytes = new Uint8Array(included.length * 4);
    const view = viewOf(bytes);
    for (const [index, glyph] of included.entries()) {
      const last = Math.min(glyph, metrics - 1);
      view.setUint16(index * 4, hmtx.getUint16(last * 4));
      view.setInt16(index * 4 + 2, hmtx.getInt16(glyph < metrics ? glyph * 4 + 2 : metrics * 4 + (glyph - metrics) * 2));
    }
    return bytes;
  }

  return {
    includeGlyph: (glyph) => include(typeof glyph === 'number' ? glyph : glyph.id),
    encode() {
      const glyphs = outlines();
      const places = new Uint8Array((glyphs.length + 1) * 4);
      const outline = new Uint8Array(glyphs.reduce((size, bytes) => size + padded(bytes.length), 0));
      let offset = 0;
      for (const [index, bytes] of glyphs.entries()) {
        viewOf(places).setUint32(index * 4, offset);
        outline.set(bytes, offset);
        offset += padded(bytes.length);
      }
      viewOf(places).setUint32(glyphs.length * 4, offset);
      const [head, hhea, maxp] = [table(tables, 'head').slice(), table(tables, 'hhea').slice(), table(tables, 'maxp').slice()];
      viewOf(head).setInt16(50, 1);
      viewOf(hhea).setUint16(34, glyphs.length);
      viewOf(maxp).setUint16(4, glyphs.length);
      const hints = COPIED.flatMap((tag) => {
        const found = tables.get(tag);
        return found === undefined ? [] : [[tag, found] as const];
      });
      return writeFile([['head', head], ['hhea', hhea], ['maxp', maxp], ['hmtx', widths()], ['loca', places], ['glyf', outline], ...hints]);
    },
  };
}
