import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { sha256Hex } from '../../kernel/digest.ts';
import type { Random } from '../../kernel/random.ts';
import { notFound } from '../../kernel/refusals.ts';

/**
 * Bytes, kept under their own SHA-256 (64 lower-case hex digits). The same bytes are kept once; a name can never come
 * to mean other bytes.
 */
export interface Blobs {
  /** Keeps the bytes; when it returns they are on disk. Answers their digest. */
  put(bytes: Uint8Array): Promise<string>;
  /** The bytes, checked against their digest. Refuses `not_found`; throws when the disk gives back other bytes. */
  get(digest: string): Promise<Buffer>;
  has(digest: string): Promise<boolean>;
  /** Forgets the bytes; nothing happens when they are not there. */
  delete(digest: string): Promise<void>;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** A folder as blob store: `<folder>/ab/abcd…`. Any number of processes may share it. */
export function makeFolderBlobs(options: { folder: string; random: Random }): Blobs {
  /** Undefined for what is no digest: a name from outside must never walk through the file system. */
  const pathOf = (digest: string): string | undefined =>
    /^[0-9a-f]{64}$/.test(digest) ? join(options.folder, digest.slice(0, 2), digest) : undefined;

  async function exists(path: string): Promise<boolean> {
    try {
      return (await stat(path)).isFile();
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  return {
    async put(bytes) {
      const digest = sha256Hex(bytes);
      const path = join(options.folder, digest.slice(0, 2), digest);
      if (await exists(path)) return digest;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      // Written aside and renamed: a reader sees all of it or nothing, also after a crash.
      const aside = `${path}.${Buffer.from(options.random.bytes(8)).toString('hex')}.part`;
      try {
        const file = await open(aside, 'wx', 0o600);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(aside, path);
      } catch (error) {
        await rm(aside, { force: true });
        throw error;
      }
      return digest;
    },
    async get(digest) {
      const path = pathOf(digest);
      if (path === undefined) throw notFound();
      let bytes: Buffer;
      try {
        bytes = await readFile(path);
      } catch (error) {
        if (isMissing(error)) throw notFound();
        throw error;
      }
      if (sha256Hex(bytes) !== digest) throw new Error(`The blob ${digest} was changed on disk.`);
      return bytes;
    },
    async has(digest) {
      const path = pathOf(digest);
      return path !== undefined && (await exists(path));
    },
    async delete(digest) {
      const path = pathOf(digest);
      if (path !== undefined) await rm(path, { force: true });
    },
  };
}
