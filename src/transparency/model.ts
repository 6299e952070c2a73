import { canonicalJson, parseStrictJson } from '../kernel/canonical-json.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/digest.ts';
import { Refusal } from '../kernel/refusals.ts';

/**
 * What the log speaks of (docs/promises.md promise 7). Adding one is a change of contracts/events/log-leaf.schema.json and a
 * row in `log_leaf_type`.
 */
export const LEAF_TYPES = [
  'refusal.registered', 'refusal.withdrawn', 'ownership_papers.destroyed', 'notice.verified', 'notice.restored', 'notice.upheld',
  'ownership_proof.decided', 'grant.signed', 'grant.amended', 'grant.revoked', 'version.approved', 'split.signed', 'advance.signed', 'derivative.signed',
  'gate.paused', 'gate.resumed', 'stop.ordered', 'release.committed', 'statement.closed', 'segment.committed', 'ledger.sealed',
  'delegation.signed', 'delegation.ended',
  'amendment.offered', 'licence.signed', 'licence.ended', 'succession.signed', 'estate.frozen', 'estate.undone', 'estate.settled',
] as const;
export type LeafType = (typeof LEAF_TYPES)[number];

export const LEAF_FORM = 'benren/log-leaf/v1';

/**
 * What a leaf says in public: that a document with this digest existed about this subject. Never the document itself:
 * the log is read by everybody and forgets nothing, so it holds no name, no text and no media.
 */
export interface LeafEntry {
  leafId: string;
  type: LeafType;
  subjectId: string;
  /** Business time, ISO 8601 in UTC. */
  at: string;
  /** SHA-256 of the document's canonical JSON, hex. */
  documentSha256: string;
  /** Of a document that a passkey signed: SHA-256 of the whole evidence, so that neither time nor key can be told otherwise later. */
  evidenceSha256?: string;
}

export function isLeafType(text: string): text is LeafType {
  return (LEAF_TYPES as readonly string[]).includes(text);
}

/** SHA-256 of a document's canonical JSON (RFC 8785), hex. */
export function documentDigest(document: JsonObject): string {
  return sha256Hex(canonicalJson(document));
}

/** The bytes that are hashed into the tree. */
export function entryBytes(entry: LeafEntry): Buffer {
  const { leafId, type, subjectId, at, documentSha256, evidenceSha256 } = entry;
  const evidence = evidenceSha256 === undefined ? {} : { evidenceSha256 };
  return Buffer.from(canonicalJson({ form: LEAF_FORM, leafId, type, subjectId, at, documentSha256, ...evidence }));
}

function members(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** Reads an entry from its bytes; `undefined` unless they are exactly what `entryBytes` writes. */
export function parseEntry(bytes: Uint8Array): LeafEntry | undefined {
  let value: Record<string, unknown> | undefined;
  try {
    value = members(parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) return undefined;
    throw error;
  }
  const text = (name: string): string => (typeof value?.[name] === 'string' ? value[name] : '');
  const type = text('type');
  if (value?.['form'] !== LEAF_FORM || !isLeafType(type)) return undefined;
  const entry: LeafEntry = {
    leafId: text('leafId'),
    type,
    subjectId: text('subjectId'),
    at: text('at'),
    documentSha256: text('documentSha256'),
    ...(value['evidenceSha256'] === undefined ? {} : { evidenceSha256: text('evidenceSha256') }),
  };
  const digests = [entry.documentSha256, entry.evidenceSha256 ?? entry.documentSha256];
  const complete = entry.leafId !== '' && entry.subjectId !== '' && digests.every((digest) => /^[0-9a-f]{64}$/.test(digest));
  return complete && entryBytes(entry).equals(bytes) ? entry : undefined;
}
