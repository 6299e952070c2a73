import { readFileSync } from 'node:fs';

import { compose, type ProcessRole } from '../compose.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { Refusal } from '../kernel/refusals.ts';
import { systemRandom } from '../kernel/random.ts';
import { KeysRefused } from '../platform/keys/index.ts';
import { migrate } from '../platform/postgres/index.ts';
import { openDatabaseUrls } from './platform.ts';
import { verifyFile } from './verify.ts';

type Env = Readonly<Record<string, string | undefined>>;

const USAGE = `benren start | api | worker | gateway   serve
benren migrate                          bring the database up to date
benren operator init                    print the first operator's invitation, once
benren verify FILE [--key KEYFILE]      check a proof, a receipt or a signed document offline
benren verify-ledger                    replay the ledger and name what does not hold
`;

const SERVING: readonly string[] = ['start', 'api', 'worker', 'gateway'] satisfies ProcessRole[];

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function serve(role: ProcessRole, env: Env): Promise<number> {
  const service = await compose(loadConfig(env), role);
  const { log, sandbox } = service.platform;
  log.info({ role, origin: service.origin, sandbox: sandbox?.url ?? null }, 'serving');
  if (role === 'start') say(`Benren serves ${service.origin} (API reference: ${service.origin}/reference). Ctrl-C stops it.`);
  const signal = await new Promise<string>((done) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => done(name));
  });
  log.info({ signal }, 'stopping');
  await service.close();
  return 0;
}

async function runMigrations(env: Env): Promise<number> {
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
async function inside<T>(env: Env, work: (service: Awaited<ReturnType<typeof compose>>) => Promise<T>): Promise<T> {
  const service = await compose({ ...loadConfig(env), host: '127.0.0.1', port: 0, logLevel: 'error' }, 'api');
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

async function verifyLedger(env: Env): Promise<number> {
  const report = await inside(env, ({ rooms }) => rooms.ledger.verify());
  say(JSON.stringify(report, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2));
  return report.problems.length === 0 ? 0 : 1;
}

function verify(args: readonly string[]): number {
  const [file, flag, keyFile] = args;
  if (file === undefined || (flag !== undefined && (flag !== '--key' || keyFile === undefined))) {
    process.stderr.write(USAGE);
    return 2;
  }
  const verdict = verifyFile(readFileSync(file), keyFile === undefined ? null : readFileSync(keyFile, 'utf8'));
  say(JSON.stringify(verdict, null, 2));
  return verdict.ok ? 0 : 1;
}

async function dispatch(args: readonly string[], env: Env): Promise<number> {
  const [command = 'start', ...rest] = args;
  if (SERVING.includes(command) && rest.length === 0) return await serve(command as ProcessRole, env);
  if (command === 'migrate' && rest.length === 0) return await runMigrations(env);
  if (command === 'operator' && rest[0] === 'init' && rest.length === 1) return await operatorInit(env);
  if (command === 'verify') return verify(rest);
  if (command === 'verify-ledger' && rest.length === 0) return await verifyLedger(env);
  process.stderr.write(USAGE);
  return 2;
}

/** Runs one command; answers the exit code. What an operator can mend is said in a sentence, not in a stack. */
export async function run(args: readonly string[], env: Env): Promise<number> {
  try {
    return await dispatch(args, env);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof KeysRefused || error instanceof Refusal) {
      process.stderr.write(`${error.message}\n`);
      return 1;
    }
    throw error;
  }
}
