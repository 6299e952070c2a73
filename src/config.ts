import { join, resolve } from 'node:path';

/** Everything that can be set from outside, read once. The only file that sees the environment. */
export interface Config {
  production: boolean;
  host: string;
  port: number;
  logLevel: string;
  /** Where keys, blobs, models and the embedded database live. */
  dataFolder: string;
  databaseUrl: string | null;
  databaseOwnerUrl: string | null;
  redisUrl: string | null;
  /** The web origin under which people reach us: passkeys are bound to it. */
  publicOrigin: string;
  rpId: string;
  stripeSecretKey: string | null;
  stripeWebhookSecret: string | null;
  c2pa: { chainPath: string; keyPath: string; anchorsPath: string } | null;
  /** What statements on paper are signed with. */
  statement: { chainPath: string; keyPath: string } | null;
  logKeyPath: string | null;
  receiptsKeyPath: string | null;
  /** Name of the transparency log, as it stands on the first line of each checkpoint. */
  logOrigin: string;
  /** Provider code of the GB 45438-2025 label. */
  aigcProducer: string;
  /** Tax contained in every price, in basis points; 0 switches it off. */
  taxBasisPoints: number;
  /** The payment processor works the tax of each charge out, in place of `taxBasisPoints`. */
  automaticTax: boolean;
  /** Days for which a fan whose renewal failed keeps what is left of what was paid. */
  paymentGraceDays: number;
  /** Which evidence makes whom verified, as a JSON file; the house's own policy when null. */
  ownershipPolicyPath: string | null;
  /** Which packs of coins are sold, as a JSON file; the house's own table when null. */
  coinPacksPath: string | null;
  inferenceWorkers: number;
  jobConcurrency: number;
  /** How many proxies of ours stand in front of the HTTP server: whose word on a caller's address is believed. */
  trustedProxies: number;
}

/** Names every setting that is wrong, never what stands in it. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Settings refused:\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/** Every environment name that is read; docker-compose.yml is tested against this list. */
export const SETTINGS = [
  'NODE_ENV', 'HOST', 'PORT', 'LOG_LEVEL', 'BENREN_DATA', 'DATABASE_URL', 'DATABASE_OWNER_URL', 'REDIS_URL',
  'PUBLIC_ORIGIN', 'RP_ID', 'STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'C2PA_CHAIN_FILE', 'C2PA_KEY_FILE',
  'C2PA_ANCHORS_FILE', 'LOG_KEY_FILE', 'RECEIPTS_KEY_FILE', 'STATEMENT_CHAIN_FILE', 'STATEMENT_KEY_FILE', 'LOG_ORIGIN', 'AIGC_PRODUCER',
  'TAX_BASIS_POINTS', 'STRIPE_AUTOMATIC_TAX', 'PAYMENT_GRACE_DAYS', 'OWNERSHIP_POLICY_FILE', 'COIN_PACKS_FILE',
  'INFERENCE_WORKERS', 'JOB_CONCURRENCY', 'TRUSTED_PROXIES',
] as const;

type Setting = (typeof SETTINGS)[number];

class Reader {
  readonly problems: string[] = [];
  constructor(private readonly env: Env) {}

  text(name: Setting): string | null {
    const value = this.env[name];
    return value === undefined || value === '' ? null : value;
  }

  matching(name: Setting, pattern: RegExp, fallback: string, what: string): string {
    const value = this.text(name) ?? fallback;
    if (!pattern.test(value)) this.problems.push(`${name}: ${what}`);
    return value;
  }

  whole(name: Setting, fallback: number, least: number, most: number): number {
    const value = this.text(name);
    if (value === null) return fallback;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) this.problems.push(`${name}: a whole number from ${least} to ${most}`);
    return number;
  }

  url(name: Setting, protocols: readonly string[]): string | null {
    const value = this.text(name);
    if (value === null) return null;
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol)) {
      this.problems.push(`${name}: a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
    }
    return value;
  }

  /** Settings that are only right together. */
  together(names: readonly Setting[]): boolean {
    const present = names.filter((name) => this.text(name) !== null);
    if (present.length > 0 && present.length < names.length) {
      this.problems.push(`${names.join(', ')}: set all of them or none`);
    }
    return present.length === names.length;
  }

  required(name: Setting, why: string): void {
    if (this.text(name) === null) this.problems.push(`${name}: ${why}`);
  }
}

/** What development makes for itself, production must be given. */
function checkProduction(read: Reader): void {
  for (const name of ['DATABASE_URL', 'DATABASE_OWNER_URL', 'PUBLIC_ORIGIN', 'RP_ID', 'STRIPE_SECRET_KEY'] as const) {
    read.required(name, 'required in production');
  }
  for (const name of ['C2PA_CHAIN_FILE', 'LOG_KEY_FILE', 'RECEIPTS_KEY_FILE', 'STATEMENT_CHAIN_FILE'] as const) {
    read.required(name, 'required in production, which does not start with development keys');
  }
  if (!(read.text('PUBLIC_ORIGIN') ?? 'https:').startsWith('https:')) {
    read.problems.push('PUBLIC_ORIGIN: https in production');
  }
}

/** @throws ConfigError naming everything that is wrong at once. */
export function loadConfig(env: Env): Config {
  const read = new Reader(env);
  const production = env['NODE_ENV'] === 'production';
  const port = read.whole('PORT', 8080, 0, 65_535);
  const withC2pa = read.together(['C2PA_CHAIN_FILE', 'C2PA_KEY_FILE', 'C2PA_ANCHORS_FILE']);
  const withStatement = read.together(['STATEMENT_CHAIN_FILE', 'STATEMENT_KEY_FILE']);
  read.together(['DATABASE_URL', 'DATABASE_OWNER_URL']);
  read.together(['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET']);
  if (production) checkProduction(read);
  const config: Config = {
    production,
    host: read.text('HOST') ?? '127.0.0.1',
    port,
    logLevel: read.matching('LOG_LEVEL', /^(silent|fatal|error|warn|info|debug|trace)$/, 'info', 'one of pino’s levels'),
    dataFolder: resolve(read.text('BENREN_DATA') ?? join(process.cwd(), '.benren')),
    databaseUrl: read.url('DATABASE_URL', ['postgres:', 'postgresql:']),
    databaseOwnerUrl: read.url('DATABASE_OWNER_URL', ['postgres:', 'postgresql:']),
    redisUrl: read.url('REDIS_URL', ['redis:', 'rediss:']),
    publicOrigin: read.url('PUBLIC_ORIGIN', ['http:', 'https:']) ?? `http://localhost:${port}`,
    rpId: read.matching('RP_ID', /^[a-z0-9.-]+$/, 'localhost', 'a host name'),
    stripeSecretKey: read.text('STRIPE_SECRET_KEY'),
    stripeWebhookSecret: read.text('STRIPE_WEBHOOK_SECRET'),
    c2pa: withC2pa
      ? {
        chainPath: read.text('C2PA_CHAIN_FILE') ?? '',
        keyPath: read.text('C2PA_KEY_FILE') ?? '',
        anchorsPath: read.text('C2PA_ANCHORS_FILE') ?? '',
      }
      : null,
    statement: withStatement ? { chainPath: read.text('STATEMENT_CHAIN_FILE') ?? '', keyPath: read.text('STATEMENT_KEY_FILE') ?? '' } : null,
    logKeyPath: read.text('LOG_KEY_FILE'),
    receiptsKeyPath: read.text('RECEIPTS_KEY_FILE'),
    logOrigin: read.matching('LOG_ORIGIN', /^[^\s+]{1,200}$/, 'benren.development/log', 'no spaces and no plus sign'),
    aigcProducer: read.matching('AIGC_PRODUCER', /^[!#-[\]-~]{1,64}$/, 'BENREN-DEVELOPMENT', 'printable ASCII without spaces'),
    taxBasisPoints: read.whole('TAX_BASIS_POINTS', 600, 0, 5_000),
    automaticTax: read.matching('STRIPE_AUTOMATIC_TAX', /^(on|off)$/, 'off', 'on or off') === 'on',
    paymentGraceDays: read.whole('PAYMENT_GRACE_DAYS', 7, 0, 60),
    ownershipPolicyPath: read.text('OWNERSHIP_POLICY_FILE'),
    coinPacksPath: read.text('COIN_PACKS_FILE'),
    inferenceWorkers: read.whole('INFERENCE_WORKERS', 1, 1, 64),
    jobConcurrency: read.whole('JOB_CONCURRENCY', 4, 1, 256),
    trustedProxies: read.whole('TRUSTED_PROXIES', 0, 0, 16),
  };
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}
