import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { sha256Hex } from '../../src/kernel/digest.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { makeFolderBlobs } from '../../src/platform/blobs/index.ts';

describe('the folder of blobs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'benren-blobs-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const blobs = makeFolderBlobs({ folder, random: seededRandom('blobs') });
  const pathOf = (digest: string): string => join(folder, digest.slice(0, 2), digest);

  it('keeps bytes under their digest and gives the same bytes back', async () => {
    const bytes = Buffer.from('the same bytes');
    const digest = await blobs.put(bytes);
    expect(digest).toBe(sha256Hex(bytes));
    expect(await blobs.has(digest)).toBe(true);
    expect(await blobs.get(digest)).toEqual(bytes);
    expect(statSync(pathOf(digest)).mode & 0o077).toBe(0);
  });

  it('keeps the same bytes once, also when many write them together, and leaves nothing half-written', async () => {
    const bytes = Buffer.alloc(300_000, 7);
    const digests = await Promise.all(Array.from({ length: 20 }, async () => await blobs.put(bytes)));
    expect(new Set(digests).size).toBe(1);
    expect(readdirSync(join(folder, digests[0]!.slice(0, 2)))).toEqual([digests[0]]);
  });

  it('answers the same not_found for an unknown digest and for a name that would walk out of the folder', async () => {
    for (const name of ['0'.repeat(64), '../../../../etc/passwd', '', `${'a'.repeat(63)}/`]) {
      await expect(blobs.get(name)).rejects.toMatchObject({ code: 'not_found' });
      expect(await blobs.has(name)).toBe(false);
    }
  });

  it('does not give out bytes that were changed on disk', async () => {
    const digest = await blobs.put(Buffer.from('original'));
    chmodSync(pathOf(digest), 0o600);
    writeFileSync(pathOf(digest), 'forged!!');
    await expect(blobs.get(digest)).rejects.toThrow(/changed on disk/);
  });

  it('forgets on request, and forgetting twice is no error', async () => {
    const digest = await blobs.put(Buffer.from('to be forgotten'));
    await blobs.delete(digest);
    await blobs.delete(digest);
    expect(await blobs.has(digest)).toBe(false);
  });
});
