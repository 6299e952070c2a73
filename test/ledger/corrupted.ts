import { generateKeyPairSync } from 'node:crypto';

import type pg from 'pg';

import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { sha256Hex } from '../../src/kernel/digest.ts';
import { makeIds } from '../../src/kernel/ids.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import type { Tx } from '../../src/kernel/tx.ts';
import { type BooksReport, verifyBooksIn } from '../../src/compose/verify-ledger.ts';
import { chart, makeBooks } from '../../src/ledger/index.ts';
import { connect, sql } from '../../src/platform/postgres/index.ts';
import { makeTransparency } from '../../src/transparency/index.ts';
import { makeTestClock } from '../support/clock.ts';
import { type Corruption, makeCorruptions, type Target, type Targets } from './corruptions.ts';
import { house, into, openTestLedger, type TestLedger, wallet } from './support.ts';

/** A ledger with holds, closes, roll-ups, seals and statements; its log's checkpoint kept outside, and a little behind it. */
export interface Corruptible {
  corruptions: (seed: string, each: number) => Corruption[];
  /** Corrupts with triggers off, verifies against the checkpoint that was kept, and takes it back. */
  verify: (corruption: Pick<Corruption, 'apply'> | null, kept?: (checkpoint: string) => string | null) => Promise<BooksReport>;
  /** Runs work in one transaction for all of them; nothing of it stays. */
  within: (work: () => Promise<void>) => Promise<void>;
  close: () => Promise<void>;
}

const clock = makeTestClock('2026-03-01T12:00:00Z');
const day = (n: number): string => `2026-01-${String(1 + (n % 28)).padStart(2, '0')}`;

async function fill(t: TestLedger, books: ReturnType<typeof makeBooks>): Promise<void> {
  await t.post({ key: 'c/start', legs: into(wallet('held'), 100_000n) });
  for (let i = 0; i < 120; i += 1) {
    await t.post({
      key: `c/${i}`, effectiveDate: day(i), legs: into(wallet(`c${i % 3}`), BigInt(10 + i)),
      metadata: { outputId: `out_${i}`, splitVersionId: `spl_${i % 5}`, charge: `ch_${i}` },
    });
    if (i % 20 === 19) {
      await t.ledger.rollUp({ stride: 10, worth: 4, daysWorth: 4 });
      await books.seal({ most: 15 });
    }
  }
  await books.closeLedgerPeriod({ accountId: 'acc_1', sessionId: 'ses_1', roles: ['operator'] }, { scope: 's', key: 'k', digest: 'd' }, { throughDay: '2026-01-15' });
  for (let i = 0; i < 30; i += 1) {
    const { holdId } = await t.database.runTx((tx) => t.ledger.hold(tx, {
      key: `h/${i}`, kind: 'test.hold', legs: into(wallet('held'), -10n), metadata: { outputId: `out_h${i}` },
      expiresAt: i % 4 === 2 ? new Date('2026-03-01T11:00:00Z') : new Date('2026-03-20T12:00:00Z'),
    }));
    if (i % 4 === 0) await t.database.runTx((tx) => t.ledger.captureHold(tx, holdId, { key: `cap/${i}`, at: clock.now(), effectiveDate: day(i) }));
    if (i % 4 === 1) await t.database.runTx((tx) => t.ledger.voidHold(tx, holdId, clock.now()));
  }
  await t.ledger.expireHolds(clock.now());
  await t.ledger.rollUp({ stride: 10, worth: 4, daysWorth: 4 });
  await books.seal({ most: 15 });
}

/** Statements of the platform's share, each over ten earnings, with the rows and leaves that a close writes. */
async function state(t: TestLedger, transparency: ReturnType<typeof makeTransparency>): Promise<void> {
  let fromPosition = await t.ledger.sequence();
  let openingMinor = 0n;
  await t.database.asOwner(
    `INSERT INTO statement_close (number, from_position, to_position, from_day, through_day, closed_by, closed_at) VALUES (1, 0, $1, '2025-12-01', '2026-01-01', 'acc_1', now())`,
    [fromPosition.toString()],
  );
  for (let close = 2; close <= 5; close += 1) {
    const posted: { transferId: string; amount: bigint }[] = [];
    for (let i = 0; i < 10; i += 1) {
      const amount = BigInt(100 + close * 10 + i);
      const { transferId } = await t.post({ key: `s/${close}/${i}`, kind: 'royalties.pot_divided', legs: [{ account: house('earned'), amountMinor: amount }, { account: chart.payable('platform', 'CNY'), amountMinor: -amount }] });
      posted.push({ transferId, amount });
    }
    const toPosition = await t.ledger.sequence();
    const closingMinor = posted.reduce((sum, { amount }) => sum + amount, openingMinor);
    const id = `stm_${String(close).padStart(26, '0')}`;
    const lines = posted.map(({ amount }, i) => ({ lineId: String(i + 1), amountMinor: amount.toString(), label: `earnings ${i}` }));
    const debt = { openingMinor: '0', closingMinor: '0', lines: [] };
    const canonical = canonicalJson({ statementId: id, openingMinor: openingMinor.toString(), closingMinor: closingMinor.toString(), lines, debt });
    const digest = sha256Hex(canonical);
    const opening = openingMinor;
    await t.database.runTx(async (tx) => {
      const { leafId } = await transparency.append(tx, { type: 'statement.closed', subjectId: id, at: clock.now(), documentSha256: digest });
      await sql(tx, `INSERT INTO statement_close (number, from_position, to_position, from_day, through_day, closed_by, closed_at)
        VALUES ($1, $2, $3, $4, $5, 'acc_1', now())`, [close, fromPosition.toString(), toPosition.toString(), `2026-0${close - 1}-01`, `2026-0${close}-01`]);
      await sql(tx, `INSERT INTO statement (id, close_number, payee, payee_name, currency, number, opening_minor, closing_minor, debt_opening_minor, debt_closing_minor,
          canonical, digest, key_id, signature, leaf_id, closed_at) VALUES ($1, $2, 'platform', 'Benren', 'CNY', $3, $4, $5, 0, 0, $6, $7, 'k', 's', $8, now())`,
      [id, close, close - 1, opening.toString(), closingMinor.toString(), canonical, digest, leafId]);
      for (const [i, { transferId, amount }] of posted.entries()) {
        await sql(tx, `INSERT INTO statement_line (statement_id, line_id, transfer_id, leg, amount_minor) VALUES ($1, $2, $3, 2, $4)`, [id, String(i + 1), transferId, amount.toString()]);
      }
    });
    fromPosition = toPosition;
    openingMinor = closingMinor;
  }
}

async function targetsOf(t: TestLedger): Promise<Targets> {
  const own = <Row extends pg.QueryResultRow>(text: string): Promise<Row[]> => t.database.asOwner<Row>(text);
  const plain = await own<Pick<Target, keyof Target>>(`SELECT t.seq::text, t.id, p.position::int, t.key FROM ledger_transfer t JOIN ledger_position p ON p.transfer_seq = t.seq WHERE t.key ~ '^c/[0-9]+$' ORDER BY p.position`);
  const [sealed] = await own<{ top: number }>('SELECT max(to_position)::int AS top FROM ledger_seal');
  return {
    plain, top: sealed!.top,
    holds: await own<Targets['holds'][number]>('SELECT h.seq::text, h.id, r.outcome FROM ledger_hold h LEFT JOIN ledger_hold_resolution r ON r.hold_seq = h.seq ORDER BY h.seq'),
    snapshots: await own<Targets['snapshots'][number]>(`SELECT s.account_id::text AS account, a.code::text, s.position::text FROM ledger_balance_snapshot s JOIN ledger_account a ON a.id = s.account_id ORDER BY 1, 3`),
    lines: await own<Targets['lines'][number]>('SELECT statement_id AS statement, transfer_id AS "transferId", leg FROM statement_line ORDER BY 1, 2'),
  };
}

export async function openCorruptible(): Promise<Corruptible> {
  const t = await openTestLedger('corrupted');
  const ids = makeIds(clock, seededRandom('corrupted/log'));
  const transparency = makeTransparency({ runTx: t.database.runTx, clock, ids, logKey: generateKeyPairSync('ed25519').privateKey, origin: 'test.example/log' });
  const books = makeBooks({ runTx: t.database.runTx, clock, log: transparency });
  await fill(t, books);
  await state(t, transparency);
  await books.seal({ most: 15 });
  await transparency.sequence();
  const checkpoint = await transparency.getCheckpoint();
  const targets = await targetsOf(t);
  for (let i = 0; i < 5; i += 1) await t.post({ key: `behind/${i}`, legs: into(wallet('c0'), 1n) });
  await t.ledger.sequence();
  await t.database.asOwner('ANALYZE');
  const vandal = await connect({ url: t.database.superuserUrl, poolSize: 1 });
  let open: Tx | null = null;
  const undo = new Error('undo');
  return {
    corruptions: (seed, each) => makeCorruptions(seed, targets, each),
    async within(work) {
      try {
        await vandal.runTx(async (tx) => {
          await sql(tx, `SET LOCAL session_replication_role = 'replica'`);
          open = tx;
          await work();
          throw undo;
        }, { isolation: 'REPEATABLE READ' });
      } catch (error) {
        if (error !== undo) throw error;
      } finally {
        open = null;
      }
    },
    async verify(corruption, kept = (note) => note) {
      if (open === null) throw new Error('Corruptions are made within a transaction.');
      await sql(open, 'SAVEPOINT sound');
      await corruption?.apply(open);
      const note = kept(checkpoint);
      const report = await verifyBooksIn(open, { ledger: t.ledger, transparency }, note === null ? null : { checkpoint: note });
      await sql(open, 'ROLLBACK TO SAVEPOINT sound');
      await sql(open, 'RELEASE SAVEPOINT sound');
      return report;
    },
    async close() {
      await vandal.close();
      await t.close();
    },
  };
}

/** Whether a report names what was done. */
export function named({ problems }: BooksReport, { names }: Corruption): boolean {
  return problems.some(({ id, detail }) => names.test(id) || names.test(detail));
}
