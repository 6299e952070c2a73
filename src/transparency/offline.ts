import { canonicalJson, parseStrictJson } from '../kernel/canonical-json.ts';
import type { JsonObject } from '../kernel/canonical-json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { documentDigest, parseEntry } from './model.ts';
import type { LeafEntry } from './model.ts';
import { parseVerifierKey, strictBase64, verifyProof } from './note.ts';

/**
 * Verification with nothing but a file: no database, no network, no account. What a stranger needs in ten years, so it
 * imports only the kernel and the pure parts of this room.
 */

export const BUNDLE_KIND = 'benren-proof';

/** What `benren verify` reads: a leaf, its proof, and if wished the document that the leaf speaks of. */
export interface ProofBundle {
  kind: typeof BUNDLE_KIND;
  /** The leaf's bytes, base64. */
  entry: string;
  /** `c2sp.org/tlog-proof@v1` text. */
  proof: string;
  /** The log's verifier key as the issuer of the bundle states it. */
  vkey: string;
  document?: JsonObject;
  /** For the reader's eye, as `getLogProof` answers them; compared with what the bytes and the proof say. */
  leaf?: JsonObject;
  index?: string;
}

const MEMBERS: readonly string[] = ['kind', 'entry', 'proof', 'vkey', 'document', 'leaf', 'index'];

export type BundleProblem =
  | 'bundle_malformed' | 'key_malformed' | 'key_differs' | 'entry_malformed' | 'document_differs'
  | 'leaf_differs' | 'index_differs' | 'proof_malformed' | 'checkpoint_not_signed' | 'entry_not_included';

export interface BundleVerdict {
  ok: boolean;
  problems: BundleProblem[];
  entry?: LeafEntry;
  index?: string;
  checkpoint?: { origin: string; size: string; rootHex: string };
  /** What the document in the bundle was compared with the leaf's digest for. */
  document: 'same' | 'different' | 'absent';
  /** `given`: the caller's key. `bundle`: the bundle vouches for itself, which shows only that it is whole. */
  keyFrom: 'given' | 'bundle';
}

const BUNDLE_MAX_CHARACTERS = 4 * 1024 * 1024;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseBundle(text: string): ProofBundle | undefined {
  if (text.length > BUNDLE_MAX_CHARACTERS) return undefined;
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch (error) {
    // Deep nesting overflows the parser's stack: a RangeError, and as malformed as the rest.
    if (error instanceof Refusal || error instanceof RangeError) return undefined;
    throw error;
  }
  if (!isObject(value) || value['kind'] !== BUNDLE_KIND) return undefined;
  // Nothing unread may stand in a file that is then called verified.
  if (Object.keys(value).some((name) => !MEMBERS.includes(name))) return undefined;
  const { entry, proof, vkey, document, leaf, index } = value;
  if (typeof entry !== 'string' || typeof proof !== 'string' || typeof vkey !== 'string') return undefined;
  const bundle: ProofBundle = { kind: BUNDLE_KIND, entry, proof, vkey };
  if (isObject(document)) bundle.document = document;
  else if (document !== undefined) return undefined;
  if (isObject(leaf)) bundle.leaf = leaf;
  else if (leaf !== undefined) return undefined;
  if (typeof index === 'string') bundle.index = index;
  else if (index !== undefined) return undefined;
  return bundle;
}

/** What the bundle shows beside the leaf's bytes, held against them. */
function compareShown(bundle: ProofBundle, entry: LeafEntry, verdict: BundleVerdict): void {
  if (bundle.document !== undefined) {
    verdict.document = documentDigest(bundle.document) === entry.documentSha256 ? 'same' : 'different';
    if (verdict.document === 'different') verdict.problems.push('document_differs');
  }
  if (bundle.leaf !== undefined && canonicalJson(bundle.leaf) !== canonicalJson(entry)) verdict.problems.push('leaf_differs');
}

/**
 * Checks a proof bundle: the leaf is in a tree whose head the log signed, and the document, when it is in the bundle,
 * is the one that the leaf names. Never throws for anything in the file.
 *
 * `logPublicKey` is the log's verifier key (`name+id+key`), got from somewhere other than the bundle. Without it the
 * bundle's own key is used and `keyFrom` says so.
 */
export function verifyBundle(bundleJson: string, options: { logPublicKey?: string } = {}): BundleVerdict {
  const keyFrom = options.logPublicKey === undefined ? 'bundle' : 'given';
  const verdict: BundleVerdict = { ok: false, problems: [], document: 'absent', keyFrom };
  const bundle = parseBundle(bundleJson);
  if (bundle === undefined) return { ...verdict, problems: ['bundle_malformed'] };
  const verifier = parseVerifierKey(options.logPublicKey ?? bundle.vkey);
  if (verifier === undefined) return { ...verdict, problems: ['key_malformed'] };
  if (options.logPublicKey !== undefined && options.logPublicKey !== bundle.vkey) verdict.problems.push('key_differs');

  const bytes = strictBase64(bundle.entry);
  const entry = bytes === undefined ? undefined : parseEntry(bytes);
  if (bytes === undefined || entry === undefined) return { ...verdict, problems: [...verdict.problems, 'entry_malformed'] };
  verdict.entry = entry;
  compareShown(bundle, entry, verdict);

  const proof = verifyProof(bytes, bundle.proof, verifier);
  if (!proof.ok) return { ...verdict, problems: [...verdict.problems, proof.problem] };
  verdict.index = proof.index.toString();
  if (bundle.index !== undefined && bundle.index !== verdict.index) verdict.problems.push('index_differs');
  verdict.checkpoint = {
    origin: proof.checkpoint.origin,
    size: proof.checkpoint.size.toString(),
    rootHex: proof.checkpoint.root.toString('hex'),
  };
  return { ...verdict, ok: verdict.problems.length === 0 };
}
