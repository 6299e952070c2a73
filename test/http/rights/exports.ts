import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { whenLogged } from '../../support/client.ts';
import type { RightsWorld } from './world.ts';

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The program in a process that has neither network, database nor setting. */
async function verifyOffline(bundle: Buffer, keys: Record<string, string>): Promise<{ ok: boolean; kind: string; found: object }> {
  const folder = mkdtempSync(join(tmpdir(), 'benren-exported-'));
  try {
    writeFileSync(join(folder, 'bundle.json'), bundle);
    for (const [name, text] of Object.entries(keys)) writeFileSync(join(folder, name), text);
    // It ends with 1 where something does not hold, and says all the same what it found.
    const stdout = await new Promise<string>((done) => execFile(process.execPath, [
      '--import', import.meta.resolve('tsx'), '--import', file('../../exports/no-network.mjs'), file('../../../src/main.ts'),
      'verify', 'bundle.json', ...Object.keys(keys).flatMap((name) => ['--key', name]),
    ], { cwd: folder, env: { PATH: process.env['PATH'] ?? '' } }, (_error, said) => done(said)));
    return JSON.parse(stdout) as { ok: boolean; kind: string; found: object };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function exportsOverHttp(get: () => RightsWorld): void {
  describe('what the owner takes away of her grant', () => {
    it('is the contract on paper, with the hash that she signed', async () => {
      const { owner, grantId } = get();
      const pdf = await owner.client.call('getGrantContract', { path: { grantId } });
      const { document } = await owner.client.call('getGrant', { path: { grantId } });
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
      expect((document as { rendering: { sha256: string } }).rendering.sha256).toBe(createHash('sha256').update(pdf).digest('hex'));
    });

    it('is an ODRL agreement of the profile that anybody may read, and a consent record about this document', async () => {
      const { owner, grantId, server } = get();
      const { digest } = await owner.client.call('getGrant', { path: { grantId } });
      const odrl = await owner.client.call('getGrantOdrl', { path: { grantId } });
      const profile = await server.client.call('getOdrlProfile', {});
      expect(odrl).toMatchObject({ '@type': 'Agreement', conflict: 'prohibit' });
      expect(JSON.stringify(odrl)).toContain(digest);
      expect(JSON.stringify(profile)).toContain(String((odrl as { profile: unknown }).profile));
      const receipt = await owner.client.call('getConsentReceipt', { path: { grantId } });
      expect(JSON.stringify(receipt)).toContain(digest);
      for (const id of ['getGrantOdrl', 'getConsentReceipt'] as const) {
        expect((await owner.client.refused(id, { path: { grantId }, query: { version: 99 } })).status).toBe(404);
      }
    });

    it('is a bundle that the program verifies in a process without network or database, and does not when a word of it was changed', async () => {
      const { owner, grantId, server } = get();
      const bundle = await whenLogged(() => owner.client.call('getGrantEvidence', { path: { grantId } }));
      const { logVerifierKey, receiptsPublicKeyPem } = await server.client.call('getService', {});
      const keys = { 'log.txt': `${logVerifierKey}\n`, 'receipts.pem': receiptsPublicKeyPem };
      const text = JSON.stringify(bundle);
      expect(await verifyOffline(Buffer.from(text), keys)).toMatchObject({ ok: true, kind: 'evidence bundle', found: { grantId, state: 'signed' } });
      expect((await verifyOffline(Buffer.from(text.replace('companionship', 'advertising')), keys)).ok).toBe(false);
    });

    it('is hers alone', async () => {
      const { game, reviewers: [reviewer], grantId } = get();
      for (const person of [game, reviewer]) {
        for (const id of ['getGrantContract', 'getGrantOdrl', 'getConsentReceipt', 'getGrantEvidence'] as const) {
          expect([id, (await person.client.refused(id, { path: { grantId } })).status]).toEqual([id, 404]);
        }
      }
    });
  });
}
