import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fontkit from '@pdf-lib/fontkit';
import { describe, expect, it } from 'vitest';

import { makeSubset } from '../../src/platform/pdf/subset.ts';

const file = new Uint8Array(readFileSync(createRequire(import.meta.url).resolve('@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf')));

describe('the subset of a font', () => {
  it('holds each glyph whole, with its width, and nothing else', () => {
    const whole = fontkit.create(file);
    const subset = makeSubset(file);
    const text = 'Lin Ya · 林雅 分成结算单 −1,234.56 é Ω';
    const glyphs = [...new Set(whole.layout(text).glyphs.map((glyph) => glyph.id))].map((id) => whole.getGlyph(id));
    const numbers = glyphs.map((glyph) => subset.includeGlyph(glyph));
    expect(numbers.map((number) => number)).toEqual(glyphs.map((_glyph, index) => index + 1));
    expect(subset.includeGlyph(glyphs[3]!)).toBe(4);
    const cut = fontkit.create(Buffer.from(subset.encode()));
    for (const [index, glyph] of glyphs.entries()) {
      const own = cut.getGlyph(numbers[index]!);
      expect(own.advanceWidth).toBe(glyph.advanceWidth);
      expect(own.path.toSVG()).toBe(glyph.path.toSVG());
    }
    // Of thirty thousand glyphs only these, and the parts of composed ones.
    expect(cut.numGlyphs).toBeLessThan(glyphs.length + 5);
    expect(Buffer.from(subset.encode()).equals(Buffer.from(makeSubset(file).encode()))).toBe(false);
  });

  it('is the same bytes for the same glyphs', () => {
    const cut = (): Buffer => {
      const subset = makeSubset(file);
      for (const glyph of [5, 900, 12_000]) subset.includeGlyph(glyph);
      return Buffer.from(subset.encode());
    };
    expect(cut().equals(cut())).toBe(true);
  });
});
