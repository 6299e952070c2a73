import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { systemRandom } from '../../src/kernel/random.ts';
import { connect, nativeFolder, sql, startEmbedded } from '../../src/platform/postgres/index.ts';
import { reachableByOthers, unprivilegedUser } from '../../src/platform/postgres/embedded-host.ts';

const made: string[] = [];
function folder(mode: number): string {
  const path = mkdtempSync(join(tmpdir(), 'benren-embedded-'));
  chmodSync(path, mode);
  made.push(path);
  return path;
}
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

const asRoot = process.getuid?.() === 0;
if (!asRoot) console.log('skipped: the closed-folder cases of the embedded server, which concern only root');

describe('the embedded server', () => {
  it('keeps data over a restart, is joined by a second caller, and is stopped by its keeper only', async () => {
    const home = folder(0o755);
    const first = await startEmbedded({ folder: home, random: systemRandom });
    await first.createDatabase('kept');
    const joined = await startEmbedded({ folder: home, random: systemRandom });
    expect(joined.pid).toBe(first.pid);
    expect(await joined.createDatabase('kept')).toBe(false);
    await joined.stop();
    await first.stop();
    expect(existsSync(join(first.dataFolder, 'postmaster.pid'))).toBe(false);
    const again = await startEmbedded({ folder: home, random: systemRandom });
    expect(await again.createDatabase('kept')).toBe(false);
    await again.stop();
    expect(statSync(join(home, 'postgres.json')).mode & 0o777).toBe(0o600);
  });

  it('comes back after it was killed', async () => {
    const home = folder(0o755);
    const first = await startEmbedded({ folder: home, random: systemRandom });
    await first.createDatabase('kept');
    process.kill(first.pid, 'SIGKILL');
    await new Promise((done) => setTimeout(done, 200));
    const again = await startEmbedded({ folder: home, random: systemRandom });
    expect(again.pid).not.toBe(first.pid);
    expect(await again.createDatabase('kept')).toBe(false);
    await again.stop();
  });

  it.skipIf(!asRoot)('runs from below a closed folder, with binaries and data where its user can reach them', async () => {
    const closed = folder(0o700);
    const binaries = join(closed, 'native');
    cpSync(nativeFolder(), binaries, { recursive: true, verbatimSymlinks: true });
    const home = join(closed, '.benren');
    mkdirSync(home);
    expect(reachableByOthers(home)).toBe(false);
    const server = await startEmbedded({ folder: home, random: systemRandom, binaries });
    await server.createDatabase('works');
    const database = await connect({ url: server.appUrl('works') });
    expect(await database.runTx((tx) => sql(tx, 'SELECT current_user'))).toEqual([{ current_user: 'benren_app' }]);
    await database.close();
    await server.stop();
    const record = JSON.parse(readFileSync(join(home, 'postgres.json'), 'utf8')) as { dataFolder: string; nativeFolder: string };
    expect(record.dataFolder.startsWith(tmpdir()) && !record.dataFolder.startsWith(closed)).toBe(true);
    expect(record.nativeFolder.startsWith(closed)).toBe(false);
    made.push(join(record.dataFolder, '..'), record.nativeFolder);
    // The next start finds both again.
    const again = await startEmbedded({ folder: home, random: systemRandom, binaries });
    expect(again.dataFolder).toBe(record.dataFolder);
    expect(await again.createDatabase('works')).toBe(false);
    await again.stop();
  });

  it('finds a user to run as, and says so when there is none', () => {
    expect(unprivilegedUser('root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n')).toEqual({ uid: 65534, gid: 65534 });
    expect(unprivilegedUser('nobody:x:65534:65534::/:/x\npostgres:x:101:104::/:/x\n')).toEqual({ uid: 101, gid: 104 });
    expect(() => unprivilegedUser('root:x:0:0::/:/bin/sh\n')).toThrow(/neither/);
  });
});
