import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { endedLeaf, heldLeaf, leavesOf, type Seal, sealDigest, sealDocument, sealRoot, transferLeaf } from '../../src/ledger/seal-model.ts';

/** What a seal hashes, written out byte by byte as another would who trusts nobody's code. */

const sha256 = (...parts: (Uint8Array | string)[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const hashes = ['a', 'b', 'c', 'd', 'e'].map((name) => sha256(name));
const [a, b, c, d, e] = hashes as [Buffer, Buffer, Buffer, Buffer, Buffer];
const node = (left: Buffer, right: Buffer): Buffer => sha256(Uint8Array.of(1), left, right);
const eight = (...last: number[]): Buffer => Buffer.from([...Array.from({ length: 8 - last.length }, () => 0), ...last]);

describe('the leaf of a sealed fact', () => {
  it('of a transfer is over its place, its instant, its content, its accounts and its id', () => {
    expect(transferLeaf({ position: 258n, recordedMicros: 7n, contentHash: a, accountHashes: [b, c], id: 'trf_1' }))
      .toEqual(sha256(Buffer.from([0, 0x54]), eight(1, 2), eight(7), a, sha256(b, c), 'trf_1'));
  });

  it('of a hold is over its instant, its content, its accounts and its id', () => {
    expect(heldLeaf({ recordedMicros: 7n, contentHash: a, accountHashes: [b], id: 'hld_1' })).toEqual(sha256(Buffer.from([0, 0x48]), eight(7), a, sha256(b), 'hld_1'));
  });

  it('of its end is over when and how it ended, and by which transfer', () => {
    const end = { atMicros: 3n, recordedMicros: 4n, id: 'hld_1', outcome: 'captured', transferId: 'trf_1' as string | null };
    expect(endedLeaf(end)).toEqual(sha256(Buffer.from([0, 0x45]), eight(3), eight(4), 'hld_1\ncaptured\ntrf_1'));
    expect(endedLeaf({ ...end, outcome: 'voided', transferId: null })).toEqual(sha256(Buffer.from([0, 0x45]), eight(3), eight(4), 'hld_1\nvoided\n'));
  });
});

describe('the root of a seal', () => {
  it('is that of RFC 9162 over its leaves', () => {
    const root = (...leaves: Buffer[]): Buffer => sealRoot(Buffer.concat(leaves));
    expect(root()).toEqual(sha256());
    expect(root(a)).toEqual(a);
    expect(root(a, b)).toEqual(node(a, b));
    expect(root(a, b, c)).toEqual(node(node(a, b), c));
    expect(root(a, b, c, d)).toEqual(node(node(a, b), node(c, d)));
    expect(root(a, b, c, d, e)).toEqual(node(node(node(a, b), node(c, d)), e));
  });

  it('is over whole leaves', () => {
    expect(leavesOf(Buffer.concat([a, b]))).toEqual([a, b]);
    expect(leavesOf(Buffer.concat([a, b.subarray(1)]))).toEqual([a]);
  });
});

describe('what the public log names', () => {
  const seal: Seal = {
    number: 2, fromPosition: 5n, toPosition: 9n, holdSeqs: ['1', '2'], holdFacts: ['held', 'ended'], leaves: Buffer.alloc(0), root: a, leafId: 'leaf',
  };

  it('is the range and the root, by the digest of its canonical form', () => {
    const text = `{"form":"benren/ledger-seal/v1","fromPosition":"5","holds":["1 held","2 ended"],"number":2,"root":"${a.toString('hex')}","toPosition":"9"}`;
    expect(sealDocument(seal)).toEqual(JSON.parse(text));
    expect(sealDigest(seal)).toBe(sha256(text).toString('hex'));
    expect(sealDocument({ ...seal, holdFacts: ['held'] })).toMatchObject({ holds: ['1 held', '2 '] });
  });
});
