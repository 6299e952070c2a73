import type { BundledLeaf } from '../exports/bundle.ts';
import { type SignatureEvidence, verifySignatureEvidence } from '../identity/evidence.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import type { LeafEntry } from '../transparency/model.ts';
import { verifyBundle } from '../transparency/offline.ts';

/** What a leaf has to say. */
export interface Expected {
  types: readonly LeafEntry['type'][];
  subjectId: string;
  documentSha256?: string;
  evidenceSha256?: string;
}

export interface LeafCheck {
  problems: string[];
  index: string | null;
  checkpoint: { origin: string; size: string; rootHex: string } | null;
}

export function checkLeaf(where: string, leaf: BundledLeaf, expected: Expected, keys: { own: string; given: string | null }, document?: JsonObject): LeafCheck {
  const { own: vkey, given } = keys;
  const bundle = { kind: 'benren-proof', ...leaf, vkey, ...(document === undefined ? {} : { document }) };
  const verdict = verifyBundle(JSON.stringify(bundle), { logPublicKey: given ?? vkey });
  const problems = verdict.problems.map((problem) => `${where}: ${problem}`);
  const { entry } = verdict;
  if (entry !== undefined) {
    if (!expected.types.includes(entry.type)) problems.push(`${where}: the leaf is of another type`);
    if (entry.subjectId !== expected.subjectId) problems.push(`${where}: the leaf is of another subject`);
    if (expected.documentSha256 !== undefined && entry.documentSha256 !== expected.documentSha256) problems.push(`${where}: the leaf names another document`);
    if (expected.evidenceSha256 !== undefined && entry.evidenceSha256 !== expected.evidenceSha256) problems.push(`${where}: the leaf names other evidence`);
  }
  return { problems, index: verdict.index ?? null, checkpoint: verdict.checkpoint ?? null };
}

/** `account: null` where who may sign is asked elsewhere. */
export function signatureProblems(where: string, signature: SignatureEvidence, expected: { documentType: string; account: string | null }): string[] {
  return [
    ...verifySignatureEvidence(signature).problems.map((problem) => `${where}: ${problem}`),
    ...(signature.context.documentType === expected.documentType ? [] : [`${where}: a document of another type was signed`]),
    ...(expected.account === null || signature.context.account === expected.account ? [] : [`${where}: somebody else signed`]),
  ];
}

/** A member of a signed document, or undefined; the text was read strictly when its signature was checked. */
export function member(signature: SignatureEvidence, ...path: string[]): unknown {
  let value: unknown;
  try {
    value = JSON.parse(signature.canonical);
  } catch {
    return undefined;
  }
  for (const name of path) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return value;
}
