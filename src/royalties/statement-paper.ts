import { statementPdfV1 } from './pdf-v1.ts';
import type { StatementDocument } from './statement-model.ts';
import { drawStatement, type Seal } from './statement-pdf.ts';
import type { Language } from './statement-words.ts';

/** A statement of any version as a PDF. */
export async function statementPaper(document: StatementDocument, seal: Seal, language: Language): Promise<Uint8Array> {
  if (document.schemaVersion === 1) return await statementPdfV1(document, seal);
  const { pdf } = await drawStatement(document, seal, language);
  return await pdf.save();
}
