import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Refusal } from '../../src/kernel/refusals.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { makeLog } from '../../src/platform/telemetry/index.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => await database.close());

function capture(): { lines: string[]; log: ReturnType<typeof makeLog> } {
  const lines: string[] = [];
  const destination = new Writable({ write(chunk: Buffer, _encoding, done) {
    lines.push(chunk.toString());
    done();
  } });
  return { lines, log: makeLog({ level: 'info', destination }) };
}

/** What TypeORM throws carries the statement's parameters, and the driver's detail the whole row. */
async function failedStatement(): Promise<unknown> {
  const text = `INSERT INTO account (id, display_name, locale, created_at) VALUES ('acc_1', $1, 'xx', now())`;
  return await database.runTx(async (tx) => await sql(tx, text, ['her-private-words'])).catch((error: unknown) => error);
}

describe('an error in the log', () => {
  it('says what failed, where, and by which constraint', async () => {
    const { lines, log } = capture();
    log.error({ err: await failedStatement() }, 'an error of ours');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      msg: 'an error of ours',
      err: { type: 'QueryFailedError', code: '23514', constraint: 'account_locale_check', stack: expect.stringContaining('telemetry.test.ts') as string },
    });
  });

  it('repeats no parameter and no row, also as the cause of a refusal or deeper down', async () => {
    const { lines, log } = capture();
    const failed = await failedStatement();
    const refusal = new Refusal('unavailable', 'Try again.', { cause: failed, extra: { answer: 'her-private-words' } });
    log.error({ err: failed });
    log.info({ code: refusal.code, cause: refusal.cause });
    log.error({ err: refusal });
    log.error({ err: new AggregateError([failed, new Error('outer', { cause: refusal })], 'both') });
    log.info({ cause: { token: 'her-private-words' } });
    expect(lines).toHaveLength(5);
    expect(lines.join('')).not.toContain('her-private-words');
    expect(lines[1]).toContain('account_locale_check');
    expect(lines[3]).toContain('account_locale_check');
  });

  it('ends, also where causes go round', () => {
    const { lines, log } = capture();
    const error = new Error('round');
    error.cause = error;
    log.error({ err: error });
    expect(lines[0]).toContain('round');
  });
});
