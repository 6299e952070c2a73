import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';

import type { Random } from '../../kernel/random.ts';
import {
  type HostUser, nativeFolder, openTemporaryFolder, reachableByOthers, reachableNativeFolder, unprivilegedUser,
} from './embedded-host.ts';

/** The role that owns and migrates, and the one the service runs as. */
export const OWNER_ROLE = 'benren_owner';
export const APP_ROLE = 'benren_app';

/** What must survive a restart; readable by its owner only, since it holds the passwords. */
interface ServerRecord {
  dataFolder: string;
  nativeFolder: string;
  port: number;
  superuserPassword: string;
  ownerPassword: string;
  appPassword: string;
  /** The Node process that started the server and will stop it. */
  keeperPid: number;
}

export interface EmbeddedPostgres {
  /** Connection URLs for a database of this server. */
  ownerUrl(database: string): string;
  appUrl(database: string): string;
  superuserUrl(database: string): string;
  /** Creates a database owned by `benren_owner`, empty or as a copy; answers false when it was there. */
  createDatabase(name: string, template?: string): Promise<boolean>;
  dropDatabase(name: string): Promise<void>;
  dataFolder: string;
  /** The postmaster's process id. */
  pid: number;
  /** Stops the server if this process is its keeper. `fast` rolls open transactions back. */
  stop(): Promise<void>;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function freePort(): Promise<number> {
  return await new Promise((done, fail) => {
    const probe = createServer().once('error', fail).listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address !== null ? done(address.port) : fail(new Error('no port'))));
    });
  });
}

/** The postmaster that serves this data folder, if one runs: its pid stands on line 1, its port on line 4. */
function runningPostmaster(dataFolder: string): { pid: number; port: number } | undefined {
  const file = join(dataFolder, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n');
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? { pid, port: Number(lines[3]) } : undefined;
}

function spawned(command: string, args: string[], user: HostUser | undefined): ChildProcess {
  return spawn(command, args, {
    ...(user ?? {}),
    cwd: '/',
    // A group of its own: Ctrl-C in the terminal reaches us first, and we stop the server in order.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { LC_MESSAGES: 'C', PATH: '/usr/bin:/bin' },
  });
}

async function initialise(record: ServerRecord, user: HostUser | undefined): Promise<void> {
  const passwordFile = join(openTemporaryFolder('benren-init-'), 'password');
  writeFileSync(passwordFile, record.superuserPassword, { mode: 0o600 });
  if (user !== undefined) {
    chownSync(join(passwordFile, '..'), user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const child = spawned(join(record.nativeFolder, 'bin', 'initdb'), [
    `--pgdata=${record.dataFolder}`, '--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`,
    '--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8', '--data-checksums',
  ], user);
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  rmSync(join(passwordFile, '..'), { recursive: true, force: true });
  if (code !== 0) throw new Error(`initdb failed (${code ?? 'signal'}): ${complaint.trim()}`);
}

const MEGABYTE = 1_048_576;

/** An eighth of the machine's memory, within what a small machine can spare and a ledger of some millions can use: PostgreSQL's own 128 MB hold a tenth of one. */
function sharedBuffers(): string {
  return `${Math.floor(Math.min(Math.max(totalmem() / 8, 128 * MEGABYTE), 1_024 * MEGABYTE) / MEGABYTE)}MB`;
}

async function launch(record: ServerRecord, user: HostUser | undefined, flags: string[]): Promise<number> {
  const child = spawned(join(record.nativeFolder, 'bin', 'postgres'), [
    '-D', record.dataFolder, '-p', String(record.port), '-h', '127.0.0.1',
    '-c', 'unix_socket_directories=', '-c', 'max_connections=200', '-c', 'log_min_messages=warning',
    '-c', `shared_buffers=${sharedBuffers()}`, ...flags,
  ], user);
  const log: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => {
    log.push(chunk.toString());
    if (log.length > 50) log.shift();
  });
  const life = { ended: false };
  child.once('close', () => (life.ended = true)).once('error', (error) => {
    life.ended = true;
    log.push(error.message);
  });
  for (let tries = 0; tries < 600; tries += 1) {
    if (life.ended) throw new Error(`PostgreSQL did not start: ${log.join('').trim()}`);
    if (await answers(record)) {
      // The server outlives nobody's event loop: our own process may end while it is being stopped.
      child.unref();
      (child.stderr as unknown as { unref?: () => void } | null)?.unref?.();
      if (child.pid === undefined) throw new Error('PostgreSQL started without a process id.');
      return child.pid;
    }
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`PostgreSQL did not answer within 15 s: ${log.join('').trim()}`);
}

async function answers(record: ServerRecord): Promise<boolean> {
  const client = new pg.Client({ connectionString: url(record, 'postgres', record.superuserPassword, 'postgres') });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function url(record: ServerRecord, role: string, password: string, database: string): string {
  return `postgres://${role}:${password}@127.0.0.1:${record.port}/${database}`;
}

async function asSuperuser<T>(record: ServerRecord, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url(record, 'postgres', record.superuserPassword, 'postgres') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function ensureRoles(record: ServerRecord): Promise<void> {
  await asSuperuser(record, async (client) => {
    for (const [role, password] of [[OWNER_ROLE, record.ownerPassword], [APP_ROLE, record.appPassword]] as const) {
      const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
      const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
      // Passwords are hex digits of our own making, so they may stand in the text.
      await client.query(`${verb} ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${password}'`);
    }
  });
}

function readRecord(file: string): ServerRecord | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ServerRecord) : undefined;
}

function writeRecord(file: string, record: ServerRecord): void {
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
}

function freshRecord(
  folder: string, binaries: string, user: HostUser | undefined, random: Random, kept: ServerRecord | undefined,
): ServerRecord {
  const password = (): string => Buffer.from(random.bytes(24)).toString('hex');
  const native = user === undefined ? binaries : reachableNativeFolder(binaries, kept?.nativeFolder);
  if (kept !== undefined && existsSync(join(kept.dataFolder, 'PG_VERSION'))) {
    return { ...kept, nativeFolder: native };
  }
  const reachable = user === undefined || reachableByOthers(folder);
  const dataFolder = reachable ? join(folder, 'postgres') : join(openTemporaryFolder('benren-postgres-data-'), 'data');
  return {
    dataFolder, nativeFolder: native, port: 0, keeperPid: 0,
    superuserPassword: password(), ownerPassword: password(), appPassword: password(),
  };
}

/** As root, the server's user must own its data and walk through the folder above it. */
function prepareDataFolder(record: ServerRecord, user: HostUser | undefined): void {
  mkdirSync(record.dataFolder, { recursive: true, mode: 0o700 });
  if (user === undefined) return;
  if (!reachableByOthers(join(record.dataFolder, '..'))) chmodSync(join(record.dataFolder, '..'), 0o711);
  chownSync(record.dataFolder, user.uid, user.gid);
}

async function stopPostmaster(pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGINT');
  for (let waited = 0; isAlive(pid) && waited < 1_000; waited += 1) await new Promise((done) => setTimeout(done, 10));
}

function face(record: ServerRecord, pid: number, keeper: boolean): EmbeddedPostgres {
  return {
    ownerUrl: (database) => url(record, OWNER_ROLE, record.ownerPassword, database),
    appUrl: (database) => url(record, APP_ROLE, record.appPassword, database),
    superuserUrl: (database) => url(record, 'postgres', record.superuserPassword, database),
    dataFolder: record.dataFolder,
    pid,
    async createDatabase(name, template) {
      return await asSuperuser(record, async (client) => {
        const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
        if (rowCount !== 0) return false;
        const copy = template === undefined ? '' : ` TEMPLATE ${client.escapeIdentifier(template)}`;
        await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} OWNER ${OWNER_ROLE}${copy}`);
        return true;
      });
    },
    async dropDatabase(name) {
      await asSuperuser(record, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`);
      });
    },
    async stop() {
      if (keeper) await stopPostmaster(pid);
    },
  };
}

/**
 * Starts the embedded server, or joins the one that already serves this folder (`benren operator init` beside a
 * running `benren start`). The process that started it is its keeper and stops it; a keeper that died is replaced.
 */
export async function startEmbedded(options: {
  folder: string; random: Random; flags?: string[];
  /** The folder that holds `bin`, `lib` and `share`; the installed package's unless given. */
  binaries?: string;
}): Promise<EmbeddedPostgres> {
  const folder = resolve(options.folder);
  mkdirSync(folder, { recursive: true });
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  const file = join(folder, 'postgres.json');
  const kept = readRecord(file);
  const running = kept === undefined ? undefined : runningPostmaster(kept.dataFolder);
  if (kept !== undefined && running !== undefined) {
    const record = { ...kept, port: running.port };
    const keeper = !isAlive(kept.keeperPid);
    if (keeper) writeRecord(file, { ...record, keeperPid: process.pid });
    return face(record, running.pid, keeper);
  }
  const binaries = options.binaries ?? nativeFolder();
  const record = { ...freshRecord(folder, binaries, user, options.random, kept), port: await freePort(), keeperPid: process.pid };
  prepareDataFolder(record, user);
  writeRecord(file, record);
  if (!existsSync(join(record.dataFolder, 'PG_VERSION'))) await initialise(record, user);
  const pid = await launch(record, user, options.flags ?? []);
  await ensureRoles(record);
  return face(record, pid, true);
}
