import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fontkit from '@pdf-lib/fontkit';
import type { PDFDocument, PDFFont } from '@cantoo/pdf-lib';

import { makeSubset } from './subset.ts';

/** What the PDF library asks of a font engine. */
type Engine = Parameters<PDFDocument['registerFontkit']>[0];
type Face = Extract<Awaited<ReturnType<Engine['create']>>, { createSubset: unknown }>;

const require = createRequire(import.meta.url);
const FILES = {
  regular: '@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf',
  bold: '@expo-google-fonts/noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf',
} as const;

const bytes = new Map<string, Uint8Array>();
const faces = new Map<Uint8Array, Face>();

/** Ten megabytes each: read at the first page that somebody prints, then kept. */
function bytesOf(file: string): Uint8Array {
  const known = bytes.get(file) ?? new Uint8Array(readFileSync(require.resolve(file)));
  bytes.set(file, known);
  return known;
}

const RUNS_KEPT = 2_000;

/** Shaping is by far the dearest step, and most lines of a form are the same on every sheet: the last runs are kept. */
function remembering(face: Face): void {
  const runs = new Map<string, ReturnType<Face['layout']>>();
  const layout = face.layout.bind(face);
  face.layout = (text, features) => {
    const key = `${JSON.stringify(features ?? null)}${text}`;
    const run = runs.get(key) ?? layout(text, features);
    runs.delete(key);
    runs.set(key, run);
    const [oldest] = runs.keys();
    if (runs.size > RUNS_KEPT && oldest !== undefined) runs.delete(oldest);
    return run;
  };
}

/** Shaping and measuring are the font engine's, the subset is ours. A face is read once; each document has its own subset. */
const engine: Engine = {
  create(file) {
    const known = faces.get(file);
    if (known !== undefined) return known;
    const face = fontkit.create(file) as unknown as Face;
    face.createSubset = () => makeSubset(file);
    remembering(face);
    faces.set(file, face);
    return face;
  },
};

export interface Fonts {
  regular: PDFFont;
  bold: PDFFont;
  /** Whether there is a glyph for this code point. */
  draws: (codePoint: number) => boolean;
}

/** Noto Sans SC in two weights; only the glyphs that are used go into the file. */
export async function embedFonts(pdf: PDFDocument): Promise<Fonts> {
  pdf.registerFontkit(engine);
  const options = { subset: true } as const;
  const [regular, bold] = [await pdf.embedFont(bytesOf(FILES.regular), options), await pdf.embedFont(bytesOf(FILES.bold), options)];
  const face = faces.get(bytesOf(FILES.regular));
  return { regular, bold, draws: (codePoint) => (face?.glyphForCodePoint(codePoint)?.id ?? 0) !== 0 };
}
