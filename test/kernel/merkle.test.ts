import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  completedNodes, consistencyRanges, EMPTY_ROOT, inclusionRanges, leafHash, nodeHash, rangeHash, rightEdge,
  verifyConsistency, verifyInclusion,
} from '../../src/kernel/merkle.ts';
import type { NodeRef } from '../../src/kernel/merkle.ts';

const VECTORS = join(import.meta.dirname, '../../../shared/vectors/merkle/testdata');
const haveVectors = existsSync(VECTORS);
// They prove [start, end) subtrees of draft-ietf-plants-merkle-tree-certs, which this log never hands out.
console.log('merkle vectors: subtreeinclusion and subtreeconsistency skipped, this log has no subtree proofs');
if (!haveVectors) console.log('merkle vectors: skipped, ../shared/vectors/merkle is not on this machine');

/** Sizes in the vectors exceed 2^53, so every whole number is read as a bigint. */
function readVector(path: string): Record<string, unknown> {
  const text = readFileSync(path, 'utf8').replaceAll(/:\s*(-?\d+)(?=[,\s}])/g, ':"$1n"');
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Record<string, unknown>;
}

function vectors(kind: string): { name: string; vector: Record<string, unknown> }[] {
  if (!haveVectors) return [];
  return readdirSync(join(VECTORS, kind), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, vector: readVector(join(VECTORS, kind, name)) }));
}

const bytes = (value: unknown): Buffer => Buffer.from((value ?? '') as string, 'base64');
const list = (value: unknown): Buffer[] => ((value ?? []) as string[]).map(bytes);

/** The definition of RFC 9162 §2.1.1, word by word: slow and independent of the code under test. */
function rootByDefinition(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 0) return EMPTY_ROOT;
  const [only] = hashes;
  if (hashes.length === 1 && only !== undefined) return only;
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return nodeHash(rootByDefinition(hashes.slice(0, k)), rootByDefinition(hashes.slice(k)));
}

/** A tree kept as the store keeps it: only perfect subtrees, added as they complete. */
function makeTree(): { append(leaves: Buffer[]): void; size(): bigint; lookup: (node: NodeRef) => Buffer } {
  const nodes = new Map<string, Buffer>();
  let size = 0n;
  const lookup = (node: NodeRef): Buffer => {
    const hash = nodes.get(`${node.level}/${node.index.toString()}`);
    if (hash === undefined) throw new Error(`no node ${node.level}/${node.index.toString()}`);
    return hash;
  };
  return {
    append(leaves) {
      const edge = new Set(rightEdge(size).map((node) => `${node.level}/${node.index.toString()}`));
      const made = completedNodes(size, leaves, (node) => {
        // The store loads only the right edge: anything else would be missing there.
        if (!edge.has(`${node.level}/${node.index.toString()}`)) throw new Error('asked beyond the right edge');
        return lookup(node);
      });
      for (const node of made) {
        const key = `${node.level}/${node.index.toString()}`;
        if (nodes.has(key)) throw new Error('a node was made twice');
        nodes.set(key, node.hash);
      }
      size += BigInt(leaves.length);
    },
    size: () => size,
    lookup,
  };
}

const leavesOf = (count: number): Buffer[] => Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));

describe('published vectors', () => {
  it.skipIf(!haveVectors)('inclusion: every file is answered as it says', () => {
    const all = vectors('inclusion');
    expect(all.length).toBeGreaterThan(90);
    for (const { name, vector } of all) {
      const ok = verifyInclusion({
        index: vector['leafIdx'] as bigint,
        size: vector['treeSize'] as bigint,
        leafHash: bytes(vector['leafHash']),
        proof: list(vector['proof']),
        root: bytes(vector['root']),
      });
      expect({ name, ok }).toEqual({ name, ok: vector['wantErr'] !== true });
    }
  });

  it.skipIf(!haveVectors)('consistency: every file is answered as it says', () => {
    const all = vectors('consistency');
    expect(all.length).toBeGreaterThan(90);
    for (const { name, vector } of all) {
      const ok = verifyConsistency({
        size1: vector['size1'] as bigint,
        size2: vector['size2'] as bigint,
        root1: bytes(vector['root1']),
        root2: bytes(vector['root2']),
        proof: list(vector['proof']),
      });
      expect({ name, ok }).toEqual({ name, ok: vector['wantErr'] !== true });
    }
  });
});

describe('the tree', () => {
  it('knows the hash of nothing and of one leaf', () => {
    expect(EMPTY_ROOT.toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(leafHash(Buffer.alloc(0)).toString('hex')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
  });

  it('has the defined root however the leaves arrived', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 8 }), (batches) => {
        const tree = makeTree();
        const all = leavesOf(batches.reduce((sum, n) => sum + n, 0));
        let done = 0;
        for (const count of batches) {
          tree.append(all.slice(done, done + count));
          done += count;
        }
        expect(rangeHash({ from: 0n, to: tree.size() }, tree.lookup)).toEqual(rootByDefinition(all));
      }),
      { numRuns: 60 },
    );
  });

  it('proves every leaf at every later size, and the proof holds for nothing else', () => {
    const count = 34;
    const hashes = leavesOf(count);
    const tree = makeTree();
    tree.append(hashes);
    for (let size = 1; size <= count; size += 1) {
      const root = rootByDefinition(hashes.slice(0, size));
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionRanges(BigInt(index), BigInt(size)).map((range) => rangeHash(range, tree.lookup));
        const claim = { index: BigInt(index), size: BigInt(size), leafHash: hashes[index]!, proof, root };
        expect(verifyInclusion(claim)).toBe(true);
        expect(verifyInclusion({ ...claim, leafHash: leafHash(Buffer.from('another')) })).toBe(false);
        if (size > 1) expect(verifyInclusion({ ...claim, index: (claim.index + 1n) % claim.size })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...proof, EMPTY_ROOT] })).toBe(false);
      }
    }
  });

  it('proves every earlier tree a prefix, and a rewritten one not', () => {
    const count = 34;
    const hashes = leavesOf(count);
    const tree = makeTree();
    tree.append(hashes);
    for (let size1 = 1; size1 <= count; size1 += 1) {
      for (let size2 = size1; size2 <= count; size2 += 1) {
        const proof = consistencyRanges(BigInt(size1), BigInt(size2)).map((range) => rangeHash(range, tree.lookup));
        const claim = {
          size1: BigInt(size1),
          size2: BigInt(size2),
          root1: rootByDefinition(hashes.slice(0, size1)),
          root2: rootByDefinition(hashes.slice(0, size2)),
          proof,
        };
        expect(verifyConsistency(claim)).toBe(true);
        expect(verifyConsistency({ ...claim, root1: leafHash(Buffer.from('rewritten')) })).toBe(false);
      }
    }
  });
});
