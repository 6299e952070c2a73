import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { documentDigest, verifyBundle } from '../../src/transparency/index.ts';
import { leafHash, nodeHash } from '../../src/kernel/merkle.ts';
import { entryBytes, parseEntry } from '../../src/transparency/model.ts';
import { checkpointText, formatProof, signNote, verifierKey } from '../../src/transparency/note.ts';

const signer = { name: 'log.example/benren', privateKey: generateKeyPairSync('ed25519').privateKey };
const vkey = verifierKey(signer);
const document = { type: 'benren.grant', grantId: 'grt_1', name: 'Lin Ya · 林雅' };
const leaf = {
  leafId: 'lef_00000000000000000000000001', type: 'grant.signed' as const, subjectId: 'grt_1',
  at: '2026-11-23T00:00:00.000Z', documentSha256: documentDigest(document),
};
const entry = entryBytes(leaf);
const other = leafHash(Buffer.from('the leaf before'));
const head = signNote(checkpointText({ origin: signer.name, size: 2n, root: nodeHash(other, leafHash(entry)) }), signer);
const bundle = {
  kind: 'benren-proof', entry: entry.toString('base64'), vkey, proof: formatProof({ index: 1n, hashes: [other], checkpoint: head }),
};
const check = (value: unknown, logPublicKey: string = vkey) => verifyBundle(JSON.stringify(value), { logPublicKey });

describe('a proof bundle, offline', () => {
  it('verifies with the log’s key and shows what it verified', () => {
    const verdict = check({ ...bundle, document, leaf, index: '1' });
    expect(verdict).toEqual({
      ok: true, problems: [], entry: leaf, index: '1', document: 'same', keyFrom: 'given',
      checkpoint: { origin: signer.name, size: '2', rootHex: nodeHash(other, leafHash(entry)).toString('hex') },
    });
    expect(check(bundle)).toMatchObject({ ok: true, document: 'absent' });
  });

  it('says when the key came out of the bundle itself', () => {
    expect(verifyBundle(JSON.stringify(bundle))).toMatchObject({ ok: true, keyFrom: 'bundle' });
  });

  it('does not take another log’s key', () => {
    const foreign = verifierKey({ name: signer.name, privateKey: generateKeyPairSync('ed25519').privateKey });
    expect(check(bundle, foreign)).toMatchObject({ ok: false, problems: ['key_differs', 'checkpoint_not_signed'] });
    expect(check({ ...bundle, vkey: foreign })).toMatchObject({ ok: false, problems: ['key_differs'] });
    expect(check(bundle, 'nonsense')).toMatchObject({ ok: false, problems: ['key_malformed'] });
  });

  it.each([
    ['another document', { document: { ...document, grantId: 'grt_2' } }, 'document_differs'],
    ['another leaf shown', { leaf: { ...leaf, subjectId: 'grt_2' } }, 'leaf_differs'],
    ['another index shown', { index: '0' }, 'index_differs'],
    ['another entry', { entry: entryBytes({ ...leaf, subjectId: 'grt_2' }).toString('base64') }, 'entry_not_included'],
    ['an entry that is no leaf', { entry: Buffer.from('{}').toString('base64') }, 'entry_malformed'],
    ['an entry in another spelling', { entry: Buffer.from(JSON.stringify(leaf)).toString('base64') }, 'entry_malformed'],
    ['a head of another size', { proof: bundle.proof.replace('\n2\n', '\n4\n') }, 'checkpoint_not_signed'],
    ['no proof', { proof: '' }, 'proof_malformed'],
    ['a member nobody verified', { verified: true }, 'bundle_malformed'],
    ['a document that is a string', { document: 'x' }, 'bundle_malformed'],
  ])('is refused with %s', (_name, change, problem) => {
    const verdict = check({ ...bundle, ...change });
    expect(verdict.ok).toBe(false);
    expect(verdict.problems).toContain(problem);
  });

  it.each(['', 'null', '[]', '{"kind":"benren-proof"}', '{"kind":"benren-proof","kind":"x"}', '['.repeat(100_000)])(
    'garbage %#, never an exception', (text) => {
      expect(verifyBundle(text).problems).toEqual(['bundle_malformed']);
    },
  );
});

describe('a leaf’s bytes', () => {
  it('have one reading', () => {
    expect(parseEntry(entry)).toEqual(leaf);
    expect(parseEntry(Buffer.concat([entry, Buffer.from(' ')]))).toBeUndefined();
    expect(parseEntry(Buffer.from([0xff]))).toBeUndefined();
    expect(parseEntry(Buffer.from('{"form":"benren/log-leaf/v1","type":"unheard.of"}'))).toBeUndefined();
  });
});
