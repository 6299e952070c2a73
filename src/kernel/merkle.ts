import { sha256 } from './digest.ts';

/**
 * RFC 6962 §2.1 / RFC 9162 §2.1 Merkle trees, pure. Sizes and indices are bigint: they come from outside, and a
 * number would lose digits past 2^53 and let a proof for one tree pass for another.
 *
 * Proofs are made from *perfect* subtrees only (those with 2^level leaves, aligned): their hashes never change once
 * the tree has grown past them, so they can be kept insert-only and a proof needs O(log² n) of them.
 */

export const HASH_BYTES = 32;
export const EMPTY_ROOT: Buffer = sha256();

/** PostgreSQL's bigint; no log grows past it. */
const SIZE_MAX = 2n ** 63n - 1n;

/** A perfect subtree: the leaves [index × 2^level, (index + 1) × 2^level). */
export interface NodeRef {
  level: number;
  index: bigint;
}

export interface TreeNode extends NodeRef {
  hash: Buffer;
}

/** The leaves [from, to). */
export interface LeafRange {
  from: bigint;
  to: bigint;
}

/** How the hash of a perfect subtree is found. Throws when it is not there. */
export type NodeLookup = (node: NodeRef) => Buffer;

/** SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Buffer {
  return sha256(Uint8Array.of(0), entry);
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(Uint8Array.of(1), left, right);
}

/** The largest power of two smaller than n, for n ≥ 2: where a tree of n leaves splits. */
function splitPoint(n: bigint): bigint {
  return 1n << BigInt((n - 1n).toString(2).length - 1);
}

/** The perfect subtrees that a range of the tree consists of, left to right, falling in size. */
export function perfectNodes(range: LeafRange): NodeRef[] {
  const nodes: NodeRef[] = [];
  let from = range.from;
  while (from < range.to) {
    const level = (range.to - from).toString(2).length - 1;
    if (from % (1n << BigInt(level)) !== 0n) throw new RangeError('not a subtree of a Merkle tree');
    nodes.push({ level, index: from >> BigInt(level) });
    from += 1n << BigInt(level);
  }
  return nodes;
}

/** The hash of a subtree from its perfect parts. An empty range is the empty tree. */
export function rangeHash(range: LeafRange, lookup: NodeLookup): Buffer {
  const hashes = perfectNodes(range).map(lookup);
  const last = hashes.pop();
  if (last === undefined) return EMPTY_ROOT;
  return hashes.reduceRight((right, left) => nodeHash(left, right), last);
}

/** The subtrees whose hashes prove that leaf `index` is in the tree of `size` leaves, the leaf's sibling first. */
export function inclusionRanges(index: bigint, size: bigint): LeafRange[] {
  if (index < 0n || index >= size) throw new RangeError('the leaf is not in a tree of this size');
  const ranges: LeafRange[] = [];
  let [from, to] = [0n, size];
  while (to - from > 1n) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
}

/** The subtrees whose hashes prove that the tree of `size1` leaves is a prefix of that of `size2` (RFC 9162 §2.1.4.1). */
export function consistencyRanges(size1: bigint, size2: bigint): LeafRange[] {
  if (size1 < 1n || size1 > size2) throw new RangeError('consistency is proved from a non-empty, not larger tree');
  const ranges: LeafRange[] = [];
  let [from, to] = [0n, size2];
  let whole = true;
  while (to !== size1) {
    const middle = from + splitPoint(to - from);
    if (size1 <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
      whole = false;
    }
  }
  if (!whole) ranges.push({ from, to });
  return ranges.reverse();
}

/** The perfect subtrees that become complete when `leaves` are appended to a tree of `size`, leaves included. */
export function completedNodes(size: bigint, leaves: readonly Buffer[], lookup: NodeLookup): TreeNode[] {
  const made = new Map<string, Buffer>();
  const nodes: TreeNode[] = [];
  const find = (node: NodeRef): Buffer => made.get(`${node.level}/${node.index.toString()}`) ?? lookup(node);
  leaves.forEach((leaf, offset) => {
    let node: TreeNode = { level: 0, index: size + BigInt(offset), hash: leaf };
    for (;;) {
      made.set(`${node.level}/${node.index.toString()}`, node.hash);
      nodes.push(node);
      if (node.index % 2n === 0n) break;
      const left = find({ level: node.level, index: node.index - 1n });
      node = { level: node.level + 1, index: node.index >> 1n, hash: nodeHash(left, node.hash) };
    }
  });
  return nodes;
}

/** The perfect subtrees of a tree of `size` that appending may need: its right edge. */
export function rightEdge(size: bigint): NodeRef[] {
  return perfectNodes({ from: 0n, to: size });
}

function wellFormed(...hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES);
}

/** Whether the proof binds the leaf hash at `index` to the root of the tree of `size` leaves (RFC 9162 §2.1.3.2). */
export function verifyInclusion(claim: {
  index: bigint;
  size: bigint;
  leafHash: Uint8Array;
  proof: readonly Uint8Array[];
  root: Uint8Array;
}): boolean {
  const { index, size, proof, root } = claim;
  if (index < 0n || index >= size || size > SIZE_MAX) return false;
  if (!wellFormed(claim.leafHash, root, ...proof)) return false;
  let fn = index;
  let sn = size - 1n;
  let hash: Buffer = Buffer.from(claim.leafHash);
  for (const sibling of proof) {
    if (sn === 0n) return false;
    if (fn % 2n === 1n || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (fn % 2n === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && hash.equals(root);
}

/** Whether the tree (size1, root1) is a prefix of (size2, root2) (RFC 9162 §2.1.4.2). An empty first tree proves nothing. */
export function verifyConsistency(claim: {
  size1: bigint;
  size2: bigint;
  root1: Uint8Array;
  root2: Uint8Array;
  proof: readonly Uint8Array[];
}): boolean {
  const { size1, size2, proof } = claim;
  if (size1 < 1n || size1 > size2 || size2 > SIZE_MAX) return false;
  const [root1, root2] = [Buffer.from(claim.root1), Buffer.from(claim.root2)];
  if (size1 === size2) return proof.length === 0 && root1.equals(root2);
  if (!wellFormed(root1, root2, ...proof)) return false;
  // When size1 is a power of two its root is itself a node of the larger tree and is left out of the proof.
  const path = (size1 & (size1 - 1n)) === 0n ? [root1, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined || proof.length === 0) return false;
  let fn = size1 - 1n;
  let sn = size2 - 1n;
  while (fn % 2n === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let hash1: Buffer = Buffer.from(first);
  let hash2: Buffer = Buffer.from(first);
  for (const sibling of path) {
    if (sn === 0n) return false;
    if (fn % 2n === 1n || fn === sn) {
      hash1 = nodeHash(sibling, hash1);
      hash2 = nodeHash(sibling, hash2);
      while (fn % 2n === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      hash2 = nodeHash(hash2, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && hash1.equals(root1) && hash2.equals(root2);
}
