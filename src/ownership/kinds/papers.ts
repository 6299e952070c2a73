import { sha256Hex } from '../../kernel/digest.ts';
import { Refusal } from '../../kernel/refusals.ts';
import type { Clock } from '../../kernel/time.ts';
import type { RunTx } from '../../kernel/tx.ts';
import type { Blobs } from '../../platform/blobs/index.ts';
import type { Sealer } from '../../platform/keys/index.ts';
import type { LoadedPolicy } from '../policy.ts';
import * as papers from '../paper-store.ts';
import { scheduleDestruction } from '../papers.ts';
import type { Answer, Case, EvidenceVerifier } from './kind.ts';
import { checkSize } from './voice.ts';

export type PaperType = 'passport' | 'identity_card' | 'driving_licence' | 'authority_paper';
export interface PaperTerms { readonly documentType: PaperType }
export interface PaperFinding { readonly contentType: PaperContent; readonly byteLength: number }
export type PaperContent = 'application/pdf' | 'image/jpeg' | 'image/png';

const LARGEST_BYTES = 16_777_216;
const DAY_MS = 86_400_000;

/** What a file is, by its first bytes and its end; a name or a header says nothing. */
export function paperContent(bytes: Uint8Array): PaperContent | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < 64) return null;
  if (/^%PDF-[12]\.\d/.test(file.toString('latin1', 0, 8))) return file.includes('%%EOF', Math.max(0, file.length - 2_048)) ? 'application/pdf' : null;
  if (file.readUInt32BE(0) >>> 8 === 0xffd8ff) return file.includes(Buffer.of(0xff, 0xd9), file.length - 64) ? 'image/jpeg' : null;
  if (file.subarray(0, 8).equals(Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a))) {
    return file.toString('latin1', 12, 16) === 'IHDR' && file.includes('IEND', file.length - 64) ? 'image/png' : null;
  }
  return null;
}

export interface PaperKeeper {
  /** Seals a paper with the key of its case and keeps it. Refuses `paper_unreadable`. */
  keep(about: Case, answer: Answer): Promise<{ finding: PaperFinding; blobDigest: string }>;
}

export interface PaperDeps {
  runTx: RunTx;
  clock: Clock;
  blobs: Pick<Blobs, 'put'>;
  sealer: Sealer;
  policy: LoadedPolicy;
}

export function makePaperKeeper({ runTx, clock, blobs, sealer, policy: { policy } }: PaperDeps): PaperKeeper {
  return {
    async keep({ proofId, evidenceId }, answer) {
      if (answer.way !== 'upload') throw new Refusal('evidence_state', 'This evidence is answered by a file.');
      checkSize(answer.bytes, LARGEST_BYTES);
      const contentType = paperContent(answer.bytes);
      if (contentType === null) throw new Refusal('paper_unreadable', 'A paper is a whole PDF, JPEG or PNG file.');
      const sealed = await runTx(async (tx) => {
        const at = clock.now();
        const key = await papers.caseKey(tx, proofId, sealer.newKey(proofId), at);
        if (key === null) throw new Refusal('evidence_state', 'The papers of this case were destroyed.');
        const bytes = sealer.seal(proofId, key, answer.bytes);
        await papers.insertSealed(tx, { digest: sha256Hex(bytes), proofId, evidenceId, at });
        await scheduleDestruction(tx, proofId, new Date(at.getTime() + policy.documents.destroyDaysUndecided * DAY_MS));
        return bytes;
      });
      const blobDigest = await blobs.put(sealed);
      return { finding: { contentType, byteLength: answer.bytes.length }, blobDigest };
    },
  };
}

/** An identity or authority paper: kept sealed, judged by people. */
export function makeDocumentVerifier(keeper: PaperKeeper): EvidenceVerifier<'document'> {
  return {
    kind: 'document',
    answered: 'upload',
    examinedState: 'uploaded',
    issue: async (_tx, { documentType }) => ({ documentType }),
    examine: async (_terms, answer, about) => await keeper.keep(about, answer),
  };
}
