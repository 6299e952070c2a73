import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { seededRandom } from '../../src/kernel/random.ts';
import { makeLedgerTicks } from '../../src/ledger/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { house, into, NO_SEALS, openTestLedger, type TestLedger, wallet } from './support.ts';

let t: TestLedger;
beforeAll(async () => {
  t = await openTestLedger('positions', 20);
});
afterAll(() => t.close());

/** A promise and the means to keep it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((done) => (open = done));
  return { opened, open };
}

describe('recorded order', () => {
  it('numbers what is committed from 1, without gaps, and only once', async () => {
    for (let i = 0; i < 5; i += 1) await t.post({ legs: into(house('seq'), 1n) });
    await expect(t.post({ key: 'test/positions/1', legs: into(house('seq'), 9n) })).rejects.toMatchObject({ code: 'ledger_key_reused' });
    const positions = await Promise.all(Array.from({ length: 8 }, () => t.ledger.sequence()));
    expect(new Set(positions)).toEqual(new Set([5n]));
    const rows = await t.database.runTx((tx) => t.ledger.entries(tx, { accountCode: house('seq').code, fromPosition: 1n, toPosition: 4n }));
    expect(rows.map((row) => [row.position, row.key])).toEqual([[2n, 'test/positions/2'], [3n, 'test/positions/3'], [4n, 'test/positions/4']]);
  });

  it('a transaction opened before a close and committed after it stands in exactly one range', async () => {
    const account = wallet('late');
    // Opened before, since the first use of an account lets others wait for that one commit.
    const { transferId } = await t.post({ legs: into(account, 1n) });
    await t.database.runTx((tx) => t.ledger.reverse(tx, transferId, { key: 'late/0', effectiveDate: '2026-01-01' }));
    const start = await t.ledger.sequence();
    const begun = gate();
    const closed = gate();
    const late = t.database.runTx(async (tx) => {
      await t.ledger.post(tx, { key: 'late/1', kind: 'test.late', effectiveDate: '2026-01-01', metadata: {}, legs: into(account, 100n) });
      begun.open();
      await closed.opened;
    });
    await begun.opened;
    await t.post({ key: 'late/2', legs: into(account, 1n) });
    const first = await t.ledger.sequence();
    await t.ledger.rollUp({ minimum: 1, worth: 1, daysWorth: 1 });
    const before = await t.database.runTx((tx) => t.ledger.entries(tx, { accountCode: account.code, fromPosition: start, toPosition: first }));
    expect(before.map((row) => row.key)).toEqual(['late/2']);
    closed.open();
    await late;
    // Committed, without a position yet: the balance has it, the closed range has not.
    expect(await t.balance(account)).toBe(-101n);
    expect(await t.database.runTx((tx) => t.ledger.balanceAsOf(tx, account, { position: first }))).toBe(-1n);
    await t.ledger.rollUp({ minimum: 1, worth: 1, daysWorth: 1 });
    const second = await t.ledger.sequence();
    const range = (from: bigint, to: bigint): Promise<string[]> => t.database.runTx(async (tx) => {
      return (await t.ledger.entries(tx, { accountCode: account.code, fromPosition: from, toPosition: to })).map((row) => row.key);
    });
    expect(await range(start, first)).toEqual(['late/2']);
    expect(await range(first, second)).toEqual(['late/1']);
    expect(await t.balance(account)).toBe(-101n);
    expect((await t.ledger.verify()).problems).toEqual([]);
  });

  it('a transfer whose place was overtaken by a transaction that began earlier and ended first still gets its position', async () => {
    const account = house('overtaken');
    await t.post({ legs: into(account, 1n) });
    const [numbered, posted, ended, rolledUp] = [gate(), gate(), gate(), gate()];
    const posting = (key: string): Parameters<TestLedger['ledger']['post']>[1] => ({ key, kind: 'test.overtaken', effectiveDate: '2026-01-01', metadata: {}, legs: into(account, 10n) });
    const older = t.database.runTx(async (tx) => {
      // As any write before it would.
      await sql(tx, 'SELECT pg_current_xact_id()');
      numbered.open();
      await posted.opened;
      await t.ledger.post(tx, posting('overtaken/older'));
    }).finally(ended.open);
    const younger = t.database.runTx(async (tx) => {
      await numbered.opened;
      await t.ledger.post(tx, posting('overtaken/younger'));
      posted.open();
      await rolledUp.opened;
    });
    await ended.opened;
    await t.ledger.rollUp({ minimum: 1, worth: 1, daysWorth: 1 });
    rolledUp.open();
    await Promise.all([older, younger]);
    await t.ledger.rollUp({ minimum: 1, worth: 1, daysWorth: 1 });
    const report = await t.ledger.verify();
    expect(report.problems).toEqual([]);
    expect(report.unpositioned).toBe(0);
  });

  it('a transaction that takes long changes no answer about what was recorded meanwhile, on either axis', async () => {
    const account = house('meanwhile');
    // The first use of an account lets others wait for that one commit.
    await t.post({ legs: into(account, 1n) });
    const start = await t.ledger.sequence();
    const [begun, ended] = [gate(), gate()];
    const long = t.database.runTx(async (tx) => {
      await t.ledger.post(tx, { key: 'meanwhile/long', kind: 'test.long', effectiveDate: '2026-01-01', metadata: {}, legs: into(account, 1_000_000n) });
      begun.open();
      await ended.opened;
    });
    await begun.opened;
    for (let round = 0; round < 6; round += 1) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => t.post({ effectiveDate: `2026-01-${String(1 + i).padStart(2, '0')}`, legs: into(account, BigInt(1 + i)) })));
      // Nothing of it is settled, so what a question along the account must read grows; along the positions it does not.
      await t.ledger.rollUp({ minimum: 1, stride: 8, worth: 4, daysWorth: 8 });
    }
    const end = await t.ledger.sequence();
    await t.database.runTx(async (tx) => {
      const entries = await t.ledger.entries(tx, { accountCode: account.code, fromPosition: start, toPosition: end });
      expect(entries.length).toBe(120);
      for (let position = start; position <= end; position += 1n) {
        const before = entries.filter((entry) => (entry.position ?? 0n) <= position);
        const sum = (some: typeof entries): bigint => some.reduce((total, { amountMinor }) => total + amountMinor, -1n);
        expect([position, await t.ledger.balanceAsOf(tx, account, { position })]).toEqual([position, sum(before)]);
        expect([position, await t.ledger.balanceAsOf(tx, account, { position, effectiveDate: '2026-01-10' })])
          .toEqual([position, sum(before.filter(({ effectiveDate }) => effectiveDate <= '2026-01-10'))]);
      }
    });
    ended.open();
    await long;
    await t.ledger.rollUp({ minimum: 1, stride: 8, worth: 4, daysWorth: 8 });
    const report = await t.ledger.verify();
    expect([report.problems, report.unpositioned]).toEqual([[], 0]);
  });

  it('the tick sequences and rolls up', async () => {
    const ticks = makeLedgerTicks(t.ledger, NO_SEALS, makeTestClock('2026-01-01T00:00:00Z'));
    for (let i = 0; i < 300; i += 1) await t.post({ legs: into(house('tick'), 1n) });
    await ticks['ledger.sequence']!.run();
    const [row] = await t.database.asOwner<{ ready: boolean }>(
      `SELECT max(u.position) = (SELECT max(position) FROM ledger_position) AND (SELECT count(*) FROM ledger_transfer) = max(u.position) AS ready FROM ledger_roll_up u`,
    );
    expect(row!.ready).toBe(true);
    expect(await t.balance(house('tick'))).toBe(-300n);
  });

  it('a reversal effective earlier changes the past of one axis and not of the other', async () => {
    const account = wallet('axes');
    const { transferId } = await t.post({ effectiveDate: '2026-03-01', legs: into(account, 50n) });
    const then = await t.ledger.sequence();
    await t.database.runTx((tx) => t.ledger.reverse(tx, transferId, { key: 'axes/undo', effectiveDate: '2026-03-02' }));
    await t.ledger.sequence();
    const asOf = (at: { position?: bigint; effectiveDate?: string }): Promise<bigint> => {
      return t.database.runTx((tx) => t.ledger.balanceAsOf(tx, account, at));
    };
    for (const rolledUp of [false, true]) {
      if (rolledUp) await t.ledger.rollUp({ minimum: 1, worth: 1, daysWorth: 1 });
      expect(await asOf({})).toBe(0n);
      expect(await asOf({ effectiveDate: '2026-02-28' })).toBe(0n);
      expect(await asOf({ effectiveDate: '2026-03-01' })).toBe(-50n);
      expect(await asOf({ effectiveDate: '2026-03-02' })).toBe(0n);
      expect(await asOf({ effectiveDate: '2026-03-02', position: then })).toBe(-50n);
      expect(await asOf({ effectiveDate: '2026-03-02', position: then - 1n })).toBe(0n);
    }
  });
});

describe('balance = snapshot + tail', () => {
  it('equals the plain sum in every snapshot of the database, while writers commit late and roll-ups run', async () => {
    const accounts = ['hot', 'b', 'c', 'd'].map((name) => house(`mix_${name}`));
    const progress = { running: true, checks: 0 };
    const writers = Array.from({ length: 8 }, async (_, w) => {
      const random = seededRandom(`writer ${w}`);
      for (let i = 0; i < 60; i += 1) {
        await t.database.runTx(async (tx) => {
          const [hot, other] = [accounts[0]!, accounts[1 + random.below(3)]!];
          const amountMinor = BigInt(1 + random.below(1000));
          // Some take their number long before their place in line.
          if (random.below(4) === 0) await sql(tx, 'SELECT pg_current_xact_id(), pg_sleep($1)', [random.below(20) / 1000]);
          await t.ledger.post(tx, {
            key: `mix/${w}/${i}`, kind: 'test.mix', effectiveDate: `2026-01-${String(1 + random.below(28)).padStart(2, '0')}`, metadata: {},
            legs: [{ account: hot, amountMinor }, { account: other, amountMinor: -amountMinor }],
          });
          // Some hold their place in line while others overtake them.
          if (random.below(4) === 0) await sql(tx, 'SELECT pg_sleep($1)', [random.below(30) / 1000]);
        });
      }
    });
    const roller = (async (): Promise<void> => {
      while (progress.running) await t.ledger.rollUp({ minimum: 1, stride: 7, worth: 3, daysWorth: 3 });
    })();
    const reader = (async (): Promise<void> => {
      while (progress.running) {
        await t.database.runTx(async (tx) => {
          const rows = await sql<{ code: string; read: string; plain: string; day: string; plain_day: string; past: string; plain_past: string }>(tx, `
            SELECT a.code, ledger_balance(a.id, NULL, NULL) AS read, ledger_balance(a.id, NULL, '2026-01-10') AS day,
                   ledger_balance(a.id, m.middle, NULL) AS past, s.plain, s.plain_day, s.plain_past
              FROM ledger_account a
              CROSS JOIN (SELECT coalesce(max(position), 0) / 2 AS middle FROM ledger_position) m
              CROSS JOIN LATERAL (
                SELECT coalesce(sum(e.amount_minor), 0) AS plain,
                       coalesce(sum(e.amount_minor) FILTER (WHERE t.effective_date <= '2026-01-10'), 0) AS plain_day,
                       coalesce(sum(e.amount_minor) FILTER (WHERE p.position <= m.middle), 0) AS plain_past
                  FROM ledger_entry e JOIN ledger_transfer t ON t.seq = e.transfer_seq
                  LEFT JOIN ledger_position p ON p.transfer_seq = t.seq WHERE e.account_id = a.id) s
              WHERE a.code LIKE 'house:mix%'`);
          for (const row of rows) expect([row.code, row.read, row.day, row.past]).toEqual([row.code, row.plain, row.plain_day, row.plain_past]);
          progress.checks += rows.length;
        }, { isolation: 'REPEATABLE READ' });
      }
    })();
    await Promise.all(writers);
    progress.running = false;
    await Promise.all([roller, reader]);
    expect(progress.checks).toBeGreaterThan(20);
    await t.ledger.rollUp({ minimum: 1, stride: 7, worth: 3, daysWorth: 3 });
    const report = await t.ledger.verify();
    expect(report.problems).toEqual([]);
    expect(report.unpositioned).toBe(0);
    const [kept] = await t.database.asOwner<{ snapshots: string; late: string }>(`
      SELECT (SELECT count(*) FROM ledger_balance_snapshot) AS snapshots,
        (SELECT count(*) FROM ledger_position p WHERE EXISTS
          (SELECT 1 FROM ledger_position q WHERE q.position = p.position - 1 AND q.transfer_seq > p.transfer_seq)) AS late`);
    expect(Number(kept!.snapshots)).toBeGreaterThan(10);
    // The test is about late commits, so there must have been some.
    expect(Number(kept!.late)).toBeGreaterThan(0);
  });

  it('a range of positions is the same through the roll-ups as without them', async () => {
    const last = await t.database.runTx((tx) => t.ledger.position(tx));
    const plain = await t.database.asOwner<{ position: string; leg: number }>(`SELECT p.position, e.leg FROM ledger_position p
      JOIN ledger_entry e ON e.transfer_seq = p.transfer_seq JOIN ledger_account a ON a.id = e.account_id
      WHERE a.code = 'house:mix_hot:CNY' ORDER BY 1, 2`);
    for (let from = 0n; from < last; from += 37n) {
      const to = from + 53n;
      const rows = await t.database.runTx((tx) => t.ledger.entries(tx, { accountCode: 'house:mix_hot:CNY', fromPosition: from, toPosition: to }));
      expect(rows.map((row) => [String(row.position), row.leg])).toEqual(
        plain.filter((row) => BigInt(row.position) > from && BigInt(row.position) <= to).map((row) => [row.position, row.leg]),
      );
    }
    const all = await t.database.runTx((tx) => t.ledger.entries(tx, { fromPosition: 0n, toPosition: last }));
    const prefixed = await t.database.runTx((tx) => t.ledger.entries(tx, { accountPrefix: 'house:mix_', fromPosition: 0n, toPosition: last }));
    expect(prefixed).toEqual(all.filter((row) => row.accountCode.startsWith('house:mix_')));
    expect(prefixed.length).toBe(960);
  });
});

describe('the roll-up’s waiting for running transactions', () => {
  it('is what keeps late commits in the balance: without it, balances lose them and verify says so', async () => {
    const broken = await openTestLedger('broken');
    try {
      const [row] = await broken.database.asOwner<{ source: string }>(
        `SELECT pg_get_functiondef('ledger_take_roll_up'::regproc) AS source`,
      );
      const wait = 'CASE WHEN running >= now_seen_xid THEN now_seen_seq';
      expect(row!.source).toContain(wait);
      await broken.database.asOwner(row!.source.replace(wait, 'CASE WHEN true THEN now_seen_seq'));
      const account = house('lost');
      await broken.post({ legs: into(account, 1n) });
      const begun = gate();
      const closed = gate();
      const late = broken.database.runTx(async (tx) => {
        await broken.ledger.post(tx, { key: 'late', kind: 'test.late', effectiveDate: '2026-01-01', metadata: {}, legs: into(account, 100n) });
        begun.open();
        await closed.opened;
      });
      await begun.opened;
      await broken.post({ legs: into(account, 1n) });
      await broken.ledger.rollUp({ worth: 1, daysWorth: 1 });
      closed.open();
      await late;
      expect(await broken.balance(account)).toBe(-2n);
      const codes = (await broken.ledger.verify()).problems.map((problem) => problem.code);
      expect(codes).toContain('balance_wrong');
      expect(codes).toContain('roll_up_wrong');
    } finally {
      await broken.close();
    }
  });
});

describe('concurrency', () => {
  it('200 posts with one key at once are one transfer', async () => {
    const account = wallet('same');
    const results = await Promise.all(Array.from({ length: 200 }, () => t.post({ key: 'same/1', legs: into(account, 7n) })));
    expect(results.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(results.map(({ transferId }) => transferId)).size).toBe(1);
    expect(await t.balance(account)).toBe(-7n);
    const debits = await Promise.all(Array.from({ length: 50 }, () => t.post({ key: 'same/2', legs: into(account, -7n) })));
    expect(debits.filter(({ created }) => created)).toHaveLength(1);
    expect(await t.balance(account)).toBe(0n);
  });

  it('a wallet of 10 is never overdrawn by debits at once, whatever else comes in', async () => {
    const account = wallet('ten');
    await t.post({ legs: into(account, 10n) });
    const tries = await Promise.allSettled(Array.from({ length: 60 }, (_, i) => t.post({ key: `ten/${i}`, legs: into(account, -BigInt(1 + (i % 3))) })));
    const taken = tries.reduce((sum, { status }, i) => sum + (status === 'fulfilled' ? BigInt(1 + (i % 3)) : 0n), 0n);
    expect(taken).toBe(10n);
    expect(await t.balance(account)).toBe(0n);
    for (const attempt of tries) {
      if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'ledger_insufficient_funds' });
    }
    await Promise.all([
      ...Array.from({ length: 30 }, () => t.post({ legs: into(account, 1n) })),
      ...Array.from({ length: 30 }, () => t.post({ legs: into(account, -1n) }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'ledger_insufficient_funds' });
      })),
    ]);
    await t.ledger.rollUp();
    expect((await t.ledger.verify()).problems).toEqual([]);
  });

  it('credits of a guarded account wait for nobody', async () => {
    const account = wallet('free');
    await t.post({ legs: into(account, 10n) });
    const held = gate();
    const done = gate();
    const debit = t.database.runTx(async (tx) => {
      expect(await t.ledger.lockedBalance(tx, account)).toBe(-10n);
      held.open();
      await done.opened;
    });
    await held.opened;
    const client = new pg.Client({ connectionString: t.database.appUrl });
    await client.connect();
    await client.query(`SET lock_timeout = '200ms'`);
    await expect(client.query(`SELECT ledger_lock_accounts(ARRAY['${account.code}'])`)).rejects.toMatchObject({ code: '55P03' });
    await client.end();
    await t.post({ legs: into(account, 5n) });
    expect(await t.balance(account)).toBe(-15n);
    done.open();
    await debit;
  });
});
