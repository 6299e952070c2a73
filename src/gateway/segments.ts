import { speakable } from './model.ts';

/** A script in the pieces in which it is streamed, and the form in which they leave: pure. */

/** So long a piece lasts at least, so that its disclosure does not drown the speech. The first is one sentence: sound comes soon. */
const PIECE_SECONDS = 8;
/** A sentence longer than this is cut at its commas. */
const SENTENCE_SECONDS = 15;

const SENTENCES = /.+?(?:[.!?…]+["'”’)\]]*(?=\s|$)|[。！？；]+[”’』」）]*|\n|$)\s*/gsu;
const CLAUSES = /.+?(?:[,，、;:：]\s*|$)/gsu;

/** Roughly how long a text takes to say. */
function secondsOf(text: string): number {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  return han / 4 + (text.length - han) / 15;
}

/** Pieces of at least so many seconds, each with something in it that can be spoken. */
function gathered(parts: readonly string[], leastSeconds: number, firstAlone: boolean): string[] {
  const pieces: string[] = [];
  let open = '';
  for (const part of parts) {
    open += part;
    const enough = (firstAlone && pieces.length === 0) || secondsOf(open) >= leastSeconds;
    if (!enough || !speakable(open)) continue;
    pieces.push(open);
    open = '';
  }
  if (open === '') return pieces;
  const last = pieces.at(-1);
  if (last !== undefined && !speakable(open)) return [...pieces.slice(0, -1), last + open];
  return [...pieces, open];
}

/** The script in pieces; put together again they are the script. */
export function segmentsOf(script: string): string[] {
  const sentences = (script.match(SENTENCES) ?? []).flatMap((sentence) =>
    secondsOf(sentence) <= SENTENCE_SECONDS ? [sentence] : gathered(sentence.match(CLAUSES) ?? [], PIECE_SECONDS, false));
  return gathered(sentences, PIECE_SECONDS, true);
}

/** RFC 2046 multipart/mixed: one part a segment, each a complete file. */
export interface Framing {
  contentType: string;
  part(segment: { segmentId: string; sequence: number; last: boolean; sha256: string }, file: Buffer): Buffer;
  /** After the last part; a stream that ends without it was cut. */
  closing: Buffer;
}

export function framingOf(outputId: string): Framing {
  const boundary = `benren-${outputId}`;
  return {
    contentType: `multipart/mixed; boundary="${boundary}"`,
    part: ({ segmentId, sequence, last, sha256 }, file) => Buffer.concat([
      Buffer.from([
        `${sequence === 1 ? '' : '\r\n'}--${boundary}`, 'Content-Type: audio/wav', `Content-Length: ${file.length}`,
        `Content-Digest: sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
        `Benren-Segment: ${segmentId}; sequence=${sequence}${last ? '; last' : ''}`, '', '',
      ].join('\r\n')),
      file,
    ]),
    closing: Buffer.from(`\r\n--${boundary}--\r\n`),
  };
}
