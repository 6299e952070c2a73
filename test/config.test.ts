import { describe, expect, it } from 'vitest';

import { ConfigError, loadConfig } from '../src/config.ts';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('the settings', () => {
  it('need none at all', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({ port: 8080, production: false, databaseUrl: null, redisUrl: null, publicOrigin: 'http://localhost:8080' });
  });

  it('are refused by name, all at once, and never with their value', () => {
    const secret = 'postgrez://user:hunter2@host/db';
    const problems = problemsOf({ PORT: 'eighty', DATABASE_URL: secret, LOG_LEVEL: 'loud', STRIPE_SECRET_KEY: 'sk_live_hunter2' });
    expect(problems.map((line) => line.split(':')[0])).toEqual([
      'PORT', 'DATABASE_URL, DATABASE_OWNER_URL', 'STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET', 'LOG_LEVEL', 'DATABASE_URL',
    ]);
    expect(problems.join('\n')).not.toMatch(/hunter2|eighty|loud/);
  });

  it('in production must name the database, the origin, Stripe and real keys', () => {
    const names = problemsOf({ NODE_ENV: 'production' }).map((line) => line.split(':')[0]);
    expect(names).toEqual([
      'DATABASE_URL', 'DATABASE_OWNER_URL', 'PUBLIC_ORIGIN', 'RP_ID', 'STRIPE_SECRET_KEY', 'C2PA_CHAIN_FILE', 'LOG_KEY_FILE', 'RECEIPTS_KEY_FILE',
      'STATEMENT_CHAIN_FILE',
    ]);
  });

  it('say how tax is worked out and how long a failed renewal may wait', () => {
    expect(loadConfig({})).toMatchObject({ taxBasisPoints: 600, automaticTax: false, paymentGraceDays: 7 });
    expect(loadConfig({ STRIPE_AUTOMATIC_TAX: 'on', PAYMENT_GRACE_DAYS: '0' })).toMatchObject({ automaticTax: true, paymentGraceDays: 0 });
    expect(problemsOf({ STRIPE_AUTOMATIC_TAX: 'yes', PAYMENT_GRACE_DAYS: '61' }).map((line) => line.split(':')[0])).toEqual(['STRIPE_AUTOMATIC_TAX', 'PAYMENT_GRACE_DAYS']);
  });

  it('refuse plain http as the public origin of production', () => {
    expect(problemsOf({ NODE_ENV: 'production', PUBLIC_ORIGIN: 'http://benren.example' })).toContain('PUBLIC_ORIGIN: https in production');
  });
});
