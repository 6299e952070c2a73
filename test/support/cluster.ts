import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

import { systemRandom } from '../../src/kernel/random.ts';
import { migrate, startEmbedded } from '../../src/platform/postgres/index.ts';
import { type HostUser, openTemporaryFolder, unprivilegedUser } from '../../src/platform/postgres/embedded-host.ts';

/** Passwords and places, as the embedded server records them. */
interface Keys {
  nativeFolder: string;
  superuserPassword: string;
  ownerPassword: string;
  appPassword: string;
}

/** A PostgreSQL whose life a test holds in its hands: stopped, killed, copied cold, promoted. */
export interface Cluster {
  readonly port: number;
  readonly dataFolder: string;
  appUrl(database: string, port?: number): string;
  ownerUrl(database: string, port?: number): string;
  superuserUrl(database: string, port?: number): string;
  start(): Promise<void>;
  /** `fast` ends sessions and checkpoints; `immediate` is a crash: what was not written is recovered from the log. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** The data as it is now, while stopped; a standby of it only needs to be promoted, an old base backup only to be started. */
  copy(as: 'backup' | 'standby'): Promise<Cluster>;
  /** Standby → primary on a timeline of its own. */
  promote(): Promise<void>;
  /** Stops it and forgets its data. */
  remove(): Promise<void>;
}

const user = (): HostUser | undefined => (process.getuid?.() === 0 ? unprivilegedUser() : undefined);

/** A port that nobody has just now. */
export async function freePort(): Promise<number> {
  return await new Promise((done, fail) => {
    const probe = createServer().once('error', fail).listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { ...(user() ?? {}), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], env: { LC_MESSAGES: 'C', PATH: '/usr/bin:/bin' } });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  // `exit`, not `close`: the server that pg_ctl leaves behind holds the pipe open.
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('exit', done));
  child.stderr.destroy();
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${complaint}`);
}

function clusterAt(keys: Keys, dataFolder: string, port: number, flags: readonly string[]): Cluster {
  const control = (verb: string, ...more: string[]): Promise<void> =>
    run(join(keys.nativeFolder, 'bin', 'pg_ctl'), [verb, '-s', '-w', '-t', '30', '-D', dataFolder, ...more]);
  const url = (role: string, password: string, database: string, at: number): string => `postgres://${role}:${password}@127.0.0.1:${at}/${database}`;
  const running = (): boolean => existsSync(join(dataFolder, 'postmaster.pid'));
  const cluster: Cluster = {
    port, dataFolder,
    appUrl: (database, at = port) => url('benren_app', keys.appPassword, database, at),
    ownerUrl: (database, at = port) => url('benren_owner', keys.ownerPassword, database, at),
    superuserUrl: (database, at = port) => url('postgres', keys.superuserPassword, database, at),
    start: () => control('start', '-l', join(dataFolder, 'server.log'), '-o',
      ['-p', String(port), '-h', '127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=200', ...flags].join(' ')),
    stop: (mode) => control('stop', '-m', mode),
    async copy(as) {
      if (running()) throw new Error('A cold copy is taken of a stopped server.');
      const folder = openTemporaryFolder('benren-cluster-');
      // The server's own user copies, so that the copy is theirs.
      await run('/bin/chmod', ['755', dataFolder]);
      const target = join(folder, 'postgres');
      mkdirSync(folder, { recursive: true });
      cpSync(dataFolder, target, { recursive: true, preserveTimestamps: true });
      if (as === 'standby') writeFileSync(join(target, 'standby.signal'), '');
      const owner = user();
      if (owner !== undefined) await own(folder, owner);
      await run('/bin/chmod', ['700', dataFolder]);
      await run('/bin/chmod', ['700', target]);
      return clusterAt(keys, target, await freePort(), flags);
    },
    promote: () => control('promote'),
    async remove() {
      if (running()) await control('stop', '-m', 'immediate');
      rmSync(dirname(dataFolder), { recursive: true, force: true });
    },
  };
  return cluster;
}

async function own(folder: string, { uid, gid }: HostUser): Promise<void> {
  const child = spawn('/bin/chown', ['-R', `${uid}:${gid}`, folder], { stdio: 'ignore' });
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('exit', done));
  if (code !== 0) throw new Error(`chown ended with ${String(code)}`);
}

/** A migrated database `database` on a server of its own, running. */
export async function openCluster(database: string, flags: readonly string[] = []): Promise<Cluster> {
  const folder = openTemporaryFolder('benren-cluster-');
  const first = await startEmbedded({ folder, random: systemRandom });
  await first.createDatabase(database);
  await migrate(first.ownerUrl(database));
  await first.stop();
  const keys = JSON.parse(readFileSync(join(folder, 'postgres.json'), 'utf8')) as Keys;
  const cluster = clusterAt(keys, first.dataFolder, await freePort(), flags);
  await cluster.start();
  return cluster;
}
