import { canonicalJson, type JsonObject } from '../kernel/canonical-json.ts';
import { sha256, sha256Hex } from '../kernel/digest.ts';
import { completedNodes, HASH_BYTES, type NodeRef, rangeHash } from '../kernel/merkle.ts';

/** What a seal hashes, computed from what was read, and not by PostgreSQL: verify holds one against the other. Pure. */

export const SEAL_FORM = 'benren/ledger-seal/v1';

export interface Seal {
  number: number;
  fromPosition: bigint;
  toPosition: bigint;
  holdSeqs: string[];
  holdFacts: ('held' | 'ended')[];
  leaves: Buffer;
  root: Buffer;
  leafId: string;
}

function int8(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

/** RFC 9162 leaf hash of a transfer at its position. `accountHashes` are those of its legs' accounts, in order. */
export function transferLeaf(transfer: {
  position: bigint; recordedMicros: bigint; contentHash: Buffer; accountHashes: readonly Buffer[]; id: string;
}): Buffer {
  const { position, recordedMicros, contentHash, accountHashes, id } = transfer;
  return sha256(Buffer.from('\0T'), int8(position), int8(recordedMicros), contentHash, sha256(...accountHashes), id);
}

export function heldLeaf(hold: { recordedMicros: bigint; contentHash: Buffer; accountHashes: readonly Buffer[]; id: string }): Buffer {
  return sha256(Buffer.from('\0H'), int8(hold.recordedMicros), hold.contentHash, sha256(...hold.accountHashes), hold.id);
}

export function endedLeaf(end: { atMicros: bigint; recordedMicros: bigint; id: string; outcome: string; transferId: string | null }): Buffer {
  return sha256(Buffer.from('\0E'), int8(end.atMicros), int8(end.recordedMicros), `${end.id}\n${end.outcome}\n${end.transferId ?? ''}`);
}

/** The leaf hashes of a seal, one by one. */
export function leavesOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.floor(bytes.length / HASH_BYTES) }, (_, index) => bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
}

/** The RFC 9162 root over a seal's leaves. */
export function sealRoot(leaves: Buffer): Buffer {
  const hashes = leavesOf(leaves);
  const key = ({ level, index }: NodeRef): string => `${level}/${index.toString()}`;
  const missing = (node: NodeRef): never => {
    throw new Error(`A tree of its own needs no ${key(node)}.`);
  };
  const nodes = new Map(completedNodes(0n, hashes, missing).map((node) => [key(node), node.hash]));
  return rangeHash({ from: 0n, to: BigInt(hashes.length) }, (node) => nodes.get(key(node)) ?? missing(node));
}

/** What the public log names by its digest: a run of the ledger had this root. */
export function sealDocument(seal: Pick<Seal, 'number' | 'fromPosition' | 'toPosition' | 'holdSeqs' | 'holdFacts' | 'root'>): JsonObject {
  return {
    form: SEAL_FORM, number: seal.number, fromPosition: seal.fromPosition.toString(), toPosition: seal.toPosition.toString(),
    holds: seal.holdSeqs.map((seq, index) => `${seq} ${seal.holdFacts[index] ?? ''}`), root: seal.root.toString('hex'),
  };
}

export function sealDigest(seal: Parameters<typeof sealDocument>[0]): string {
  return sha256Hex(canonicalJson(sealDocument(seal)));
}
