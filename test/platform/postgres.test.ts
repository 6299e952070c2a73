import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { IdempotencyKey, Tx } from '../../src/kernel/tx.ts';
import { once, one, savepoint, sql } from '../../src/platform/postgres/index.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => {
  await database.close();
});

describe('the transaction token', () => {
  it('brings bigint as bigint and days as text', async () => {
    const row = await database.runTx((tx) => one(tx, "SELECT 9223372036854775807::int8 AS a, DATE '2026-01-31' AS d"));
    expect(row).toEqual({ a: 9223372036854775807n, d: '2026-01-31' });
  });

  it('is dead after its transaction', async () => {
    let leaked: Tx | undefined;
    await database.runTx(async (tx) => {
      leaked = tx;
    });
    await expect(sql(leaked!, 'SELECT 1')).rejects.toThrow('used too late');
  });

  it('writes inside of a transaction only', async () => {
    const read = (tx: Tx, name: string): Promise<{ value: string }> => one(tx, 'SELECT current_setting($1) AS value', [name]);
    expect(await database.runTx(async (tx) => [await read(tx, 'transaction_read_only'), await read(tx, 'default_transaction_read_only')]))
      .toEqual([{ value: 'off' }, { value: 'on' }]);
    // What is sent behind a beginning that failed finds itself outside of one.
    await database.runTx(async (tx) => {
      await sql(tx, 'COMMIT');
      await expect(sql(tx, `INSERT INTO currency (code, exponent) VALUES ('XXX', 2)`)).rejects.toThrow('read-only transaction');
      await sql(tx, 'BEGIN');
    });
  });

  it('undoes only what stood behind the savepoint', async () => {
    const left = await database.runTx(async (tx) => {
      await sql(tx, "CREATE TEMP TABLE step_test (n int) ON COMMIT DROP");
      await sql(tx, 'INSERT INTO step_test VALUES (1)');
      await expect(savepoint(tx, async () => {
        await sql(tx, 'INSERT INTO step_test VALUES (2)');
        throw new Error('no');
      })).rejects.toThrow('no');
      return await sql(tx, 'SELECT n FROM step_test');
    });
    expect(left).toEqual([{ n: 1 }]);
  });

  it('is an error when a statement failed and nobody minded: nothing of it was kept', async () => {
    const carelessly = database.runTx(async (tx) => {
      await sql(tx, 'SELECT 1 / 0').catch(() => undefined);
      return 'done';
    });
    await expect(carelessly).rejects.toThrow('nothing of it was kept');
  });

  it('runs a deadlocked transaction again', async () => {
    await database.asOwner('CREATE TABLE lock_test (id int PRIMARY KEY, n int)');
    await database.asOwner('GRANT SELECT, UPDATE ON lock_test TO benren_app');
    await database.asOwner('INSERT INTO lock_test VALUES (1, 0), (2, 0)');
    let arrivals = 0;
    let open: () => void = () => undefined;
    const both = new Promise<void>((done) => (open = done));
    const swap = (first: number, second: number): Promise<void> => database.runTx(async (tx) => {
      await sql(tx, 'UPDATE lock_test SET n = n + 1 WHERE id = $1', [first]);
      arrivals += 1;
      if (arrivals === 2) open();
      await both;
      await sql(tx, 'UPDATE lock_test SET n = n + 1 WHERE id = $1', [second]);
    });
    await Promise.all([swap(1, 2), swap(2, 1)]);
    expect(await database.asOwner('SELECT id, n FROM lock_test ORDER BY id')).toEqual([{ id: 1, n: 2 }, { id: 2, n: 2 }]);
    // Once more at least: who comes again may be quicker than who waits, and meet it again.
    expect(arrivals).toBeGreaterThan(2);
  });
});

describe('the role of the service', () => {
  it('has no DDL', async () => {
    await expect(database.asApp('CREATE TABLE mine (n int)')).rejects.toMatchObject({ code: '42501' });
    await expect(database.asApp('DROP TABLE job')).rejects.toMatchObject({ code: '42501' });
  });

  it('cannot rewrite kept answers', async () => {
    await expect(database.asApp('UPDATE idempotency SET digest = $1', ['x'])).rejects.toMatchObject({ code: '42501' });
    await expect(database.asApp('DELETE FROM idempotency')).rejects.toMatchObject({ code: '42501' });
  });
});

describe('once', () => {
  const key = (name: string, digest = 'a'): IdempotencyKey => ({ scope: 'acc_1:createThing', key: name, digest });

  it('keeps the answer, to the byte', async () => {
    const first = await database.runTx((tx) => once(tx, key('kept-answer'), async () => ({ z: '1', a: [2] })));
    const again = await database.runTx((tx) => once(tx, key('kept-answer'), async () => {
      throw new Error('ran twice');
    }));
    expect(JSON.stringify(again)).toBe(JSON.stringify(first));
  });

  it('refuses the key for another request', async () => {
    await database.runTx((tx) => once(tx, key('other-body'), async () => 1));
    await expect(database.runTx((tx) => once(tx, key('other-body', 'b'), async () => 2)))
      .rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  it('leaves nothing when the work fails', async () => {
    await expect(database.runTx((tx) => once(tx, key('failed-work'), async () => {
      throw new Error('no');
    }))).rejects.toThrow('no');
    expect(await database.runTx((tx) => once(tx, key('failed-work'), async () => 'ran'))).toBe('ran');
  });

  it('runs one of fifty and tells the others that it is running or what it answered', async () => {
    let ran = 0;
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => database.runTx((tx) =>
      once(tx, key('fifty-at-once'), async () => {
        ran += 1;
        await sql(tx, 'SELECT pg_sleep(0.05)');
        return 'done';
      }))));
    expect(ran).toBe(1);
    for (const result of results) {
      if (result.status === 'fulfilled') expect(result.value).toBe('done');
      else expect(result.reason).toMatchObject({ code: 'idempotency_in_progress' });
    }
  });
});
