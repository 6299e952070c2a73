import { parseStrictJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';
import { appendChunk, chunkBytes, readChunks } from './wav.ts';

/**
 * The implicit label of GB 45438-2025 (Annex E), in a WAV's RIFF chunk `AIGC` (TC260-PG-202510A). It goes in before the
 * C2PA signature, which then covers it: a changed label makes the file Invalid.
 */

/** Certainly, possibly, suspectedly made by AI (Annex E, `Label`). */
export type AigcCertainty = '1' | '2' | '3';

export interface AigcLabel {
  label: AigcCertainty;
  /** The provider's code. */
  contentProducer: string;
  /** The provider's id of this content, unique. */
  produceId: string;
  /** The producer's own integrity data. */
  reservedCode1: string;
  contentPropagator: string;
  propagateId: string;
  reservedCode2: string;
}

const MEMBERS: readonly [keyof AigcLabel, string][] = [
  ['label', 'Label'],
  ['contentProducer', 'ContentProducer'],
  ['produceId', 'ProduceID'],
  ['reservedCode1', 'ReservedCode1'],
  ['contentPropagator', 'ContentPropagator'],
  ['propagateId', 'PropagateID'],
  ['reservedCode2', 'ReservedCode2'],
];

export const AIGC_CHUNK = 'AIGC';
const C2PA_CHUNK = 'C2PA';
const VALUE_MAX = 1_024;
const INTEGRITY = 'sha256-data:';

/**
 * Whether a value may stand in the label: GB18030 code points 0x21, 0x23–0x5B, 0x5D–0x7E, and the quotation mark, which
 * JSON writes `\"`. So no space, no backslash, no Chinese: codes, not names.
 */
export function isLabelValue(text: string): boolean {
  return text.length <= VALUE_MAX && /^[\x21-\x5B\x5D-\x7E]*$/.test(text);
}

/** The label's JSON text, members in the order of the standard. Throws for a value that it does not allow. */
export function labelText(label: AigcLabel): string {
  for (const [member, name] of MEMBERS) {
    if (!isLabelValue(label[member])) throw new TypeError(`${name} holds a character that GB 45438 does not allow`);
  }
  if (label.contentProducer === '' || label.produceId === '') throw new TypeError('ContentProducer and ProduceID may not be empty');
  return JSON.stringify({ AIGC: Object.fromEntries(MEMBERS.map(([member, name]) => [name, label[member]])) });
}

/** Reads a label's text; `undefined` unless it has exactly the standard's members, all strings, all allowed. */
export function parseLabelText(text: string): AigcLabel | undefined {
  let outer: unknown;
  try {
    outer = parseStrictJson(text);
  } catch (error) {
    if (error instanceof Refusal || error instanceof RangeError) return undefined;
    throw error;
  }
  if (typeof outer !== 'object' || outer === null || !('AIGC' in outer) || Object.keys(outer).length !== 1) return undefined;
  const inner = outer.AIGC;
  if (typeof inner !== 'object' || inner === null || Object.keys(inner).length !== MEMBERS.length) return undefined;
  const values: Record<string, unknown> = { ...inner };
  const read = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' && isLabelValue(value) ? value : undefined;
  };
  const [label, contentProducer, produceId, reservedCode1, contentPropagator, propagateId, reservedCode2] =
    MEMBERS.map(([, name]) => read(name));
  if (label !== '1' && label !== '2' && label !== '3') return undefined;
  if (contentProducer === undefined || produceId === undefined || reservedCode1 === undefined) return undefined;
  if (contentPropagator === undefined || propagateId === undefined || reservedCode2 === undefined) return undefined;
  return { label, contentProducer, produceId, reservedCode1, contentPropagator, propagateId, reservedCode2 };
}

/** SHA-256 of the samples: what we put into ReservedCode1, so that a label cannot be moved to another recording. */
function integrityOf(wav: Buffer): string {
  const data = readChunks(wav).find((chunk) => chunk.id === 'data');
  if (data === undefined) throw new Refusal('file_unreadable', 'The WAV has no samples.');
  return INTEGRITY + sha256Hex(chunkBytes(wav, data));
}

/**
 * The WAV with its implicit label. A second label is refused (GB 45438 6.1 c: one per file), and so is labelling after
 * the C2PA signature, which would break it.
 */
export function labelWav(wav: Buffer, made: { contentProducer: string; produceId: string }): Buffer {
  const ids = readChunks(wav).map((chunk) => chunk.id);
  if (ids.includes(AIGC_CHUNK)) throw new Refusal('file_unreadable', 'The file carries an implicit label already; it may carry only one.');
  if (ids.includes(C2PA_CHUNK)) throw new Refusal('file_unreadable', 'The file is signed already; the label goes in before.');
  const label: AigcLabel = {
    label: '1', ...made, reservedCode1: integrityOf(wav), contentPropagator: '', propagateId: '', reservedCode2: '',
  };
  return appendChunk(wav, AIGC_CHUNK, Buffer.from(labelText(label), 'latin1'));
}

export type AigcProblem = 'aigc_missing' | 'aigc_repeated' | 'aigc_malformed' | 'aigc_integrity';

/** The implicit label of a WAV, and what is wrong with it. Refuses only what is no WAV. */
export function readLabel(wav: Buffer): { label: AigcLabel | null; problems: AigcProblem[] } {
  const [chunk, second] = readChunks(wav).filter((candidate) => candidate.id === AIGC_CHUNK);
  if (chunk === undefined) return { label: null, problems: ['aigc_missing'] };
  if (second !== undefined) return { label: null, problems: ['aigc_repeated'] };
  const label = parseLabelText(chunkBytes(wav, chunk).toString('latin1'));
  if (label === undefined) return { label: null, problems: ['aigc_malformed'] };
  // Other producers put other things there; only our own form can be held against the samples.
  const moved = label.reservedCode1.startsWith(INTEGRITY) && label.reservedCode1 !== integrityOf(wav);
  return { label, problems: moved ? ['aigc_integrity'] : [] };
}
