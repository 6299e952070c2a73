import { readFileSync } from 'node:fs';

import type { ProcessRole, Service } from '../compose.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { systemRandom } from '../kernel/random.ts';
import { Refusal } from '../kernel/refusals.ts';
import { KeysRefused } from '../platform/keys/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

const USAGE = `benren start | api | worker | gateway   serve
benren migrate                          bring the database up to date
benren operator init                    print the first operator's invitation; a new one replaces it
benren verify FILE [--key KEYFILE]…     check a proof, a receipt, a signed document or an evidence bundle offline
benren recompute STATEMENT --events FILE…  work a statement out again from its events, offline
benren explain RECEIPT [--key KEYFILE]   decide again on a receipt, and say each clause in words
benren verify-ledger [--checkpoint FILE] [--key KEYFILE]
                                        replay the ledger, its holds and statements, and name what does not hold; with a checkpoint
                                        of the log that was kept elsewhere: what it proves, and from where on nothing is
`;

const SERVING: readonly string[] = ['start', 'api', 'worker', 'gateway'] satisfies ProcessRole[];

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The whole service is loaded only by the commands that need it: `verify` runs without. */
async function composed(config: ReturnType<typeof loadConfig>, role: ProcessRole): Promise<Service> {
  const { compose } = await import('../compose.ts');
  return await compose(config, role);
}

async function serve(role: ProcessRole, env: Env): Promise<number> {
  const service = await composed(loadConfig(env), role);
  const { log, sandbox } = service.platform;
  // Before anybody is told how to stop it. Kept until everything is closed: a second signal, as shells and process managers send, must not
  // cut that short.
  const signalled = new Promise<string>((done) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => done(name));
  });
  log.info({ role, origin: service.origin, sandbox: sandbox?.url ?? null }, 'serving');
  if (role === 'start') say(`Benren serves ${service.origin} (API reference: ${service.origin}/reference). Ctrl-C stops it.`);
  const signal = await signalled;
  log.info({ signal }, 'stopping');
  await service.close();
  return 0;
}

async function runMigrations(env: Env): Promise<number> {
  const [{ openDatabaseUrls }, { migrate }] = await Promise.all([import('./platform.ts'), import('../platform/postgres/index.ts')]);
  const { owner, embedded } = await openDatabaseUrls(loadConfig(env), systemRandom);
  try {
    const names = await migrate(owner);
    say(names.length === 0 ? 'Nothing to migrate.' : `Migrated: ${names.join(', ')}`);
    return 0;
  } finally {
    await embedded?.stop();
  }
}

/** Composes without serving: a free port of loopback, no jobs taken. */
async function inside<T>(env: Env, work: (service: Service) => Promise<T>): Promise<T> {
  const service = await composed({ ...loadConfig(env), host: '127.0.0.1', port: 0, logLevel: 'error' }, 'api');
  try {
    return await work(service);
  } finally {
    await service.close();
  }
}

async function operatorInit(env: Env): Promise<number> {
  const token = await inside(env, ({ rooms }) => rooms.identity.operatorInvitation());
  say(`Register with this invitation; it works once:\n${token}`);
  return 0;
}

/** 0: nothing is wrong; 1: something is; 2: not understood. Whether all of it is proven stands in `verdict`. */
async function verifyLedger(args: readonly string[], env: Env): Promise<number> {
  const given = new Map<string, string>();
  for (let index = 0; index < args.length; index += 2) {
    const [flag = '', file] = args.slice(index, index + 2);
    if (!['--checkpoint', '--key'].includes(flag) || file === undefined) {
      process.stderr.write(USAGE);
      return 2;
    }
    given.set(flag, readFileSync(file, 'utf8'));
  }
  const [checkpoint, key] = [given.get('--checkpoint'), given.get('--key')];
  const kept = checkpoint === undefined ? null : { checkpoint, ...(key === undefined ? {} : { key }) };
  const { verifyBooks } = await import('./verify-ledger.ts');
  const report = await inside(env, ({ platform, rooms }) => verifyBooks(platform.database.runTx, rooms, kept));
  if (report.entries === 0) say('This ledger is empty.');
  say(JSON.stringify(report, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2));
  return report.verdict === 'broken' ? 1 : 0;
}

async function verify(args: readonly string[]): Promise<number> {
  const [file, ...rest] = args;
  const keyFiles = rest.filter((_word, index) => index % 2 === 1);
  if (file === undefined || rest.length % 2 !== 0 || rest.some((word, index) => index % 2 === 0 && word !== '--key')) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { verifyFile } = await import('./verify.ts');
  const verdict = verifyFile(readFileSync(file), keyFiles.map((keyFile) => readFileSync(keyFile, 'utf8')));
  say(JSON.stringify(verdict, null, 2));
  return verdict.ok ? 0 : 1;
}

async function recompute(args: readonly string[]): Promise<number> {
  const [file, ...rest] = args;
  const eventFiles = rest.filter((_word, index) => index % 2 === 1);
  if (file === undefined || eventFiles.length === 0 || rest.length % 2 !== 0 || rest.some((word, index) => index % 2 === 0 && word !== '--events')) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { recomputeFiles } = await import('./recompute.ts');
  const { ok, lines } = recomputeFiles(readFileSync(file), eventFiles.map((eventFile) => readFileSync(eventFile)));
  say(lines.join('\n'));
  return ok ? 0 : 1;
}

async function explain(args: readonly string[]): Promise<number> {
  const [file, flag, keyFile] = args;
  if (file === undefined || (flag !== undefined && (flag !== '--key' || keyFile === undefined))) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { explainReceipt } = await import('./explain.ts');
  const { ok, lines } = explainReceipt(readFileSync(file), keyFile === undefined ? null : readFileSync(keyFile, 'utf8'));
  say(lines.join('\n'));
  return ok ? 0 : 1;
}

async function dispatch(args: readonly string[], env: Env): Promise<number> {
  const [command = 'start', ...rest] = args;
  if (SERVING.includes(command) && rest.length === 0) return await serve(command as ProcessRole, env);
  if (command === 'migrate' && rest.length === 0) return await runMigrations(env);
  if (command === 'operator' && rest[0] === 'init' && rest.length === 1) return await operatorInit(env);
  if (command === 'verify') return await verify(rest);
  if (command === 'explain') return await explain(rest);
  if (command === 'recompute') return await recompute(rest);
  if (command === 'verify-ledger') return await verifyLedger(rest, env);
  process.stderr.write(USAGE);
  return 2;
}

function isMissingFile(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && error.syscall === 'open';
}

/** Runs one command; answers the exit code. What an operator can mend is said in a sentence, not in a stack. */
export async function run(args: readonly string[], env: Env): Promise<number> {
  try {
    return await dispatch(args, env);
  } catch (error) {
    const mendable = error instanceof ConfigError || error instanceof KeysRefused || error instanceof Refusal || isMissingFile(error);
    if (!mendable) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}
