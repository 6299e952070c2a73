import { createPrivateKey, generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import { leafHash, nodeHash } from '../../src/kernel/merkle.ts';
import {
  checkpointText, formatProof, openCheckpoint, openNote, parseCheckpoint, parseNote, parseProof, parseVerifierKey, signNote,
  verifierKey, verifyProof,
} from '../../src/transparency/note.ts';

const signer = { name: 'example.com/log', privateKey: generateKeyPairSync('ed25519').privateKey };
const vkey = verifierKey(signer);
const verifier = parseVerifierKey(vkey)!;

/** The example of golang.org/x/mod/sumdb/note, which signed-note took over: an outside witness of our bytes. */
const GO_VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const GO_NOTE = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

describe('signed notes', () => {
  it('opens the note that the format was published with', () => {
    const peter = parseVerifierKey(GO_VKEY);
    expect(peter?.name).toBe('PeterNeumann');
    expect(openNote(GO_NOTE, peter!)).toBe(GO_NOTE.slice(0, GO_NOTE.indexOf('\n\n') + 1));
    expect(openNote(GO_NOTE.replace('answer', 'Answer'), peter!)).toBeUndefined();
  });

  it('writes what it reads', () => {
    const note = signNote('a text\n\nwith a blank line\n', signer);
    expect(openNote(note, verifier)).toBe('a text\n\nwith a blank line\n');
  });

  it('ignores strangers, but a known key with a bad signature rejects the note', () => {
    const note = signNote('text\n', signer);
    const stranger = signNote('text\n', { name: 'witness.example', privateKey: generateKeyPairSync('ed25519').privateKey });
    const strangerLine = stranger.slice(stranger.indexOf('— '));
    expect(openNote(note + strangerLine, verifier)).toBe('text\n');
    expect(openNote(`text\n\n${strangerLine}`, verifier)).toBeUndefined();
    const other = signNote('other\n', signer);
    expect(openNote(note + other.slice(other.indexOf('— ')), verifier)).toBeUndefined();
    expect(openNote(note + strangerLine.repeat(16), verifier)).toBe('text\n');
  });

  it.each([
    ['no signature', 'text\n'],
    ['no final newline', signNote('text\n', signer).slice(0, -1)],
    ['a control character', signNote('te\u0007xt\n', signer)],
    ['a signature line that is not one', 'text\n\n- example.com/log AAAA\n'],
    ['base64 in another spelling', signNote('text\n', signer).replace(/=\n$/, '\n')],
    ['nothing', ''],
  ])('does not read a note with %s', (_name, note) => {
    expect(openNote(note, verifier)).toBeUndefined();
  });

  it.each([
    ['an id that is not the key’s', vkey.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
    ['another type', vkey.replace(/\+A/, '+B')],
    ['too short a key', vkey.slice(0, -8)],
    ['a space in the name', `a b${vkey.slice(vkey.indexOf('+'))}`],
    ['no plus', 'example.com/log'],
  ])('does not read a verifier key with %s', (_name, text) => {
    expect(parseVerifierKey(text)).toBeUndefined();
  });

  it('refuses to sign with a key that is not Ed25519', () => {
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    expect(() => signNote('text\n', { name: 'x', privateKey: createPrivateKey(p256.export({ format: 'pem', type: 'pkcs8' })) })).toThrow(TypeError);
  });
});

describe('checkpoints', () => {
  const checkpoint = { origin: signer.name, size: 9_007_199_254_740_993n, root: leafHash(Buffer.from('x')) };

  it('keeps sizes past 2^53', () => {
    expect(openCheckpoint(signNote(checkpointText(checkpoint), signer), verifier)).toEqual(checkpoint);
  });

  it('belongs to the log that the key names', () => {
    const foreign = signNote(checkpointText({ ...checkpoint, origin: 'other.example/log' }), signer);
    expect(openCheckpoint(foreign, verifier)).toBeUndefined();
  });

  it.each(['a\n01\nAAAA\n', 'a\n-1\nAAAA\n', 'a\n1\nAAAA\n', 'a\n1\n', '', '\n1\nAA==\n', 'a\n1e3\nAA==\n'])('does not read %j', (text) => {
    expect(parseCheckpoint(text)).toBeUndefined();
  });

  it('reads extension lines and gives them no meaning', () => {
    expect(parseCheckpoint(`${checkpointText(checkpoint)}extension\n`)).toEqual(checkpoint);
  });
});

describe('proofs', () => {
  const entries = [Buffer.from('first'), Buffer.from('second')];
  const [left, right] = entries.map((entry) => leafHash(entry)) as [Buffer, Buffer];
  const note = signNote(checkpointText({ origin: signer.name, size: 2n, root: nodeHash(left, right) }), signer);
  const text = formatProof({ index: 1n, hashes: [left], checkpoint: note });

  it('has the published layout', () => {
    expect(text).toBe(`c2sp.org/tlog-proof@v1\nindex 1\n${left.toString('base64')}\n\n${note}`);
    const withExtra = formatProof({ index: 0n, hashes: [], checkpoint: 'checkpoint\n', extra: Buffer.from('more') });
    expect(withExtra).toBe('c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 0\n\ncheckpoint\n');
    expect(parseProof(withExtra)).toEqual({ index: 0n, hashes: [], checkpoint: 'checkpoint\n', extra: Buffer.from('more') });
  });

  it('verifies the entry it was made for, and no other', () => {
    expect(verifyProof(entries[1]!, text, verifier)).toMatchObject({ ok: true, index: 1n });
    expect(verifyProof(entries[0]!, text, verifier)).toEqual({ ok: false, problem: 'entry_not_included' });
    expect(verifyProof(entries[1]!, text.replace('index 1', 'index 0'), verifier)).toEqual({ ok: false, problem: 'entry_not_included' });
    expect(verifyProof(entries[1]!, text.replace('\n2\n', '\n3\n'), verifier)).toEqual({ ok: false, problem: 'checkpoint_not_signed' });
    expect(verifyProof(entries[1]!, text.replace('index 1', 'index 01'), verifier)).toEqual({ ok: false, problem: 'proof_malformed' });
  });

  it('no single changed byte passes, and none throws', () => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = bytes[at]! ^ 0x01;
      expect(verifyProof(entries[1]!, changed.toString(), verifier).ok, `byte ${at}`).toBe(false);
    }
  });

  it('garbage is malformed, never an exception', () => {
    const random = seededRandom('note garbage');
    for (let round = 0; round < 300; round += 1) {
      const garbage = Buffer.from(random.bytes(random.below(400))).toString('latin1');
      expect(verifyProof(entries[1]!, garbage, verifier).ok).toBe(false);
      expect(parseNote(garbage)?.signatures ?? []).toEqual([]);
      expect(parseVerifierKey(garbage)).toBeUndefined();
    }
  });
});
