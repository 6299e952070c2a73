import { type SigningKeys, signPdf } from '../platform/pdf/index.ts';
import { statementPdfV1 } from './pdf-v1.ts';
import type { Statement, StatementDocument } from './statement-model.ts';
import { drawStatement, type Seal } from './statement-pdf.ts';
import { type Language, TEXT } from './statement-words.ts';

async function signed(document: Statement, seal: Seal, language: Language, keys: SigningKeys): Promise<Uint8Array> {
  const { pdf } = await drawStatement(document, seal, language);
  const about = { name: 'Benren', reason: `${TEXT.title[language]} ${document.statementId}`, at: new Date(document.closedAt), fileId: `${seal.digest} ${language}` };
  return await signPdf(pdf, about, keys);
}

/**
 * A statement of any version as a PDF, signed (PAdES); the first version's as it always was, in both languages and unsigned.
 * The same document and keys are always the same bytes.
 */
export async function statementPaper(document: StatementDocument, seal: Seal, language: Language, keys: SigningKeys): Promise<Uint8Array> {
  return document.schemaVersion === 1 ? await statementPdfV1(document, seal) : await signed(document, seal, language, keys);
}
