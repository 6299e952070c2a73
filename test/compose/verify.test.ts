import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { verifyFile } from '../../src/compose/verify.ts';
import { signReceipt } from '../../src/provenance/receipts.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const key = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
const check = (value: unknown, with_: string | null = key) => verifyFile(Buffer.from(JSON.stringify(value)), with_ === null ? [] : [with_]);

function statement(closingMinor: string, debtClosing = '12'): object {
  return signReceipt('statement', {
    type: 'benren.statement', currency: 'CNY', openingMinor: '756', closingMinor,
    lines: [{ lineId: '1', amountMinor: '-756' }, { lineId: '2', amountMinor: '40' }],
    debt: { openingMinor: '0', closingMinor: debtClosing, lines: [{ lineId: 'd1', amountMinor: '12' }] },
  }, privateKey);
}

describe('benren verify', () => {
  it('adds a signed statement up again', () => {
    expect(check(statement('40'))).toMatchObject({ ok: true, kind: 'receipt', found: { closingMinor: '40', debtMinor: '12', lines: 2 } });
    // Signed by us and still wrong: the signature is not the sum.
    expect(check(statement('41'))).toMatchObject({ ok: false, problems: ['lines_differ'] });
    expect(check(statement('40', '11'))).toMatchObject({ ok: false, problems: ['debt_differs'] });
  });

  it('does not believe a changed one, nor another key', () => {
    const signed = statement('40') as { document: object };
    expect(check({ ...signed, document: { ...signed.document, closingMinor: '0' } }).ok).toBe(false);
    const other = createPublicKey(generateKeyPairSync('ed25519').privateKey).export({ type: 'spki', format: 'pem' }).toString();
    expect(check(signed, other)).toMatchObject({ ok: false, problems: ['key_differs'] });
  });

  it('asks for the key instead of trusting the one in the file', () => {
    expect(check(statement('40'), null)).toMatchObject({ ok: false, problems: ['key_needed'] });
    expect(check({ kind: 'benren-proof' }, null)).toMatchObject({ ok: false, kind: 'log proof', problems: ['key_needed'] });
  });

  it('says what it cannot check', () => {
    expect(check({ kind: 'something' })).toMatchObject({ ok: false, kind: 'unknown', problems: ['kind_unknown'] });
    expect(verifyFile(Buffer.from('RIFF'), [key])).toMatchObject({ ok: false, problems: ['not_json'] });
    expect(verifyFile(Buffer.from('{"a":1,"a":2}'), [key])).toMatchObject({ ok: false });
  });
});
