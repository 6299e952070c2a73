import { createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { sha256 } from '../kernel/digest.ts';
import { HASH_BYTES, leafHash, verifyInclusion } from '../kernel/merkle.ts';

/**
 * The text formats of the log: signed notes, checkpoints and proofs as C2SP has them (c2sp.org/signed-note,
 * /tlog-checkpoint, /tlog-proof), with Ed25519 log keys. Parsers take text from strangers: they answer `undefined`
 * for anything that is not exactly the format, and never throw.
 */

const ED25519 = 0x01;
const TEXT_MAX = 64 * 1024;
const PROOF_HEADER = 'c2sp.org/tlog-proof@v1';

/** Who may sign: a name and an Ed25519 key, as a verifier sees them. */
export interface NoteVerifier {
  name: string;
  keyId: Buffer;
  publicKey: KeyObject;
}

export interface NoteSigner {
  name: string;
  privateKey: KeyObject;
}

export interface Note {
  text: string;
  signatures: { name: string; keyId: Buffer; signature: Buffer }[];
}

export interface Checkpoint {
  origin: string;
  size: bigint;
  root: Buffer;
}

export interface TlogProof {
  index: bigint;
  hashes: Buffer[];
  /** The signed checkpoint, verbatim. */
  checkpoint: string;
  /** Not authenticated by anything: never rely on it. */
  extra?: Buffer;
}

/** Standard base64 with padding, and only its one canonical spelling. */
export function strictBase64(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function decimal(text: string): bigint | undefined {
  return /^(0|[1-9][0-9]{0,18})$/.test(text) ? BigInt(text) : undefined;
}

/** A key name has no white space and no plus sign (signed-note §Format). */
function isKeyName(name: string): boolean {
  return name !== '' && !/[\s\p{White_Space}+]/u.test(name);
}

/** The 32 raw bytes of an Ed25519 public key. */
function rawKey(key: KeyObject): Buffer {
  const x = key.export({ format: 'jwk' }).x;
  if (key.asymmetricKeyType !== 'ed25519' || x === undefined) throw new TypeError('not an Ed25519 key');
  return Buffer.from(x, 'base64url');
}

function keyIdOf(name: string, raw: Uint8Array): Buffer {
  return sha256(name, Uint8Array.of(0x0a, ED25519), raw).subarray(0, 4);
}

/** `<name>+<hex key id>+<base64 of type and key>`: the one line a verifier needs. */
export function verifierKey(signer: NoteSigner): string {
  if (!isKeyName(signer.name)) throw new TypeError('not a key name');
  const raw = rawKey(createPublicKey(signer.privateKey));
  const typed = Buffer.concat([Uint8Array.of(ED25519), raw]);
  return `${signer.name}+${keyIdOf(signer.name, raw).toString('hex')}+${typed.toString('base64')}`;
}

/** Reads a verifier key; `undefined` when malformed, of another type, or when its id is not its key's. */
export function parseVerifierKey(vkey: string): NoteVerifier | undefined {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
  if (match === null) return undefined;
  const [, name = '', id = '', encoded = ''] = match;
  const typed = strictBase64(encoded);
  if (typed?.length !== 33 || typed[0] !== ED25519 || !isKeyName(name)) return undefined;
  const raw = typed.subarray(1);
  const keyId = keyIdOf(name, raw);
  if (keyId.toString('hex') !== id) return undefined;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
  return { name, keyId, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) };
}

/** Signs a text that ends with a newline. */
export function signNote(text: string, signer: NoteSigner): string {
  if (!text.endsWith('\n') || !isKeyName(signer.name)) throw new TypeError('not a note text or not a key name');
  const keyId = keyIdOf(signer.name, rawKey(createPublicKey(signer.privateKey)));
  const signature = sign(null, Buffer.from(text), signer.privateKey);
  return `${text}\n— ${signer.name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`;
}

/** Whether a character may not stand in a note: ASCII control characters but the newline. */
function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) return true;
  }
  return !text.isWellFormed();
}

/** Splits a note into its text and its signatures, verifying nothing. */
export function parseNote(note: string): Note | undefined {
  if (note.length > TEXT_MAX || hasControls(note) || !note.endsWith('\n')) return undefined;
  const split = note.lastIndexOf('\n\n');
  if (split < 0) return undefined;
  const lines = note.slice(split + 2, -1).split('\n');
  const signatures: Note['signatures'] = [];
  for (const line of lines) {
    const match = /^— (\S+) (\S+)$/.exec(line);
    const bytes = strictBase64(match?.[2] ?? '');
    if (match?.[1] === undefined || !isKeyName(match[1]) || bytes === undefined || bytes.length < 5) return undefined;
    signatures.push({ name: match[1], keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) });
  }
  return { text: note.slice(0, split + 1), signatures };
}

/** The note's text if `verifier` signed it. A signature of a known key that does not verify rejects the whole note. */
export function openNote(note: string, verifier: NoteVerifier): string | undefined {
  const parsed = parseNote(note);
  if (parsed === undefined) return undefined;
  const own = parsed.signatures.filter((s) => s.name === verifier.name && s.keyId.equals(verifier.keyId));
  const text = Buffer.from(parsed.text);
  const good = own.every((s) => s.signature.length === 64 && verify(null, text, verifier.publicKey, s.signature));
  return own.length > 0 && good ? parsed.text : undefined;
}

/** The body of a checkpoint: origin, size, root, one a line. */
export function checkpointText(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size.toString()}\n${checkpoint.root.toString('base64')}\n`;
}

/** Reads a checkpoint's body. Extension lines are allowed by the format and mean nothing here. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const lines = text.split('\n');
  if (lines.length < 4 || lines.pop() !== '' || lines.includes('')) return undefined;
  const [origin = '', sizeText = '', rootText = ''] = lines;
  const size = decimal(sizeText);
  const root = strictBase64(rootText);
  if (size === undefined || root?.length !== HASH_BYTES) return undefined;
  return { origin, size, root };
}

/** A signed checkpoint whose origin is the key's name and whose signature is the key's. */
export function openCheckpoint(note: string, verifier: NoteVerifier): Checkpoint | undefined {
  const text = openNote(note, verifier);
  const checkpoint = text === undefined ? undefined : parseCheckpoint(text);
  return checkpoint?.origin === verifier.name ? checkpoint : undefined;
}

/** A proof in the `c2sp.org/tlog-proof@v1` form: what anyone keeps to verify a leaf with no service running. */
export function formatProof(proof: TlogProof): string {
  const extra = proof.extra === undefined ? '' : `extra ${proof.extra.toString('base64')}\n`;
  const hashes = proof.hashes.map((hash) => `${hash.toString('base64')}\n`).join('');
  return `${PROOF_HEADER}\n${extra}index ${proof.index.toString()}\n${hashes}\n${proof.checkpoint}`;
}

function parseHashes(lines: readonly string[]): Buffer[] | undefined {
  const hashes: Buffer[] = [];
  for (const line of lines) {
    const hash = strictBase64(line);
    if (hash?.length !== HASH_BYTES) return undefined;
    hashes.push(hash);
  }
  // A tree of 2^63 leaves is 63 levels high.
  return hashes.length > 63 ? undefined : hashes;
}

export function parseProof(text: string): TlogProof | undefined {
  const split = text.indexOf('\n\n');
  if (split < 0 || text.length > TEXT_MAX) return undefined;
  const lines = text.slice(0, split).split('\n');
  if (lines.shift() !== PROOF_HEADER) return undefined;
  let extra: Buffer | undefined;
  if (lines[0]?.startsWith('extra ') === true) {
    extra = strictBase64(lines.shift()?.slice('extra '.length) ?? '');
    if (extra === undefined) return undefined;
  }
  const indexLine = lines.shift() ?? '';
  const index = indexLine.startsWith('index ') ? decimal(indexLine.slice('index '.length)) : undefined;
  const hashes = parseHashes(lines);
  if (index === undefined || hashes === undefined) return undefined;
  const checkpoint = text.slice(split + 2);
  return extra === undefined ? { index, hashes, checkpoint } : { index, hashes, checkpoint, extra };
}

export type ProofVerdict =
  | { ok: true; index: bigint; checkpoint: Checkpoint }
  | { ok: false; problem: 'proof_malformed' | 'checkpoint_not_signed' | 'entry_not_included' };

/** Whether the proof shows `entry` in a tree whose head this log signed. */
export function verifyProof(entry: Uint8Array, proofText: string, verifier: NoteVerifier): ProofVerdict {
  const proof = parseProof(proofText);
  if (proof === undefined) return { ok: false, problem: 'proof_malformed' };
  const checkpoint = openCheckpoint(proof.checkpoint, verifier);
  if (checkpoint === undefined) return { ok: false, problem: 'checkpoint_not_signed' };
  const included = verifyInclusion({
    index: proof.index,
    size: checkpoint.size,
    leafHash: leafHash(entry),
    proof: proof.hashes,
    root: checkpoint.root,
  });
  return included ? { ok: true, index: proof.index, checkpoint } : { ok: false, problem: 'entry_not_included' };
}
