import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sha256Hex } from '../../src/kernel/digest.ts';
import { systemRandom } from '../../src/kernel/random.ts';
import { KeysRefused, openStatementKeys, type StatementKeys, statementKeyProblems } from '../../src/platform/keys/index.ts';
import { statementPaper } from '../../src/royalties/statement-paper.ts';
import { SEAL, SHORT } from './paper.ts';

const NOW = new Date('2026-02-03T04:05:06Z');
const clock = { now: () => NOW };
let folder: string;
let keys: StatementKeys;
let pdf: Buffer;
const open = (at = clock): Promise<StatementKeys> =>
  openStatementKeys({ statement: null, dir: join(folder, 'keys'), clock: at, production: false, random: systemRandom })();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signing-'));
  keys = await open();
  pdf = Buffer.from(await statementPaper(SHORT, SEAL, 'en', keys));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The signature, and everything that it is over, cut out by the file's own ByteRange. */
function parts(file: Buffer): { range: number[]; content: Buffer; signature: Buffer } {
  const range = (/\/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]/.exec(file.toString('latin1')) ?? []).slice(1).map(Number);
  const [start = 0, end = 0, from = 0, size = 0] = range;
  const padded = Buffer.from(file.subarray(end + 1, from - 1).toString('latin1'), 'hex');
  return { range, content: Buffer.concat([file.subarray(start, end), file.subarray(from, from + size)]), signature: padded.subarray(0, 4 + padded.readUInt16BE(2)) };
}

/** OpenSSL knows nothing of us: it verifies the signature over the content under our root. */
function openssl(signature: Buffer, content: Buffer): { ok: boolean; said: string } {
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('signature'), signature);
  writeFileSync(path('content'), content);
  writeFileSync(path('root'), keys.chain.at(-1)?.toString() ?? '');
  const at = `${NOW.getTime() / 1000}`;
  const run = spawnSync('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', path('signature'), '-content', path('content'), '-CAfile', path('root'),
    '-purpose', 'any', '-attime', at, '-out', path('out')], { encoding: 'utf8' });
  return { ok: run.status === 0, said: run.stderr };
}

const has = (command: string): boolean => spawnSync(command, ['-v']).error === undefined;

describe('a signed statement', () => {
  it('is the same bytes each time, and its signature is over all of them but itself', async () => {
    const again = Buffer.from(await statementPaper(SHORT, SEAL, 'en', await open()));
    expect(sha256Hex(again)).toBe(sha256Hex(pdf));
    const { range: [start, end = 0, from = 0, size = 0] } = parts(pdf);
    expect([start, from + size]).toEqual([0, pdf.length]);
    expect([pdf[end], pdf[from - 1]]).toEqual(['<'.charCodeAt(0), '>'.charCodeAt(0)]);
    expect(pdf.toString('latin1')).toContain('/SubFilter /ETSI.CAdES.detached');
  });

  it.skipIf(!has('openssl'))('verifies with OpenSSL, and with one byte changed anywhere it does not', () => {
    const { content, signature } = parts(pdf);
    expect(openssl(signature, content)).toEqual({ ok: true, said: expect.stringContaining('successful') as string });
    for (const place of [9, Math.floor(content.length / 2), content.length - 8]) {
      const changed = Buffer.from(content);
      changed[place] = (changed[place] ?? 0) ^ 1;
      expect(openssl(signature, changed).ok).toBe(false);
    }
    const printed = spawnSync('openssl', ['cms', '-cmsout', '-print', '-inform', 'DER', '-in', join(folder, 'signature')], { encoding: 'utf8' }).stdout;
    for (const attribute of ['contentType', 'messageDigest', 'id-smime-aa-signingCertificateV2']) expect(printed).toContain(attribute);
    // B-B takes the time of signing from the dictionary; among the attributes it may not stand.
    expect(printed).not.toContain('signingTime');
  });

  it.skipIf(!has('pdfsig'))('is a whole signed document to a reader of PDFs (skipped where poppler\'s pdfsig is not installed)', () => {
    const path = join(folder, 'statement.pdf');
    writeFileSync(path, pdf);
    const { stdout } = spawnSync('pdfsig', ['-nocert', path], { encoding: 'utf8' });
    expect(stdout).toContain('Total document signed');
    expect(stdout).toContain('Signature is Valid');
    expect(stdout).toContain('ETSI.CAdES.detached');
  });
});

describe('the keys', () => {
  it('are made once, renewed under the same root, and what is wrong with others is said', async () => {
    const later = await open({ now: () => new Date('2027-01-01T00:00:00Z') });
    expect(later.chain[1]?.raw.equals(keys.chain[1]?.raw ?? Buffer.alloc(0))).toBe(true);
    expect(later.chain[0]?.raw.equals(keys.chain[0]?.raw ?? Buffer.alloc(0))).toBe(false);
    expect(statementKeyProblems(later, new Date('2027-01-01T00:00:00Z'), 1)).toEqual([]);
    expect(statementKeyProblems(keys, new Date('2030-01-01T00:00:00Z'), 1)).toEqual([expect.stringContaining('not valid now')]);
    expect(statementKeyProblems({ ...keys, chain: keys.chain.slice(1) }, NOW, 1)).toContain('the leaf is an authority itself');
    expect(statementKeyProblems({ ...keys, chain: [] }, NOW, 1)).toEqual(['there is no certificate']);
  });

  it('of a setting are read at once; production refuses the development ones', () => {
    const paths = { chainPath: join(folder, 'keys', 'leaf.cert.pem'), keyPath: join(folder, 'keys', 'leaf.key.pem') };
    const later = { now: () => new Date('2027-01-01T00:00:00Z') };
    const opened = (production: boolean, statement: typeof paths | null = paths): unknown => openStatementKeys({ statement, dir: folder, clock: later, production, random: systemRandom });
    expect(opened(false)).toBeInstanceOf(Function);
    expect(() => opened(true)).toThrow(KeysRefused);
    expect(() => opened(true, null)).toThrow(KeysRefused);
    expect(() => opened(false, { ...paths, keyPath: join(folder, 'nothing') })).toThrow('cannot be read');
  });
});
