import type { Currency } from '../kernel/money.ts';
import type { Tx } from '../kernel/tx.ts';
import { sql } from '../platform/postgres/index.ts';
import { closes } from './close-store.ts';
import type { AccountClass } from './model.ts';
import { lastPosition } from './reading.ts';
import {
  makeReplay, type ProblemCode, type Replay, type StoredAccount, type StoredClose, type StoredTransferRow, type VerifyProblem,
} from './replay.ts';

import { micros, verifyHolds } from './verify-holds.ts';
import { readSnapshots } from './verify-snapshots.ts';
import { type Anchored, SealAudit } from './verify-seals.ts';

export type { VerifyProblem } from './replay.ts';

export interface VerifyReport {
  /** The last position that was replayed. */
  position: bigint;
  transfers: number;
  entries: number;
  accounts: number;
  holds: number;
  /** Committed and not yet sequenced; replayed too. */
  unpositioned: number;
  /** What a checkpoint held elsewhere proves, and what lies behind it: fitting, perhaps, and not provable. */
  proven: { position: bigint; transfers: number; holdFacts: number };
  unprovable: { transfers: number; holdFacts: number };
  /** Empty when everything fits. At most 1,000; `more` counts the rest. */
  problems: VerifyProblem[];
  more: number;
}

const BATCH = 1_000;
const PROBLEMS_MAX = 1_000;
/** A close a day for as long as the ledger's calendar lasts. */
const CLOSES_MAX = 80_000;

/** Every trigger without which PostgreSQL would not keep what it promises. */
const TABLES = [
  'currency', 'ledger_account', 'ledger_transfer', 'ledger_entry', 'ledger_position', 'ledger_roll_up',
  'ledger_balance_snapshot', 'ledger_balance_day', 'ledger_hold', 'ledger_hold_leg', 'ledger_hold_resolution',
  'ledger_close', 'ledger_close_total', 'ledger_seal',
];
const TRIGGERS = [
  'ledger_transfer_stamped', 'ledger_legs_arrived', 'ledger_positions_gapless',
  'ledger_hold_stamped', 'ledger_hold_legs_arrived', 'ledger_hold_resolved', 'ledger_hold_capture_moved', 'ledger_close_follows', 'ledger_seal_follows', 'ledger_hold_waits', 'ledger_hold_end_waits',
  ...TABLES.flatMap((table) => [`${table}_never_changes`, `${table}_never_truncated`]),
];

type Report = (code: ProblemCode, id: string, detail: string) => void;

async function checkTriggers(tx: Tx, report: Report): Promise<void> {
  const rows = await sql<{ name: string }>(
    tx, `SELECT tgname AS name FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND tgname = ANY ($1::text[])`, [TRIGGERS],
  );
  const enabled = new Set(rows.map(({ name }) => name));
  for (const name of TRIGGERS) {
    if (!enabled.has(name)) report('trigger_disabled', name, 'The trigger is missing or switched off.');
  }
}

async function readAccounts(tx: Tx): Promise<Map<string, StoredAccount>> {
  const rows = await sql<{
    id: bigint; code: string; currency: Currency; class: AccountClass; guarded: boolean; floor: bigint; hash: Buffer;
  }>(tx, 'SELECT id, code, currency, class, guarded, floor_minor AS floor, content_hash AS hash FROM ledger_account');
  return new Map(rows.map(({ id, floor, hash, ...row }) => {
    return [String(id), { ...row, id: String(id), floorMinor: floor, contentHash: hash }];
  }));
}

interface RawTransfer extends Omit<StoredTransferRow, 'legs'> {
  recordedMicros: bigint;
  accounts: string[] | null;
  currencies: Currency[] | null;
  amounts: string[] | null;
}

const TRANSFERS = `
  SELECT p.position, ${micros('t.recorded_at')} AS "recordedMicros", t.id, t.key, t.kind, t.effective_date AS "effectiveDate", t.leg_count AS "legCount",
         t.content_hash AS "contentHash", t.metadata, (SELECT r.id FROM ledger_transfer r WHERE r.seq = t.reverses) AS reverses,
         (SELECT h.id FROM ledger_hold h WHERE h.seq = t.captures) AS captures, legs.accounts, legs.currencies, legs.amounts,`;

const legsFor = (seq: string): string => `LEFT JOIN LATERAL (
  SELECT array_agg(e.account_id::text ORDER BY e.leg) AS accounts, array_agg(e.currency ORDER BY e.leg) AS currencies,
         array_agg(e.amount_minor::text ORDER BY e.leg) AS amounts
    FROM ledger_entry e WHERE e.transfer_seq = ${seq}) legs ON true`;

const POSITIONED = `${TRANSFERS} p.transfer_seq AS seq FROM ledger_position p
  LEFT JOIN ledger_transfer t ON t.seq = p.transfer_seq ${legsFor('p.transfer_seq')}
  WHERE p.position > $1 ORDER BY p.position LIMIT $2`;

const UNPOSITIONED = `${TRANSFERS} t.seq FROM ledger_transfer t
  LEFT JOIN ledger_position p ON p.transfer_seq = t.seq ${legsFor('t.seq')}
  WHERE t.seq > $1 AND p.position IS NULL ORDER BY t.seq LIMIT $2`;

function transferOf({ accounts, currencies, amounts, ...row }: RawTransfer): StoredTransferRow {
  const legs = (accounts ?? []).map((accountId, index) => {
    const currency = currencies?.[index];
    const amount = amounts?.[index];
    if (currency === undefined || amount === undefined) throw new Error('Legs of unequal width.');
    return { accountId, currency, amountMinor: BigInt(amount) };
  });
  return { ...row, legs };
}

async function readCloses(tx: Tx): Promise<StoredClose[]> {
  const rows = (await closes(tx, null, CLOSES_MAX)).reverse();
  return rows.map(({ totals, ...row }) => ({
    ...row,
    totals: new Map(totals.map((total) => [
      `${total.currency} ${total.class}`,
      { movement: total.movementMinor, adjustments: total.adjustmentsMinor, balance: total.balanceMinor },
    ])),
  }));
}

async function replayPositions(tx: Tx, replay: Replay, accounts: ReadonlyMap<string, StoredAccount>, report: Report, count: (row: StoredTransferRow, recordedMicros: bigint) => Promise<void>): Promise<void> {
  const { rollUps, at } = await readSnapshots(tx, accounts, report);
  const points = [
    ...rollUps.map((rollUp) => ({ position: rollUp.position, pass: () => replay.compare(rollUp, at.get(String(rollUp.position)) ?? []) })),
    ...(await readCloses(tx)).map((close) => ({ position: close.position, pass: () => replay.close(close) })),
  ].sort((a, b) => (a.position < b.position ? -1 : Number(a.position > b.position)));
  let next = 0;
  const passPoints = (before: bigint | null): void => {
    for (let point = points[next]; point !== undefined; point = points[next]) {
      if (before !== null && point.position >= before) return;
      point.pass();
      next += 1;
    }
  };
  for (let last = 0n, more = true; more;) {
    const rows = await sql<RawTransfer & { position: bigint }>(tx, POSITIONED, [last.toString(), BATCH]);
    for (const row of rows) {
      passPoints(row.position);
      const transfer = transferOf(row);
      replay.apply(transfer);
      await count(transfer, row.recordedMicros);
      last = row.position;
    }
    more = rows.length === BATCH;
  }
  passPoints(null);
}

async function replayUnpositioned(tx: Tx, replay: Replay, count: (row: StoredTransferRow) => void): Promise<number> {
  let found = 0;
  for (let last = 0n, more = true; more;) {
    const rows = await sql<RawTransfer>(tx, UNPOSITIONED, [last.toString(), BATCH]);
    for (const row of rows) {
      replay.apply(transferOf(row));
      count(transferOf(row));
      last = row.seq;
    }
    found += rows.length;
    more = rows.length === BATCH;
  }
  return found;
}

/** What a replay by transfer cannot see: loose entries, reversals together, and the sum that the service reads. */
async function checkAcross(tx: Tx, replay: Replay, accounts: ReadonlyMap<string, StoredAccount>, report: Report): Promise<void> {
  const loose = await sql<{ seq: bigint }>(
    tx,
    `SELECT DISTINCT transfer_seq AS seq FROM ledger_entry e
       WHERE NOT EXISTS (SELECT 1 FROM ledger_transfer t WHERE t.seq = e.transfer_seq)`,
  );
  for (const { seq } of loose) report('entry_without_transfer', String(seq), 'Legs stand without their transfer.');
  const excess = await sql<{ id: string; code: string; moved: string; undone: string }>(
    tx,
    `SELECT o.id, a.code, m.moved, u.undone
       FROM (SELECT t.reverses AS seq, e.account_id, sum(e.amount_minor) AS undone FROM ledger_transfer t
               JOIN ledger_entry e ON e.transfer_seq = t.seq WHERE t.reverses IS NOT NULL GROUP BY t.reverses, e.account_id) u
       JOIN ledger_account a ON a.id = u.account_id
       LEFT JOIN ledger_transfer o ON o.seq = u.seq
       CROSS JOIN LATERAL (SELECT coalesce(sum(e.amount_minor), 0) AS moved FROM ledger_entry e
               WHERE e.transfer_seq = u.seq AND e.account_id = u.account_id) m
       WHERE u.undone * sign(m.moved) > 0 OR abs(u.undone) > abs(m.moved)`,
  );
  for (const { id, code, moved, undone } of excess) {
    report('reversal_exceeds', id, `Reversals moved ${undone} on ${code}, it moved ${moved}.`);
  }
  const read = await sql<{ id: bigint; balance: string }>(
    tx, 'SELECT id, ledger_balance(id, NULL, NULL) AS balance FROM ledger_account',
  );
  for (const { id, balance } of read) {
    const sum = replay.balances.get(String(id)) ?? 0n;
    if (BigInt(balance) !== sum) {
      report('balance_wrong', accounts.get(String(id))?.code ?? String(id), `It is read as ${balance}, the entries sum to ${String(sum)}.`);
    }
  }
}

/**
 * Replays the ledger within one snapshot of the database (the caller opens REPEATABLE READ). `anchored` are the seals' leaves
 * that a checkpoint held elsewhere proves; without it everything may fit and nothing is proven.
 */
export async function verifyLedger(tx: Tx, anchored: Anchored | null = null): Promise<VerifyReport> {
  const problems: VerifyProblem[] = [];
  let more = 0;
  const report: Report = (code, id, detail) => {
    if (problems.length < PROBLEMS_MAX) problems.push({ code, id, detail });
    else more += 1;
  };
  await checkTriggers(tx, report);
  const accounts = await readAccounts(tx);
  const replay = makeReplay(accounts, report);
  let transfers = 0;
  let entries = 0;
  const count = (row: StoredTransferRow): void => {
    if (row.id !== null) transfers += 1;
    entries += row.legs.length;
  };
  const seals = new SealAudit(tx, anchored, accounts, report);
  let proven = 0;
  await replayPositions(tx, replay, accounts, report, async (row, recordedMicros) => {
    count(row);
    await seals.transfer(row, recordedMicros);
    if (row.id !== null && row.position !== null && row.position <= seals.proven.position) proven += 1;
  });
  await seals.end();
  const unpositioned = await replayUnpositioned(tx, replay, count);
  await checkAcross(tx, replay, accounts, report);
  const { holds, facts } = await verifyHolds(tx, accounts, replay.balances, report, (hold) => seals.hold(hold));
  seals.endHolds();
  return {
    position: await lastPosition(tx), transfers, entries, accounts: accounts.size, holds, unpositioned,
    proven: { position: seals.proven.position, transfers: proven, holdFacts: seals.proven.holdFacts },
    unprovable: { transfers: transfers - proven, holdFacts: Math.max(0, facts - seals.proven.holdFacts) }, problems, more,
  };
}
