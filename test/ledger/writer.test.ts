import fc from 'fast-check';
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import type { RunTx } from '../../src/kernel/tx.ts';
import { type Ledger, makeLedger, type Posted, type TransferDraft } from '../../src/ledger/index.ts';
import { LARGE_MINOR } from '../../src/ledger/model.ts';
import { makeTestClock } from '../support/clock.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { house, into, openTestLedger, type TestLedger, wallet } from './support.ts';

let t: TestLedger;
beforeAll(async () => {
  t = await openTestLedger('writer');
});
afterAll(() => t.close());

let count = 0;
function draft(change: Partial<TransferDraft> & Pick<TransferDraft, 'legs'>): TransferDraft {
  count += 1;
  return { key: `w/${count}`, kind: 'test.move', effectiveDate: '2026-01-01', metadata: {}, ...change };
}

/** What became of each, in order: `ok`, `again`, or the code it was refused with. */
async function outcomes(work: readonly Promise<Posted>[]): Promise<string[]> {
  return (await Promise.allSettled(work)).map((result) => {
    if (result.status === 'fulfilled') return result.value.created ? 'ok' : 'again';
    return (result.reason as { code?: string }).code ?? String(result.reason);
  });
}

/** A ledger of its own whose transactions a test can watch, hold up or break. */
function watched(around: (run: () => Promise<unknown>) => Promise<unknown>): Ledger {
  const runTx: RunTx = async <T>(work: Parameters<RunTx>[0], options?: Parameters<RunTx>[1]) => await around(() => t.database.runTx(work, options)) as T;
  return makeLedger({ runTx, ids: makeIds(makeTestClock('2026-01-01T00:00:00Z'), seededRandom(`watched/${(count += 1)}`)) });
}

async function transactionsOf(keys: readonly string[]): Promise<number> {
  const [row] = await t.database.asOwner<{ n: string }>('SELECT count(DISTINCT created_xid) AS n FROM ledger_transfer WHERE key = ANY ($1)', [keys]);
  return Number(row!.n);
}

describe('a batch', () => {
  it('wallet 10, batch [debit 100, debit 10, debit 1] → refused, ok, refused', async () => {
    const account = wallet('ten');
    await t.post({ legs: into(account, 10n) });
    const drafts = [100n, 10n, 1n].map((amount) => draft({ legs: into(account, -amount) }));
    expect(await outcomes(drafts.map((one) => t.ledger.submit(one)))).toEqual(['ledger_insufficient_funds', 'ok', 'ledger_insufficient_funds']);
    expect(await t.balance(account)).toBe(0n);
  });

  it('the same key twice in one batch: once, and other content under it is refused', async () => {
    const account = wallet('twice');
    const one = draft({ legs: into(account, 5n) });
    const work = [one, one, { ...one, legs: into(account, 6n) }].map((each) => t.ledger.submit(each));
    expect(await outcomes(work)).toEqual(['ok', 'again', 'ledger_key_reused']);
    expect((await work[1])?.transferId).toBe((await work[0])?.transferId);
    expect(await t.balance(account)).toBe(-5n);
    // In later batches too, whatever else is in them; and by `post`.
    expect(await outcomes([t.ledger.submit(one), t.ledger.submit(draft({ legs: into(account, -5n) })), t.ledger.submit({ ...one, metadata: { a: 1 } })]))
      .toEqual(['again', 'ok', 'ledger_key_reused']);
    expect(await outcomes([t.post(one), t.ledger.submit(one)])).toEqual(['again', 'again']);
  });

  it('a repeat of a debit is answered with the first, though nothing is left to debit', async () => {
    const account = wallet('repeat');
    await t.post({ legs: into(account, 3n) });
    const one = draft({ legs: into(account, -3n) });
    expect(await outcomes([t.ledger.submit(one), t.ledger.submit(one)])).toEqual(['ok', 'again']);
    expect(await outcomes([t.ledger.submit(one)])).toEqual(['again']);
  });

  it('a client error in the middle fails alone', async () => {
    const account = wallet('middle');
    const drafts = [
      draft({ legs: into(account, 1n) }), draft({ legs: [{ account, amountMinor: 1n }, { account: house('cash'), amountMinor: 1n }] }),
      draft({ legs: into(account, 1n) }), draft({ legs: into(account, 1n), kind: 'No' }), draft({ legs: into(account, -2n) }),
      draft({ legs: into({ ...wallet('ten'), guarded: false }, 1n) }), draft({ legs: into(account, LARGE_MINOR * 2n ** 14n) }), draft({ legs: into(account, 1n) }),
    ];
    expect(await outcomes(drafts.map((one) => t.ledger.submit(one)))).toEqual([
      'ok', 'ledger_unbalanced', 'ok', 'ledger_transfer_invalid', 'ok', 'ledger_transfer_invalid', 'ok', 'ok',
    ]);
    expect(await transactionsOf(drafts.map(({ key }) => key))).toBe(1);
  });

  it('what came in earlier in it may be spent later in it', async () => {
    const account = wallet('chain');
    const amounts = [-1n, 5n, -4n, -2n, -1n];
    expect(await outcomes(amounts.map((amount) => t.ledger.submit(draft({ legs: into(account, amount) })))))
      .toEqual(['ledger_insufficient_funds', 'ok', 'ok', 'ledger_insufficient_funds', 'ok']);
    expect((await t.ledger.verify()).problems.filter(({ id }) => id === account.code)).toEqual([]);
  });

  it('one that PostgreSQL itself refuses is found by halving, and its neighbours stand', async () => {
    const client = new pg.Client({ connectionString: t.database.superuserUrl });
    await client.connect();
    await client.query(`CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.kind = 'test.poison' THEN RAISE EXCEPTION 'poisoned' USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER poison BEFORE INSERT ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION poison()`);
    try {
      const account = wallet('poison');
      await t.post({ legs: into(account, 20n) });
      const drafts = Array.from({ length: 40 }, (_, i) => draft({ legs: into(account, -1n), kind: i === 13 || i === 27 ? 'test.poison' : 'test.move' }));
      const found = await outcomes(drafts.map((one) => t.ledger.submit(one)));
      const accepted = found.flatMap((outcome, i) => (outcome === 'ok' ? [i] : []));
      // The first twenty that can be, in order: the poisoned one took nothing.
      expect(accepted).toEqual(Array.from({ length: 21 }, (_, i) => i).filter((i) => i !== 13));
      expect(found[13]).toBe('23514');
      expect(found[27]).not.toBe('ok');
      expect(await t.balance(account)).toBe(0n);
    } finally {
      await client.query('DROP TRIGGER poison ON ledger_transfer; DROP FUNCTION poison');
      await client.end();
    }
  });

  it('holds at most a hundred, and takes what came while another was written', async () => {
    const drafts = Array.from({ length: 250 }, (_, i) => draft({ legs: into(wallet(`many${i}`), 1n) }));
    expect(new Set(await outcomes(drafts.map((one) => t.ledger.submit(one))))).toEqual(new Set(['ok']));
    expect(await transactionsOf(drafts.map(({ key }) => key))).toBe(3);
  });

  it('decides as if each had come alone, whatever the order', async () => {
    await fc.assert(fc.asyncProperty(
      fc.array(fc.record({ account: fc.nat(2), amount: fc.bigInt(-9n, 9n).filter((amount) => amount !== 0n), key: fc.nat(30) }), { minLength: 1, maxLength: 60 }),
      async (steps) => {
        count += 1;
        const run = count;
        const drafts = (side: string): TransferDraft[] => steps.map(({ account, amount, key }) => draft({ key: `p/${run}/${side}/${key}`, legs: into(wallet(`p${run}${side}${account}`), amount) }));
        const together = await outcomes(drafts('a').map((one) => t.ledger.submit(one)));
        const alone = [];
        for (const one of drafts('b')) alone.push(...await outcomes([t.database.runTx((tx) => t.ledger.post(tx, one))]));
        expect(together).toEqual(alone);
      },
    ), { numRuns: 12 });
  });
});

describe('an answer', () => {
  it('comes after COMMIT, never before', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((done) => (release = done));
    const state = { answered: false, committed: false };
    const ledger = watched(async (run) => {
      const result = await run();
      state.committed = true;
      await gate;
      return result;
    });
    const one = draft({ legs: into(wallet('commit'), 1n) });
    const work = ledger.submit(one).then(() => (state.answered = true));
    while (!state.committed) await new Promise((done) => setTimeout(done, 5));
    expect(state.answered).toBe(false);
    release();
    await work;
    expect(state.answered).toBe(true);
    await ledger.idle();
  });

  it('is an error for all when the transaction is lost, and nothing was written', async () => {
    const ledger = watched(async () => Promise.reject(new Error('connection lost')));
    const drafts = [1n, 2n, 3n].map((amount) => draft({ legs: into(wallet('lost'), amount) }));
    expect(await outcomes(drafts.map((one) => ledger.submit(one)))).toEqual(Array(3).fill('Error: connection lost'));
    expect(await outcomes(drafts.map((one) => t.ledger.submit(one)))).toEqual(['ok', 'ok', 'ok']);
  });

  it('is 429 when two thousand wait, at once, and the rest are written', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((done) => (release = done));
    const ledger = watched(async (run) => {
      await gate;
      return await run();
    });
    const work = Array.from({ length: 2_150 }, () => ledger.submit(draft({ legs: into(wallet('queue'), 1n) })));
    const refused = await outcomes(work.slice(2_000));
    expect(new Set(refused)).toEqual(new Set(['overloaded']));
    await expect(work[2_149]).rejects.toMatchObject({ extra: { retryAfterSeconds: 1 } });
    release();
    expect(new Set(await outcomes(work.slice(0, 2_000)))).toEqual(new Set(['ok']));
    expect(await t.balance(wallet('queue'))).toBe(-2_000n);
  });

  it('is the same for one key in two processes at once', async () => {
    const other = watched((run) => run());
    for (let round = 0; round < 10; round += 1) {
      const drafts = Array.from({ length: 20 }, () => draft({ legs: into(wallet('both'), 1n) }));
      const found = await outcomes(drafts.flatMap((one) => [t.ledger.submit(one), other.submit(one)]));
      expect(found.filter((outcome) => outcome === 'ok')).toHaveLength(20);
      expect(found.filter((outcome) => outcome === 'again')).toHaveLength(20);
    }
    expect(await t.balance(wallet('both'))).toBe(-200n);
  });
});

describe('kill -9 under load', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await openCluster('ledger');
  }, 60_000);
  afterAll(async () => {
    await cluster.remove();
  });

  function start(name: string, acknowledged: string[]): ChildProcess {
    const file = fileURLToPath(new URL('writer-child.ts', import.meta.url));
    const child = fork(file, [JSON.stringify({ url: cluster.appUrl('ledger'), name, clients: 24 })], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.on('message', (key) => acknowledged.push(key as string));
    return child;
  }
  async function more(acknowledged: readonly string[], than: number): Promise<void> {
    const before = acknowledged.length;
    while (acknowledged.length < before + than) await new Promise((done) => setTimeout(done, 10));
  }
  /** Killed, not asked: its backends see it and end; then it is started again on the same data. */
  async function killPostgres(): Promise<void> {
    process.kill(Number(readFileSync(join(cluster.dataFolder, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL');
    for (let tries = 1; ; tries += 1) {
      await new Promise((done) => setTimeout(done, 200));
      try {
        await cluster.start();
        return;
      } catch (error) {
        if (tries === 20) throw error;
      }
    }
  }

  it('every acknowledged transfer is there, once', async () => {
    const acknowledged: string[] = [];
    const child = start('crash', acknowledged);
    await more(acknowledged, 300);
    await killPostgres();
    await more(acknowledged, 300);
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
    const client = new pg.Client({ connectionString: cluster.superuserUrl('ledger') });
    await client.connect();
    const { rows: [row] } = await client.query<{ there: string; torn: string; sum: string; legs: string; total: string }>(
      `SELECT (SELECT count(*) FROM ledger_transfer WHERE key = ANY ($1)) AS there,
              (SELECT count(*) FROM ledger_transfer t WHERE (SELECT count(*) FROM ledger_entry e WHERE e.transfer_seq = t.seq) <> 2) AS torn,
              (SELECT sum(amount_minor) FROM ledger_entry) AS sum, (SELECT count(*) FROM ledger_entry) AS legs, (SELECT count(*) FROM ledger_transfer) AS total`,
      [acknowledged],
    );
    await client.end();
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    expect(acknowledged.length).toBeGreaterThanOrEqual(600);
    expect(row).toMatchObject({ there: String(acknowledged.length), torn: '0', sum: '0', legs: String(2 * Number(row!.total)) });
    // What was on its way when a process died may be there too, never twice: keys are unique.
    expect(Number(row!.total) - acknowledged.length).toBeLessThanOrEqual(24);
  }, 90_000);
});
