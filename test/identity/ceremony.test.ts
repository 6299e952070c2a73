import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { type CBORType, encodeCBOR } from '@levischuck/tiny-cbor';
import { describe, expect, it } from 'vitest';

import { coseAlgorithm, signatureFits } from '../../src/identity/ceremony.ts';
import { Refusal } from '../../src/kernel/refusals.ts';

const cose = (members: [number, CBORType][]): Uint8Array => encodeCBOR(new Map<string | number, CBORType>(members));
const part = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64url'));

function rsaKey(n: string | undefined, e: string | undefined): Uint8Array {
  return cose([[1, 3], [3, -257], [-1, part(n)], [-2, part(e)]]);
}

const edKey = (hex: string): Uint8Array => cose([[1, 1], [3, -8], [-1, 6], [-2, new Uint8Array(Buffer.from(hex, 'hex'))]]);

describe('keys with which somebody else could sign', () => {
  it('an RSA key is taken with 2048 bits, and not with fewer', () => {
    const keyOf = (modulusLength: number): Uint8Array => {
      const { n, e } = generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' });
      return rsaKey(n, e);
    };
    expect(coseAlgorithm(keyOf(2048))).toBe(-257);
    expect(() => coseAlgorithm(keyOf(1024))).toThrow(Refusal);
  });

  it('an RSA key with the exponent 1, under which everything is its own signature, is refused', () => {
    const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    expect(() => coseAlgorithm(rsaKey(n, 'AQ'))).toThrow(Refusal);
  });

  const zeros = '00'.repeat(31);
  const smallOrder = [
    `00${zeros}`, `01${zeros}`, `ec${'ff'.repeat(30)}7f`, `ed${'ff'.repeat(30)}7f`, `ee${'ff'.repeat(30)}7f`,
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ];
  const signed = (hex: string): string => hex.slice(0, 62) + (Number.parseInt(hex.slice(62), 16) | 0x80).toString(16);

  it.each([...smallOrder, ...smallOrder.map(signed)])('an Ed25519 key of small order is refused: %s', (hex) => {
    expect(() => coseAlgorithm(edKey(hex))).toThrow(Refusal);
  });

  it('since one signature would fit every text under it', () => {
    const universal = Buffer.concat([Buffer.from(`01${zeros}`, 'hex'), Buffer.alloc(32)]);
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(`01${zeros}`, 'hex').toString('base64url') }, format: 'jwk' });
    expect(verify(null, Buffer.from('I pay you a million.'), key, universal)).toBe(true);
    const assertion = { authenticatorData: Buffer.from('a'), clientDataJSON: Buffer.from('b'), signature: universal };
    expect(() => signatureFits(edKey(`01${zeros}`), assertion)).toThrow(Refusal);
  });

  it('an honest Ed25519 key is taken', () => {
    const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
    expect(coseAlgorithm(cose([[1, 1], [3, -8], [-1, 6], [-2, part(x)]]))).toBe(-8);
  });
});
